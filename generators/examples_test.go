package generators

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"gatewright/catalog/site"
)

// exampleCases are the policies of the folders below examples/, so that what users
// copy is proved like the corpus.
func exampleCases(t *testing.T) []corpusCase {
	t.Helper()
	folders, err := filepath.Glob("../examples/*/README.md")
	if err != nil || len(folders) < 3 {
		t.Fatalf("examples %v: %v", folders, err)
	}
	var cases []corpusCase
	for _, document := range folders {
		dir := filepath.Dir(document)
		s, err := exampleSite(filepath.Join(dir, "gatewright.json"))
		if err != nil {
			t.Fatal(err)
		}
		catalogs, err := s.LoadCatalogs(dir)
		if err != nil {
			t.Fatal(err)
		}
		result, err := site.Build(s, catalogs)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, corpusCase{name: "example-" + filepath.Base(dir), input: result.Input})
	}
	return cases
}

// exampleSite reads the site file; an example without one shows the default.
func exampleSite(file string) (*site.Site, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return &site.Site{}, nil
	}
	if err != nil {
		return nil, err
	}
	return site.Read(file, data)
}
