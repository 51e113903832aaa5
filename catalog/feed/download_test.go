package feed

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// endpointsDocument is a document of our own with these endpoints in one entry.
func endpointsDocument(revision string, endpoints ...string) string {
	list := `"endpoints": ["` + strings.Join(endpoints, `", "`) + `"]`
	if len(endpoints) == 0 {
		list = `"unsaid": {"remote": {"why": "nobody said"}}`
	}
	return fmt.Sprintf(`{"catalog": "own", "revision": %q, "title": "Own", "entries": [{"id": "a", "title": "A", %s,
		"services": "tcp 443", "direction": "outbound", "role": "clients"}]}`, revision, list)
}

func TestDownload(t *testing.T) {
	if _, err := (Download{Source: "s", File: "f", Data: []byte(endpointsDocument("1", "192.0.2.0/24"))}).Read(); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		endpointsDocument("1"):               "s: the answer holds no endpoints",
		"\xef\xbb\xbf\n <html></html>":       "s: the answer is a web page, not a feed; a captive portal or a proxy may have answered instead of the publisher",
		"[]":                                 "s",
		"":                                   "s:1:1: empty input",
		endpointsDocument("1", "192.0.2.0/"): "s:1:",
	} {
		if _, err := (Download{Source: "s", File: "f", Data: []byte(text)}).Read(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

func TestUpdate(t *testing.T) {
	catalogue := func(endpoints ...string) *Listed {
		c, err := ReadListed("own", []byte(endpointsDocument("1", endpoints...)), Naming{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	four := []string{"a.example.com", "b.example.com", "192.0.2.0/24", "2001:db8::/32"}
	for _, c := range []struct {
		name     string
		old, new []string
		want     Update
		refused  int // the highest --max-shrink that refuses it; -1 if 0 accepts it
	}{
		{"the same", four, four, Update{Endpoints: 4, Before: 4, Lost: 0}, -1},
		{"in pieces", four, []string{"a.example.com", "b.example.com", "192.0.2.0/25", "192.0.2.128/25", "2001:db8::/32"}, Update{Endpoints: 5, Before: 4, Lost: 0}, -1},
		{"put together", []string{"a.example.com", "192.0.2.0/25", "192.0.2.128/25", "198.51.100.7"}, []string{"a.example.com", "192.0.2.0/24", "198.51.100.7"}, Update{Endpoints: 3, Before: 4, Lost: 0}, 24},
		{"listed twice", four, append(four, "192.0.2.0/24", "192.0.2.7/24"), Update{Endpoints: 4, Before: 4, Lost: 0}, -1},
		{"within a wider one", four, []string{"a.example.com", "b.example.com", "192.0.2.0/23", "2001:db8::/32"}, Update{Endpoints: 4, Before: 4, Lost: 0}, -1},
		{"more", four[:2], four, Update{Endpoints: 4, Before: 2, Lost: 0}, -1},
		{"one name less", four, four[1:], Update{Endpoints: 3, Before: 4, Lost: 1}, 24},
		{"half a prefix less", four, []string{"a.example.com", "b.example.com", "192.0.2.0/25", "2001:db8::/32"}, Update{Endpoints: 4, Before: 4, Lost: 1}, 24},
		{"as many others", four, []string{"c.example.com", "d.example.com", "198.51.100.0/24", "2001:db9::/32"}, Update{Endpoints: 4, Before: 4, Lost: 4}, 99},
	} {
		have := NewUpdate(catalogue(c.old...), catalogue(c.new...))
		plain := Update{Endpoints: have.Endpoints, Before: have.Before, Lost: have.Lost}
		if plain != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, have, c.want)
		}
		for percent := range 101 {
			if err := have.Check(percent, 1000); (err != nil) != (percent <= c.refused) {
				t.Errorf("%s: --max-shrink %d: %v", c.name, percent, err)
			}
		}
	}
	if have := NewUpdate(nil, catalogue(four...)); have != (Update{Endpoints: 4}) || have.Check(0, 0) != nil {
		t.Errorf("the first download: %+v, %v", have, have.Check(0, 0))
	}
}

// TestUpdateCounts holds that what is listed counts, in every format: neither one wide
// prefix nor adjacent ones that are put together hide a loss.
func TestUpdateCounts(t *testing.T) {
	lines := func(n int, format string) []string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(format, i))
		}
		return list
	}
	formats := map[string]func(prefixes []string) string{
		"own":    func(prefixes []string) string { return endpointsDocument("1", prefixes...) },
		"a list": func(prefixes []string) string { return strings.Join(prefixes, "\n") },
		"public IP": func(prefixes []string) string {
			return "Prefix,Type\n" + strings.Join(prefixes, ",One Block\n") + ",One Block\n"
		},
		"Cloudflare": func(prefixes []string) string {
			return `{"success": true, "result": {"ipv4_cidrs": ["` + strings.Join(prefixes, `", "`) + `"], "ipv6_cidrs": ["2001:db8::/32"]}}`
		},
		"Microsoft 365": func(prefixes []string) string {
			return `[{"id": 1, "serviceArea": "Common", "category": "Allow", "tcpPorts": "443", "ips": ["` + strings.Join(prefixes, `", "`) + `"]}]`
		},
	}
	apart := lines(50, "20.1.%d.0/24")
	for i := range apart {
		apart[i] = fmt.Sprintf("20.1.%d.0/24", 2*i+1)
	}
	others := lines(10, "198.51.%d.0/28")
	adjacent := append(lines(256, "20.2.%d.0/24"), others...)
	for name, format := range formats {
		for _, c := range []struct {
			old, new []string
			lost     int
			want     string
		}{
			{apart, []string{"20.1.1.0/24", "20.1.3.0/24", "20.1.5.0/2"}, 0, "were listed before, a loss of more than the 20 % that --max-shrink allows; if this is meant, use --max-shrink 9"},
			{adjacent, append([]string{"20.2.0.0/24"}, others...), 255, "endpoints are gone, more than the 20 % that --max-shrink allows; if this is meant, use --max-shrink 96"},
			{adjacent, append(lines(256, "20.3.%d.0/24"), others...), 256, "endpoints are gone, more than the 20 % that --max-shrink allows; if this is meant, use --max-shrink 9"},
			{adjacent, adjacent[20:], 20, ""},
		} {
			var listed [2]*Listed
			for i, list := range [][]string{c.old, c.new} {
				var err error
				if listed[i], err = ReadListed("f", []byte(format(list)), Naming{Instance: "Worldwide"}); err != nil {
					t.Fatal(name, err)
				}
			}
			u := NewUpdate(listed[0], listed[1])
			err := u.Check(20, math.MaxInt)
			if u.Lost != c.lost || u.Before-u.Endpoints != len(c.old)-len(c.new) || (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %+v, %v; want %d lost, %s", name, u, err, c.lost, c.want)
			}
		}
	}
}

func TestCheckRevision(t *testing.T) {
	for _, c := range []struct {
		before, after string
		back          bool
	}{
		{"2020080600", "2020080600", false},
		{"2020080600", "2020090100", false},
		{"2020080600", "2020080599", true},
		{"9", "10", false},
		{"10", "9", true},
		{"010", "9", true},
		{"2025-01-08", "2024-12-31", true},
		{"2024-12-31", "2025-01-08", false},
		{"2021-07-28-10-13-06", "2021-07-28-10-13-05", true},
		{"2025-01-08", "7", false},
		{"", "7", false},
		{"7", "", false},
		{"3fa9", "2fa8", false},
		{"b2", "a1", false},
	} {
		if err := CheckRevision(c.before, c.after); (err != nil) != c.back {
			t.Errorf("%q, then %q: %v", c.before, c.after, err)
		}
	}
}

// TestGrowth holds that addresses count, not prefixes, and each family by itself.
func TestGrowth(t *testing.T) {
	read := func(prefixes ...string) *Listed {
		l, err := ReadListed("f", []byte(endpointsDocument("1", prefixes...)), Naming{})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	old := read("20.1.0.0/24", "2a05:d07f::/40", "a.example.com")
	for _, c := range []struct {
		name  string
		new   *Listed
		least int // percent that
		want  string
	}{
		{"the same", old, 0, ""},
		{"other prefixes of the same addresses", read("20.1.0.0/25", "20.1.0.128/25", "2a05:d07f::/40"), 0, ""},
		{"a quarter more", read("20.1.0.0/24", "20.1.4.0/26", "2a05:d07f::/40"), 25, "the addresses of IPv4 would grow by 25 %, but --max-growth allows only 24 %; if this is meant, use --max-growth 25"},
		{"twice as many", read("20.1.0.0/23", "2a05:d07f::/40"), 100, "the addresses of IPv4 would grow by 100 %, but --max-growth allows only 99 %; if this is meant, use --max-growth 100"},
		{"as many others", read("20.9.0.0/24", "2a05:d07f::/40"), 100, "the addresses of IPv4 would grow by 100 %, but --max-growth allows only 99 %"},
		{"one short prefix", read("20.0.0.0/8", "2a05:d07f::/40"), 6553500, "the addresses of IPv4 would grow by 6553500 %"},
		{"IPv6", read("20.1.0.0/24", "2a05:d07e::/39", "2a05:d07f::/40"), 200, "the addresses of IPv6 would grow by 200 %"},
		{"a first of IPv6", read("20.1.0.0/24"), 0, ""},
		{"names", read("20.1.0.0/24", "2a05:d07f::/40", "b.example.com", "c.example.com"), 0, ""},
	} {
		u := NewUpdate(old, c.new)
		if err := u.Check(100, c.least); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := u.Check(100, c.least-1); c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestCheckAhead(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for revision, ahead := range map[string]bool{
		"2026112800": false, "2027112800": false, "2027112900": true, "2035010100": true, "9999123100": true,
		"2027-11-28": false, "2027-11-29": true, "2999-01-01T00:00:00": true, "2027-11-29-10-13-06": true,
		"1732900000": false, "1900000000": true, "1900000000000": true, "1732900000000": false, // AWS, in seconds and milliseconds
		"": false, "unknown": false, "398": false, "v2035": false, "20350101": true, "20350101120000": true,
		"270000000000": false, "30501231abcdef": false, "-1732900000": false,
	} {
		if err := CheckAhead(revision, now); (err != nil) != ahead {
			t.Errorf("%q: %v", revision, err)
		}
	}
	const want = "the publisher offers version 2035010100, of 2035-01-01, which is more than a year ahead of today, 2026-11-28; if this machine's clock is right, wait for the publisher's next version"
	if err := CheckAhead("2035010100", now); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
