package iptables

import (
	"fmt"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// maxElements is the size of every set. It is one for all sizes, because a set that
// is there is not created again with another; an empty set takes no room for it.
const maxElements = 1 << 22

// setsView is what templates/iptables/gatewright.ipset.tmpl renders.
type setsView struct {
	Header []comment
	Sets   []setView

	elements int // for the account
	declared map[name]bool
}

// setView is one set of type hash:net, single addresses or not: a set cannot change
// its type.
type setView struct {
	Name, Staging name
	Family        keyword
	MaxElements   int
	Elements      elements
}

func newSets(p *rule.Policy) *setsView {
	return &setsView{
		Header:   commentsOf(artefact.ListHeader(setsTitle, setsLoad, format)),
		declared: map[name]bool{},
	}
}

// add declares a set of addresses of one family once.
func (v *setsView) add(f family, s netset.PrefixSet, parts []string) (name, error) {
	n, err := setName(f, parts...)
	if err != nil || v.declared[n] {
		return n, err
	}
	size := s.Len()
	if size > maxElements {
		return "", fmt.Errorf("set %s has %d prefixes; ipset gets room for %d: use the generator nftables, or select fewer entries", n, size, maxElements)
	}
	v.declared[n] = true
	v.elements += size
	v.Sets = append(v.Sets, newSet(n, f, addElements(n.staging(), s)))
	return n, nil
}

func newSet(n name, f family, e elements) setView {
	return setView{Name: n, Staging: n.staging(), Family: f.setFamily(), MaxElements: maxElements, Elements: e}
}
