package site

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatewright/catalog/feed"
)

// TestRecordOfAnotherFile holds that a record is believed for its own file alone.
func TestRecordOfAnotherFile(t *testing.T) {
	const own = `{"catalog": "own", "revision": "1", "title": "Own", "entries": [{"id": "a", "title": "A",
		"endpoints": ["192.0.2.0/24"], "services": "tcp 443", "direction": "outbound", "role": "clients"}]}`
	for _, c := range []struct {
		name, record string
		notices      int
		err          string
	}{
		{"none", "", 0, ""},
		{"its own", `{"source": "s", "digest": "` + feed.Digest([]byte(own)) + `"}`, 0, ""},
		{"another's", `{"source": "s", "digest": "` + feed.Digest(nil) + `"}`, 1, ""},
		{"damaged", `{"source": `, 0, "own.json.fetched.json:1:12:"},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "own.json")
		if err := os.WriteFile(file, []byte(own), 0o644); err != nil {
			t.Fatal(err)
		}
		if c.record != "" {
			if err := os.WriteFile(feed.RecordName(file), []byte(c.record), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s := &Site{Catalogs: []string{"./own.json"}}
		catalogs, err := s.LoadCatalogs(dir)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %s", c.name, err, c.err)
			}
			continue
		}
		if err != nil || len(catalogs[0].Notices) != c.notices {
			t.Errorf("%s: %v, %v", c.name, catalogs, err)
		}
	}
}

// TestSelectedInstance holds that the one instance that is selected is that of a file
// that does not say its own.
func TestSelectedInstance(t *testing.T) {
	dir := t.TempDir()
	const sets = `[{"id": 1, "serviceArea": "Exchange", "urls": ["mail.example.cn"], "tcpPorts": "443", "category": "Default"}]`
	if err := os.WriteFile(filepath.Join(dir, "sets.json"), []byte(sets), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		selected []string
		naming   feed.Naming
		want     string
		notices  int
	}{
		{[]string{"China"}, feed.Naming{}, "m365-china", 0},
		{[]string{"China"}, feed.Naming{Instance: "Worldwide"}, "m365-worldwide", 0},
		{[]string{"China", "USGovDoD"}, feed.Naming{}, "m365-worldwide", 1},
		{[]string{"Mars"}, feed.Naming{}, "m365-worldwide", 1},
		{nil, feed.Naming{}, "m365-worldwide", 1},
	} {
		s := &Site{Catalogs: []string{"./sets.json"}, Select: Selection{Instances: c.selected}, Namings: map[string]feed.Naming{"./sets.json": c.naming}}
		catalogs, err := s.LoadCatalogs(dir)
		if err != nil || catalogs[0].Name != c.want || len(catalogs[0].Notices) != c.notices {
			t.Errorf("%v, %+v: %+v, %v", c.selected, c.naming, catalogs, err)
		}
	}
}
