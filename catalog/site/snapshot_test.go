package site

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file of a snapshot's name takes its place, whether the site names it or not.
func TestFileInPlaceOfTheSnapshot(t *testing.T) {
	const fetched = `[{"id": 1, "serviceArea": "Exchange", "urls": ["fetched.example.com"], "tcpPorts": "443", "category": "Allow", "required": true}]`
	const notice = "%s: used instead of the snapshot m365-worldwide of 2025-12-01 that ships with the tool"
	for _, test := range []struct {
		file string
		refs []string
		want string
	}{
		{"m365-worldwide.json", nil, "m365-worldwide@unknown m365-additional@2025-01-08 " + fmt.Sprintf(notice, "m365-worldwide.json")},
		{"m365-worldwide.json", []string{"m365-worldwide"}, "m365-worldwide@unknown " + fmt.Sprintf(notice, "m365-worldwide.json")},
		{"m365-worldwide.json", []string{"m365-worldwide@2025-12-01"}, "m365-worldwide@2025-12-01"},
		{"new.json", nil, "m365-worldwide@2025-12-01 m365-additional@2025-01-08"},
		{"new.json", []string{"new.json", "m365-worldwide"}, "m365-worldwide@unknown " + fmt.Sprintf(notice, "new.json")},
		{"new.json", []string{"m365-worldwide", "m365-additional", "new.json"}, "m365-worldwide@unknown m365-additional@2025-01-08 " + fmt.Sprintf(notice, "new.json")},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, test.file), []byte(fetched), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &Site{Catalogs: test.refs}
		catalogs, err := s.LoadCatalogs(dir)
		if err != nil {
			t.Errorf("%s, %q: %v", test.file, test.refs, err)
			continue
		}
		var got []string
		for _, c := range catalogs {
			got = append(got, c.Name+"@"+c.Revision)
		}
		for _, n := range s.Notices {
			got = append(got, n.Where+": "+n.Text)
		}
		if text := strings.Join(got, " "); text != test.want {
			t.Errorf("%s, %q: %s, want %s", test.file, test.refs, text, test.want)
		}
	}
}

// The file of a snapshot's name has to be that catalogue, and one that reads.
func TestBadFileInPlaceOfTheSnapshot(t *testing.T) {
	for text, want := range map[string]string{
		document:       "m365-worldwide.json would replace the snapshot m365-worldwide, but it holds the catalogue own; give the file another name",
		`{"catalog": `: `expected a value, found the end of the file`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "m365-worldwide.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (&Site{}).LoadCatalogs(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
