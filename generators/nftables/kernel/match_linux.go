package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/nftables/expr"

	"gatewright/catalog/netset"
	"gatewright/generators/filter"
)

// equal takes a comparison of the whole operand, or of its masked bits, with a value.
func (d *decoder) equal(o *operand, value []byte) error {
	if err := d.once(o.key); err != nil {
		return err
	}
	if o.mask != nil && !strings.HasPrefix(o.key, "network ") {
		return fmt.Errorf("some bits of %s are compared", o.key)
	}
	switch o.key {
	case "nfproto":
		if len(value) != 1 || d.family != 0 || value[0] != familyIPv4 && value[0] != familyIPv6 {
			return fmt.Errorf("unknown nfproto %x", value)
		}
		d.family = value[0]
		return nil
	case "l4proto":
		return d.transport(value)
	case "iifname", "oifname":
		return d.interfaces(o, [][]byte{value})
	case "iif", "oif":
		if len(value) != 4 || binary.NativeEndian.Uint32(value) != loopback {
			return fmt.Errorf("%s %x is not interface lo", o.key, value)
		}
		d.rule.Loopback = o.key
		return nil
	case "ct direction":
		if len(value) != 1 || value[0] != directionOriginal {
			return fmt.Errorf("unknown ct direction %x", value)
		}
		d.original = true
		return nil
	case "transport 0":
		return d.icmp(o, [][]byte{value})
	case "transport 2":
		return d.portsBetween(o, value, value)
	}
	return d.network(o, value)
}

func (d *decoder) transport(value []byte) error {
	if len(value) != 1 {
		return fmt.Errorf("unknown l4proto %x", value)
	}
	switch p := value[0]; {
	case p == byte(netset.TCP) || p == byte(netset.UDP):
		d.rule.Protocol = netset.Protocol(p)
	case p == icmp && d.family == familyIPv4 || p == icmp6 && d.family == familyIPv6:
	default:
		return fmt.Errorf("protocol %d is none that a rule of ours matches", p)
	}
	d.protocol = value[0]
	return nil
}

func (d *decoder) state(o *operand, value []byte) error {
	if err := d.once(o.key); err != nil {
		return err
	}
	if len(o.mask) != 4 || len(value) != 4 || !zero(value) || !zero(o.xor) {
		return fmt.Errorf("unknown ct state")
	}
	bits, words := binary.NativeEndian.Uint32(o.mask), []string(nil)
	for _, one := range []struct {
		bit  uint32
		word string
	}{{expr.CtStateBitESTABLISHED, "established"}, {expr.CtStateBitRELATED, "related"}, {expr.CtStateBitINVALID, "invalid"}} {
		if bits&one.bit != 0 {
			words = append(words, one.word)
			bits &^= one.bit
		}
	}
	if bits != 0 {
		return fmt.Errorf("unknown ct state %#x", bits)
	}
	d.rule.State = strings.Join(words, ",")
	return nil
}

func zero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// icmp takes types or, in two bytes, a type and its code.
func (d *decoder) icmp(o *operand, values [][]byte) error {
	if d.protocol != icmp && d.protocol != icmp6 {
		return fmt.Errorf("the first bytes of a header that is not ICMP are matched")
	}
	for _, v := range values {
		if len(v) != o.size || o.size < 1 || o.size > 2 {
			return fmt.Errorf("unknown ICMP type %x", v)
		}
		one := filter.ICMP{Type: v[0], Code: -1}
		if o.size == 2 {
			one.Code = int(v[1])
		}
		d.rule.ICMP = append(d.rule.ICMP, one)
	}
	return nil
}

func (d *decoder) portsBetween(o *operand, first, last []byte) error {
	if err := d.checkPorts(o); err != nil {
		return err
	}
	if len(first) != portSize || len(last) != portSize {
		return fmt.Errorf("unknown ports %x to %x", first, last)
	}
	d.rule.Ports.Ranges = []netset.PortRange{{First: binary.BigEndian.Uint16(first), Last: binary.BigEndian.Uint16(last)}}
	return nil
}

func (d *decoder) checkPorts(o *operand) error {
	if o.key != "transport 2" || o.size != portSize || d.rule.Protocol == 0 {
		return fmt.Errorf("%s is not a destination port of TCP or UDP", o.key)
	}
	return d.once("ports")
}

// network takes a comparison of an address, or of the hop limit.
func (d *decoder) network(o *operand, value []byte) error {
	if o.key == "network 7" && d.family == familyIPv6 && o.size == 1 && len(value) == 1 && o.mask == nil {
		d.rule.HopLimit = value[0]
		return nil
	}
	to, size, err := d.address(o)
	if err != nil {
		return err
	}
	bits := 8 * o.size
	if o.mask != nil {
		bits = maskLength(o.mask)
	}
	if len(value) != o.size || o.size > size || o.mask != nil && (len(o.mask) != o.size || bits < 0 || !zero(o.xor)) {
		return fmt.Errorf("unknown match of an address: %x of %d bytes", value, o.size)
	}
	a, _ := netip.AddrFromSlice(append(slices.Clone(value), make([]byte, size-len(value))...))
	p := netip.PrefixFrom(a, bits)
	if p != p.Masked() {
		return fmt.Errorf("prefix %s has bits beyond its length", p)
	}
	to.Prefix = p
	return nil
}

// address returns the end of the packet that an operand starts at, and the size of
// its addresses.
func (d *decoder) address(o *operand) (to *filter.Addresses, size int, err error) {
	source, destination := "network 12", "network 16"
	size = net4
	switch {
	case d.family == familyIPv4:
	case d.family == familyIPv6:
		source, destination, size = "network 8", "network 24", net6
	case strings.HasPrefix(o.key, "network "):
		return nil, 0, fmt.Errorf("%s is matched before the family", o.key)
	}
	switch o.key {
	case source:
		return &d.rule.From, size, nil
	case destination:
		return &d.rule.To, size, nil
	}
	return nil, 0, fmt.Errorf("%s is matched, which no rule of ours does", o.key)
}

// maskLength returns the number of leading ones, or -1 if other ones follow.
func maskLength(mask []byte) int {
	n := 0
	for n < 8*len(mask) && mask[n/8]&(0x80>>(n%8)) != 0 {
		n++
	}
	for i := n; i < 8*len(mask); i++ {
		if mask[i/8]&(0x80>>(i%8)) != 0 {
			return -1
		}
	}
	return n
}

// lookup takes a match of a set, named or anonymous.
func (d *decoder) lookup(e *expr.Lookup) error {
	o, s := d.operand, d.sets(e.SetName)
	d.operand = nil
	switch {
	case o == nil || o.mask != nil || d.low != nil || e.SourceRegister != onlyRegister || e.Invert:
		return fmt.Errorf("set %s is not matched as a rule of ours does", e.SetName)
	case s == nil:
		return fmt.Errorf("there is no set %s", e.SetName)
	case s.Spec.isDynamic():
		return fmt.Errorf("set %s: its elements come and go", e.SetName)
	case s.Spec.Flags&flagAnonymous != 0 && s.odd() != nil:
		return s.odd()
	}
	if err := d.once(o.key); err != nil {
		return err
	}
	if s.Spec.Flags&flagMap != 0 || e.IsDestRegSet {
		return d.lookUpChain(o, s, e)
	}
	switch {
	case s.Spec.KeyType == typeInterface && strings.HasSuffix(o.key, "ifname"):
		return d.interfaces(o, s.values())
	case s.Spec.KeyType == typeICMP6 && o.key == "transport 0" && d.protocol == icmp6:
		return d.icmp(o, s.values())
	case !s.Spec.isKnown():
		return fmt.Errorf("set %s is of a type that no rule of ours matches", e.SetName)
	case s.Spec.KeyType == typeService && o.key == "ct original proto-dst" && d.rule.Protocol != 0:
		d.rule.Original.Set = e.SetName
		return nil
	case s.Spec.KeyType == typeService:
		d.rule.Ports.Set = e.SetName
		return d.checkPorts(o)
	}
	to, size, err := d.address(o)
	if err != nil {
		return err
	}
	if int(s.Spec.KeySize) != size || o.size != size {
		return fmt.Errorf("set %s of addresses of %d bytes is matched with %s", e.SetName, s.Spec.KeySize, o.key)
	}
	to.Set = e.SetName
	return nil
}

// lookUpChain takes a map from an address to a chain, which ends the rule.
func (d *decoder) lookUpChain(o *operand, s *set, e *expr.Lookup) error {
	to, size, err := d.address(o)
	switch {
	case err != nil:
		return err
	case !s.Spec.isKnown():
		return fmt.Errorf("map %s: it is a map that no rule of ours looks up", e.SetName)
	case !e.IsDestRegSet || e.DestRegister != verdictRegister || int(s.Spec.KeySize) != size || o.size != size:
		return fmt.Errorf("map %s is not looked up as a rule of ours does", e.SetName)
	}
	d.ended = true
	d.rule.Map, d.rule.Verdict = e.SetName, filter.Goto
	if to == &d.rule.To {
		d.rule.Lookup = filter.Destination
	}
	return nil
}

func (d *decoder) interfaces(o *operand, values [][]byte) error {
	var names []string
	for _, v := range values {
		name, rest, ended := bytes.Cut(v, []byte{0})
		if len(v) != interfaceSize || !ended || !zero(rest) {
			return fmt.Errorf("%s %q is a wildcard or no name", o.key, v)
		}
		names = append(names, string(name))
	}
	slices.Sort(names)
	switch o.key {
	case "iifname":
		d.rule.In = names
	case "oifname":
		d.rule.Out = names
	default:
		return fmt.Errorf("%s is matched with names of interfaces", o.key)
	}
	return nil
}

func (d *decoder) verdict(e *expr.Verdict) error {
	if d.operand != nil {
		return fmt.Errorf("%s is loaded and not compared", d.operand.key)
	}
	d.ended = true
	kinds := map[expr.VerdictKind]filter.Verdict{
		expr.VerdictAccept: filter.Accept, expr.VerdictDrop: filter.Drop, expr.VerdictJump: filter.Jump, expr.VerdictGoto: filter.Goto,
	}
	kind, known := kinds[e.Kind]
	if !known {
		return fmt.Errorf("unknown verdict %d", e.Kind)
	}
	d.rule.Verdict, d.rule.Target = kind, e.Chain
	return nil
}
