package iptables

import (
	"errors"
	"net/netip"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
	"gatewright/templates"
)

// setsReader gathers the view of a file of sets, and what they hold.
type setsReader struct {
	view    setsView
	held    []filter.Set   // of each set of the view
	at      map[string]int // of a set by name, in held
	created []int          // the lines that create them
	file    *artefact.Lines
}

func readSetsFile(data []byte) (*setsReader, error) {
	r := &setsReader{at: map[string]int{}, view: setsView{Header: setsHeader()}, file: artefact.LinesOf(setsFile, data, maxSetsLine)}
	rest, err := r.file.ReadTitle(setsTitle, format)
	if err == nil && rest != "" {
		err = r.file.Foreign(errors.New("the title of the file"))
	}
	for err == nil && r.file.Next() {
		err = r.take(strings.Fields(r.file.Line))
	}
	if err != nil {
		return nil, err
	}
	again, err := templates.Execute("iptables/gatewright.ipset.tmpl", &r.view)
	if err == nil {
		err = artefact.Compare(setsFile, data, again)
	}
	return r, err
}

// take reads what starts at a line. The comparison finds what it passes over.
func (r *setsReader) take(words []string) error {
	switch {
	case len(words) == 8 && words[0] == "create" && !strings.HasSuffix(words[1], staging):
		s := filter.Set{Name: words[1], Family: filter.Family(ipv4)}
		if words[4] == string(ipv6.setFamily()) {
			s.Family = filter.Family(ipv6)
		}
		err := checkName(s.Name, maxSet-len(staging))
		if _, known := r.at[s.Name]; err == nil && known {
			err = errors.New("every set only once")
		}
		if err != nil {
			return r.file.Foreign(err)
		}
		r.at[s.Name] = len(r.held)
		r.held, r.created = append(r.held, s), append(r.created, r.file.At)
		r.view.Sets = append(r.view.Sets, setView{})
	case len(words) == 2 && words[0] == "flush":
		return r.takeElements(words[1])
	}
	return nil
}

// takeElements reads the lines that follow the one that empties a set.
func (r *setsReader) takeElements(staged string) error {
	i, known := r.at[strings.TrimSuffix(staged, staging)]
	if !known || !strings.HasSuffix(staged, staging) || r.view.Sets[i].Name != "" {
		return r.file.Foreign(errors.New("a set of this file, only once"))
	}
	start := *r.file
	var prefixes []netip.Prefix
	for r.file.Follows("add ") && r.file.Next() {
		p, err := family(r.held[i].Family).readElement(strings.TrimPrefix(r.file.Line, "add "+staged+" "))
		if err != nil {
			return r.file.Foreign(err)
		}
		prefixes = append(prefixes, p)
	}
	if bad, found := artefact.Overlapping(prefixes, netip.Prefix.Compare, netip.Prefix.Overlaps); found {
		return r.file.ForeignAt(start.At+1+bad, errors.New("elements that do not overlap"))
	}
	r.held[i].Prefixes = netset.PrefixSetOf(prefixes...)
	r.view.Sets[i] = newSet(filter.Set{Name: r.held[i].Name, Family: r.held[i].Family})
	r.view.Sets[i].Elements = elements(r.file.Since(start)) // in their order
	return nil
}

// list returns the sets; of a file that is not there, none.
func (r *setsReader) list() []filter.Set {
	if r == nil {
		return nil
	}
	return r.held
}

// checkUse refuses a set that no rule of its family uses.
func (r *setsReader) checkUse(by *rules) error {
	used := map[string]bool{}
	for _, s := range by.sets {
		used[s.Name] = true
	}
	for i, s := range r.list() {
		if family(s.Family) == by.family && !used[s.Name] {
			return r.file.ForeignAt(r.created[i], errors.New("a set that a rule uses"))
		}
	}
	return nil
}

// besides adds the sets of a family whose rules are not there.
func (r *setsReader) besides(out *artefact.Reading, f family) {
	for _, s := range r.list() {
		if family(s.Family) == f {
			out.Beside = append(out.Beside, artefact.Statement{File: setsFile, Name: "set", Value: s.Name + ": " + s.Prefixes.String()})
		}
	}
}
