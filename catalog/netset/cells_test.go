package netset

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
)

// answer is a value of the tests' functions; 0 is none.
type answer int

func (a answer) Equal(b answer) bool { return a == b }

// Hash makes all even answers collide.
func (a answer) Hash() uint64 { return uint64(a % 2) }

// space is a small universe of an axis: disjoint atoms that fill it, and how to ask
// whether a set holds an atom.
type space[K Axis[K]] struct {
	name  string
	atoms []K
}

// set returns the atoms whose bits are set.
func (s space[K]) set(bits int) K {
	var out K
	for i, atom := range s.atoms {
		if bits&(1<<i) != 0 {
			out = out.Union(atom)
		}
	}
	return out
}

// function returns the function that has values[i] on atom i, put together one by one
// in the order that is given.
func (s space[K]) function(values []answer, order []int) Cells[K, answer] {
	var c Cells[K, answer]
	for _, i := range order {
		if values[i] == 0 {
			continue
		}
		one := CellsOf(s.atoms[i], values[i])
		c, _ = Zip(c, one, func(a, b *answer) (answer, bool) {
			if a != nil {
				return *a, true
			}
			return *b, true
		}, nil)
	}
	return c
}

// at returns the value on atom i, from the cells alone; -1 if the cells are not
// canonical there.
func (s space[K]) at(c Cells[K, answer], i int) answer {
	found := answer(0)
	for key, value := range c.All() {
		if both := key.Intersect(s.atoms[i]); !both.IsEmpty() {
			if found != 0 || !both.Equal(s.atoms[i]) {
				return -1
			}
			found = value
		}
	}
	return found
}

func portSpace() space[PortSet] {
	return space[PortSet]{"ports", []PortSet{PortRangeSet(0, 0), PortRangeSet(1, 1), PortRangeSet(2, 65534), PortRangeSet(65535, 65535)}}
}

func serviceSpace() space[ServiceSet] {
	of := func(p Protocol, first, last uint16) ServiceSet {
		return ServiceSetOf(Service{p, PortRange{first, last}})
	}
	return space[ServiceSet]{"services", []ServiceSet{of(TCP, 1, 1), of(TCP, 2, 65535), of(UDP, 1, 1), of(UDP, 65535, 65535)}}
}

// prefixSpace has the ends of both families, and what is beside the IPv4-mapped block.
func prefixSpace() space[PrefixSet] {
	of := func(s string) PrefixSet { return PrefixSetOf(netip.MustParsePrefix(s)) }
	var around PrefixBuilder
	around.AddRange(netip.MustParseAddr("::fffe:ffff:ffff"), netip.MustParseAddr("::1:0:0:0"))
	return space[PrefixSet]{"prefixes", []PrefixSet{of("0.0.0.0/1"), of("255.255.255.255/32"), around.Build(), of("ffff::/16")}}
}

// Zip of any two functions of a small universe is what their values say, atom by atom,
// and has one form for one function.
func testZip[K Axis[K]](t *testing.T, s space[K]) {
	values := func(n int) []answer {
		out := make([]answer, len(s.atoms))
		for i := range out {
			out[i], n = answer(n%3), n/3
		}
		return out
	}
	order := []int{0, 1, 2, 3}
	other := []int{2, 0, 3, 1}
	f := func(a, b *answer) (answer, bool) {
		sum := answer(0)
		if a != nil {
			sum += *a
		}
		if b != nil {
			sum += 2 * *b
		}
		return sum % 4, sum%4 != 0 // a function with few values, so that keys join
	}
	var functions, others [81]Cells[K, answer] // put together in two orders
	for n := range 81 {
		functions[n], others[n] = s.function(values(n), order), s.function(values(n), other)
	}
	for m := range 81 {
		for n := range 81 {
			a, b := values(m), values(n)
			got, ok := Zip(functions[m], others[n], f, nil)
			if !ok {
				t.Fatalf("%s: no budget ran out", s.name)
			}
			want := make([]answer, len(s.atoms))
			for i := range want {
				if want[i] = (a[i] + 2*b[i]) % 4; s.at(got, i) != want[i] {
					t.Fatalf("%s: %v and %v: atom %d is %d, want %d", s.name, a, b, i, s.at(got, i), want[i])
				}
			}
			again := s.function(want, other)
			if !got.Equal(again) || got.Hash() != again.Hash() || fmt.Sprint(got) != fmt.Sprint(again) {
				t.Fatalf("%s: %v and %v: one function in two forms:\n%v\n%v", s.name, a, b, got, again)
			}
			if (m == n) != functions[m].Equal(others[n]) {
				t.Fatalf("%s: %v and %v: Equal is wrong", s.name, a, b)
			}
		}
	}
}

func TestZip(t *testing.T) {
	testZip(t, portSpace())
	testZip(t, serviceSpace())
	testZip(t, prefixSpace())
}

func TestFoldJoinsWhatOverlaps(t *testing.T) {
	s := prefixSpace()
	r := rand.New(rand.NewPCG(21, 1))
	for range 500 {
		var list []Cells[PrefixSet, answer]
		want := make([]answer, len(s.atoms))
		for range r.IntN(6) {
			bits, value := r.IntN(16), answer(1+r.IntN(5))
			list = append(list, CellsOf(s.set(bits), value))
			for i := range want {
				if bits&(1<<i) != 0 {
					want[i] = max(want[i], value)
				}
			}
		}
		got, ok := Fold(list, func(a, b answer) answer { return max(a, b) }, nil)
		for i := range want {
			if !ok || s.at(got, i) != want[i] {
				t.Fatalf("%v: atom %d is %d, want %d", list, i, s.at(got, i), want[i])
			}
		}
	}
}

func TestFinder(t *testing.T) {
	s := prefixSpace()
	for n := range 81 {
		values := []answer{answer(n % 3), answer(n / 3 % 3), answer(n / 9 % 3), answer(n / 27)}
		c := s.function(values, []int{0, 1, 2, 3})
		find := c.Finder()
		for bits := range 16 {
			var got, want [4]answer
			for _, cell := range find(s.set(bits)) {
				for i, atom := range s.atoms {
					if cell.Key.Covers(atom) {
						got[i] += cell.Value
					} else if cell.Key.Overlaps(atom) {
						t.Fatalf("%v within %04b: %v is not of whole atoms", c, bits, cell.Key)
					}
				}
			}
			for i := range want {
				if bits&(1<<i) != 0 {
					want[i] = values[i]
				}
			}
			if got != want {
				t.Fatalf("%v within %04b: %v, want %v", c, bits, got, want)
			}
		}
	}
	// Several ranges of what is asked for within one of a cell.
	var wide PrefixBuilder
	for i := range uint32(20) {
		wide.AddRange(addr4(i*10).ip(), addr4(i*10+4).ip())
	}
	whole := PrefixSetOf(netip.MustParsePrefix("0.0.0.0/30"), netip.MustParsePrefix("0.0.0.16/28"))
	if found := CellsOf(whole, answer(1)).Finder()(wide.Build()); len(found) != 1 || !found[0].Key.Equal(whole.Intersect(wide.Build())) {
		t.Errorf("found %v", found)
	}
}

// A budget that is too small is told, and one that suffices changes nothing.
func TestBudget(t *testing.T) {
	var list []Product[PortSet, PortSet]
	for i := range uint16(100) {
		list = append(list, ProductOf(PortRangeSet(i, i+50), PortRangeSet(i, i)))
	}
	free, ok := UniteProducts(list, nil)
	if !ok || free.Len() != 150 {
		t.Fatalf("%d cells, %t; want 150", free.Len(), ok)
	}
	if bound, ok := UniteProducts(list, NewBudget(1_000_000)); !ok || !bound.Equal(free) {
		t.Errorf("a budget that suffices changes the answer")
	}
	for _, n := range []int{0, 1, 10, 150} {
		if _, ok := UniteProducts(list, NewBudget(n)); ok {
			t.Errorf("a budget of %d pieces is not told to be too small", n)
		}
	}
}

// cube is a set of triples over small axes, nested.
type cube = Product[PortSet, Product[ServiceSet, PrefixSet]]

// triples is the slow, obvious form of a cube: a bit for each of 2×2×2 triples.
func cubeOf(bits int) cube {
	ports, services, prefixes := portSpace(), serviceSpace(), prefixSpace()
	var c cube
	for i := range 8 {
		if bits&(1<<i) != 0 {
			c = c.Union(ProductOf(ports.atoms[i&1], ProductOf(services.atoms[1+i>>1&1], prefixes.atoms[2+i>>2&1])))
		}
	}
	return c
}

// The algebra of all 65,536 pairs of sets of eight triples is that of their bits.
func TestProductAlgebra(t *testing.T) {
	all := make([]cube, 256)
	for bits := range all {
		all[bits] = cubeOf(bits)
		for i := range bits {
			if all[i].Equal(all[bits]) {
				t.Fatalf("%08b and %08b are equal", i, bits)
			}
		}
	}
	for a, x := range all {
		for b, y := range all {
			for _, op := range []struct {
				name string
				got  cube
				want int
			}{{"union", x.Union(y), a | b}, {"intersect", x.Intersect(y), a & b}, {"subtract", x.Subtract(y), a &^ b}} {
				if want := all[op.want]; !op.got.Equal(want) || op.got.Hash() != want.Hash() || op.got.IsEmpty() != (op.want == 0) || op.got.Size() != want.Size() {
					t.Fatalf("%s of %08b and %08b: %v, want %v", op.name, a, b, op.got, want)
				}
			}
		}
	}
}

// One set has one form: its cells are canonical all the way down.
func TestProductIsCanonical(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 2))
	for range 300 {
		var list []Product[PortSet, PortSet]
		for range 1 + r.IntN(12) {
			a, b := uint16(r.IntN(8)), uint16(r.IntN(8))
			list = append(list, ProductOf(PortRangeSet(a, a+uint16(r.IntN(4))), PortRangeSet(b, b+uint16(r.IntN(4)))))
		}
		want, _ := UniteProducts(list, nil)
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		got, _ := UniteProducts(append(list, list[0]), nil)
		if !reflect.DeepEqual(got.Cells(), want.Cells()) {
			t.Fatalf("got  %v\nwant %v", got, want)
		}
		var support PortSet
		for key, value := range got.All() {
			if key.IsEmpty() || value.IsEmpty() || !key.Intersect(support).IsEmpty() {
				t.Fatalf("%v: empty or overlapping cells", got)
			}
			support = support.Union(key)
		}
		if !support.Equal(got.Cells().Support()) {
			t.Fatalf("%v: support %v", got, got.Cells().Support())
		}
	}
}

func TestPortSet(t *testing.T) {
	s := portSpace()
	for bits := range 16 {
		set := s.set(bits)
		for i, n := range []uint16{0, 1, 30000, 65535} {
			if has := !set.Intersect(PortRangeSet(n, n)).IsEmpty(); has != (bits&(1<<i) != 0) {
				t.Errorf("%04b: it holds %d: %t", bits, n, has)
			}
		}
	}
	if !s.set(15).Equal(PortRangeSet(0, 65535)) || !PortRangeSet(2, 1).IsEmpty() {
		t.Error("all ports are not all, or a reversed range is not empty")
	}
	services := ServiceSetOf(Service{TCP, PortRange{80, 80}}, Service{UDP, PortRange{3478, 3481}})
	if !services.Of(TCP).Equal(PortRangeSet(80, 80)) || !services.Of(UDP).Equal(PortRangeSet(3478, 3481)) || !services.Of(1).IsEmpty() {
		t.Errorf("%v: ports by protocol are wrong", services)
	}
	for first, last := range PortRangeSet(5, 7).Ranges() {
		if first != 5 || last != 7 {
			t.Errorf("range %d-%d, want 5-7", first, last)
		}
	}
}

// Without overlap time is near-linear: a million prefixes in a hundred sets.
func BenchmarkZipOfAMillionPrefixes(b *testing.B) {
	var builders [100]PrefixBuilder
	for i := range uint32(1_000_000) {
		builders[i*2654435761%100].Add(netip.PrefixFrom(addr4(1<<24+i<<8).ip(), 25))
	}
	var list []Product[PrefixSet, PortSet]
	for i := range builders {
		list = append(list, ProductOf(builders[i].Build(), PortRangeSet(uint16(i), uint16(i))))
	}
	b.ReportAllocs()
	for b.Loop() {
		p, _ := UniteProducts(list, NewBudget(1_000_000))
		if !p.Subtract(p).IsEmpty() || p.Len() != 100 {
			b.Fatal("wrong")
		}
	}
}

// Of returns the ports of one protocol.
func (s ServiceSet) Of(p Protocol) (ports PortSet) {
	for _, r := range s.Ports(p) {
		ports = ports.Union(PortRangeSet(r.First, r.Last))
	}
	return ports
}

// Len counts what All yields.
func (p Product[A, B]) Len() int { return p.cells.Len() }

// HoldersOf of any three sets of a small universe tells of each atom who holds it, and
// of no two parts the same.
func testHolders[K Axis[K]](t *testing.T, s space[K]) {
	for n := range 16 * 16 * 16 {
		sets := []K{s.set(n & 15), s.set(n >> 4 & 15), s.set(n >> 8)}
		cells, ok := HoldersOf(sets, nil)
		if !ok {
			t.Fatalf("%s: no budget ran out", s.name)
		}
		seen := map[string]bool{}
		var before K
		for key, holders := range cells.All() {
			if seen[fmt.Sprint(holders)] || len(holders) == 0 || !before.IsEmpty() && key.sweep().compare(before, key) >= 0 {
				t.Fatalf("%s: %v: two parts of %v, or out of order", s.name, sets, holders)
			}
			seen[fmt.Sprint(holders)], before = true, key
		}
		for i, atom := range s.atoms {
			var want, got Holders
			for j, set := range sets {
				if !set.Intersect(atom).IsEmpty() {
					want = append(want, int32(j))
				}
			}
			for key, holders := range cells.All() {
				if !key.Intersect(atom).IsEmpty() {
					got = append(got, holders...)
				}
			}
			if !got.Equal(want) || len(want) > 0 && !got.Contains(want[0]) || got.Contains(3) {
				t.Fatalf("%s: %v: atom %d is held by %v, want %v", s.name, sets, i, got, want)
			}
		}
	}
}

func TestHoldersOf(t *testing.T) {
	testHolders(t, portSpace())
	testHolders(t, serviceSpace())
	testHolders(t, prefixSpace())
}

// What HoldersOf spends goes with the sets where they are disjoint, and with the pairs
// that overlap where they do.
func TestHoldersOfSpends(t *testing.T) {
	spent := func(sets []PortSet) int {
		budget := NewBudget(1 << 30)
		HoldersOf(sets, budget)
		return 1<<30 - budget.left
	}
	for _, n := range []int{250, 500, 1000} {
		apart, nested := make([]PortSet, n), make([]PortSet, n)
		for i := range n {
			apart[i] = PortRangeSet(uint16(10*i), uint16(10*i+5))
			nested[i] = PortRangeSet(uint16(i), uint16(10000-i))
		}
		if got := spent(apart); got != n {
			t.Errorf("%d disjoint sets: %d steps, want %d", n, got, n)
		}
		if got, want := spent(nested), n*n/holdersPerStep; got < want || got > want+2*n {
			t.Errorf("%d nested sets: %d steps, want about %d", n, got, want)
		}
	}
	budget := NewBudget(3)
	if _, ok := HoldersOf([]PortSet{PortRangeSet(1, 9), PortRangeSet(2, 8), PortRangeSet(3, 7)}, budget); ok {
		t.Error("five ranges within a budget of 3")
	}
}

// Ports and original ports are different members, and Kinds tells them apart.
func TestOriginalPortsAreOthers(t *testing.T) {
	s, u := mustServices(t, "tcp 80, 443; udp 443"), mustServices(t, "tcp 443")
	both := s.Union(u.Original())
	if both.Contains(TCP, 80) != true || u.Original().Contains(TCP, 443) || !both.Only(TCP).Union(both.Only(UDP)).Equal(s) {
		t.Errorf("%v: ports of packets and original ones are mixed up", both)
	}
	if got := both.String(); got != "tcp 80, 443; udp 443; original tcp 443" {
		t.Errorf("%q", got)
	}
	kinds := map[bool]ServiceSet{}
	for original, ports := range both.Kinds() {
		kinds[original] = ports
	}
	if len(kinds) != 2 || !kinds[false].Equal(s) || !kinds[true].Equal(u) || !both.Subtract(s).Equal(u.Original()) {
		t.Errorf("%v is of %v", both, kinds)
	}
	for original := range u.Original().Kinds() {
		if !original {
			t.Error("original ports alone have ports of packets")
		}
	}
}

func mustServices(t *testing.T, text string) ServiceSet {
	t.Helper()
	s, err := ParseServices(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
