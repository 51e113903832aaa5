package kernel

import (
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

// ports compares by two bounds, which every nft reads: the expression range is of nft
// 1.1.
func (l *lowering) ports(r netset.PortRange) {
	first, last := binary.BigEndian.AppendUint16(nil, r.First), binary.BigEndian.AppendUint16(nil, r.Last)
	if r.First == r.Last {
		l.equal(first)
		return
	}
	l.add(&expr.Cmp{Op: expr.CmpOpGte, Register: onlyRegister, Data: first})
	l.add(&expr.Cmp{Op: expr.CmpOpLte, Register: onlyRegister, Data: last})
}

// endOffset returns where the address of an end stands in the header of the network
// layer.
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
