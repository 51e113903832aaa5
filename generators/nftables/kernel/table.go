package kernel

import (
	"cmp"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"

	"gatewright/generators/filter"
)

// Table is our part of one table in the kernel, actual or wanted, in the kernel's own
// form. Two values can be compared, and old rules can be restored whatever they were.
type Table struct {
	Name    string // "inet filter"
	Missing bool   // there is no such table
	Own     bool   // all that it holds is ours
	Flags   uint32 // of the table: one puts it to sleep

	Sets     []*set
	Counters []string
	Chains   []*chain

	others   []string            // the other tables
	led      map[string][]string // chains of others, by those of ours that their rules lead to; "" if it is not known which
	unsaved  []string            // what it holds besides: "set blocked, whose elements come and go"
	nameless []string            // chains of single rules, which are not made again either
	gen      uint32              // of the rules as they were read
}

// set is a named set or map. What is beside its value and its verdict in an element,
// such as a comment, is kept to be brought back, and not compared.
type set struct {
	Name     string
	Spec     spec
	Elements elements
	Targets  []string          // verdicts of a map's elements: "goto gatewright_x", "accept"
	Notes    map[number][]byte // further attributes of elements, by their first values
	Raw      [][]byte          // the elements of a set that cannot be read, or that no rule of ours can match, as they are

	count uint32 // of the elements, as the kernel says; 0 if it does not
}

// spec is how a set is declared.
type spec struct {
	Flags            uint32
	KeyType, KeySize uint32
	DataType         uint32
	More             []byte // further attributes, as they are
}

const tableDormant = 1 // NFT_TABLE_F_DORMANT

// IsAsleep reports whether none of the table's chains is asked.
func (t *Table) IsAsleep() bool { return t.Flags&tableDormant != 0 }

// element is an interval of values, both ends inclusive.
type element struct {
	First, Last number
	Target      int32 // in the set's targets; -1 for none
}

type elements []element

// everythingElse is the interval of a set's catch-all element, which no value is in.
func everythingElse(target int32) element {
	return element{number{^uint64(0), ^uint64(0)}, number{}, target}
}

func (e element) isEverythingElse() bool { return e.Last.less(e.First) }

// intervals are the elements but for the catch-all one, which is the last.
func (s *set) intervals() elements {
	if n := len(s.Elements); n > 0 && s.Elements[n-1].isEverythingElse() {
		return s.Elements[:n-1]
	}
	return s.Elements
}

// Sizes of values in bytes.
const (
	net4, net6 = 4, 16
	portSize   = 2
)

// number is a value of a set: its bytes as one number.
type number struct{ Hi, Lo uint64 }

func (a number) compare(b number) int {
	return cmp.Or(cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Lo, b.Lo))
}

func (a number) less(b number) bool { return a.Hi < b.Hi || a.Hi == b.Hi && a.Lo < b.Lo }

func (a number) next() number {
	if a.Lo++; a.Lo == 0 {
		a.Hi++
	}
	return a
}

func (a number) before() number {
	if a.Lo--; a.Lo == ^uint64(0) {
		a.Hi--
	}
	return a
}

// numberOf reads big-endian bytes, at most 16.
func numberOf(b []byte) (n number) {
	switch len(b) {
	case net4:
		n.Lo = uint64(binary.BigEndian.Uint32(b))
	case net6:
		n.Hi, n.Lo = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	case portSize:
		n.Lo = uint64(binary.BigEndian.Uint16(b))
	}
	return n
}

func numberOfAddr(a netip.Addr) number {
	if a.Is4() {
		b := a.As4()
		return numberOf(b[:])
	}
	b := a.As16()
	return numberOf(b[:])
}

// append appends the number as so many bytes.
func (a number) append(b []byte, size uint32) []byte {
	switch size {
	case net4:
		return binary.BigEndian.AppendUint32(b, uint32(a.Lo))
	case net6:
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, a.Hi), a.Lo)
	}
	return binary.BigEndian.AppendUint16(b, uint16(a.Lo))
}

// addr is the number as an address of so many bytes.
func (a number) addr(size uint32) netip.Addr {
	ip, _ := netip.AddrFromSlice(a.append(nil, size))
	return ip
}

// greatest is the last value of so many bytes.
func greatest(size uint32) number {
	if size == net6 {
		return number{^uint64(0), ^uint64(0)}
	}
	return number{0, 1<<(8*size) - 1}
}

// chain is a chain and its rules in order.
type chain struct {
	Name  string
	Hook  *hook
	Rules []*rule
}

// hook makes a base chain of a chain.
type hook struct {
	Kind     string // "filter"
	Number   uint32
	Priority int32
	Policy   uint32 // verdict
	Flags    uint32 // of the chain
	More     []byte // further attributes of the hook, as they are
}

// rule is a rule with its expressions undecoded.
type rule struct {
	Expressions []expression
	UserData    []byte
	Sets        map[string]*set // without a name of their own, by the names in the expressions

	handle  uint64 // of a rule in the kernel
	decoded filter.Rule
	odd     error // why it is no rule of ours; nil for one that is
}

type expression struct {
	Name string
	Data []byte
}

func (t *Table) set(name string) *set {
	if i := slices.IndexFunc(t.Sets, func(s *set) bool { return s.Name == name }); i >= 0 {
		return t.Sets[i]
	}
	return nil
}

// GobEncode packs elements, of which there may be a million.
func (list elements) GobEncode() ([]byte, error) {
	out := make([]byte, 0, packed*len(list))
	for _, e := range list {
		for _, n := range []uint64{e.First.Hi, e.First.Lo, e.Last.Hi, e.Last.Lo} {
			out = binary.BigEndian.AppendUint64(out, n)
		}
		out = binary.BigEndian.AppendUint32(out, uint32(e.Target))
	}
	return out, nil
}

// GobDecode reads what GobEncode packs.
func (list *elements) GobDecode(data []byte) error {
	if len(data)%packed != 0 {
		return errors.New("elements of a set are cut short")
	}
	for ; len(data) > 0; data = data[packed:] {
		n := func(at int) uint64 { return binary.BigEndian.Uint64(data[at:]) }
		*list = append(*list, element{number{n(0), n(8)}, number{n(16), n(24)}, int32(binary.BigEndian.Uint32(data[32:]))})
	}
	return nil
}

// packed is the size of a packed element in bytes.
const packed = 36
