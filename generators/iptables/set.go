package iptables

import (
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

// maxElements is the size of every set. It is one for all sizes, because a set that
// is there is not created again with another; an empty set takes no room for it.
const maxElements = 1 << 22

// setsView is what templates/iptables/gatewright.ipset.tmpl renders.
type setsView struct {
	Header []comment
	Sets   []setView
}

// setView is one set of type hash:net, single addresses or not.
type setView struct {
	Name, Staging name
	Family        keyword
	MaxElements   int
	Elements      elements
}

func setsHeader() []comment { return commentsOf(artefact.ListHeader(setsTitle, setsLoad, format)) }

func newSet(s filter.Set) setView {
	v := setView{Name: name(s.Name), Family: family(s.Family).setFamily(), MaxElements: maxElements}
	v.Staging = v.Name.staging()
	v.Elements = addElements(v.Staging, s.Prefixes)
	return v
}
