package site

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/netset"
)

// TestSumOfCatalogs holds that the bounds of one catalogue hold for several together,
// and that one is never refused by them.
func TestSumOfCatalogs(t *testing.T) {
	entry := func(names int) catalog.Entry { return catalog.Entry{Names: make([]netset.Pattern, names)} }
	entries := &catalog.Catalog{Name: "c", Entries: make([]catalog.Entry, 60_000)}
	endpoints := &catalog.Catalog{Name: "c", Entries: []catalog.Entry{entry(1_200_000)}}
	for _, c := range []struct {
		of   *catalog.Catalog
		want string
	}{
		{entries, "with c the catalogues have 120000 entries, over the limit of 100000 per run; name fewer, and the others in a site file of their own"},
		{endpoints, "with c the catalogues have 2400000 endpoints, over the limit of 2000000 per run; name fewer, and the others in a site file of their own"},
	} {
		var together sum
		if err := together.add(c.of); err != nil {
			t.Errorf("one alone: %v", err)
		}
		if err := together.add(c.of); err == nil || err.Error() != c.want {
			t.Errorf("two: error %v, want %s", err, c.want)
		}
	}
}

// TestStarredNames holds that names which are compared one by one are bounded.
func TestStarredNames(t *testing.T) {
	var names []netset.Pattern
	for i := range catalog.MaxStarred + 1 {
		n, err := netset.ParsePattern(fmt.Sprintf("a*%d.example.com", i))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, n)
	}
	c := func(n int) *catalog.Catalog {
		return &catalog.Catalog{Name: "c", Entries: []catalog.Entry{{Names: names[:n]}}}
	}
	var together sum
	if err := together.add(c(catalog.MaxStarred)); err != nil {
		t.Error(err)
	}
	const want = "with c the catalogues have 20001 names with stars inside a label, over the limit of 20000 per run; replace those below one domain by *.DOMAIN"
	if err := together.add(c(1)); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestBytesOfCatalogs reads two files that are within the bound of a file, and over
// that of a run.
func TestBytesOfCatalogs(t *testing.T) {
	dir := t.TempDir()
	half := bytes.Repeat([]byte(" "), feed.MaxFile/2)
	for _, name := range []string{"a", "b"} {
		doc := fmt.Sprintf(`{"catalog": %q, "revision": "1", "title": "T", "entries": []}`, name)
		if err := os.WriteFile(filepath.Join(dir, name+".json"), append([]byte(doc), half...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // each run anew
		if _, err := (&Site{Catalogs: []string{"./a.json"}}).LoadCatalogs(dir); err != nil {
			t.Errorf("one alone: %v", err)
		}
	}
	_, err := (&Site{Catalogs: []string{"./a.json", "./b.json"}}).LoadCatalogs(dir)
	want := strings.Replace(`catalogue: with DIR/b.json the catalogues have 65537 KiB, over the limit of 65536 KiB per run; name fewer, and the others in a site file of their own`, "DIR", dir, 1)
	if err == nil || err.Error() != want {
		t.Errorf("two: error %v, want %s", err, want)
	}
}
