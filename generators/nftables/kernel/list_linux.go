package kernel

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/filter"
)

// List returns the changes one by one, with our rules in the syntax of nft.
func (c *Changes) List(text func(filter.Rule) string) (all []filter.Change) {
	add := func(sign byte, kind, in, text string) {
		all = append(all, filter.Change{Sign: sign, Kind: kind, In: in, Text: text})
	}
	if c.Have.Missing && !c.Want.Missing {
		add('+', "table", "", c.Want.Name)
	}
	if have, want := flagsText(c.Have.Flags), flagsText(c.Want.Flags); have != want && !c.Want.Missing {
		add('-', "table", "", c.Want.Name+have)
		add('+', "table", "", c.Want.Name+want)
	}
	for _, name := range c.drops {
		all = append(all, filter.Change{Sign: '-', Kind: "table", Text: name, Place: "table " + name})
	}
	for _, one := range c.chains {
		all = append(all, one.list(text)...)
	}
	for _, one := range c.sets {
		all = append(all, one.list()...)
	}
	for _, name := range c.counters.del {
		add('-', "counter", "", name)
	}
	for _, name := range c.counters.add {
		add('+', "counter", "", name)
	}
	return all
}

// flagsText is what flags make of a table; nothing for none.
func flagsText(flags uint32) string {
	switch {
	case flags == 0:
		return ""
	case flags&tableDormant != 0:
		return ", asleep"
	}
	return fmt.Sprintf(", flags %#x", flags)
}

func (c chainChange) list(text func(filter.Rule) string) (all []filter.Change) {
	name := ""
	switch {
	case c.have == nil:
		name = c.want.Name
		all = append(all, filter.Change{Sign: '+', Kind: "chain", Text: name + c.want.Hook.text()})
	case c.want == nil:
		name = c.have.Name
		all = append(all, filter.Change{Sign: '-', Kind: "chain", Text: name + c.have.Hook.text()})
	case c.replaced:
		name = c.have.Name
		all = append(all, filter.Change{Sign: '-', Kind: "chain", Text: name + c.have.Hook.text()}, filter.Change{Sign: '+', Kind: "chain", Text: name + c.want.Hook.text()})
	case c.newPolicy():
		name = c.have.Name
		all = append(all, filter.Change{Sign: '-', Kind: "policy", In: name, Text: policyText(c.have.Hook)}, filter.Change{Sign: '+', Kind: "policy", In: name, Text: policyText(c.want.Hook)})
	default:
		name = c.have.Name
	}
	for _, e := range c.edits {
		if e.gone != nil {
			all = append(all, e.gone.change('-', name, text))
		}
	}
	for _, e := range c.edits {
		if e.new != nil {
			all = append(all, e.new.change('+', name, text))
		}
	}
	return all
}

func (r *rule) change(sign byte, chain string, text func(filter.Rule) string) filter.Change {
	c := filter.Change{Sign: sign, Kind: "rule", In: chain}
	if r.odd != nil {
		c.Text = r.text()
	} else {
		c.Text = text(r.decoded)
	}
	return c
}

// text is a rule that is none of ours, by its expressions and their bytes.
func (r *rule) text() string {
	words := make([]string, len(r.Expressions))
	for i, e := range r.Expressions {
		words[i] = e.Name + " " + hex.EncodeToString(e.Data)
	}
	s := fmt.Sprintf("%s (%v)", strings.Join(words, ", "), r.odd)
	if comment := r.comment(); comment != "" {
		s += fmt.Sprintf(" comment %q", comment)
	}
	return s
}

func (h *hook) text() string {
	if h == nil {
		return ""
	}
	return fmt.Sprintf(" (type %s, %s)", h.Kind, h.filter())
}

func policyText(h *hook) string { return string(h.filter().Policy) }

func (c setChange) list() (all []filter.Change) {
	if c.have != nil && (c.want == nil || c.replaced) {
		all = append(all, filter.Change{Sign: '-', Kind: c.have.kind(), Text: c.have.Name})
	}
	for _, e := range c.del {
		all = append(all, filter.Change{Sign: '-', Kind: "element", In: c.have.Name, Text: c.have.text(e)})
	}
	if c.want != nil && (c.have == nil || c.replaced) {
		all = append(all, filter.Change{Sign: '+', Kind: c.want.kind(), Text: c.want.Name})
	}
	for _, e := range c.add {
		all = append(all, filter.Change{Sign: '+', Kind: "element", In: c.want.Name, Text: c.want.text(e)})
	}
	return all
}

func (s *set) kind() string {
	if s.Spec.Flags&flagMap != 0 {
		return "map"
	}
	return "set"
}

// text is an element as nft writes it.
func (s *set) text(e element) string {
	text := ""
	switch {
	case e.isEverythingElse():
		text = "*"
	case s.Spec.KeyType == typeService:
		text = netset.PortRange{First: uint16(e.First.Lo), Last: uint16(e.Last.Lo)}.String()
	default:
		text = intervalText(e.First.addr(s.Spec.KeySize), e.Last.addr(s.Spec.KeySize))
	}
	if e.Target >= 0 {
		text += " : " + s.Targets[e.Target]
	}
	return text
}

func intervalText(first, last netip.Addr) string {
	var b netset.PrefixBuilder
	b.AddRange(first, last)
	return string(b.Build().AppendRanges(nil, ", "))
}
