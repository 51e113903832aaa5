package kernel

import (
	"encoding/binary"
	"fmt"

	nf "github.com/google/nftables"
	"github.com/google/nftables/expr"

	"gatewright/generators/filter"
)

// Sizes in bytes, and numbers of the kernel's headers and of IANA's registries.
const (
	interfaceSize = 16 // IFNAMSIZ

	familyIPv4, familyIPv6 = 2, 10 // NFPROTO_IPV4, NFPROTO_IPV6
	icmp, icmp6            = 1, 58
	loopback               = 1 // the index of interface lo
	directionOriginal      = 0 // IP_CT_DIR_ORIGINAL
	objectCounter          = 1 // NFT_OBJECT_COUNTER
	onlyRegister           = 1 // that nft takes for rules of ours (NFT_REG_1)
	verdictRegister        = 0 // NFT_REG_VERDICT
	noDirection            = ^uint32(0)
)

// operand is a value that was loaded to be compared.
type operand struct {
	key       string // "meta l4proto", "network 12"
	size      int    // of a payload, in bytes
	mask, xor []byte // of a bitwise operation on it, or nil
}

// decoder reads the expressions of one rule.
type decoder struct {
	sets     func(name string) *set // nil for one that is not there
	rule     filter.Rule
	operand  *operand
	low      []byte          // lower bound of a range
	seen     map[string]bool // parts that are matched already
	family   byte            // nfproto; 0 for both
	protocol byte            // l4proto
	ended    bool            // by a verdict
	original bool            // only packets of the connection's direction
}

// decode reads a rule of a table of a family by its expressions, which have to be those
// that nft makes of a rule of ours.
func decode(one *rule, family byte, sets func(string) *set) (filter.Rule, error) {
	d := decoder{sets: sets, seen: map[string]bool{}}
	switch nf.TableFamily(family) {
	case nf.TableFamilyIPv4:
		d.family = familyIPv4
	case nf.TableFamilyIPv6:
		d.family = familyIPv6
	}
	for _, e := range one.Expressions {
		if d.ended {
			return d.rule, fmt.Errorf("expression %s after the verdict", e.Name)
		}
		decoded, err := e.decode(family)
		if err == nil {
			err = d.take(decoded)
		}
		if err != nil {
			return d.rule, err
		}
	}
	if d.operand != nil {
		return d.rule, fmt.Errorf("%s is loaded and not compared", d.operand.key)
	}
	if d.original == d.rule.Original.IsAll() {
		return d.rule, fmt.Errorf("ports before DNAT and the connection's direction are not matched together")
	}
	if d.rule.From.IsAll() && d.rule.To.IsAll() && d.rule.ICMP == nil && d.rule.Map == "" {
		d.family = 0 // of the table, or of a match that goes without saying
	}
	switch d.family {
	case familyIPv4:
		d.rule.Family = filter.IPv4
	case familyIPv6:
		d.rule.Family = filter.IPv6
	}
	d.rule.Comment = one.comment()
	return d.rule, nil
}

func (d *decoder) take(e expr.Any) error {
	switch e := e.(type) {
	case *expr.Meta:
		return d.meta(e)
	case *expr.Ct:
		return d.connection(e)
	case *expr.Payload:
		return d.payload(e)
	case *expr.Bitwise:
		o := d.operand
		if o == nil || o.mask != nil || e.SourceRegister != onlyRegister || e.DestRegister != onlyRegister || len(e.Mask) == 0 || len(e.Mask) != len(e.Xor) {
			return fmt.Errorf("unknown bitwise operation %+v", *e)
		}
		o.mask, o.xor = e.Mask, e.Xor
		return nil
	case *expr.Cmp:
		return d.compare(e)
	case *expr.Range:
		return d.between(e)
	case *expr.Lookup:
		return d.lookup(e)
	case *expr.Objref:
		if e.Type != objectCounter || d.rule.Counter != "" || d.operand != nil {
			return fmt.Errorf("unknown object %q of type %d", e.Name, e.Type)
		}
		d.rule.Counter = e.Name
		return nil
	case *expr.Verdict:
		return d.verdict(e)
	}
	return fmt.Errorf("unknown expression %T %+v", e, e)
}

// load keeps a value for the next comparison.
func (d *decoder) load(register uint32, o operand) error {
	if d.operand != nil || register != onlyRegister {
		return fmt.Errorf("%s is loaded where a rule of ours loads nothing", o.key)
	}
	d.operand = &o
	return nil
}

func (d *decoder) meta(e *expr.Meta) error {
	keys := map[expr.MetaKey]string{
		expr.MetaKeyNFPROTO: "nfproto", expr.MetaKeyL4PROTO: "l4proto", expr.MetaKeyMARK: "mark",
		expr.MetaKeyIIF: "iif", expr.MetaKeyOIF: "oif", expr.MetaKeyIIFNAME: "iifname", expr.MetaKeyOIFNAME: "oifname",
	}
	key, ok := keys[e.Key]
	switch {
	case !ok:
		return fmt.Errorf("unknown meta key %d", e.Key)
	case e.SourceRegister:
		return d.setMark(e)
	}
	return d.load(e.Register, operand{key: key})
}

// setMark reads "meta mark set meta mark | BIT" and "meta mark set meta mark & MASK".
func (d *decoder) setMark(e *expr.Meta) error {
	o := d.operand
	if e.Key != expr.MetaKeyMARK || e.Register != onlyRegister || o == nil || o.key != "mark" || len(o.mask) != 4 {
		return fmt.Errorf("no change of the packet mark that a rule of ours makes")
	}
	mask, xor := binary.NativeEndian.Uint32(o.mask), binary.NativeEndian.Uint32(o.xor)
	switch {
	case d.rule.SetMark != 0 || d.rule.ClearMark != 0 || mask == ^uint32(0):
		return fmt.Errorf("no change of the packet mark that a rule of ours makes")
	case xor == 0:
		d.rule.ClearMark = ^mask
	case mask == ^xor:
		d.rule.SetMark = xor
	default:
		return fmt.Errorf("the packet mark is changed by mask %#x and exclusive or %#x", mask, xor)
	}
	d.operand = nil
	return nil
}

func (d *decoder) connection(e *expr.Ct) error {
	switch {
	case e.Key == expr.CtKeySTATE && e.Direction == noDirection:
		return d.load(e.Register, operand{key: "ct state"})
	case e.Key == expr.CtKeyDIRECTION && e.Direction == noDirection:
		return d.load(e.Register, operand{key: "ct direction"})
	case e.Key == expr.CtKeyPROTODST && e.Direction == directionOriginal:
		return d.load(e.Register, operand{key: "ct original proto-dst"})
	}
	return fmt.Errorf("unknown ct key %d, direction %d", e.Key, e.Direction)
}

func (d *decoder) payload(e *expr.Payload) error {
	bases := map[expr.PayloadBase]string{expr.PayloadBaseNetworkHeader: "network", expr.PayloadBaseTransportHeader: "transport"}
	base, ok := bases[e.Base]
	if !ok || e.OperationType != expr.PayloadLoad {
		return fmt.Errorf("unknown payload %+v", *e)
	}
	return d.load(e.DestRegister, operand{key: fmt.Sprintf("%s %d", base, e.Offset), size: int(e.Len)})
}

func (d *decoder) compare(e *expr.Cmp) error {
	o := d.operand
	if o == nil || e.Register != onlyRegister {
		return fmt.Errorf("a comparison with nothing loaded")
	}
	switch {
	case e.Op == expr.CmpOpGte && d.low == nil && o.mask == nil:
		d.low = e.Data
		return nil
	case e.Op == expr.CmpOpLte && d.low != nil:
		low := d.low
		d.low, d.operand = nil, nil
		return d.portsBetween(o, low, e.Data)
	case d.low != nil:
		return fmt.Errorf("%s has a lower bound and no upper one", o.key)
	case e.Op == expr.CmpOpNeq && o.key == "ct state":
		d.operand = nil
		return d.state(o, e.Data)
	case e.Op == expr.CmpOpEq:
		d.operand = nil
		return d.equal(o, e.Data)
	}
	return fmt.Errorf("%s is compared by operator %d", o.key, e.Op)
}

// between takes a range of ports, which nft writes as one expression since 1.1 and as
// two comparisons before.
func (d *decoder) between(e *expr.Range) error {
	o := d.operand
	if o == nil || o.mask != nil || d.low != nil || e.Register != onlyRegister || e.Op != expr.CmpOpEq {
		return fmt.Errorf("unknown range %+v", *e)
	}
	d.operand = nil
	return d.portsBetween(o, e.FromData, e.ToData)
}

// once refuses a second match of the same part.
func (d *decoder) once(part string) error {
	if d.seen[part] {
		return fmt.Errorf("%s is matched twice", part)
	}
	d.seen[part] = true
	return nil
}
