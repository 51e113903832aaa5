package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/lint"
)

// lintJSON runs `gatewright list --lint` and returns the findings of one kind.
func lintJSON(t *testing.T, kind lint.Kind, args ...string) []lint.Finding {
	t.Helper()
	return slices.DeleteFunc(listJSON[lint.Finding](t, append([]string{"--lint"}, args...)...), func(f lint.Finding) bool { return f.Kind != kind })
}

// Names that change records say were removed are found wherever they are listed still:
// in the site's other catalogues, and in the feed itself while removals are delayed.
// What the feed lists again, or in another set, is not.
func TestLintRemovedNames(t *testing.T) {
	s := serve(t)
	s.endpoints = m365Sets("a.example.com", "b.example.com", "*.moved.example.com", "d.example.com")
	s.changes = `[{"id": 1, "endpointSetId": 1, "disposition": "change", "version": "2020070800", "remove": {"urls": ["old.example.com", "b.example.com", "a.moved.example.com", "twice.example.com"]}},
		{"id": 2, "endpointSetId": 2, "disposition": "remove", "version": "2020080600", "remove": {"urls": ["*.gone.example.com", "twice.example.com"], "ips": ["192.0.2.0/24"]}},
		{"id": 3, "endpointSetId": 1, "disposition": "change", "version": "2020090100", "remove": {"urls": ["d.example.com"]}}]`
	own := ownFeed("own", "1", "old.example.com", "b.example.com", "a.moved.example.com", "x.gone.example.com", "twice.example.com", "d.example.com", "never.example.com")
	if err := os.WriteFile("own.json", []byte(own), 0o644); err != nil {
		t.Fatal(err)
	}
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
	both := []string{"--catalog", "w.json", "--catalog", "own.json"}
	if found := lintJSON(t, lint.Retired, both...); len(found) > 0 {
		t.Errorf("without change records: %+v", found)
	}

	s.want(exitOK, "changes", "", "m365", "--changes", "-o", "w.json")
	summary := func(found []lint.Finding) string {
		var b strings.Builder
		for _, f := range found {
			fmt.Fprintf(&b, "%s %v: %s / %s\n", f.Entry, f.Endpoints, f.Why, f.Do)
		}
		return b.String()
	}
	const inOwn = `own/e [old.example.com]: version 2020070800 of m365-worldwide removed these names: somebody else may register a name that its publisher gave up / remove them from this catalogue, or exclude the entry
own/e [x.gone.example.com twice.example.com]: version 2020080600 of m365-worldwide removed these names: somebody else may register a name that its publisher gave up / remove them from this catalogue, or exclude the entry
`
	if got := summary(lintJSON(t, lint.Retired, both...)); got != inOwn {
		t.Errorf("\n%s\nwant\n%s", got, inOwn)
	}
	const delayed = `m365-worldwide/1 [old.example.com]: version 2020070800 of m365-worldwide removed these names: somebody else may register a name that its publisher gave up / see that nothing uses them any more, and shorten "keep_removed"
m365-worldwide/1 [twice.example.com]: version 2020080600 of m365-worldwide removed these names: somebody else may register a name that its publisher gave up / see that nothing uses them any more, and shorten "keep_removed"
`
	if got := summary(lintJSON(t, lint.Retired, append(both, "--as-of", "2020-08-06", "--keep-removed", "30d")...)); got != delayed+inOwn {
		t.Errorf("with delayed removals\n%s\nwant\n%s", got, delayed+inOwn)
	}

	status := func(args ...string) (int, string) {
		var stdout, stderr bytes.Buffer
		return run(append([]string{"list", "--lint"}, append(args, both...)...), nil, &stdout, &stderr), stderr.String()
	}
	if got, _ := status("--strict"); got != exitDifferent {
		t.Errorf("--strict: status %d", got)
	}
	if err := os.WriteFile("w.json.changes.json", []byte("[]"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, said := status(); got != exitFailed || !strings.Contains(said, "w.json.changes.json is not what was fetched with w.json; fetch both again") {
		t.Errorf("with others' change records: status %d, %s", got, said)
	}
}

// The pairs that are found in a real document are those that comparing each set's names
// with each other set's finds. The 38 pairs of names are those of exact names and of
// wildcards over whole labels; two more have a star inside a label.
func TestLintCategoriesOfRealDocument(t *testing.T) {
	folder := os.Getenv("GATEWRIGHT_DATA")
	if folder == "" {
		return
	}
	file := filepath.Join(folder, "m365", "Worldwide_2020080600.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var sets []struct {
		ID       int
		Category string
		URLs     []string
		TCP      string `json:"tcpPorts"`
	}
	if err := json.Unmarshal(data, &sets); err != nil {
		t.Fatal(err)
	}
	within := func(name, wide string) bool {
		domain, star := strings.CutPrefix(wide, "*")
		return name == wide || star && strings.HasSuffix(name, domain)
	}
	ports := func(list string) []string { return strings.Split(strings.ReplaceAll(list, " ", ""), ",") }
	share := func(a, b string) bool {
		return a != "" && slices.ContainsFunc(ports(a), func(p string) bool { return slices.Contains(ports(b), p) })
	}
	pairs, told := map[[2]string]bool{}, map[string][]string{}
	for _, a := range sets {
		for _, b := range sets {
			for _, wide := range a.URLs {
				for _, name := range b.URLs {
					if a.Category == b.Category || !within(name, wide) {
						continue
					}
					if name != wide && !strings.Contains(strings.TrimPrefix(name, "*."), "*") {
						pairs[[2]string{wide, name}] = true
					}
					if ids := []string{fmt.Sprintf("m365-worldwide/%d", a.ID), fmt.Sprintf("m365-worldwide/%d", b.ID)}; share(a.TCP, b.TCP) {
						slices.Sort(ids)
						told[strings.Join(ids, " ")] = append(told[strings.Join(ids, " ")], name)
					}
				}
			}
		}
	}
	if len(pairs) != 38 {
		t.Errorf("%d pairs of a name and one that it covers, across categories; want 38", len(pairs))
	}
	found := lintJSON(t, lint.Categories, "--catalog", file)
	for _, f := range found {
		want := told[f.Entry+" "+strings.Join(f.Others, " ")]
		slices.Sort(want)
		if !slices.Equal(f.Endpoints, slices.Compact(want)) {
			t.Errorf("%s and %s share %v, want %v", f.Entry, f.Others, f.Endpoints, want)
		}
	}
	if len(found) != len(told) || len(told) != 18 {
		t.Errorf("%d pairs of sets, want %d, which are 18: %v", len(found), len(told), slices.Sorted(maps.Keys(told)))
	}
}
