package netset

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestParsePortRange(t *testing.T) {
	for _, c := range []struct {
		in   string
		want PortRange
	}{
		{"443", PortRange{443, 443}},
		{"1", PortRange{1, 1}},
		{"65535", PortRange{65535, 65535}},
		{"50000-59999", PortRange{50000, 59999}},
		{"1-65535", PortRange{1, 65535}},
		{"80-80", PortRange{80, 80}},
	} {
		if got, err := ParsePortRange(c.in); got != c.want || err != nil {
			t.Errorf("%q: %v, %v", c.in, got, err)
		}
	}
}

func TestParsePortRangeErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", `empty ports; write a port such as "443"`},
		{"0", `port 0 in "0" is not a valid port; write a port from 1 to 65535, or "1-65535" for all`},
		{"0-65535", `port 0 in "0-65535" is not a valid port; write a port from 1 to 65535, or "1-65535" for all`},
		{"65536", `port "65536" is over 65535`},
		{"1-99999999999999999999", `is over 65535`},
		{"90-80", `ports "90-80" are reversed; write "80-90"`},
		{"50,000", `have a separator of thousands or of a list`},
		{"50.000", `have a separator of thousands or of a list`},
		{"80 - 90", `have a space`},
		{" 80", `have a space`},
		{"80\n", `have a space`},
		{"80\u201390", `have a dash instead of a hyphen`},
		{"80:90", `have a colon instead of a hyphen`},
		{"+80", `have a sign`},
		{"-80", `are not a range; write "first-last"`},
		{"80-", `are not a range`},
		{"80-90-100", `are not a range`},
		{"080", `port "080" has leading zeros; write it without`},
		{"any", `name no range; write "1-65535" for all`},
		{"*", `name no range; write "1-65535" for all`},
		{"https", `ports "https" are not a number from 1 to 65535`},
		{strings.Repeat("1", 5000), `is over 65535`},
	} {
		if got, err := ParsePortRange(c.in); err == nil || got != (PortRange{}) {
			t.Errorf("%q: %v, %v", c.in, got, err)
		} else {
			checkMessage(t, c.in, err, c.want)
		}
	}
}

func TestParseProtocol(t *testing.T) {
	for text, want := range map[string]Protocol{"tcp": TCP, "udp": UDP} {
		if got, err := ParseProtocol(text); got != want || err != nil || got.String() != text {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for in, want := range map[string]string{
		"":     `empty protocol; write "tcp" or "udp"`,
		"TCP":  `is in upper case; write "tcp"`,
		"icmp": `is not a supported protocol; write "tcp" or "udp"`,
		"6":    `is not a supported protocol; write "tcp" or "udp"`,
	} {
		if got, err := ParseProtocol(in); err == nil || got != 0 {
			t.Errorf("%q: %v, %v", in, got, err)
		} else {
			checkMessage(t, in, err, want)
		}
	}
	if Protocol(47).String() != "47" {
		t.Error(Protocol(47))
	}
}

func TestParseServices(t *testing.T) {
	for in, want := range map[string]string{
		"tcp 443":                   "tcp 443",
		"tcp 80,443; udp 3478-3481": "tcp 80, 443; udp 3478-3481",
		"udp 3478-3481;tcp 443, 80": "tcp 80, 443; udp 3478-3481",
		"tcp 80; tcp 81":            "tcp 80-81",
		"tcp 1-100,50-200,201":      "tcp 1-201",
		"tcp 65535,1,65534,2":       "tcp 1-2, 65534-65535",
		"tcp 1-65535; udp 1-65535":  "tcp 1-65535; udp 1-65535",
	} {
		s, err := ParseServices(in)
		if err != nil || s.String() != want {
			t.Errorf("%q: %v, %v", in, s, err)
		}
	}
}

func TestParseServicesErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", `empty services; write services such as "tcp 80, 443; udp 3478-3481"`},
		{"  ", `empty services`},
		{"443", `service "443" names no protocol; write "tcp 443", or udp`},
		{"80 443", `service "80 443" names no protocol; write "tcp 80, 443", or udp`},
		{"80,443", `service "80,443" names no protocol; write "tcp 80, 443", or udp`},
		{"80/443", `service "80/443" names no protocol; write "tcp 80, 443", or udp`},
		{"tcp 80; 443", `service "443" names no protocol; write "tcp 443", or udp`},
		{"80-90 443", `service "80-90 443" names no protocol; write "tcp 80-90, 443", or udp`},
		{"80 and 443", `"80" is not a supported protocol; write "tcp" or "udp"`},
		{"tcp 80 443", `service "tcp 80 443" is not in canonical form; write "tcp 80, 443"`},
		{"tcp 80,443 8080", `service "tcp 80,443 8080" is not in canonical form; write "tcp 80, 443, 8080"`},
		{"udp/3478", `service "udp/3478" is not in canonical form; write "udp 3478"`},
		{"tcp 443, udp 443", `service "tcp 443, udp 443" has two protocols; a semicolon separates them: write "tcp 443; udp 443"`},
		{"tcp 80,443 udp 53", `service "tcp 80,443 udp 53" has two protocols; a semicolon separates them: write "tcp 80, 443; udp 53"`},
		{"tcp 80, udp x", `ports "udp x" have a space`},
		{"tcp 80 - 90", `ports "80 - 90" have a space`},
		{"tcp", `service "tcp" has no ports`},
		{"443/tcp", `service "443/tcp" is not in canonical form; write "tcp 443"`},
		{"TCP 443", `service "TCP 443" is not in canonical form; write "tcp 443"`},
		{"TCP", `protocol "TCP" is in upper case; write "tcp"`},
		{"any", `"any" is not a supported protocol; write "tcp" or "udp"`},
		{"tcp 80;", `empty service beside a semicolon`},
		{";tcp 80", `empty service beside a semicolon`},
		{"tcp 80;  udp 53", `starts with a space`},
		{"tcp  80", `service "tcp  80" is not in canonical form; write "tcp 80"`},
		{"tcp 80,  443", `service "tcp 80,  443" is not in canonical form; write "tcp 80, 443"`},
		{"tcp 80,", `service "tcp 80," is not in canonical form; write "tcp 80"`},
		{"tcp ", `empty ports`},
		{"tcp 50,000-59,999", `port "000" has leading zeros; write it without leading zeros and without thousands separators`},
		{"tcp any", `write "1-65535" for all`},
		{"tcp 80, 443 ", `service "tcp 80, 443 " is not in canonical form; write "tcp 80, 443"`},
		{"tcp 80\nudp 53", `have a space`},
	} {
		if got, err := ParseServices(c.in); err == nil || !got.IsEmpty() {
			t.Errorf("%q: %v, %v", c.in, got, err)
		} else {
			checkMessage(t, c.in, err, c.want)
		}
	}
}

// A portMap is the slow, obvious set of ports: one bool for each.
type portMap map[Protocol]*[1 << 16]bool

func newPortMap(services []Service) portMap {
	m := portMap{TCP: {}, UDP: {}}
	for _, s := range services {
		if m[s.Protocol] == nil || s.Ports.First == 0 {
			continue
		}
		for n := int(s.Ports.First); n <= int(s.Ports.Last); n++ {
			m[s.Protocol][n] = true
		}
	}
	return m
}

func (m portMap) combine(o portMap, op func(a, b bool) bool) portMap {
	out := portMap{TCP: {}, UDP: {}}
	for p := range m {
		for n := range m[p] {
			out[p][n] = op(m[p][n], o[p][n])
		}
	}
	return out
}

func (m portMap) isEmpty() bool {
	return !slices.Contains(m[TCP][:], true) && !slices.Contains(m[UDP][:], true)
}

// ranges lists the maximal runs of ports, which is what the canonical form of a set
// must be.
func (m portMap) ranges(p Protocol) []PortRange {
	var list []PortRange
	for n := 1; n < 1<<16; n++ {
		switch {
		case !m[p][n]:
		case m[p][n-1]:
			list[len(list)-1].Last = uint16(n)
		default:
			list = append(list, PortRange{uint16(n), uint16(n)})
		}
	}
	return list
}

func checkServices(t *testing.T, what string, s ServiceSet, m portMap) {
	t.Helper()
	for _, p := range []Protocol{TCP, UDP} {
		if got, want := s.Ports(p), m.ranges(p); !slices.Equal(got, want) {
			t.Fatalf("%s: %v %v, want %v", what, p, got, want)
		}
		for n := range m[p] {
			if s.Contains(p, uint16(n)) != m[p][n] {
				t.Fatalf("%s: Contains(%v, %d) in %v", what, p, n, s)
			}
		}
	}
	if s.IsEmpty() != m.isEmpty() {
		t.Fatalf("%s: IsEmpty %v of %v", what, s.IsEmpty(), s)
	}
	if again, err := ParseServices(s.String()); !s.IsEmpty() && (err != nil || !again.Equal(s)) {
		t.Fatalf("%s: %q reads back as %v, %v", what, s, again, err)
	}
}

// randomServices draws ports near 1, 100 and 65535, so that ranges meet, overlap and
// touch the ends. Some are invalid.
func randomServices(r *rand.Rand) []Service {
	var list []Service
	for range r.IntN(8) {
		draw := func() uint16 { return []uint16{0, 100, 65535 - 12}[r.IntN(3)] + uint16(r.IntN(13)) }
		first, last := draw(), draw()
		if last < first && r.IntN(8) > 0 {
			first, last = last, first
		}
		if r.IntN(3) > 0 {
			last = first + min(uint16(r.IntN(4)), 65535-first)
		}
		list = append(list, Service{[]Protocol{TCP, UDP, TCP, UDP, 0, 1}[r.IntN(6)], PortRange{first, last}})
	}
	return list
}

func TestServiceSetAlgebraAgainstBitmap(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	for range 25 {
		listA, listB := randomServices(r), randomServices(r)
		a, b := ServiceSetOf(listA...), ServiceSetOf(listB...)
		mapA, mapB := newPortMap(listA), newPortMap(listB)
		checkServices(t, "build", a, mapA)
		checkServices(t, "union", a.Union(b), mapA.combine(mapB, func(x, y bool) bool { return x || y }))
		checkServices(t, "intersect", a.Intersect(b), mapA.combine(mapB, func(x, y bool) bool { return x && y }))
		rest := mapA.combine(mapB, func(x, y bool) bool { return x && !y })
		checkServices(t, "subtract", a.Subtract(b), rest)
		checkServices(t, "only", a.Only(TCP), portMap{TCP: mapA[TCP], UDP: {}})
		if a.Covers(b) != mapB.combine(mapA, func(x, y bool) bool { return x && !y }).isEmpty() {
			t.Fatalf("%v covers %v: %v", a, b, a.Covers(b))
		}
		if a.Equal(b) != mapA.combine(mapB, func(x, y bool) bool { return x != y }).isEmpty() {
			t.Fatalf("%v equals %v: %v", a, b, a.Equal(b))
		}
		r.Shuffle(len(listA), func(i, j int) { listA[i], listA[j] = listA[j], listA[i] })
		if !ServiceSetOf(listA...).Equal(a) {
			t.Fatalf("order of %v matters", listA)
		}
	}
}

func TestUnknownProtocolHasNoPorts(t *testing.T) {
	s := ServiceSetOf(Service{TCP, PortRange{1, 65535}}, Service{UDP, PortRange{1, 65535}}, Service{47, PortRange{1, 65535}})
	if s.Contains(47, 80) || s.Contains(0, 80) || s.Ports(47) != nil || !s.Only(47).IsEmpty() {
		t.Errorf("%v holds another protocol", s)
	}
	if s.Contains(TCP, 0) || (PortRange{}).Contains(0) || !(PortRange{80, 90}).Contains(90) || (PortRange{80, 90}).Contains(91) {
		t.Error("port 0 or 91 is contained")
	}
}

func FuzzParsePortRange(f *testing.F) {
	for _, seed := range []string{"443", "50000-59999", "0", "65536", "90-80", "50,000", "80 - 90", "80\u201390", "080", "-", "any", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParsePortRange(s)
		if err != nil {
			checkMessage(t, s, err, "")
			return
		}
		if r.First == 0 || r.Last < r.First {
			t.Fatalf("%q is read as %v", s, r)
		}
		if again, err := ParsePortRange(r.String()); again != r || err != nil {
			t.Fatalf("%q is read as %v, and that as %v, %v", s, r, again, err)
		}
	})
}

func FuzzParseServices(f *testing.F) {
	for _, seed := range []string{
		"tcp 80,443; udp 3478-3481", "udp 1-65535", "tcp 80;tcp 81", "tcp 443, 80", "tcp", "TCP 80", "tcp 80;", ";", "443/tcp", "tcp 50,000", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, err := ParseServices(s)
		if err != nil {
			checkMessage(t, s, err, "")
			return
		}
		if set.IsEmpty() {
			t.Fatalf("%q is read as no service", s)
		}
		if again, err := ParseServices(set.String()); err != nil || !again.Equal(set) || again.String() != set.String() {
			t.Fatalf("%q is read as %v, and that as %v, %v", s, set, again, err)
		}
	})
}

// What a list of ports costs goes with its length: to double it doubles the work.
func TestParseServicesGrowsWithItsInput(t *testing.T) {
	work := func(n int) float64 {
		ports := make([]string, n)
		for i := range ports {
			ports[i] = strconv.Itoa(2*i + 1)
		}
		text := "tcp " + strings.Join(ports, ", ")
		return testing.AllocsPerRun(1, func() {
			if _, err := ParseServices(text); err != nil {
				t.Error(err)
			}
		})
	}
	if once, twice := work(512), work(1024); twice > 3*once {
		t.Errorf("%.0f allocations for 512 ports, %.0f for 1024", once, twice)
	}
}
