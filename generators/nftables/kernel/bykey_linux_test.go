package kernel

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/generators/engine"
	"gatewright/generators/filter"
)

func anyName(string) bool { return true }

// textOf is all that is read of a set.
func (s *set) textOf() string {
	var b strings.Builder
	for _, e := range s.Elements {
		fmt.Fprintf(&b, "%s %x\n", s.text(e), s.Notes[e.First])
	}
	return fmt.Sprintf("%s%x", b.String(), s.Raw)
}

// byKey asks for the elements of one set, however few they are, and reports whether
// that is enough to know it.
func (c *Conn) byKey(t *testing.T, want *Table, name string) (*set, bool) {
	t.Helper()
	c.fewest = 1
	r := tableReader{Conn: c, ours: anyName, want: want, Table: &Table{Name: want.Name}, sets: map[string]*set{}}
	r.family, r.name = familyAndName(want.Name)
	if err := r.readSets(); err != nil {
		t.Fatal(err)
	}
	return r.sets[name], r.readByKey(r.sets[name])
}

func prefixes(t *testing.T, list string) netset.PrefixSet {
	t.Helper()
	var b netset.PrefixBuilder
	for text := range strings.FieldsSeq(list) {
		if first, last, isRange := strings.Cut(text, "-"); isRange {
			b.AddRange(netip.MustParseAddr(first), netip.MustParseAddr(last))
		} else {
			b.Add(netip.MustParsePrefix(text))
		}
	}
	return b.Build()
}

const one, two = "gatewright_one", "gatewright_two"

// mapOf is a map of which one part leads to one chain and the rest to another; for
// nothing that leads anywhere else, a set.
func mapOf(t *testing.T, family filter.Family, toOne, toTwo string) *Table {
	t.Helper()
	rs := filter.Ruleset{Chains: []filter.Chain{{Name: one}, {Name: two}}}
	if toTwo == "" {
		rs.Sets = []filter.Set{{Name: "s", Family: family, Prefixes: prefixes(t, toOne)}}
	} else {
		rs.Maps = []filter.Map{{Name: "s", Family: family, Elements: []filter.Element{{Chain: one, Prefixes: prefixes(t, toOne)}, {Chain: two, Prefixes: prefixes(t, toTwo)}}}}
	}
	want, err := Lower(testTable, rs)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

func (c *Conn) makes(t *testing.T, want *Table) {
	t.Helper()
	if _, err := c.Commit(Compare(c.readAll(t), want)); err != nil {
		t.Fatal(err)
	}
}

// lone adds or removes single elements of the kernel's, as nft never does.
func (c *Conn) lone(t *testing.T, kind uint16, s *set, b bound) {
	t.Helper()
	var w writer
	w.steps = []step{{}}
	w.family, w.table = familyAndName(testTable)
	w.beginRaw(msgBatchBegin, syscall.NLM_F_REQUEST, 0, subsystemNFTables)
	w.end()
	w.elementsMessage(kind, s.Name, 0, nil, func() {
		if b.isEnd() || s.Targets == nil {
			w.key(b.number, b.flags, s)
		} else {
			w.element(kind, s, element{b.number, greatest(s.Spec.KeySize), b.target})
		}
	})
	w.beginRaw(msgBatchEnd, syscall.NLM_F_REQUEST|ack, 0, subsystemNFTables)
	w.end()
	if a, err := c.transact(&w); err != nil || len(a.errs) > 0 {
		t.Fatal(err, a.errs)
	}
}

// TestByKey holds that what is asked for by its keys is what a dump has, and is enough
// where the kernel holds that and nothing else.
func TestByKey(t *testing.T) {
	const added = "add element inet gatewright s "
	const removed = "delete element inet gatewright s "
	inMap := []*Table{mapOf(t, 4, "10.0.0.0/24 10.0.4.4/32 10.0.8.0/24", "10.0.1.0/24 10.0.6.0/24")}
	inSets := []*Table{
		mapOf(t, 4, "10.0.0.0/24 10.0.4.4/32 10.0.6.0/24 10.0.8.0/24", ""),
		mapOf(t, 4, "0.0.0.0/8 10.0.0.0/24 10.0.6.0/24 224.0.0.0/3", ""),
	}
	for name, c := range map[string]struct {
		in     []*Table
		change string
		known  bool
	}{
		"nothing changed":           {slices.Concat(inMap, inSets), "", true},
		"another verdict":           {inMap, removed + "{ 10.0.6.0/24 }\n" + added + "{ 10.0.6.0/24 : goto gatewright_one }\n", true},
		"a verdict of another kind": {inMap, removed + "{ 10.0.6.0/24 }\n" + added + "{ 10.0.6.0/24 : accept }\n", true},
		"a comment in a map":        {inMap, removed + "{ 10.0.6.0/24 }\n" + added + "{ 10.0.6.0/24 comment \"mine\" : goto gatewright_two }\n", true},
		"a comment":                 {inSets, removed + "{ 10.0.6.0/24 }\n" + added + "{ 10.0.6.0/24 comment \"mine\" }\n", true},
		"one more in a map":         {inMap, added + "{ 10.0.9.9 : goto gatewright_one }\n", false},
		"one more that follows":     {inMap, added + "{ 10.0.9.0/24 : goto gatewright_two }\n", false},
		"one more":                  {inSets, added + "{ 10.0.9.9 }\n", false},
		"the last address":          {inMap, added + "{ 255.255.255.255 : goto gatewright_one }\n", false},
		"one fewer":                 {slices.Concat(inMap, inSets), removed + "{ 10.0.6.0/24 }\n", false},
		"an earlier end":            {inSets, removed + "{ 10.0.6.0/24 }\n" + added + "{ 10.0.6.0/25 }\n", false},
		"a later end":               {inSets, removed + "{ 10.0.6.0/24 }\n" + added + "{ 10.0.6.0/23 }\n", false},
		"a later start":             {inSets, removed + "{ 10.0.6.0/24 }\n" + added + "{ 10.0.6.128/25 }\n", false},
		"an earlier start":          {inMap, removed + "{ 10.0.6.0/24 }\n" + added + "{ 10.0.5.0-10.0.6.255 : goto gatewright_two }\n", false},
		"a gap":                     {inSets, removed + "{ 10.0.6.0/24 }\n" + added + "{ 10.0.6.0/25, 10.0.6.129-10.0.6.255 }\n", false},
		"one for another":           {inSets, removed + "{ 10.0.6.0/24 }\n" + added + "{ 10.0.7.9 }\n", false},
		"all of a map":              {inMap, "flush map inet gatewright s\n", false},
		"all":                       {inSets, "flush set inet gatewright s\n", false},
	} {
		for i, want := range c.in {
			t.Run(fmt.Sprint(name, i), func(t *testing.T) {
				m, conn := connected(t)
				conn.makes(t, want)
				load(t, m, c.change)
				conn.sameAsDump(t, want, c.known)
			})
		}
	}
}

func load(t *testing.T, m *engine.Machine, text string) {
	t.Helper()
	if text == "" {
		return
	}
	if err := m.LoadNFT([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// sameAsDump holds that a set is read as by a dump, and whether its keys were enough.
func (c *Conn) sameAsDump(t *testing.T, want *Table, known bool) {
	t.Helper()
	dump := c.readAll(t)
	got, enough := c.byKey(t, want, "s")
	if enough != known {
		t.Errorf("by its keys the set is known: %t", enough)
	}
	if enough && got.textOf() != dump.set("s").textOf() {
		t.Errorf("by key:\n%s\nby dump:\n%s", got.textOf(), dump.set("s").textOf())
	}
	whole, err := c.ReadExpecting(want, anyName)
	if err != nil || whole.set("s").textOf() != dump.set("s").textOf() {
		t.Errorf("expecting it:\n%s\nby dump:\n%s\nerror %v", whole.set("s").textOf(), dump.set("s").textOf(), err)
	}
	if got, want := fmt.Sprint(Compare(whole, want).List(verdictText)), fmt.Sprint(Compare(dump, want).List(verdictText)); got != want {
		t.Errorf("changes\n%s\nwant\n%s", got, want)
	}
}

// TestByKeyForms holds which sets can be asked for by key, at the edges of all that
// there is.
func TestByKeyForms(t *testing.T) {
	for name, c := range map[string]struct {
		want  *Table
		known bool
	}{
		"IPv6":                   {mapOf(t, 6, "2001:db8::/64 2001:db8:1::1/128", "2001:db8:0:1::/64 ff00::/8"), true},
		"a set of IPv6":          {mapOf(t, 6, "::/16 2001:db8::/64 2001:db8:1::1/128", ""), true},
		"hosts":                  {mapOf(t, 4, "10.0.0.1/32 10.0.0.2/32 10.0.0.9/32", ""), true},
		"hosts of IPv6":          {mapOf(t, 6, "2001:db8::1/128 2001:db8::2/128", ""), true},
		"everything in two":      {mapOf(t, 4, "0.0.0.0/1", "128.0.0.0/1"), true},
		"from the first address": {mapOf(t, 4, "0.0.0.0/8", "10.0.0.0/8"), true},
		"one before others":      {mapOf(t, 4, "10.0.0.5/32", "10.0.0.6/31 10.0.1.0/24"), true},
		"nothing":                {mapOf(t, 4, "", ""), false},
		"everything":             {mapOf(t, 4, "0.0.0.0/0", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			_, c1 := connected(t)
			c1.makes(t, c.want)
			c1.sameAsDump(t, c.want, c.known)
		})
	}
}

// TestByKeyFindsWhatIsAlone holds that an element of an interval without the other one
// is found, as nft never leaves one; an end before all starts, which nft adds, means
// nothing.
func TestByKeyFindsWhatIsAlone(t *testing.T) {
	for _, want := range []*Table{
		mapOf(t, 4, "10.0.0.0/24 10.0.8.0/24", "10.0.1.0/24 10.0.6.0/24"),
		mapOf(t, 4, "10.0.0.0/24 10.0.6.0/24 10.0.8.0/24", ""),
	} {
		target := want.Sets[0].Elements[0].Target
		at := func(text string, flags uint32) bound {
			return bound{number: numberOfAddr(netip.MustParseAddr(text)), flags: flags, target: target}
		}
		for name, c := range map[string]struct {
			kind  uint16
			alone bound
		}{
			"the first start":                       {msgNewElement, at("0.0.0.0", 0)},
			"a start":                               {msgNewElement, at("10.0.4.0", 0)},
			"a start at an end":                     {msgNewElement, at("10.0.7.0", 0)},
			"the last start":                        {msgNewElement, at("10.0.9.0", 0)},
			"a start that ends at the last address": {msgNewElement, at("255.255.255.255", 0)},
			"no start":                              {msgDelElement, at("10.0.6.0", 0)},
			"no end":                                {msgDelElement, at("10.0.7.0", flagIntervalEnd)},
			"no last end":                           {msgDelElement, at("10.0.9.0", flagIntervalEnd)},
		} {
			t.Run(name, func(t *testing.T) {
				_, conn := connected(t)
				conn.makes(t, want)
				conn.lone(t, c.kind, want.Sets[0], c.alone)
				conn.sameAsDump(t, want, false)
			})
		}
		_, conn := connected(t)
		conn.makes(t, want)
		conn.lone(t, msgNewElement, want.Sets[0], bound{flags: flagIntervalEnd}) // as by nft
		conn.sameAsDump(t, want, true)
	}
}

// TestByKeyFindsEverythingElse holds that an element is found that the kernel does not
// count.
func TestByKeyFindsEverythingElse(t *testing.T) {
	for _, list := range []string{"10.0.0.0/24 10.0.8.0/24", "10.0.0.1/32"} {
		want := mapOf(t, 4, list, "")
		_, c := connected(t)
		c.makes(t, want)
		c.sameAsDump(t, want, true)
		c.lone(t, msgNewElement, want.Sets[0], bound{flags: flagCatchAll})
		c.sameAsDump(t, want, false)
	}
}

// TestCount holds what the kernel counts: it is why one element can be there besides.
func TestCount(t *testing.T) {
	m, c := connected(t)
	load(t, m, `
add table inet gatewright
add set inet gatewright pairs { type ipv4_addr; flags interval; elements = { 10.0.0.0/24, 10.0.2.0/24 }; }
add set inet gatewright open { type ipv4_addr; flags interval; elements = { 10.0.0.0/24, 240.0.0.0/4 }; }
add set inet gatewright hosts { type ipv4_addr; elements = { 10.0.0.0, 10.0.0.1, 10.0.0.2, * }; }
add map inet gatewright adjacent { type ipv4_addr : verdict; flags interval; elements = { 10.0.0.0/24 : accept, 10.0.1.0/24 : drop }; }
`)
	for name, want := range map[string]uint32{"pairs": 2, "open": 2, "hosts": 3, "adjacent": 2} {
		if got := c.readAll(t).set(name).count; got != want {
			t.Errorf("%s: the kernel counts %d; want %d", name, got, want)
		}
	}
	load(t, m, "add element inet gatewright pairs { 10.0.4.0/24 }\n")
	if got := c.readAll(t).set("pairs").count; got != 3 {
		t.Errorf("with one more it counts %d", got)
	}
}

// TestByKeyNeedsTheCount holds that a kernel that does not count is asked for a dump.
func TestByKeyNeedsTheCount(t *testing.T) {
	for _, list := range []string{"10.0.0.0/24 10.0.8.0/24", "10.0.0.1/32", "0.0.0.0/0"} {
		want := mapOf(t, 4, list, "")
		s := *want.Sets[0]
		r := tableReader{Conn: &Conn{fewest: 1}, want: want} // of no socket
		if r.readByKey(&s) {
			t.Errorf("%s: known", list)
		}
	}
}

// TestByKeyInALittleRoom holds that questions are as many as answers have room for, and
// that a queue that overflows all the same loses nothing.
func TestByKeyInALittleRoom(t *testing.T) {
	var list, other strings.Builder
	for i := range 600 {
		fmt.Fprintf(&list, "10.%d.%d.0/28 ", i/256, i%256)
		fmt.Fprintf(&other, "10.%d.%d.128/28 ", i/256, i%256)
	}
	want := mapOf(t, 4, list.String(), other.String())
	_, c := connected(t)
	c.makes(t, want)
	c.sameAsDump(t, want, true)
	full := c.room
	c.room = 2
	c.sameAsDump(t, want, true)
	err := c.raw.Control(func(fd uintptr) {
		if err := syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 64<<10); err != nil {
			t.Error(err)
		}
	})
	if err := c.measure(); err != nil || c.room != 128<<10/answerSize {
		t.Errorf("room for %d, error %v", c.room, err)
	}
	c.sameAsDump(t, want, true)
	c.room = full
	c.sameAsDump(t, want, false)
	if err != nil {
		t.Fatal(err)
	}
}

// TestByKeyOfOneState holds that a change between two questions is not overlooked.
func TestByKeyOfOneState(t *testing.T) {
	want := mapOf(t, 4, "10.0.0.0/24 10.0.8.0/24", "10.0.1.0/24 10.0.6.0/24")
	for n := 4; n <= 8; n++ {
		m, c := connected(t)
		c.makes(t, want)
		c.fewest = 1
		happened := false
		raw := c.raw
		c.raw = meddled{RawConn: raw, write: &meddling{n, func() error {
			happened = true
			return m.LoadNFT([]byte("add element inet gatewright s { 10.0.2.0/24 : accept }\n"))
		}}}
		have, err := c.ReadExpecting(want, anyName)
		c.raw = raw
		if err != nil || !happened || len(have.set("s").Elements) != 5 {
			t.Errorf("before message %d: %t, error %v, read\n%s", n, happened, err, have.set("s").textOf())
		}
	}
}

// TestByKeyAgreesWithDumps makes any sets, changes each in one place, and reads it by
// both.
func TestByKeyAgreesWithDumps(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 2))
	_, c := connected(t)
	known := 0
	for range 150 {
		other := ""
		if r.IntN(2) == 0 {
			other = someOf(r, 1)
		}
		want := mapOf(t, 4, someOf(r, 0), other)
		c.makes(t, want)
		have, enough := c.byKey(t, want, "s")
		if enough {
			known++
		}
		if dump := c.readAll(t); enough && have.textOf() != dump.set("s").textOf() {
			t.Fatalf("by key:\n%s\nby dump:\n%s", have.textOf(), dump.set("s").textOf())
		}
		changed := *want
		s := *want.Sets[0]
		changed.Sets = []*set{&s}
		s.change(r)
		c.makes(t, &changed)
		whole, err := c.ReadExpecting(want, anyName)
		if dump := c.readAll(t); err != nil || whole.set("s").textOf() != dump.set("s").textOf() {
			t.Fatalf("expecting\n%s\nread\n%s\nby dump:\n%s\nerror %v", want.Sets[0].textOf(), whole.set("s").textOf(), dump.set("s").textOf(), err)
		}
	}
	if known < 75 {
		t.Errorf("by key %d sets were known", known)
	}
}

// someOf is some of 64 blocks of eight addresses, at the ends of all that there are:
// the even ones, or the odd ones.
func someOf(r *rand.Rand, odd int) string {
	var b strings.Builder
	for i := range 32 {
		if at := uint32(i*2+odd)*8 - 256; r.IntN(2) == 0 {
			first, last := number{Lo: uint64(at)}, number{Lo: uint64(at) + uint64(r.IntN(8))}
			fmt.Fprintf(&b, "%v-%v ", first.addr(net4), last.addr(net4))
		}
	}
	return b.String()
}

// change changes one element, if there is any: its start, its end, its target, or all
// of it.
func (s *set) change(r *rand.Rand) {
	if len(s.Elements) == 0 {
		return
	}
	s.Elements = slices.Clone(s.Elements)
	at := r.IntN(len(s.Elements))
	e := &s.Elements[at]
	switch kind := r.IntN(4); {
	case kind == 0 && e.First != e.Last:
		e.First = e.First.next()
	case kind == 1 && e.First != e.Last:
		e.Last = e.Last.before()
	case kind == 2 && len(s.Targets) == 2:
		e.Target = 1 - e.Target
	default:
		s.Elements = slices.Delete(s.Elements, at, at+1)
	}
}
