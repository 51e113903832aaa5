package trustedsites

import (
	"slices"
	"strings"

	"gatewright/catalog/netset"
)

// keyIndex answers for all keys of a file at once, however many there are.
type keyIndex struct {
	keys  []key
	whole map[string]bool // domains with all their subdomains
	exact map[string]bool // hosts
	below map[string]bool // parents of one label

	reach netset.NameSet // what keys trust, and deeper names below the parents
}

func indexOf(keys []key) keyIndex {
	x := keyIndex{keys: keys, whole: map[string]bool{}, exact: map[string]bool{}, below: map[string]bool{}}
	var reach []netset.Pattern
	add := func(text string) {
		if p, err := netset.ParsePattern(text); err == nil {
			reach = append(reach, p)
		}
	}
	for _, k := range keys {
		host := k.host()
		parent, wild := strings.CutPrefix(host, "*.")
		switch {
		case k.below == "":
			x.whole[host] = true
			add("*." + host)
		case wild:
			x.below[parent] = true
		default:
			x.exact[host] = true
		}
		add(host)
	}
	x.reach = netset.NameSetOf(reach...)
	return x
}

// trusts reports whether any key puts a host into the zone.
func (x keyIndex) trusts(host string) bool {
	_, parent, _ := strings.Cut(host, ".")
	return x.trustsWhole(host) || x.exact[host] || x.below[parent]
}

// covers reports whether one key trusts every host of a pattern.
func (x keyIndex) covers(p netset.Pattern) bool {
	if manyLabels(p) {
		return x.trustsWhole(p.String())
	}
	return x.trusts(p.String())
}

// trustsWhole reports whether a host is in a domain that is trusted with all its
// subdomains.
func (x keyIndex) trustsWhole(host string) bool {
	for domain, more := host, true; more; _, domain, more = strings.Cut(domain, ".") {
		if x.whole[domain] {
			return true
		}
	}
	return false
}

// overlaps reports whether any key trusts a host of a pattern.
func (x keyIndex) overlaps(p netset.Pattern) bool {
	switch {
	case !x.reach.Overlaps(netset.NameSetOf(p)):
		return false
	case manyLabels(p):
		return true
	}
	return slices.ContainsFunc(x.keys, func(k key) bool { return k.overlaps(p) })
}
