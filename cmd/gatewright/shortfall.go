package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

// shortfall is one thing that --strict fails on.
type shortfall struct {
	text  string
	place site.Place        // in the site file; nowhere if that says nothing of it
	of    *artefact.Made    // the output that falls short; nil for other shortfalls
	line  artefact.Coverage // of that output
}

// shortfalls returns what --strict fails on.
func (p *production) shortfalls() []shortfall {
	var short []shortfall
	for _, d := range p.result.Doubts {
		short = append(short, shortfall{text: d.Where + ": " + d.Text, place: p.site.PlaceOfEntry(d.Where)})
	}
	for _, o := range p.result.Policy.Open {
		text := fmt.Sprintf("%s: %s is open: %s", o.Entry.ID, o.Name(), o.Why)
		short = append(short, shortfall{text: text, place: cmp.Or(p.site.PlaceOf(o.Section, lineKey(o)), p.site.PlaceOfEntry(o.Entry.ID))})
	}
	for i, o := range p.outputs {
		for _, c := range o.Coverage {
			if c.FallsShort() && !p.site.Tolerates(o.Generator, string(c.Verdict), c.Entries) {
				text := fmt.Sprintf("%s: %s is %s: %s; %s, or list it under \"tolerate\" in the site file", o.Generator, c.Name(), c.Verdict, c.Reason, c.Remedy)
				short = append(short, shortfall{text, p.site.PlaceOfTolerable(o.Generator, c.Entries), &p.outputs[i], c})
			}
		}
	}
	return append(short, p.hiddenShortfalls()...)
}

// keys tell a shortfall from others, whatever rule it is of: one for each entry of
// which the output falls short by itself. An entry that is rendered exactly, and joins
// a rule with others that are not, brings no shortfall of its own.
func (p *production) keys(s shortfall) (keys []string) {
	if s.of == nil || len(s.line.Entries) == 0 {
		return []string{s.text}
	}
	key := func(entry string, c artefact.Coverage) string {
		return fmt.Sprintf("%s %s %s: %s", s.of.Generator, c.Verdict, entry, c.Reason)
	}
	if len(s.line.Entries) == 1 {
		return []string{key(s.line.Entries[0], s.line)}
	}
	g, err := generators.ByName(s.of.Generator)
	if err != nil {
		return []string{s.text}
	}
	for _, entry := range s.line.Entries {
		policy, err := rule.Compile(p.result.Input.Of(entry))
		if err != nil {
			return []string{s.text}
		}
		alone, err := g.Generate(policy, s.of.Settings)
		if err != nil {
			return []string{s.text}
		}
		for _, c := range alone.Coverage {
			if c.FallsShort() {
				keys = append(keys, key(entry, c))
			}
		}
	}
	if keys == nil {
		return []string{s.text} // none by itself
	}
	return keys
}

// unknown reports whether any of the keys is not known.
func unknown(keys []string, known map[string]bool) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return !known[key] })
}

// lineKey is the key of the line that answers an open item.
func lineKey(o rule.Open) string {
	if o.Section == site.SectionPaths {
		return ""
	}
	key, _, _ := strings.Cut(strings.TrimPrefix(o.Line, `"`), `"`)
	return key
}
