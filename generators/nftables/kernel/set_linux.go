package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	nf "github.com/google/nftables"

	"gatewright/catalog/netset"
	"gatewright/generators/filter"
)

// set is one set of the table: of addresses, of ports, or of single other values.
type set struct {
	kind     string // nft's name of its type
	prefixes netset.PrefixSet
	ports    []netset.PortRange
	values   [][]byte         // sorted
	elements []filter.Element // of a map to chains, in the order of their first addresses
	odd      string           // why no rule of ours can match it; empty if one can
}

// keySize returns the size in bytes of the values of a type, by nft's name; 0 for a
// type that no rule of ours matches.
func keySize(kind string) int {
	switch kind {
	case nf.TypeIPAddr.Name:
		return net4
	case nf.TypeIP6Addr.Name:
		return net6
	case nf.TypeInetService.Name:
		return portSize
	case nf.TypeICMP6Type.Name:
		return 1
	case nf.TypeIFName.Name:
		return interfaceSize
	}
	return 0
}

// readSets reads every set, and keeps those that have names for the ruleset.
func (r *reader) readSets() error {
	list, err := r.conn.GetSets(r.table)
	if err != nil {
		return err
	}
	r.sets = map[string]*set{}
	for _, s := range list {
		one, err := r.readSet(s)
		if err != nil {
			return fmt.Errorf("set %s: %w", s.Name, err)
		}
		r.sets[s.Name] = one
		if s.Anonymous || one.odd != "" {
			continue
		}
		family := map[string]filter.Family{nf.TypeIPAddr.Name: filter.IPv4, nf.TypeIP6Addr.Name: filter.IPv6}[one.kind]
		switch {
		case one.elements != nil:
			r.ruleset.Maps = append(r.ruleset.Maps, filter.Map{Name: s.Name, Family: family, Elements: one.elements})
		case family != filter.Both, one.kind == nf.TypeInetService.Name:
			r.ruleset.Sets = append(r.ruleset.Sets, filter.Set{Name: s.Name, Family: family, Prefixes: one.prefixes, Ports: one.ports})
		}
	}
	slices.SortFunc(r.ruleset.Sets, func(a, b filter.Set) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(r.ruleset.Maps, func(a, b filter.Map) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// readSet does not look into a set that no rule of ours can match: it may be the
// site's own.
func (r *reader) readSet(s *nf.Set) (*set, error) {
	one := &set{kind: s.KeyType.Name}
	size := keySize(one.kind)
	switch {
	case s.IsMap && !s.Concatenation && !s.HasTimeout && !s.Dynamic:
		return r.readMap(s)
	case s.IsMap || s.Concatenation || size == 0:
		one.odd = "it is a map, or of a type that no rule of ours matches"
		return one, nil
	case s.HasTimeout || s.Dynamic:
		one.odd = "its elements come and go"
		return one, nil
	}
	elements, err := r.conn.GetSetElements(s)
	if err != nil {
		return nil, err
	}
	for _, e := range elements {
		if len(e.Key) != size || e.KeyEnd != nil {
			return nil, fmt.Errorf("element %x is not one value of %d bytes", e.Key, size)
		}
	}
	var b netset.PrefixBuilder
	if err := eachInterval(elements, s.Interval, func(first, last []byte) { one.add(&b, first, last) }); err != nil {
		return nil, err
	}
	one.prefixes = b.Build()
	return one, nil
}

// eachInterval calls f with the first and the last value of each interval, ascending.
// The kernel keeps an interval as an element where it starts and one after its end,
// which is marked; the last interval may have no end.
func eachInterval(elements []nf.SetElement, intervals bool, f func(first, last []byte)) error {
	slices.SortFunc(elements, func(a, b nf.SetElement) int {
		c := bytes.Compare(a.Key, b.Key)
		if c == 0 && a.IntervalEnd != b.IntervalEnd {
			c = 1
			if a.IntervalEnd {
				c = -1
			}
		}
		return c
	})
	var first []byte
	for _, e := range elements {
		switch {
		case !intervals:
			f(e.Key, e.Key)
		case e.IntervalEnd && first != nil:
			f(first, before(e.Key))
			first = nil
		case e.IntervalEnd: // before the first interval
		case first != nil:
			return fmt.Errorf("the interval from %x has no end before %x", first, e.Key)
		default:
			first = e.Key
		}
	}
	if first != nil {
		f(first, bytes.Repeat([]byte{0xff}, len(first)))
	}
	return nil
}

// before returns the value before a value that is not 0.
func before(value []byte) []byte {
	out := slices.Clone(value)
	for i := len(out) - 1; i >= 0; i-- {
		out[i]--
		if out[i] != 0xff {
			break
		}
	}
	return out
}

// add takes the values from first to last, in ascending order.
func (s *set) add(b *netset.PrefixBuilder, first, last []byte) {
	switch s.kind {
	case nf.TypeIPAddr.Name, nf.TypeIP6Addr.Name:
		from, _ := netip.AddrFromSlice(first)
		to, _ := netip.AddrFromSlice(last)
		b.AddRange(from, to)
	case nf.TypeInetService.Name:
		s.ports = append(s.ports, netset.PortRange{First: binary.BigEndian.Uint16(first), Last: binary.BigEndian.Uint16(last)})
	default:
		s.values = append(s.values, first)
	}
}

// readMap reads a map from addresses to chains. The library gives its type as that of
// verdicts and loses that of its keys, which their size tells; of an empty map nothing
// does.
func (r *reader) readMap(s *nf.Set) (*set, error) {
	one := &set{odd: "it is a map that no rule of ours looks up"}
	elements, err := r.conn.GetSetElements(s)
	if err != nil || len(elements) == 0 {
		return one, err
	}
	kind := map[int]string{net4: nf.TypeIPAddr.Name, net6: nf.TypeIP6Addr.Name}[len(elements[0].Key)]
	if s.KeyType.Name != nf.TypeVerdict.Name || kind == "" {
		return one, nil
	}
	targets := map[string]string{} // by key
	for _, e := range elements {
		if e.IntervalEnd {
			continue
		}
		chain, err := targetOf(e.Val)
		if err != nil {
			return one, nil // it is odd, and may be the site's own
		}
		targets[string(e.Key)] = chain
	}
	var order []string
	held := map[string]*netset.PrefixBuilder{}
	err = eachInterval(elements, s.Interval, func(first, last []byte) {
		chain := targets[string(first)]
		if held[chain] == nil {
			held[chain] = &netset.PrefixBuilder{}
			order = append(order, chain)
		}
		from, _ := netip.AddrFromSlice(first)
		to, _ := netip.AddrFromSlice(last)
		held[chain].AddRange(from, to)
	})
	if err != nil {
		return nil, err
	}
	one.kind, one.odd, one.elements = kind, "", []filter.Element{}
	for _, chain := range order {
		one.elements = append(one.elements, filter.Element{Prefixes: held[chain].Build(), Chain: chain})
	}
	return one, nil
}

// targetOf reads the verdict of a map's element (NFTA_VERDICT_CODE and _CHAIN), which
// has to be goto.
func targetOf(value []byte) (chain string, err error) {
	const (
		attributeCode, attributeChain = 1, 2
		nested                        = 1 << 15
		gotoCode                      = -4 // NFT_GOTO
	)
	code := int32(0)
	for len(value) >= 4 {
		size, kind := int(binary.NativeEndian.Uint16(value)), binary.NativeEndian.Uint16(value[2:])&^nested
		if size < 4 || size > len(value) {
			return "", fmt.Errorf("unknown verdict %x", value)
		}
		switch data := value[4:size]; {
		case kind == attributeCode && len(data) == 4:
			code = int32(binary.BigEndian.Uint32(data))
		case kind == attributeChain:
			chain = string(bytes.TrimRight(data, "\x00"))
		}
		value = value[min(len(value), (size+3)&^3):]
	}
	if code != gotoCode || chain == "" {
		return "", fmt.Errorf("verdict %d is not goto", code)
	}
	return chain, nil
}
