package lint

import (
	"fmt"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// shared finds wildcards that hold whatever a provider's customers set up.
func shared(e *catalog.Entry, domains []sharedDomain) []Finding {
	var found []Finding
	for _, n := range e.Names {
		d, ok := sharedBy(n, domains)
		if !ok {
			continue
		}
		found = append(found, Finding{
			Kind: Shared, Entry: e.ID, Endpoints: []string{n.String()},
			Why: fmt.Sprintf("it contains %s, under which anybody can get a name: %s (%s)", d.name, d.what, d.source),
			Do:  "list the names that you use in your own catalogue and exclude this entry, or send them to a proxy that inspects requests",
		})
	}
	return found
}

// sharedBy returns the shared domain of which the pattern's stars may be a customer's
// own label.
func sharedBy(p netset.Pattern, domains []sharedDomain) (sharedDomain, bool) {
	text := p.String()
	star := strings.LastIndexByte(text, '*')
	if star < 0 {
		return sharedDomain{}, false
	}
	_, tail, _ := strings.Cut(text[star:], ".") // what no star can change
	for _, d := range domains {
		if tail == d.name || strings.HasSuffix(d.name, "."+tail) {
			return d, true
		}
		if between, ok := strings.CutSuffix(tail, "."+d.name); ok && 1+strings.Count(between, ".") <= d.levels {
			return d, true
		}
	}
	return sharedDomain{}, false
}
