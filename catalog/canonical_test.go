package catalog

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
)

// draft is what an entry says, to be written down in many ways.
type draft struct {
	names    []string // names and pending endpoints, whose paths have one case only
	prefixes []netip.Prefix
	services []netset.Service
	notes    []string
}

func randomDraft(r *rand.Rand) draft {
	var d draft
	for range 1 + r.IntN(4) {
		d.names = append(d.names, []string{
			fmt.Sprintf("n%d.example.com", r.IntN(6)), fmt.Sprintf("*.d%d.example.org", r.IntN(3)),
			fmt.Sprintf("<tenant>-%d.sharepoint.com", r.IntN(3)), fmt.Sprintf("aka.ms/Path%d", r.IntN(3)),
		}[r.IntN(4)])
	}
	for range r.IntN(5) {
		d.prefixes = append(d.prefixes, []netip.Prefix{
			netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(r.IntN(4)), byte(r.IntN(256)), 0}), 8+r.IntN(25)).Masked(),
			netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(r.IntN(4))}), 32+r.IntN(97)).Masked(),
		}[r.IntN(2)])
	}
	for range 1 + r.IntN(3) {
		first := uint16(1 + r.IntN(60_000))
		ports := netset.PortRange{First: first, Last: first + uint16(r.IntN(100))}
		d.services = append(d.services, netset.Service{Protocol: []netset.Protocol{netset.TCP, netset.UDP}[r.IntN(2)], Ports: ports})
	}
	d.notes = []string{"one", "two", "three"}[:r.IntN(4)]
	return d
}

// write puts the draft into a document, in its own order and pieces.
func (d draft) write() string {
	list := slices.Clone(d.names)
	for _, p := range d.prefixes {
		list = append(list, p.String())
	}
	var services []string
	for _, s := range d.services {
		services = append(services, s.String())
	}
	endpoints, _ := json.Marshal(list)
	notes, _ := json.Marshal(d.notes)
	return document(entry(fmt.Sprintf(`"direction": "inbound", "role": "sts", "endpoints": %s, "services": %q, "notes": %s`,
		strings.ReplaceAll(strings.ReplaceAll(string(endpoints), `\u003c`, "<"), `\u003e`, ">"), strings.Join(services, ";"),
		strings.Replace(string(notes), "null", "[]", 1))))
}

// reworded returns the same draft in another order, in other pieces and in other case.
func (d draft) reworded(r *rand.Rand) draft {
	var w draft
	for _, n := range d.names {
		host, path, hasPath := strings.Cut(n, "/")
		if r.IntN(2) == 0 && !strings.Contains(host, "<") {
			host = strings.ToUpper(host)
		}
		if hasPath {
			host += "/"
		}
		for range 1 + r.IntN(2) {
			w.names = append(w.names, host+path)
		}
	}
	for _, p := range d.prefixes {
		w.prefixes = append(w.prefixes, halves(p, r)...)
	}
	for _, s := range d.services {
		if middle := s.Ports.First + uint16(r.IntN(int(s.Ports.Last-s.Ports.First)+1)); middle < s.Ports.Last {
			w.services = append(w.services, netset.Service{Protocol: s.Protocol, Ports: netset.PortRange{First: middle, Last: s.Ports.Last}})
			s.Ports.Last = middle
		}
		w.services = append(w.services, s)
	}
	r.Shuffle(len(w.names), func(i, j int) { w.names[i], w.names[j] = w.names[j], w.names[i] })
	r.Shuffle(len(w.prefixes), func(i, j int) { w.prefixes[i], w.prefixes[j] = w.prefixes[j], w.prefixes[i] })
	r.Shuffle(len(w.services), func(i, j int) { w.services[i], w.services[j] = w.services[j], w.services[i] })
	w.notes = d.notes
	return w
}

// halves splits a prefix now and then.
func halves(p netip.Prefix, r *rand.Rand) []netip.Prefix {
	if p.IsSingleIP() || r.IntN(2) == 0 {
		return []netip.Prefix{p}
	}
	low := netip.PrefixFrom(p.Addr(), p.Bits()+1)
	bytes := p.Addr().AsSlice()
	bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	high, _ := netip.AddrFromSlice(bytes)
	return append(halves(low, r), halves(netip.PrefixFrom(high, p.Bits()+1), r)...)
}

func canonical(t testing.TB, in string) string {
	t.Helper()
	c := read(t, in)
	return string(c.Entries[0].AppendCanonical(nil))
}

// TestCanonicalForm holds law 2 for single entries: the same said otherwise has the
// same form, and drafts whose forms are equal mean the same.
func TestCanonicalForm(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	meanings := map[string]string{}
	for range 3000 {
		d := randomDraft(r)
		form := canonical(t, d.write())
		if again := d.reworded(r); canonical(t, again.write()) != form {
			t.Fatalf("%s\nand\n%s\ndiffer", d.write(), again.write())
		}
		meaning := d.meaning()
		if have, ok := meanings[form]; ok && have != meaning {
			t.Fatalf("%s\nand\n%s\nhave one form", have, meaning)
		}
		meanings[form] = meaning
	}
}

// meaning spells the draft out: the slow oracle.
func (d draft) meaning() string {
	names := slices.Compact(slices.Sorted(slices.Values(d.names)))
	var ports []string
	for _, s := range d.services {
		for p := int(s.Ports.First); p <= int(s.Ports.Last); p++ {
			ports = append(ports, fmt.Sprint(s.Protocol, " ", p))
		}
	}
	slices.Sort(ports)
	return fmt.Sprint(names, netset.PrefixSetOf(d.prefixes...), slices.Compact(ports), d.notes)
}

// TestCanonicalDistinguishes changes one thing at a time; no two forms may be equal.
func TestCanonicalDistinguishes(t *testing.T) {
	const base = `"area": "exchange", "type": "t", "condition": "c", "notes": ["n"], "source": "s"`
	rest := `, "direction": "inbound", "role": "sts", "services": "tcp 443", "endpoints": ["a.example.com"]`
	forms := map[string]string{}
	for _, members := range []string{
		base + rest,
		strings.Replace(base, `"area": "exchange"`, `"area": "skype"`, 1) + rest,
		strings.Replace(base, `"type": "t"`, `"type": "tc"`, 1) + rest,
		strings.Replace(base, `"type": "t", "condition": "c"`, `"type": "tc", "condition": "t"`, 1) + rest,
		strings.Replace(base, `"c"`, `"d"`, 1) + rest,
		strings.Replace(base, `["n"]`, `["n", "n"]`, 1) + rest,
		strings.Replace(base, `["n"]`, `[]`, 1) + rest,
		strings.Replace(base, `"s"`, `"n"`, 1) + rest,
		base + `, "row": "1"` + rest,
		base + `, "required": true` + rest,
		base + `, "category": "allow"` + rest,
		base + `, "instance": ["China"]` + rest,
		base + `, "instance": ["China", "Worldwide"]` + rest,
		base + `, "date": "2025-01-08"` + rest,
		base + `, "inferred": {"role": "r"}` + rest,
		base + `, "inferred": {"services": "r"}` + rest,
		base + strings.Replace(rest, "inbound", "outbound", 1),
		base + strings.Replace(rest, "sts", "sbc", 1),
		base + strings.Replace(rest, "tcp", "udp", 1),
		base + strings.Replace(rest, "443", "443-444", 1),
		base + strings.Replace(rest, `"a.example.com"`, `"*.example.com"`, 1),
		base + strings.Replace(rest, `"a.example.com"`, `"a.example.com/a"`, 1),
		base + strings.Replace(rest, `"a.example.com"`, `"a.example.com/A"`, 1),
		base + strings.Replace(rest, `"a.example.com"`, `"a.example.com", "192.0.2.0/24"`, 1),
		base + strings.Replace(rest, `"a.example.com"`, `"<tenant>.example.com"`, 1),
		base + strings.Replace(rest, `"endpoints": ["a.example.com"]`, `"unsaid": {"remote": {"why": "w"}}`, 1),
		base + strings.Replace(rest, `"endpoints": ["a.example.com"]`, `"unsaid": {"remote": {"why": "w", "ask": "a"}}`, 1),
		base + strings.Replace(rest, `"endpoints": ["a.example.com"]`, `"unsaid": {"remote": {"why": "w", "who": "a"}}`, 1),
		base + strings.Replace(rest, `"endpoints": ["a.example.com"]`, `"unsaid": {"remote": {"why": "w", "from": ["m365/exchange"]}}`, 1),
		base + strings.Replace(rest, `"endpoints": ["a.example.com"]`, `"unsaid": {"remote": {"why": "w", "never_any": true}}`, 1),
	} {
		form := canonical(t, document(entry(members)))
		if other, ok := forms[form]; ok {
			t.Errorf("%s\nand\n%s\nhave one form", members, other)
		}
		forms[form] = members
	}
	for _, other := range []string{
		strings.Replace(endpoints(`"<tenant>.example.com"`), `"label"`, `"fqdn"`, 1),
		strings.Replace(endpoints(`"<tenant>.example.com"`), `"id": "e"`, `"id": "f"`, 1),
		strings.Replace(endpoints(`"<tenant>.example.com"`), `"title": "t", "direction"`, `"title": "u", "direction"`, 1),
	} {
		if canonical(t, endpoints(`"<tenant>.example.com"`)) == canonical(t, other) {
			t.Errorf("%s has the form of another", other)
		}
	}
}

// What only some entries have is told apart, and changes no form without it.
func TestCanonicalFormOfTags(t *testing.T) {
	base := Entry{ID: "c/a", Unsaid: []Unsaid{{Fact: FactRole, Why: "w"}}}
	seen := map[string]bool{string(base.AppendCanonical(nil)): true}
	for _, change := range []func(*Entry){
		func(e *Entry) { e.Tag = "x" }, func(e *Entry) { e.Region = "x" }, func(e *Entry) { e.Service = "x" },
		func(e *Entry) { e.Unsaid = []Unsaid{{Fact: FactRole, Why: "w", WholeFeed: true}} },
	} {
		e := base
		change(&e)
		form := string(e.AppendCanonical(nil))
		if seen[form] {
			t.Errorf("the form of %+v is that of another", e)
		}
		seen[form] = true
	}
}
