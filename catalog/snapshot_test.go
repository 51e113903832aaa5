package catalog

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
)

// publishedSet is an endpoint set as the web service wrote it.
type publishedSet struct {
	ID                 int
	ServiceArea        string
	ServiceAreaDisplay string `json:"serviceAreaDisplayName"`
	URLs, IPs          []string
	TCPPorts, UDPPorts string
	Category           string
	Required           bool
	ExpressRoute       bool
	Notes              string
}

// prefixTexts says prefixes as a set of them does.
func prefixTexts(t *testing.T, list []string) string {
	t.Helper()
	var b netset.PrefixBuilder
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			t.Fatal(err)
		}
		b.Add(p)
	}
	return b.Build().String()
}

// portTexts are the ports of a protocol, each by itself.
func portTexts(protocol, list string) []string {
	var all []string
	for one := range strings.SplitSeq(strings.ReplaceAll(list, " ", ""), ",") {
		if one != "" {
			all = append(all, protocol+" "+one)
		}
	}
	return all
}

// eachPort says each port of the entry's services by itself.
func eachPort(e *Entry) []string {
	var all []string
	for part := range strings.SplitSeq(e.Services.String(), "; ") {
		protocol, list, _ := strings.Cut(part, " ")
		for one := range strings.SplitSeq(list, ", ") {
			var first, last int
			if n, _ := fmt.Sscanf(one, "%d-%d", &first, &last); n == 1 {
				last = first
			}
			for port := first; port <= last; port++ {
				all = append(all, fmt.Sprintf("%s %d", protocol, port))
			}
		}
	}
	return all
}

// The snapshot holds the facts of the publisher's answer, all of them and no others,
// and none of its sentences.
func TestSnapshotHoldsTheFacts(t *testing.T) {
	dir := os.Getenv("GATEWRIGHT_DATA")
	if dir == "" {
		t.Skip("GATEWRIGHT_DATA names no folder of publishers' documents")
	}
	data, err := os.ReadFile(filepath.Join(dir, "m365", "Worldwide_2025-12-01_verbatim.json"))
	if err != nil {
		t.Fatal(err)
	}
	var sets []publishedSet
	if err := json.Unmarshal(data, &sets); err != nil {
		t.Fatal(err)
	}
	c, err := Load("m365-worldwide")
	if err != nil {
		t.Fatal(err)
	}
	if c.Feed != "m365" || c.Snapshot != "2025-12-01" || len(sets) != 79 {
		t.Errorf("%+v, %d sets", c.Feed+" "+c.Snapshot, len(sets))
	}
	entries := 0
	for _, s := range sets {
		ports, names, prefixes := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for i := range c.Entries {
			e := &c.Entries[i]
			if e.Row != fmt.Sprint(s.ID) {
				continue
			}
			entries++
			if e.Area != strings.ToLower(s.ServiceArea) || string(e.Category) != strings.ToLower(s.Category) || e.Required != s.Required || len(e.Unsaid) != 0 {
				t.Errorf("%s: %+v", e.ID, e)
			}
			if slices.Contains(e.Notes, "reachable by ExpressRoute") != s.ExpressRoute {
				t.Errorf("%s: notes %q", e.ID, e.Notes)
			}
			if e.Title == s.ServiceAreaDisplay || s.Notes != "" && (strings.Contains(s.Notes, e.Title) && len(e.Title) > 24 || slices.Contains(e.Notes, s.Notes)) {
				t.Errorf("%s: the publisher's words: %q %q", e.ID, e.Title, e.Notes)
			}
			for _, p := range eachPort(e) {
				ports[p] = true
			}
			for _, n := range e.Names {
				names[n.String()] = true
			}
			for p := range e.Prefixes.Prefixes() {
				prefixes[p.String()] = true
			}
		}
		want := map[string]bool{}
		for _, p := range append(portTexts("tcp", s.TCPPorts), portTexts("udp", s.UDPPorts)...) {
			want[p] = true
		}
		if fmt.Sprint(ports) != fmt.Sprint(want) {
			t.Errorf("set %d: ports %v, want %v", s.ID, ports, want)
		}
		if len(names) != len(s.URLs) {
			t.Errorf("set %d: names %v, want %v", s.ID, names, s.URLs)
		}
		for _, n := range s.URLs {
			if !names[n] {
				t.Errorf("set %d: no name %s", s.ID, n)
			}
		}
		for i := range c.Entries {
			if e := &c.Entries[i]; e.Row == fmt.Sprint(s.ID) && !e.Prefixes.IsEmpty() && e.Prefixes.String() != prefixTexts(t, s.IPs) {
				t.Errorf("%s: prefixes %s, want %s", e.ID, e.Prefixes, s.IPs)
			}
		}
		if (len(prefixes) == 0) != (len(s.IPs) == 0) {
			t.Errorf("set %d: prefixes %v, want %v", s.ID, prefixes, s.IPs)
		}
	}
	if entries != len(c.Entries) {
		t.Errorf("%d entries of the sets, and %d in all", entries, len(c.Entries))
	}
}

// A set that has names and both protocols is two entries; one of UDP alone is one.
func TestSnapshotOfUDP(t *testing.T) {
	c, err := Load("m365-worldwide")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for i := range c.Entries {
		e := &c.Entries[i]
		got[strings.TrimPrefix(e.ID, "m365-worldwide/")] = fmt.Sprintf("%s, %d names, prefixes: %v", e.Services, len(e.Names), !e.Prefixes.IsEmpty())
	}
	for id, want := range map[string]string{
		"165":    "udp 123, 1 names, prefixes: false",
		"11":     "udp 3478-3481, 0 names, prefixes: true",
		"12":     "tcp 80, 443, 5 names, prefixes: true",
		"12-udp": "udp 443, 0 names, prefixes: true",
		"47":     "tcp 80, 443, 1 names, prefixes: false",
		"47-udp": "udp 443, 1 names, prefixes: false",
	} {
		if got[id] != want {
			t.Errorf("%s: %s, want %s", id, got[id], want)
		}
	}
	if len(got) != 84 {
		t.Errorf("%d entries", len(got))
	}
}

// A tenant's name narrows what holds its place, as in a fetched answer.
func TestSnapshotNarrows(t *testing.T) {
	c, err := Load("m365-worldwide")
	if err != nil {
		t.Fatal(err)
	}
	narrowed := map[string]string{}
	for _, e := range c.Entries {
		for _, n := range e.Narrowings {
			for _, p := range n.To {
				narrowed[n.Name.String()] += " " + p.Text
			}
		}
	}
	want := map[string]string{
		"*.sharepoint.com":               " <tenant>.sharepoint.com <tenant>-my.sharepoint.com",
		"autodiscover.*.onmicrosoft.com": " autodiscover.<tenant>.onmicrosoft.com",
	}
	if fmt.Sprint(narrowed) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", narrowed, want)
	}
}
