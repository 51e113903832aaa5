package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatewright/cmd/gatewright/internal/report"
)

// listedOpen is what a test looks at of an open item.
type listedOpen struct{ Entry, Missing, Line string }

// listJSON runs `gatewright list` and reads what it says.
func listJSON[T any](t *testing.T, args ...string) []T {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(append([]string{"list", "--json"}, args...), nil, &stdout, &stderr); status != exitOK {
		t.Fatalf("status %d\n%s", status, &stderr)
	}
	list := map[string]json.RawMessage{}
	err := json.Unmarshal(stdout.Bytes(), &list)
	if err != nil || len(list) != 2 || string(list["version"]) != "1" {
		t.Fatalf("%v\n%s", err, &stdout)
	}
	delete(list, "version")
	var items []T
	for _, one := range list {
		if err := json.Unmarshal(one, &items); err != nil {
			t.Fatal(err)
		}
	}
	return items
}

// TestEveryRowOfTheArticle holds that every row of the articles is listed, and that
// every entry is in a rule, a trusted site, an open item that says what is missing,
// who can say it and what to write, or is left out for its instance.
func TestEveryRowOfTheArticle(t *testing.T) {
	t.Chdir(t.TempDir())
	for catalog, rows := range map[string]int{"m365-additional@2018-10-23": 16, "m365-additional@2025-01-08": 25} {
		seen := map[string]bool{}
		for _, e := range listJSON[report.ListedEntry](t, "--catalog", catalog) {
			if e.ID != "m365-additional/dns" { // the need outside the table
				seen[strings.TrimRight(e.Row, "abc")] = true
			}
			zone := e.State == "trusted site"
			elsewhere := e.State == "not selected" && !slices.Contains(e.Instances, "Worldwide")
			if len(e.Rules) == 0 && !zone && len(e.Open) == 0 && !elsewhere {
				t.Errorf("%s: %s is lost: it is %s", catalog, e.ID, e.State)
			}
			for _, o := range e.Open {
				if o.Missing == "" || o.Why == "" || o.Who == "" || o.Section == "" || o.Line == "" {
					t.Errorf("%s: %s: the open item does not say all: %+v", catalog, e.ID, o)
				}
			}
		}
		for row := 1; row <= rows; row++ {
			if !seen[fmt.Sprint(row)] {
				t.Errorf("%s: row %d is missing", catalog, row)
			}
		}
		if len(seen) != rows {
			t.Errorf("%s: %d rows, want %d", catalog, len(seen), rows)
		}
	}
}

// filled fills the blanks of a site file in.
func filled(block string) string {
	for _, one := range [][2]string{
		{`\["<CIDR>"\]`, `["10.20.0.1"]`},
		{`\["<CIDR or FQDN>"\]`, `["198.51.100.0/24"]`},
		{`\["<FQDN>"\]`, `["www.example.com"]`},
		{`"<tcp PORT, \.\.\.>"`, `"tcp 443"`},
		{`"<outbound, inbound or bidirectional>"`, `"outbound"`},
		{`"<role>"`, `"sbc"`},
		{`"<HOST:PORT>"`, `"proxy.example.com:3128"`},
		{`"<email_domain>"`, `"contoso.com"`},
		{`"<host, or remove this line>"`, `"host"`},
	} {
		block = regexp.MustCompile(one[0]).ReplaceAllString(block, one[1])
	}
	return block
}

// TestSuggestedLines holds that init writes a site file that stops nothing while its
// blanks are there, and with them filled in nothing is open but what the answers bring
// up, and then nothing.
func TestSuggestedLines(t *testing.T) {
	for _, catalog := range []string{"m365-additional@2018-10-23", "m365-additional@2025-01-08"} {
		t.Chdir(t.TempDir())
		before := listJSON[map[string]any](t, "open", "--catalog", catalog)
		var stdout, stderr bytes.Buffer
		if status := run([]string{"init", "--catalog", catalog}, nil, &stdout, &stderr); status != exitOK || stdout.Len() > 0 {
			t.Fatalf("status %d\n%s%s", status, &stderr, &stdout)
		}
		block, err := os.ReadFile(defaultSite)
		if err != nil {
			t.Fatal(err)
		}
		if blank := listJSON[map[string]any](t, "open"); fmt.Sprint(blank) != fmt.Sprint(before) {
			t.Errorf("%s: open with blanks %v, without %v", catalog, blank, before)
		}
		stderr.Reset()
		if status := run([]string{"init", "--merge"}, nil, &stdout, &stderr); status != exitOK || stderr.String() != defaultSite+": nothing is newly open\n" {
			t.Errorf("%s: merging at once: status %d, %s", catalog, status, &stderr)
		}
		if err := os.WriteFile(defaultSite, []byte(filled(string(block))), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, o := range listJSON[listedOpen](t, "open") {
			t.Errorf("%s: %s of %s is still open; write %s", catalog, o.Missing, o.Entry, o.Line)
		}
	}
}
