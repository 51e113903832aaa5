// Package nftablestest reads the output of nft in tests. It is independent of the code
// that reads the running rules, so the two check each other.
package nftablestest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/filter"
)

// ReadBack reads what `nft -j list ruleset` prints about one table, such as "inet
// filter": sets, maps, and the chains whose names are ours. It refuses a rule in them
// that holds anything but what package nftables renders, so that nothing is overlooked.
func ReadBack(dump []byte, table string) (filter.Ruleset, error) {
	var doc struct{ Nftables []jsonObject }
	if err := json.Unmarshal(dump, &doc); err != nil {
		return filter.Ruleset{}, fmt.Errorf("nft -j list ruleset: %w", err)
	}
	var rs filter.Ruleset
	for _, o := range doc.Nftables {
		var err error
		switch {
		case o.Set != nil && o.Set.Family+" "+o.Set.Table == table:
			err = addJSONSet(&rs, o.Set)
		case o.Map != nil && o.Map.Family+" "+o.Map.Table == table:
			err = addJSONMap(&rs, o.Map)
		case o.Chain != nil && o.Chain.Family+" "+o.Chain.Table == table && isOurs(o.Chain.Name):
			rs.Chains = append(rs.Chains, filter.Chain{Name: o.Chain.Name})
		case o.Rule != nil && o.Rule.Family+" "+o.Rule.Table == table && isOurs(o.Rule.Chain):
			err = addJSONRule(&rs, o.Rule)
		}
		if err != nil {
			return filter.Ruleset{}, err
		}
	}
	rs.Sort()
	return rs, nil
}

func isOurs(chain string) bool { return strings.HasPrefix(chain, filter.Prefix) }

type jsonObject struct {
	Set, Map *jsonSet
	Chain    *struct{ Family, Table, Name string }
	Rule     *jsonRule
}

type jsonSet struct {
	Family, Table, Name string
	Type                json.RawMessage // a word, or a list for a concatenation
	Map                 json.RawMessage // of a map to chains: "verdict", or a list of it
	Elem                []json.RawMessage
}

type jsonRule struct {
	Family, Table, Chain, Comment string
	Expr                          []json.RawMessage
}

// oneWord reads a type: a word, or since nft 1.1 a list. A list of more than one word,
// as of a concatenation, reads as no word.
func oneWord(raw json.RawMessage) string {
	var list []string
	if json.Unmarshal(raw, &list) == nil && len(list) == 1 {
		return list[0]
	}
	var word string
	_ = json.Unmarshal(raw, &word)
	return word
}

// types are those of sets of addresses and of ports.
var types = map[string]filter.Family{"ipv4_addr": filter.IPv4, "ipv6_addr": filter.IPv6, "inet_service": filter.Both}

// addJSONSet reads a set of addresses or ports; the site's own sets of other types are
// not looked at.
func addJSONSet(rs *filter.Ruleset, s *jsonSet) error {
	f, known := types[oneWord(s.Type)]
	if !known {
		return nil
	}
	out := filter.Set{Name: s.Name, Family: f}
	var err error
	if f == filter.Both {
		out.Ports, err = portRanges(s.Elem)
	} else {
		var b netset.PrefixBuilder
		for _, raw := range s.Elem {
			if err = addElement(&b, raw); err != nil {
				break
			}
		}
		out.Prefixes = b.Build()
	}
	rs.Sets = append(rs.Sets, out)
	if err != nil {
		return fmt.Errorf("set %s: %w", s.Name, err)
	}
	return nil
}

// addJSONMap reads a map to chains, those of a chain together in the order of their
// first.
func addJSONMap(rs *filter.Ruleset, s *jsonSet) error {
	f, known := types[oneWord(s.Type)]
	if !known || oneWord(s.Map) != "verdict" {
		return nil
	}
	m := filter.Map{Name: s.Name, Family: f}
	held := map[string]*netset.PrefixBuilder{}
	for _, raw := range s.Elem {
		var pair []json.RawMessage
		var to struct{ Goto struct{ Target string } }
		if err := json.Unmarshal(raw, &pair); err != nil || len(pair) != 2 || strict(pair[1], &to) != nil || to.Goto.Target == "" {
			return fmt.Errorf("map %s: unknown element %s", s.Name, raw)
		}
		chain := to.Goto.Target
		if held[chain] == nil {
			held[chain] = &netset.PrefixBuilder{}
			m.Elements = append(m.Elements, filter.Element{Chain: chain})
		}
		if err := addElement(held[chain], pair[0]); err != nil {
			return fmt.Errorf("map %s: %w", s.Name, err)
		}
	}
	for i := range m.Elements {
		m.Elements[i].Prefixes = held[m.Elements[i].Chain].Build()
	}
	rs.Maps = append(rs.Maps, m)
	return nil
}

// addElement reads "192.0.2.1", {"prefix": …}, {"range": […]}, or any of them with
// attributes such as a timeout in {"elem": {"val": …}}.
func addElement(b *netset.PrefixBuilder, raw json.RawMessage) error {
	var e struct {
		Prefix *struct {
			Addr netip.Addr
			Len  int
		}
		Range *[2]netip.Addr
		Elem  *struct{ Val json.RawMessage }
	}
	if raw[0] == '"' {
		var a netip.Addr
		if err := json.Unmarshal(raw, &a); err != nil {
			return err
		}
		b.Add(netip.PrefixFrom(a, a.BitLen()))
		return nil
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return err
	}
	switch {
	case e.Prefix != nil:
		b.Add(netip.PrefixFrom(e.Prefix.Addr, e.Prefix.Len))
	case e.Range != nil:
		b.AddRange(e.Range[0], e.Range[1])
	case e.Elem != nil:
		return addElement(b, e.Elem.Val)
	default:
		return fmt.Errorf("unknown element %s", raw)
	}
	return nil
}

// portRanges reads a list of 443 and {"range": [50000, 59999]}, which it sorts.
func portRanges(list []json.RawMessage) ([]netset.PortRange, error) {
	var out []netset.PortRange
	for _, raw := range list {
		var e struct{ Range [2]uint16 }
		if raw[0] != '{' {
			if err := json.Unmarshal(raw, &e.Range[0]); err != nil {
				return nil, err
			}
			e.Range[1] = e.Range[0]
		} else if err := strict(raw, &e); err != nil {
			return nil, err
		}
		out = append(out, netset.PortRange{First: e.Range[0], Last: e.Range[1]})
	}
	slices.SortFunc(out, func(a, b netset.PortRange) int { return cmp.Compare(a.First, b.First) })
	return out, nil
}

// strict refuses keys that v does not name.
func strict(raw json.RawMessage, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
