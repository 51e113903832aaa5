package artefact

import (
	"slices"
	"strings"
	"testing"
)

// zonesOf reads "example.com/" as a domain with all its subdomains.
func zonesOf(names ...string) []Zone {
	var zones []Zone
	for _, n := range names {
		name, whole := strings.CutSuffix(n, "/")
		zones = append(zones, Zone{name, whole})
	}
	return zones
}

// What a zone more trusts is told, unless a wider one trusts it already.
func TestBeyondZones(t *testing.T) {
	all := zonesOf("example.com/", "www.example.com", "*.www.example.com", "a.www.example.com", "www.example.org")
	for _, c := range []struct{ other, want []Zone }{
		{nil, all},
		{all, nil},
		{zonesOf("example.com/"), zonesOf("www.example.org")},
		{zonesOf("*.www.example.com", "example.org/"), zonesOf("example.com/", "www.example.com")},
		{zonesOf("a.www.example.com", "*.www.example.org", "*.example.org"), zonesOf("example.com/", "www.example.com", "*.www.example.com")},
		{zonesOf("www.example.com/"), zonesOf("example.com/", "www.example.org")},
	} {
		got := BeyondZones(all, c.other)
		if !slices.Equal(got, c.want) {
			t.Errorf("beyond %v: %v; want %v", c.other, got, c.want)
		}
		for _, z := range got {
			host := strings.Replace(z.Name, "*", "any", 1)
			if z.Whole {
				host = "deeper.any." + host
			}
			if (Reading{Zones: c.other}).Trusts(host) {
				t.Errorf("%s is beyond %v, which trust %s", z, c.other, host)
			}
		}
	}
}

func TestTrusts(t *testing.T) {
	r := Reading{Zones: zonesOf("example.com/", "*.office.example.org", "www.example.net")}
	for host, want := range map[string]bool{
		"example.com": true, "a.b.example.com": true, "notexample.com": false, "com": false,
		"a.office.example.org": true, "a.b.office.example.org": false, "office.example.org": false,
		"www.example.net": true, "a.www.example.net": false, "example.net": false, "": false,
	} {
		if r.Trusts(host) != want {
			t.Errorf("trusts %q: %t", host, !want)
		}
	}
}
