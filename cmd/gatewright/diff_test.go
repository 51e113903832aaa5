package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gatewright/cmd/gatewright/internal/change"
)

// dataFolder is where the real catalogues are; empty if GATEWRIGHT_DATA does not say.
func dataFolder() string { return os.Getenv("GATEWRIGHT_DATA") }

// serviceRow is what the test reads of the web service's answer, apart from the
// reader that it judges.
type serviceRow struct {
	URLs, IPs          []string
	TCPPorts, UDPPorts string
}

// sights returns what rows accept, one text for each port and address or URL. As
// addresses stand for prefixes, these are the edges of all prefixes of both sides.
func sights(rows []serviceRow, edges []netip.Addr) map[string]bool {
	seen := map[string]bool{}
	for _, row := range rows {
		var prefixes []netip.Prefix
		for _, text := range row.IPs {
			prefixes = append(prefixes, netip.MustParsePrefix(text).Masked())
		}
		for protocol, ports := range map[string]string{"tcp": row.TCPPorts, "udp": row.UDPPorts} {
			for port := range strings.SplitSeq(ports, ",") {
				port = strings.TrimSpace(port)
				if port == "" {
					continue
				}
				for _, a := range edges {
					if slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) }) {
						seen[protocol+" "+port+" "+a.String()] = true
					}
				}
				for _, url := range row.URLs {
					if protocol == "tcp" {
						seen["tcp "+port+" "+strings.ToLower(url)] = true
					}
				}
			}
		}
	}
	return seen
}

// matchesURL reports whether the pattern matches what the other one matches, for the
// forms that the web service has.
func matchesURL(pattern, name string) bool {
	head, tail, star := strings.Cut(pattern, "*")
	return pattern == name || star && head == "" && strings.HasSuffix(name, tail) &&
		(strings.HasPrefix(tail, ".") || !strings.Contains(strings.TrimSuffix(name, tail), "."))
}

// newURLs returns the sights of URLs that no pattern of the other side matches.
func newURLs(a, b map[string]bool) map[string]bool {
	more := map[string]bool{}
	for s := range a {
		words := strings.Fields(s)
		if _, err := netip.ParseAddr(words[2]); err == nil {
			if !b[s] {
				more[s] = true
			}
			continue
		}
		covered := false
		for o := range b {
			other := strings.Fields(o)
			covered = covered || other[0] == words[0] && other[1] == words[1] && matchesURL(other[2], words[2])
		}
		if !covered {
			more[s] = true
		}
	}
	return more
}

// told returns the same sights as a report tells them.
func told(t *testing.T, rules []change.Rule, edges []netip.Addr) map[string]bool {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range rules {
		for _, p := range r.Parts {
			var prefixes []netip.Prefix
			for _, text := range p.Prefixes {
				prefixes = append(prefixes, netip.MustParsePrefix(text))
			}
			for part := range strings.SplitSeq(p.Services.String(), "; ") {
				protocol, ports, _ := strings.Cut(part, " ")
				for _, port := range singlePorts(t, ports) {
					for _, a := range edges {
						if slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) }) {
							seen[protocol+" "+port+" "+a.String()] = true
						}
					}
					for _, n := range p.Names {
						seen[protocol+" "+port+" "+n.Pattern] = true
					}
				}
			}
		}
	}
	return seen
}

// singlePorts splits "80, 443, 3478-3481"; a range stays one port if it is long.
func singlePorts(t *testing.T, list string) []string {
	t.Helper()
	var ports []string
	for text := range strings.SplitSeq(list, ", ") {
		first, last, isRange := strings.Cut(text, "-")
		a, err := strconv.Atoi(first)
		if err != nil {
			t.Fatal(err)
		}
		b := a
		if isRange {
			b, _ = strconv.Atoi(last)
		}
		if b-a > 100 {
			ports = append(ports, text)
			continue
		}
		for ; a <= b; a++ {
			ports = append(ports, strconv.Itoa(a))
		}
	}
	return ports
}

// The differences of real revisions are those that encoding/json and sets find.
func TestDiffOfRealRevisions(t *testing.T) {
	if dataFolder() == "" {
		return // the property tests of package rule hold the law without them
	}
	for _, pair := range [][2]string{{"2020070800", "2020080600"}, {"2018080200", "2020080600"}} {
		var rows [2][]serviceRow
		var files [2]string
		edgeSet := map[netip.Addr]bool{}
		for i, version := range pair {
			files[i] = filepath.Join(dataFolder(), "m365", "Worldwide_"+version+".json")
			data, err := os.ReadFile(files[i])
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &rows[i]); err != nil {
				t.Fatal(err)
			}
			for _, row := range rows[i] {
				for _, text := range row.IPs {
					p := netip.MustParsePrefix(text).Masked()
					edgeSet[p.Addr()] = true
					edgeSet[p.Addr().Prev()] = true
				}
			}
		}
		delete(edgeSet, netip.Addr{})
		edges := slices.SortedFunc(maps.Keys(edgeSet), netip.Addr.Compare)
		var stdout, stderr bytes.Buffer
		if status := run([]string{"diff", files[0], files[1], "--json"}, nil, &stdout, &stderr); status != exitDifferent {
			t.Fatalf("status %d: %s", status, stderr.String())
		}
		r, err := diffIn(stdout.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		old, new := sights(rows[0], edges), sights(rows[1], edges)
		for name, one := range map[string]struct{ got, want map[string]bool }{
			"added":   {told(t, r.Added, edges), newURLs(new, old)},
			"removed": {told(t, r.Removed, edges), newURLs(old, new)},
		} {
			t.Logf("%v: %s: %d sights", pair, name, len(one.want))
			// A wide pattern that is told stands for the narrower ones.
			if missing, more := newURLs(one.want, one.got), lacking(one.got, one.want); len(missing)+len(more) > 0 || len(one.want) == 0 != (len(one.got) == 0) {
				t.Errorf("%v: %s: not told %v\ntold too much %v", pair, name, missing, more)
			}
		}
	}
}

func lacking(a, b map[string]bool) []string {
	var list []string
	for s := range a {
		if !b[s] {
			list = append(list, s)
		}
	}
	slices.Sort(list)
	return list
}

// Every set of the web service whose endpoints or ports changed is named, and no other.
func TestDiffNamesEveryEntryThatChanged(t *testing.T) {
	if dataFolder() == "" {
		return // the tests of package rule hold the law without real revisions
	}
	type set struct {
		ID                 int
		URLs, IPs          []string
		TCPPorts, UDPPorts string
	}
	for _, pair := range [][2]string{{"2020080600", "2021010400"}, {"2018080200", "2020070800"}, {"2020070800", "2020080600"}} {
		var files [2]string
		var texts [2]map[string]string
		for i, version := range pair {
			files[i] = filepath.Join(dataFolder(), "m365", "Worldwide_"+version+".json")
			data, err := os.ReadFile(files[i])
			if err != nil {
				t.Fatal(err)
			}
			var sets []set
			if err := json.Unmarshal(data, &sets); err != nil {
				t.Fatal(err)
			}
			texts[i] = map[string]string{}
			for _, s := range sets {
				slices.Sort(s.URLs)
				slices.Sort(s.IPs)
				texts[i]["m365-worldwide/"+strconv.Itoa(s.ID)] = fmt.Sprint(s.URLs, s.IPs, s.TCPPorts, s.UDPPorts)
			}
		}
		want := map[string]bool{}
		for id, text := range texts[0] {
			want[id] = texts[1][id] != text
		}
		for id, text := range texts[1] {
			want[id] = texts[0][id] != text
		}
		maps.DeleteFunc(want, func(_ string, changed bool) bool { return !changed })
		var stdout, stderr bytes.Buffer
		if status := run([]string{"diff", files[0], files[1], "--json"}, nil, &stdout, &stderr); status != exitDifferent {
			t.Fatalf("status %d: %s", status, stderr.String())
		}
		r, err := diffIn(stdout.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		byFlows, named := map[string]bool{}, map[string]bool{}
		for _, one := range slices.Concat(r.Added, r.Removed) {
			for _, e := range one.Entries {
				byFlows[e.ID] = true
			}
		}
		for _, e := range r.Entries {
			attributes := slices.ContainsFunc(e.Changes, func(f change.Fact) bool {
				return f.Attribute == "names" || f.Attribute == "prefixes" || f.Attribute == "services" || f.Attribute == "pending endpoints"
			})
			named[e.ID] = attributes || e.Change != "changed"
		}
		maps.DeleteFunc(named, func(_ string, is bool) bool { return !is })
		if missing, more := lacking(want, named), lacking(named, want); len(missing)+len(more) > 0 {
			t.Errorf("%v: not named %v; named for nothing %v", pair, missing, more)
		}
		if wrong := lacking(byFlows, want); len(wrong) > 0 || len(byFlows) == 0 {
			t.Errorf("%v: flows are laid at the door of %v", pair, wrong)
		}
	}
}

// What opens to any remote or on every port stands first, in plain sight, the widest
// before others, with the local addresses.
func TestDiffShowsFirstWhatOpens(t *testing.T) {
	t.Chdir(t.TempDir())
	catalogue := func(revision, entries string) string {
		return `{"catalog": "own", "revision": "` + revision + `", "title": "Own", "entries": [` + entries + `]}`
	}
	entry := func(id, rest string) string {
		return `{"id": "` + id + `", "title": "` + id + `", "area": "` + id + `", "role": "mail", ` + rest + `}`
	}
	asked := `"direction": "inbound", "services": "tcp 25", "unsaid": {"remote": {"why": "w"}}`
	for name, text := range map[string]string{
		"old.json": catalogue("1", entry("a", asked)+","+entry("d", `"direction": "outbound", "services": "tcp 25", "endpoints": ["192.0.2.1"]`)),
		"new.json": catalogue("2", strings.Join([]string{
			entry("a", asked), entry("b", `"direction": "inbound", "services": "udp 1-65535", "unsaid": {"remote": {"why": "w"}}`),
			entry("c", `"direction": "outbound", "services": "tcp 1-65535; udp 53", "endpoints": ["192.0.2.1", "192.0.2.3", "192.0.2.5", "192.0.2.7", "x.example.com"]`),
			entry("d", `"direction": "outbound", "services": "tcp 25", "endpoints": ["192.0.2.1", "198.51.100.0/24"]`),
		}, ",")),
		"gatewright.json": `{"bind": {"mail": ["10.20.0.0/16"]}, "answers": {"own/b": {"remote": "any"}}}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const opens = "OPENS: any remote to 10.20.0.0/16, udp 1-65535 (1 rule)\n" +
		"OPENS: 10.20.0.0/16 to x.example.com, 192.0.2.3, 192.0.2.5 and 1 more, tcp 1-65535; udp 53 (1 rule)\n" +
		"OPENS: 10.20.0.0/16 to 192.0.2.1, tcp 1-24, 26-65535; udp 53 (1 rule)\n"
	diff := func(format string) string {
		var stdout, stderr bytes.Buffer
		if status := run([]string{"diff", "old.json", "new.json", "--format", format}, nil, &stdout, &stderr); status != exitDifferent {
			t.Fatalf("status %d: %s", status, stderr.String())
		}
		return stdout.String()
	}
	text := diff("text")
	head := "own@1 -> own@2: any remote, 1 name and 5 prefixes newly accepted; 3 entries added, removed or changed\n"
	if !strings.HasPrefix(text, head+opens) {
		t.Errorf("the text starts with\n%s\nwant\n%s", text[:min(len(text), 500)], head+opens)
	}
	sight, folded, _ := strings.Cut(diff("markdown"), "<details>")
	for _, want := range []string{
		"- **OPENS: any remote to 10.20.0.0/16, udp 1-65535 (1 rule)**", "newly accepted: any remote, 1 name and 5 prefixes in 3 rules", "+     198.51.100.0/24",
	} {
		if !strings.Contains(sight, want) || strings.Contains(folded, want) {
			t.Errorf("%q is not in plain sight alone:\n%s", want, sight)
		}
	}
}
