package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"reflect"
	"strings"

	nf "github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"

	"gatewright/catalog/netset"
	"gatewright/generators/filter"
)

// Lower returns the kernel's form of a ruleset in a table, such as "inet filter": what
// `nft -f` makes of its text. A rule that does not read back as it was given is an error.
func Lower(table string, rs filter.Ruleset) (*Table, error) {
	t := &Table{Name: table}
	for _, remotes := range []bool{false, true} { // in the order of the file
		for _, s := range rs.Sets {
			if filter.IsRemotes(s.Name) == remotes {
				t.Sets = append(t.Sets, lowerSet(s))
			}
		}
	}
	for _, m := range rs.Maps {
		t.Sets = append(t.Sets, lowerMap(m))
	}
	l := lowering{table: t}
	l.family, _ = familyAndName(table)
	seen := map[string]bool{}
	for _, c := range rs.Chains {
		one := &chain{Name: c.Name, Hook: lowerHook(c.Hook)}
		for i, r := range c.Rules {
			lowered, err := l.rule(r)
			if err != nil {
				return nil, fmt.Errorf("chain %s, rule %d: %w", c.Name, i+1, err)
			}
			one.Rules = append(one.Rules, lowered)
			if r.Counter != "" && !seen[r.Counter] {
				seen[r.Counter] = true
				t.Counters = append(t.Counters, r.Counter)
			}
		}
		t.Chains = append(t.Chains, one)
	}
	return t, nil
}

func lowerHook(h *filter.Hook) *hook {
	if h == nil {
		return nil
	}
	out := &hook{Kind: string(nf.ChainTypeFilter), Priority: int32(h.Priority), Policy: policyAccept, Flags: chainIsBase}
	for number, name := range hookNames {
		if name == h.Name {
			out.Number = number
		}
	}
	if h.Policy == filter.Drop {
		out.Policy = policyDrop
	}
	return out
}

const chainIsBase = 1 // NFT_CHAIN_BASE

// specOf declares a set of values of a type as nft does.
func specOf(kind nf.SetDatatype, flags uint32) spec {
	s := spec{Flags: flags, KeyType: kind.GetNFTMagic(), KeySize: kind.Bytes}
	if flags&flagMap != 0 {
		s.DataType = verdictData
	}
	order := uint32(bigEndian)
	if kind.Name == nf.TypeIFName.Name {
		order = hostOrder
	}
	s.More = appendAttribute(nil, setUserData, userdata.AppendUint32(nil, userdata.NFTNL_UDATA_SET_KEYBYTEORDER, order))
	return s
}

// Byte orders as nft numbers them, by which it lists values.
const hostOrder, bigEndian = 1, 2

func addressType(f filter.Family) nf.SetDatatype {
	if f == filter.IPv6 {
		return nf.TypeIP6Addr
	}
	return nf.TypeIPAddr
}

func lowerSet(s filter.Set) *set {
	if s.Family == filter.Both {
		out := &set{Name: s.Name, Spec: specOf(nf.TypeInetService, flagInterval)}
		for _, r := range s.Ports {
			out.Elements = append(out.Elements, element{number{0, uint64(r.First)}, number{0, uint64(r.Last)}, -1})
		}
		return out
	}
	out := &set{Name: s.Name, Spec: specOf(addressType(s.Family), flagInterval)}
	out.Elements = elementsOf(s.Prefixes, -1)
	if s.Prefixes.HostsOnly() {
		out.Spec.Flags = 0
		out.Elements = single(out.Elements)
	}
	return out
}

func elementsOf(s netset.PrefixSet, target int32) elements {
	list := make(elements, 0, s.Size())
	for first, last := range s.Intervals() {
		list = append(list, element{numberOfAddr(first), numberOfAddr(last), target})
	}
	return list
}

// single parts intervals into their values: a set without intervals has each by itself.
func single(list elements) elements {
	var out elements
	for _, e := range list {
		for n := e.First; ; n = n.next() {
			out = append(out, element{n, n, e.Target})
			if n == e.Last {
				break
			}
		}
	}
	return out
}

func lowerMap(m filter.Map) *set {
	out := &set{Name: m.Name, Spec: specOf(addressType(m.Family), flagInterval|flagMap)}
	lists := make([]elements, len(m.Elements))
	for i, e := range m.Elements {
		out.Targets = append(out.Targets, verdictWords[gotoCode]+e.Chain)
		lists[i] = elementsOf(e.Prefixes, int32(i))
	}
	out.Elements = mergeSorted(lists)
	return out
}

// mergeSorted merges lists that are each in order.
func mergeSorted(lists []elements) elements {
	switch len(lists) {
	case 0:
		return nil
	case 1:
		return lists[0]
	}
	a, b := mergeSorted(lists[:len(lists)/2]), mergeSorted(lists[len(lists)/2:])
	out := make(elements, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].First.less(b[0].First) {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// lowering makes expressions of the rules of one table.
type lowering struct {
	table  *Table
	family byte
	out    *rule
	seen   byte // the protocol of the network layer that was matched
	err    error
}

// rule makes the expressions of a rule in the order in which its text has them.
func (l *lowering) rule(r filter.Rule) (*rule, error) {
	l.out, l.seen, l.err = &rule{}, 0, nil
	if r.Comment != "" {
		l.out.UserData = userdata.AppendString(nil, userdata.TypeComment, r.Comment)
	}
	l.interfaces(expr.MetaKeyIIFNAME, r.In)
	l.interfaces(expr.MetaKeyOIFNAME, r.Out)
	l.state(r.State)
	l.loopback(r.Loopback)
	l.icmp(r)
	l.services(r)
	l.address(r.From, r.Family, filter.Source)
	l.address(r.To, r.Family, filter.Destination)
	if r.Counter != "" {
		l.add(&expr.Objref{Type: objectCounter, Name: r.Counter})
	}
	l.mark(r)
	l.verdict(r)
	if l.err != nil {
		return nil, l.err
	}
	return l.out, l.check(r)
}

// check holds that a rule reads back as it was given.
func (l *lowering) check(r filter.Rule) (err error) {
	find := func(name string) *set {
		if s := l.out.Sets[name]; s != nil {
			return s
		}
		return l.table.set(name)
	}
	if l.out.decoded, err = decode(l.out, l.family, find); err != nil {
		return err
	}
	want, have := r, l.out.decoded
	want.ID = ""
	if want.From.IsAll() && want.To.IsAll() && want.ICMP == nil && want.Map == "" {
		want.Family = filter.Both // which goes without saying
	}
	if !reflect.DeepEqual(want, have) {
		return fmt.Errorf("a rule that reads back otherwise: %+v as %+v", want, have)
	}
	return nil
}

func (l *lowering) add(e expr.Any) {
	data, err := expr.Marshal(l.family, e)
	if err != nil {
		l.err = err
		return
	}
	attrs, err := attributesOf(data)
	if err != nil {
		l.err = err
		return
	}
	l.out.Expressions = append(l.out.Expressions, expression{text(attrs[expressionName]), attrs[expressionData]})
}

func (l *lowering) equal(value []byte) {
	l.add(&expr.Cmp{Op: expr.CmpOpEq, Register: onlyRegister, Data: value})
}

func (l *lowering) meta(key expr.MetaKey) { l.add(&expr.Meta{Key: key, Register: onlyRegister}) }

func (l *lowering) payload(base expr.PayloadBase, offset, size int) {
	l.add(&expr.Payload{DestRegister: onlyRegister, Base: base, Offset: uint32(offset), Len: uint32(size)})
}

func (l *lowering) lookup(set string) {
	l.add(&expr.Lookup{SourceRegister: onlyRegister, SetName: set})
}

// anonymous looks up values in a set without a name of its own.
func (l *lowering) anonymous(kind nf.SetDatatype, values [][]byte) {
	s := &set{Name: fmt.Sprintf("__set%d", len(l.out.Sets)), Spec: specOf(kind, flagAnonymous|flagConstant)}
	size := appendAttribute(nil, descriptionSize, binary.BigEndian.AppendUint32(nil, uint32(len(values))))
	s.Spec.More = appendAttribute(s.Spec.More, setDescription|nested, size)
	for _, v := range values {
		s.Raw = append(s.Raw, appendAttribute(nil, elementKey|nested, appendAttribute(nil, dataValue, v)))
	}
	if l.out.Sets == nil {
		l.out.Sets = map[string]*set{}
	}
	l.out.Sets[s.Name] = s
	l.lookup(s.Name)
}

func (l *lowering) interfaces(key expr.MetaKey, names []string) {
	if len(names) == 0 {
		return
	}
	values := make([][]byte, len(names))
	for i, n := range names {
		values[i] = make([]byte, interfaceSize)
		copy(values[i], n)
	}
	l.meta(key)
	if len(names) == 1 {
		l.equal(values[0])
		return
	}
	l.anonymous(nf.TypeIFName, values)
}

func (l *lowering) state(words string) {
	if words == "" {
		return
	}
	bits := uint32(0)
	for word := range strings.SplitSeq(words, ",") {
		bits |= stateBits[word]
	}
	mask := binary.NativeEndian.AppendUint32(nil, bits)
	l.add(&expr.Ct{Key: expr.CtKeySTATE, Register: onlyRegister})
	l.add(&expr.Bitwise{SourceRegister: onlyRegister, DestRegister: onlyRegister, Len: 4, Mask: mask, Xor: make([]byte, 4)})
	l.add(&expr.Cmp{Op: expr.CmpOpNeq, Register: onlyRegister, Data: make([]byte, 4)})
}

var stateBits = map[string]uint32{
	"established": expr.CtStateBitESTABLISHED, "related": expr.CtStateBitRELATED, "invalid": expr.CtStateBitINVALID,
}

func (l *lowering) loopback(end string) {
	if end == "" {
		return
	}
	l.meta(map[string]expr.MetaKey{"iif": expr.MetaKeyIIF, "oif": expr.MetaKeyOIF}[end])
	l.equal(binary.NativeEndian.AppendUint32(nil, loopback))
}

func (l *lowering) icmp(r filter.Rule) {
	if r.HopLimit != 0 {
		l.network(r.Family)
		l.payload(expr.PayloadBaseNetworkHeader, 7, 1)
		l.equal([]byte{r.HopLimit})
	}
	if r.ICMP == nil {
		return
	}
	l.network(r.Family)
	l.protocol(icmp6)
	l.payload(expr.PayloadBaseTransportHeader, 0, 1)
	values := make([][]byte, len(r.ICMP))
	for i, one := range r.ICMP {
		values[i] = []byte{one.Type}
	}
	if len(values) == 1 {
		l.equal(values[0])
		return
	}
	l.anonymous(nf.TypeICMP6Type, values)
}

// network matches the family of addresses once, in a table that sees both.
func (l *lowering) network(f filter.Family) {
	want := byte(familyIPv4)
	if f == filter.IPv6 {
		want = familyIPv6
	}
	if l.family == byte(nf.TableFamilyINet) && l.seen != want {
		l.meta(expr.MetaKeyNFPROTO)
		l.equal([]byte{want})
	}
	l.seen = want
}

func (l *lowering) protocol(number byte) {
	l.meta(expr.MetaKeyL4PROTO)
	l.equal([]byte{number})
}

func (l *lowering) services(r filter.Rule) {
	if r.Protocol == 0 {
		return
	}
	if !r.Original.IsAll() {
		l.add(&expr.Ct{Key: expr.CtKeyDIRECTION, Register: onlyRegister})
		l.equal([]byte{directionOriginal})
	}
	l.protocol(byte(r.Protocol))
	switch {
	case !r.Original.IsAll():
		l.connection(r.Original.Set)
	case r.Ports.IsAll():
	case r.Ports.Set != "":
		l.payload(expr.PayloadBaseTransportHeader, 2, portSize)
		l.lookup(r.Ports.Set)
	default:
		l.payload(expr.PayloadBaseTransportHeader, 2, portSize)
		l.ports(r.Ports.Ranges[0])
	}
}

// connection looks up the port before DNAT. The kernel's direction is of one byte, the
// library's of four.
func (l *lowering) connection(set string) {
	data := appendAttribute(nil, ctKey, binary.BigEndian.AppendUint32(nil, uint32(expr.CtKeyPROTODST)))
	data = appendAttribute(data, ctRegister, binary.BigEndian.AppendUint32(nil, onlyRegister))
	data = appendAttribute(data, ctDirection, []byte{directionOriginal})
	l.out.Expressions = append(l.out.Expressions, expression{"ct", data})
	l.lookup(set)
}

// ports compares by two bounds, which every nft reads: the expression range is of nft 1.1.
func (l *lowering) ports(r netset.PortRange) {
	first, last := binary.BigEndian.AppendUint16(nil, r.First), binary.BigEndian.AppendUint16(nil, r.Last)
	if r.First == r.Last {
		l.equal(first)
		return
	}
	l.add(&expr.Cmp{Op: expr.CmpOpGte, Register: onlyRegister, Data: first})
	l.add(&expr.Cmp{Op: expr.CmpOpLte, Register: onlyRegister, Data: last})
}

// endOffset returns where the address of an end stands in the header of the network layer.
func endOffset(f filter.Family, e filter.End) (offset, size int) {
	offset, size = 12, net4
	if f == filter.IPv6 {
		offset, size = 8, net6
	}
	if e == filter.Destination {
		offset += size
	}
	return offset, size
}

func (l *lowering) address(a filter.Addresses, f filter.Family, e filter.End) {
	if a.IsAll() {
		return
	}
	l.network(f)
	offset, size := endOffset(f, e)
	if a.Set != "" {
		l.payload(expr.PayloadBaseNetworkHeader, offset, size)
		l.lookup(a.Set)
		return
	}
	l.prefix(a.Prefix, offset, size)
}

// prefix compares as many bytes as a prefix has, or all by a mask.
func (l *lowering) prefix(p netip.Prefix, offset, size int) {
	value, bits := p.Addr().AsSlice(), p.Bits()
	if bits%8 == 0 && bits > 0 {
		l.payload(expr.PayloadBaseNetworkHeader, offset, bits/8)
		l.equal(value[:bits/8])
		return
	}
	mask := make([]byte, size)
	for i := range bits {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	l.payload(expr.PayloadBaseNetworkHeader, offset, size)
	l.add(&expr.Bitwise{SourceRegister: onlyRegister, DestRegister: onlyRegister, Len: uint32(size), Mask: mask, Xor: make([]byte, size)})
	l.equal(value)
}

func (l *lowering) mark(r filter.Rule) {
	if r.SetMark|r.ClearMark == 0 {
		return
	}
	mask := binary.NativeEndian.AppendUint32(nil, ^(r.SetMark | r.ClearMark))
	set := binary.NativeEndian.AppendUint32(nil, r.SetMark)
	l.meta(expr.MetaKeyMARK)
	l.add(&expr.Bitwise{SourceRegister: onlyRegister, DestRegister: onlyRegister, Len: 4, Mask: mask, Xor: set})
	l.add(&expr.Meta{Key: expr.MetaKeyMARK, Register: onlyRegister, SourceRegister: true})
}

func (l *lowering) verdict(r filter.Rule) {
	kinds := map[filter.Verdict]expr.VerdictKind{
		filter.Accept: expr.VerdictAccept, filter.Drop: expr.VerdictDrop, filter.Jump: expr.VerdictJump, filter.Goto: expr.VerdictGoto,
	}
	switch kind, ends := kinds[r.Verdict]; {
	case r.Map != "":
		l.network(r.Family)
		offset, size := endOffset(r.Family, r.Lookup)
		l.payload(expr.PayloadBaseNetworkHeader, offset, size)
		l.add(&expr.Lookup{SourceRegister: onlyRegister, DestRegister: verdictRegister, IsDestRegSet: true, SetName: r.Map})
	case ends:
		l.add(&expr.Verdict{Kind: kind, Chain: r.Target})
	}
}

// same reports whether two rules do the same and say the same.
func (r *rule) same(o *rule) bool {
	if r.odd != nil || o.odd != nil {
		return r.odd != nil && o.odd != nil && r.sameBytes(o)
	}
	return reflect.DeepEqual(r.decoded, o.decoded)
}

// sameBytes compares rules that are not read.
func (r *rule) sameBytes(o *rule) bool {
	if len(r.Expressions) != len(o.Expressions) || !bytes.Equal(r.UserData, o.UserData) {
		return false
	}
	for i, e := range r.Expressions {
		if f := o.Expressions[i]; e.Name != f.Name || !bytes.Equal(e.Data, f.Data) {
			return false
		}
	}
	return true
}
