package nftables

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// ReadBack reads what `nft -j list ruleset` prints about one table, such as
// "inet filter". It refuses a rule in our two chains that holds anything but what
// this package renders, so that nothing is overlooked.
func ReadBack(dump []byte, table string) (Ruleset, error) {
	var doc struct{ Nftables []jsonObject }
	if err := json.Unmarshal(dump, &doc); err != nil {
		return Ruleset{}, fmt.Errorf("nft -j list ruleset: %w", err)
	}
	rs := Ruleset{Prefixes: map[string]netset.PrefixSet{}, Ports: map[string][]netset.PortRange{}}
	for _, o := range doc.Nftables {
		var err error
		switch {
		case o.Set != nil && o.Set.Family+" "+o.Set.Table == table:
			err = rs.addSet(o.Set)
		case o.Rule != nil && o.Rule.Family+" "+o.Rule.Table == table:
			err = rs.addRule(o.Rule)
		}
		if err != nil {
			return Ruleset{}, err
		}
	}
	return rs, nil
}

// Accepts reports whether a rule accepts the flow, as the kernel would decide it on
// any interface.
func (rs Ruleset) Accepts(f rule.Flow) bool {
	return slices.ContainsFunc(rs.Rules, func(l Line) bool { return rs.matches(l, f) })
}

func (rs Ruleset) matches(l Line, f rule.Flow) bool {
	source, destination := f.Local, f.Remote
	if f.Direction == rule.Inbound {
		source, destination = destination, source
	}
	port, ranges := f.Port, l.Ports
	if l.Published != "" {
		ranges = rs.Ports[l.Published]
		if f.Published != 0 {
			port = f.Published
		}
	}
	return f.Direction == l.Direction && f.Protocol == l.Protocol &&
		(l.Source == "" || rs.Prefixes[l.Source].Contains(source)) &&
		(l.Destination == "" || rs.Prefixes[l.Destination].Contains(destination)) &&
		(l.Published == "" && len(ranges) == 0 || slices.ContainsFunc(ranges, func(r netset.PortRange) bool { return r.Contains(port) }))
}

type jsonObject struct {
	Set  *jsonSet
	Rule *jsonRule
}

type jsonSet struct {
	Family, Table, Name string
	Type                json.RawMessage // a word, or a list for a concatenation
	Elem                []json.RawMessage
}

type jsonRule struct {
	Family, Table, Chain, Comment string
	Expr                          []json.RawMessage
}

// addSet reads a set of addresses or ports; the site's own sets of other types are
// not looked at.
func (rs *Ruleset) addSet(s *jsonSet) error {
	var kind string
	_ = json.Unmarshal(s.Type, &kind)
	switch kind {
	case "ipv4_addr", "ipv6_addr":
		var b netset.PrefixBuilder
		for _, raw := range s.Elem {
			if err := addElement(&b, raw); err != nil {
				return fmt.Errorf("set %s: %w", s.Name, err)
			}
		}
		rs.Prefixes[s.Name] = b.Build()
	case "inet_service":
		ranges, err := portRanges(s.Elem)
		if err != nil {
			return fmt.Errorf("set %s: %w", s.Name, err)
		}
		rs.Ports[s.Name] = ranges
	}
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
