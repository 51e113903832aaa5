package site

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/jsonc"
)

// LoadCatalogs reads the site's catalogues: embedded ones by name, others from
// files, whose paths are relative to dir.
func (s *Site) LoadCatalogs(dir string) ([]*catalog.Catalog, error) {
	refs := s.Catalogs
	if len(refs) == 0 {
		refs = []string{DefaultCatalog}
	}
	var catalogs []*catalog.Catalog
	loaded := map[string]string{} // by the catalogue's name, how the site names it
	for _, ref := range refs {
		c, err := loadCatalog(ref, dir, s.Namings[ref])
		var inside *jsonc.Error
		switch {
		case errors.As(err, &inside): // the file's own place
			return nil, err
		case err != nil:
			return nil, s.Errorf("catalogs", ref, "%w", err)
		}
		if other, ok := loaded[c.Name]; ok {
			return nil, s.Errorf("catalogs", ref, "%q and %q are both a catalogue %s; name one of them", other, ref, c.Name)
		}
		loaded[c.Name] = ref
		catalogs = append(catalogs, c)
	}
	return catalogs, nil
}

// LoadCatalog reads one catalogue that the site need not name: an embedded one by
// name, or one from a file.
func (s *Site) LoadCatalog(ref string) (*catalog.Catalog, error) {
	return loadCatalog(ref, ".", s.Namings[ref])
}

func loadCatalog(ref, dir string, as feed.Naming) (*catalog.Catalog, error) {
	if !isFile(ref) {
		return catalog.Load(ref)
	}
	path := ref
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return readFeed(path, data, as)
}

// readFeed reads a catalogue's file. What the file does not say of itself is what
// the site says, and else in the record that was written when it was fetched, unless
// it changed since.
func readFeed(path string, data []byte, as feed.Naming) (*catalog.Catalog, error) {
	record, err := feed.ReadRecord(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return feed.Read(path, data, as)
	case err != nil:
		return nil, err
	case record.Describes(data):
		fetched := record.Naming()
		if as.Instance != "" && fetched.Instance != "" && as.Instance != fetched.Instance {
			return nil, fmt.Errorf("%s was fetched as instance %s, not %s; fetch the other one, or leave the instance out", path, fetched.Instance, as.Instance)
		}
		as.Name, as.Instance, as.Revision = cmp.Or(as.Name, fetched.Name), cmp.Or(as.Instance, fetched.Instance), cmp.Or(as.Revision, fetched.Revision)
		return feed.Read(path, data, as)
	}
	c, err := feed.Read(path, data, as)
	if err == nil {
		c.Notices = append(c.Notices, catalog.Notice{Where: feed.RecordName(path), Text: "not the record of the file beside it, which was changed or only half fetched, so that it is passed over; fetch again, or remove the record"})
	}
	return c, err
}

// isFile tells paths of files from names of embedded catalogues, "name@revision": a
// name holds no dot, but a revision may.
func isFile(ref string) bool {
	name, _, _ := strings.Cut(ref, "@")
	return strings.ContainsAny(name, `./\`) || strings.ContainsAny(ref, `/\`) || strings.HasSuffix(ref, ".json")
}
