package main

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/site"
)

// describe says in a few words what an entry asks for; what is our reading is
// marked with a tilde, and what the site or another feed filled in with "=".
func describe(o *site.Outcome, granted entryFacts) string {
	e := &o.Entry
	show := func(fact catalog.Fact, published, granted, unknown string) string {
		inferred := slices.ContainsFunc(e.Inferred, func(i catalog.Inference) bool { return i.Fact == string(fact) })
		switch {
		case granted != "" && (published == "" || slices.Contains(o.Answered, fact)):
			return granted
		case published == "":
			return unknown
		case inferred:
			return "~" + published
		}
		return published
	}
	if granted == (entryFacts{}) {
		granted = answeredFacts(o.Answer)
	}
	text := show(catalog.FactRemote, endpointSummary(endpoints(e)), granted.remote, "?")
	if e.Kind == catalog.KindTrustedSite {
		return "trusted site " + text
	}
	text = fmt.Sprintf("%s %s %s, %s", show(catalog.FactRole, e.Role, granted.role, "?"),
		show(catalog.FactDirection, arrow(e.Direction), granted.arrow, "?"), text,
		show(catalog.FactServices, e.Services.String(), granted.services, "services ?"))
	if e.Condition != "" {
		text += " [" + e.Condition + "]"
	}
	return text
}

func arrow(d catalog.Direction) string {
	return map[catalog.Direction]string{catalog.Outbound: "->", catalog.Inbound: "<-", catalog.Bidirectional: "<->"}[d]
}

// entryFacts are what an entry's flows were granted, or its trusted site; empty where
// there is none.
type entryFacts struct{ role, arrow, remote, services string }

// answeredFacts are what the site says of an entry that is open still.
func answeredFacts(a site.Answer) (said entryFacts) {
	if a.Role != "" {
		said.role = "=" + string(a.Role)
	}
	if a.Direction != "" {
		said.arrow = "=" + arrow(a.Direction)
	}
	if !a.Services.IsEmpty() {
		said.services = "=" + a.Services.String()
	}
	if a.Remote != nil {
		said.remote = "=" + remoteSummary(*a.Remote)
	}
	return said
}

// remoteSummary says an answered remote in a few words.
func remoteSummary(r site.Remote) string {
	switch {
	case r.Any:
		return "any"
	case r.Role != "":
		return "role " + string(r.Role)
	case len(r.From) > 0:
		return "from " + someOf(r.From)
	}
	return endpointSummary(endpoints(&catalog.Entry{Names: r.Names, Prefixes: r.Prefixes}))
}

// grantedFacts are the facts of the entries by their ids, each after an "=".
func grantedFacts(r *site.Result) map[string]entryFacts {
	granted := map[string]entryFacts{}
	directions := map[string]catalog.Direction{}
	for _, g := range r.Input.Grants {
		d := catalog.Direction(g.Direction)
		if other, ok := directions[g.Entry.ID]; ok && other != d {
			d = catalog.Bidirectional
		}
		directions[g.Entry.ID] = d
		remote := "any"
		if !g.Any {
			remote = endpointSummary(endpoints(&catalog.Entry{Names: g.Names, Prefixes: g.Prefixes}))
		}
		granted[g.Entry.ID] = entryFacts{"=" + string(g.Role), "=" + arrow(d), "=" + remote, "=" + g.Services.String()}
	}
	for _, s := range r.Policy.TrustedSites {
		granted[s.Entry.ID] = entryFacts{remote: "=" + endpointSummary(patternTexts(s.Names))}
	}
	return granted
}

func endpointSummary(list []string) string {
	if len(list) <= 4 {
		return strings.Join(list, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:3], " "), len(list)-3)
}
