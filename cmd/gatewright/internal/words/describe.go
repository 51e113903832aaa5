package words

import (
	"fmt"
	"slices"

	"gatewright/catalog"
	"gatewright/catalog/site"
)

// Legend says what the signs of Describe mean.
const Legend = "~ our reading; = said by the site or by another feed; ? not said by the publisher"

// Describe says in a few words what an entry asks for; what is our reading is
// marked with a tilde, and what the site or another feed filled in with "=".
func Describe(o *site.Outcome, granted Facts) string {
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
	if granted == (Facts{}) {
		granted = answeredFacts(o.Answer)
	}
	text := show(catalog.FactRemote, Endpoints(EndpointsOf(e)), granted.remote, "?")
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

// Facts are what an entry's flows were granted, or its trusted site; empty where
// there is none.
type Facts struct{ role, arrow, remote, services string }

// answeredFacts are what the site says of an entry that is open still.
func answeredFacts(a site.Answer) (said Facts) {
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

// remoteSummary says an answered remote in a few
func remoteSummary(r site.Remote) string {
	switch {
	case r.Any:
		return "any"
	case r.Role != "":
		return "role " + string(r.Role)
	case len(r.From) > 0:
		return "from " + Some(r.From)
	}
	return Endpoints(EndpointsOf(&catalog.Entry{Names: r.Names, Prefixes: r.Prefixes}))
}

// Granted are the facts of the entries by their ids, each after an "=".
func Granted(r *site.Result) map[string]Facts {
	granted := map[string]Facts{}
	directions := map[string]catalog.Direction{}
	for _, g := range r.Input.Grants {
		d := catalog.Direction(g.Direction)
		if other, ok := directions[g.Entry.ID]; ok && other != d {
			d = catalog.Bidirectional
		}
		directions[g.Entry.ID] = d
		remote := "any"
		if !g.Any {
			remote = Endpoints(EndpointsOf(&catalog.Entry{Names: g.Names, Prefixes: g.Prefixes}))
		}
		granted[g.Entry.ID] = Facts{"=" + string(g.Role), "=" + arrow(d), "=" + remote, "=" + g.Services.String()}
	}
	for _, s := range r.Policy.TrustedSites {
		granted[s.Entry.ID] = Facts{remote: "=" + Endpoints(Texts(s.Names.Patterns()))}
	}
	return granted
}

// EndpointsOf are the endpoints that an entry lists, and a role in their place first;
// the list is never nil.
func EndpointsOf(e *catalog.Entry) []string {
	list := []string{}
	if e.RemoteRole != "" {
		list = append(list, "role "+e.RemoteRole)
	}
	list = append(list, Texts(slices.Values(e.Names))...)
	for _, p := range e.Pending {
		list = append(list, p.Text)
	}
	return append(list, Texts(e.Prefixes.Prefixes())...)
}
