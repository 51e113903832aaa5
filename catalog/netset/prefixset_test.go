package netset

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// An atom is a range of addresses that no boundary of the sets in these tests divides:
// single addresses at the edges of each family and of the IPv4-mapped block, and the
// gaps between them. A bool per atom is then an exact model of a set.
type atom struct{ first, last netip.Addr }

func atoms() []atom {
	var list []atom
	singles := func(from string, count int) {
		a := netip.MustParseAddr(from)
		for range count {
			list = append(list, atom{a, a})
			a = a.Next()
		}
	}
	gap := func(first, last string) {
		list = append(list, atom{netip.MustParseAddr(first), netip.MustParseAddr(last)})
	}
	singles("0.0.0.0", 32)
	gap("0.0.0.32", "127.255.255.255")
	gap("128.0.0.0", "255.255.255.223")
	singles("255.255.255.224", 32)
	singles("::", 32)
	gap("::20", "::fffe:ffff:ffef")
	singles("::fffe:ffff:fff0", 16)
	singles("::1:0:0:0", 16)
	gap("::1:0:0:10", "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
	gap("8000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffdf")
	singles("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffe0", 32)
	return list
}

// A piece is one thing that is given to a builder.
type piece struct{ first, last netip.Addr }

type lab struct {
	atoms []atom
	rand  *rand.Rand
}

func newLab(seed uint64) lab { return lab{atoms(), rand.New(rand.NewPCG(seed, 1))} }

func mapped(a netip.Addr) netip.Addr { return netip.AddrFrom16(a.As16()) }

// pieces returns random ranges, most of them short; gaps, whole families and
// IPv4-mapped spellings are among them.
func (l lab) pieces() []piece {
	var list []piece
	for range l.rand.IntN(9) {
		i := l.rand.IntN(len(l.atoms))
		j := i + l.rand.IntN(6)
		if l.rand.IntN(12) == 0 {
			j = i + l.rand.IntN(len(l.atoms))
		}
		first := l.atoms[i]
		last := l.atoms[min(j, len(l.atoms)-1)]
		if first.first.Is4() != last.last.Is4() {
			last = first
		}
		p := piece{first.first, last.last}
		if p.first.Is4() && l.rand.IntN(4) == 0 {
			p.first = mapped(p.first)
		}
		if p.last.Is4() && l.rand.IntN(4) == 0 {
			p.last = mapped(p.last)
		}
		list = append(list, p)
	}
	return list
}

// prefixes returns random prefixes with host bits, within the windows of single
// addresses or of one half of a family.
func (l lab) prefixes() []netip.Prefix {
	var list []netip.Prefix
	for range l.rand.IntN(7) {
		a := l.atoms[l.rand.IntN(len(l.atoms))]
		length := a.first.BitLen() - l.rand.IntN(5)
		if a.first != a.last || l.rand.IntN(20) == 0 {
			length = 1
		}
		if l.rand.IntN(40) == 0 {
			length = 0
		}
		p := netip.PrefixFrom(a.first, length)
		if a.first.Is4() && l.rand.IntN(4) == 0 {
			p = netip.PrefixFrom(mapped(a.first), 96+length)
		}
		list = append(list, p)
	}
	return list
}

func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// model says for each atom whether a piece or a prefix holds it.
func (l lab) model(pieces []piece, prefixes []netip.Prefix) []bool {
	in := make([]bool, len(l.atoms))
	for i, a := range l.atoms {
		for _, p := range pieces {
			first, last := p.first.Unmap(), p.last.Unmap()
			if first.Is4() == a.first.Is4() && first.Compare(a.first) <= 0 && a.last.Compare(last) <= 0 {
				in[i] = true
			}
		}
		for _, p := range prefixes {
			if unmapPrefix(p).Contains(a.first) {
				in[i] = true
			}
		}
	}
	return in
}

func build(pieces []piece, prefixes []netip.Prefix) PrefixSet {
	var b PrefixBuilder
	for _, p := range pieces {
		b.AddRange(p.first, p.last)
	}
	for _, p := range prefixes {
		b.Add(p)
	}
	return b.Build()
}

func (l lab) set() (PrefixSet, []bool) {
	pieces, prefixes := l.pieces(), l.prefixes()
	return build(pieces, prefixes), l.model(pieces, prefixes)
}

func (l lab) check(t *testing.T, what string, s PrefixSet, model []bool) {
	t.Helper()
	for i, a := range l.atoms {
		for _, x := range []netip.Addr{a.first, a.last} {
			if s.Contains(x) != model[i] {
				t.Fatalf("%s: Contains(%v) = %v in %v", what, x, !model[i], s)
			}
			if x.Is4() && s.Contains(mapped(x)) != model[i] {
				t.Fatalf("%s: Contains(%v) differs from %v in %v", what, mapped(x), x, s)
			}
			if s.Contains(mapped(x).WithZone("eth0")) {
				t.Fatalf("%s: Contains an address with a zone in %v", what, s)
			}
		}
	}
	l.checkCanonical(t, what, s)
}

// checkCanonical holds the form of a set: order, no two prefixes joinable, ranges
// maximal, text and prefixes that read back as the same set.
func (l lab) checkCanonical(t *testing.T, what string, s PrefixSet) {
	t.Helper()
	prefixes := slices.Collect(s.Prefixes())
	hosts := len(prefixes) > 0
	for i, p := range prefixes {
		if p != p.Masked() || p.Addr().Is4In6() {
			t.Fatalf("%s: prefix %v is not normalized", what, p)
		}
		hosts = hosts && p.IsSingleIP()
		if i == 0 {
			continue
		}
		before := prefixes[i-1]
		if before.Addr().Compare(p.Addr()) >= 0 || before.Overlaps(p) {
			t.Fatalf("%s: %v and %v are out of order or overlap", what, before, p)
		}
		if before.Bits() == p.Bits() && before.Addr().BitLen() == p.Addr().BitLen() &&
			netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked().Contains(before.Addr()) {
			t.Fatalf("%s: %v and %v are one prefix", what, before, p)
		}
	}
	if s.Len() != len(prefixes) || s.HostsOnly() != hosts || s.IsEmpty() != (len(prefixes) == 0) {
		t.Fatalf("%s: Len %d, HostsOnly %v, IsEmpty %v of %v", what, s.Len(), s.HostsOnly(), s.IsEmpty(), prefixes)
	}
	if !PrefixSetOf(prefixes...).Equal(s) || !parseAll(t, s.String()).Equal(s) {
		t.Fatalf("%s: %v does not read back", what, s)
	}
	checkRanges(t, what, s)
}

func checkRanges(t *testing.T, what string, s PrefixSet) {
	t.Helper()
	var b PrefixBuilder
	var before netip.Addr
	for first, last := range s.Ranges() {
		if last.Less(first) || before.IsValid() && (first.Compare(before) <= 0 || before.Next() == first) {
			t.Fatalf("%s: range %v-%v follows %v", what, first, last, before)
		}
		if before == netip.MustParseAddr("::fffe:ffff:ffff") && first == netip.MustParseAddr("::1:0:0:0") {
			t.Fatalf("%s: two ranges meet around the IPv4-mapped block in %v", what, s)
		}
		b.AddRange(first, last)
		before = last
	}
	if !b.Build().Equal(s) {
		t.Fatalf("%s: the ranges of %v do not read back", what, s)
	}
}

// parseAll reads the text of a set; a whole family, which ParsePrefix refuses, is read
// by netip.
func parseAll(t *testing.T, text string) PrefixSet {
	t.Helper()
	var b PrefixBuilder
	for cidr := range strings.SplitSeq(text, ", ") {
		switch cidr {
		case "":
		case "0.0.0.0/0", "::/0":
			b.Add(netip.MustParsePrefix(cidr))
		default:
			p, _, err := ParsePrefix(cidr)
			if err != nil {
				t.Fatal(err)
			}
			b.Add(p)
		}
	}
	return b.Build()
}

func TestPrefixSetAlgebraAgainstAtoms(t *testing.T) {
	l := newLab(1)
	for range 1500 {
		s, inS := l.set()
		u, inU := l.set()
		before := s.String() + "|" + u.String()
		l.check(t, "build", s, inS)

		union, both, rest := make([]bool, len(inS)), make([]bool, len(inS)), make([]bool, len(inS))
		covers, overlaps, equal := true, false, true
		for i := range inS {
			union[i], both[i], rest[i] = inS[i] || inU[i], inS[i] && inU[i], inS[i] && !inU[i]
			covers = covers && (inS[i] || !inU[i])
			overlaps = overlaps || both[i]
			equal = equal && inS[i] == inU[i]
		}
		l.check(t, "union", s.Union(u), union)
		l.check(t, "intersect", s.Intersect(u), both)
		l.check(t, "subtract", s.Subtract(u), rest)
		if s.Covers(u) != covers || s.Overlaps(u) != overlaps || s.Equal(u) != equal {
			t.Fatalf("Covers %v, Overlaps %v, Equal %v of %v and %v", s.Covers(u), s.Overlaps(u), s.Equal(u), s, u)
		}
		if !s.Covers(s.Intersect(u)) || !s.Union(u).Covers(u) || s.Subtract(u).Overlaps(u) {
			t.Fatalf("laws of covering fail for %v and %v", s, u)
		}
		if !s.V4().Union(s.V6()).Equal(s) || s.V4().Overlaps(s.V6()) {
			t.Fatalf("families of %v", s)
		}
		if before != s.String()+"|"+u.String() {
			t.Fatalf("an operation changed its argument: %v", before)
		}
	}
}

// TestPrefixSetIsMinimal counts the prefixes of a minimal list by halving the family,
// top down. A prefix may reach over the IPv4-mapped block only if what is on both sides
// of the block is in the set.
func TestPrefixSetIsMinimal(t *testing.T) {
	l := newLab(2)
	for range 60 {
		s, in := l.set()
		want := l.fewest(in, netip.MustParsePrefix("0.0.0.0/0")) + l.fewest(in, netip.MustParsePrefix("::/0"))
		if s.Len() != want {
			t.Fatalf("%d prefixes, want %d: %v", s.Len(), want, s)
		}
	}
}

func (l lab) fewest(in []bool, p netip.Prefix) int {
	first, last := p.Addr(), lastOf(p)
	some, all := false, true
	for i, a := range l.atoms {
		if a.first.BitLen() != first.BitLen() || a.last.Less(first) || last.Less(a.first) {
			continue
		}
		some = some || in[i]
		all = all && in[i]
	}
	if p.Overlaps(netip.MustParsePrefix("::ffff:0:0/96")) {
		all = all && l.holds(in, "::fffe:ffff:ffff") && l.holds(in, "::1:0:0:0")
	}
	if !some {
		return 0
	}
	if all {
		return 1
	}
	low := netip.PrefixFrom(first, p.Bits()+1)
	high := netip.PrefixFrom(lastOf(low).Next(), p.Bits()+1)
	return l.fewest(in, low) + l.fewest(in, high)
}

func (l lab) holds(in []bool, address string) bool {
	a := netip.MustParseAddr(address)
	return in[slices.Index(l.atoms, atom{a, a})]
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < p.Addr().BitLen(); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func TestPrefixSetIgnoresOrderAndPieces(t *testing.T) {
	l := newLab(3)
	for range 500 {
		prefixes := l.prefixes()
		want := PrefixSetOf(prefixes...)
		mixed := append(slices.Clone(prefixes), prefixes...)
		for i, p := range mixed {
			if p := p.Masked(); p.Bits() < p.Addr().BitLen() && l.rand.IntN(2) == 0 {
				mixed[i] = netip.PrefixFrom(p.Addr(), p.Bits()+1)
				mixed = append(mixed, netip.PrefixFrom(lastOf(p), p.Bits()+1))
			}
		}
		l.rand.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		if got := PrefixSetOf(mixed...); !got.Equal(want) || got.String() != want.String() {
			t.Fatalf("%v became %v, want %v", mixed, got, want)
		}
	}
}

// TestLongListsSortAsShortOnes takes the radix sort through both halves of an address.
func TestLongListsSortAsShortOnes(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	var b PrefixBuilder
	held := map[netip.Addr]bool{}
	for range 3 << 15 {
		a := addr4(r.Uint32()).ip()
		held[a] = true
		b.Add(netip.PrefixFrom(a, 32))
	}
	s := b.Build()
	for a := range held {
		if !s.Contains(a) || s.Contains(a.Next()) != held[a.Next()] {
			t.Fatalf("the set is wrong at %v", a)
		}
	}
	newLab(4).checkCanonical(t, "long list", s)
}

func TestBuilderIsReusable(t *testing.T) {
	var b PrefixBuilder
	b.Add(netip.MustParsePrefix("10.0.0.0/24"))
	b.Add(netip.MustParsePrefix("2001:db8::/33"))
	first := b.Build()
	b.Add(netip.MustParsePrefix("10.0.1.0/24"))
	b.Add(netip.MustParsePrefix("2001:db8:8000::/33"))
	b.Add(netip.MustParsePrefix("9.0.0.0/8"))
	second := b.Build()
	b.AddSet(PrefixSetOf(netip.MustParsePrefix("11.0.0.0/8")))
	third := b.Build()
	for _, c := range []struct {
		set  PrefixSet
		want string
	}{
		{first, "10.0.0.0/24, 2001:db8::/33"},
		{second, "9.0.0.0/8, 10.0.0.0/23, 2001:db8::/32"},
		{third, "9.0.0.0/8, 10.0.0.0/23, 11.0.0.0/8, 2001:db8::/32"},
	} {
		if c.set.String() != c.want {
			t.Errorf("got %v, want %s", c.set, c.want)
		}
	}
}

func TestPrefixSetEdges(t *testing.T) {
	for _, c := range []struct{ prefixes, want string }{
		{"", ""},
		{"255.255.255.255/32", "255.255.255.255"},
		{"255.255.255.254/32 255.255.255.255/32", "255.255.255.254/31"},
		{"0.0.0.0/32 255.255.255.255/32", "0.0.0.0, 255.255.255.255"},
		{"0.0.0.0/1 128.0.0.0/1", "0.0.0.0/0"},
		{"::/1 8000::/1", "::/0"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128 0.0.0.0/32", "0.0.0.0, ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"::/128 ::1/128", "::/127"},
		{"2001:db8::/65 2001:db8:0:0:8000::/65", "2001:db8::/64"},
		{"2001:db8::/64 2001:db8:0:1::/64", "2001:db8::/63"},
		{"::ffff:10.0.0.0/104", "10.0.0.0/8"},
		{"::ffff:0.0.0.0/96", "0.0.0.0/0"},
		{"::fffe:0:0/95", "::fffe:0:0/96"},
		{"::/64", "::/64"},
	} {
		var b PrefixBuilder
		for _, text := range strings.Fields(c.prefixes) {
			b.Add(netip.MustParsePrefix(text))
		}
		if got := b.Build().String(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.prefixes, got, c.want)
		}
	}
}

func TestCoversFamily(t *testing.T) {
	for _, c := range []struct {
		prefixes string
		v4, v6   bool
	}{
		{"", false, false},
		{"0.0.0.0/1", false, false},
		{"0.0.0.0/1 128.0.0.0/1", true, false},
		{"::/1 8000::/1", false, true},
		{"::/0 0.0.0.0/0", true, true},
		{"0.0.0.0/0", true, false},
	} {
		var b PrefixBuilder
		for _, text := range strings.Fields(c.prefixes) {
			b.Add(netip.MustParsePrefix(text))
		}
		if v4, v6 := b.Build().CoversFamily(); v4 != c.v4 || v6 != c.v6 {
			t.Errorf("%s: %v, %v", c.prefixes, v4, v6)
		}
	}
}

func TestWithoutMeaningAddsNothing(t *testing.T) {
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.9")
	v6 := netip.MustParseAddr("2001:db8::1")
	var builder PrefixBuilder
	builder.Add(netip.Prefix{})
	builder.AddRange(b, a)
	builder.AddRange(a, v6)
	builder.AddRange(v6, a)
	builder.AddRange(netip.Addr{}, a)
	builder.AddRange(netip.Addr{}, netip.Addr{})
	builder.AddRange(v6.WithZone("eth0"), v6)
	if s := builder.Build(); !s.IsEmpty() {
		t.Errorf("got %v", s)
	}
	if s := (PrefixSet{}); s.Contains(netip.Addr{}) || s.HostsOnly() || s.Overlaps(s) || !s.Covers(s) {
		t.Error("the empty set has members")
	}
}

func TestRangesMeetTheMappedBlock(t *testing.T) {
	for _, c := range []struct{ first, last, want string }{
		{"::ffff:192.0.2.0", "::ffff:192.0.2.255", "192.0.2.0/24"},
		{"::ffff:192.0.2.0", "192.0.2.255", "192.0.2.0/24"},
		{"::ffff:192.0.2.0", "::1:0:0:1", "::1:0:0:0/127"},
		{"::fffe:ffff:fffe", "::ffff:192.0.2.0", "::fffe:ffff:fffe/127"},
		{"::fffe:ffff:ffff", "::1:0:0:0", "::fffe:ffff:ffff, ::1:0:0:0"},
		{"::", "::ffff:ffff:ffff:ffff", "::/64"},
		{"::ffff:192.0.2.0", "::fffe:0:0", ""},
	} {
		var b PrefixBuilder
		b.AddRange(netip.MustParseAddr(c.first), netip.MustParseAddr(c.last))
		if got := b.Build().String(); got != c.want {
			t.Errorf("%s to %s: got %s, want %s", c.first, c.last, got, c.want)
		}
	}
}

func TestIterationStopsWhenAsked(t *testing.T) {
	s := PrefixSetOf(netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("12.0.0.0/8"), netip.MustParsePrefix("::/64"))
	for range s.Prefixes() {
		break
	}
	for range s.Ranges() {
		break
	}
}

func ExamplePrefixSet_Subtract() {
	ten := PrefixSetOf(netip.MustParsePrefix("10.0.0.0/8"))
	low := PrefixSetOf(netip.MustParsePrefix("10.0.0.0/10"))
	fmt.Println(ten.Subtract(low))
	// Output: 10.64.0.0/10, 10.128.0.0/9
}

// millionCIDRs returns a million distinct prefixes in no order, a few of them adjacent.
func millionCIDRs() []string {
	list := make([]string, 1_000_000)
	for i := range list {
		a := addr4(uint32(i) * 2_654_435_761)
		list[i] = netip.PrefixFrom(a.ip(), 24+i%9).Masked().String()
	}
	return list
}

func BenchmarkPrefixSet1M(b *testing.B) {
	cidrs := millionCIDRs()
	b.ReportAllocs()
	for b.Loop() {
		var builder PrefixBuilder
		for _, cidr := range cidrs {
			p, _, err := ParsePrefix(cidr)
			if err != nil {
				b.Fatal(err)
			}
			builder.Add(p)
		}
		s := builder.Build()
		text := s.AppendText(nil, ",\n")
		b.ReportMetric(float64(len(text)), "text-bytes")
	}
}

func BenchmarkPrefixSetUnion1M(b *testing.B) {
	var builders [2]PrefixBuilder
	for i, cidr := range millionCIDRs() {
		builders[i%2].Add(netip.MustParsePrefix(cidr))
	}
	s, t := builders[0].Build(), builders[1].Build()
	b.ReportAllocs()
	for b.Loop() {
		if s.Union(t).IsEmpty() {
			b.Fatal("empty union")
		}
	}
}

func BenchmarkPrefixSetContains(b *testing.B) {
	var builder PrefixBuilder
	for _, cidr := range millionCIDRs() {
		builder.Add(netip.MustParsePrefix(cidr))
	}
	s := builder.Build()
	a := netip.MustParseAddr("192.0.2.1")
	for b.Loop() {
		s.Contains(a)
	}
}

// TestLikeAndFirst holds that Like keeps one family, of IPv4-mapped addresses IPv4, and
// that First is the lowest address.
func TestLikeAndFirst(t *testing.T) {
	both := PrefixSetOf(netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("192.0.2.8/29"))
	for _, c := range []struct {
		like, want, first string
	}{
		{"10.0.0.1", "192.0.2.8/29, 198.51.100.0/24", "192.0.2.8"},
		{"::ffff:10.0.0.1", "192.0.2.8/29, 198.51.100.0/24", "192.0.2.8"},
		{"fd00::1", "2001:db8::/32", "2001:db8::"},
	} {
		got := both.Like(netip.MustParseAddr(c.like))
		if first, ok := got.First(); got.String() != c.want || !ok || first.String() != c.first {
			t.Errorf("like %s: %s, first %s (%t)", c.like, got, first, ok)
		}
	}
	if first, ok := (PrefixSet{}).First(); ok {
		t.Errorf("an empty set has %s", first)
	}
}
