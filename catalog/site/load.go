package site

import (
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
		c, err := loadCatalog(ref, dir)
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

func loadCatalog(ref, dir string) (*catalog.Catalog, error) {
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
	return readFeed(path, data)
}

// readFeed reads a catalogue's file. What the file does not say of itself is in the
// record that was written when it was fetched, unless it changed since.
func readFeed(path string, data []byte) (*catalog.Catalog, error) {
	record, err := feed.ReadRecord(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return feed.Read(path, data, feed.Naming{})
	case err != nil:
		return nil, err
	case record.Describes(data):
		return feed.Read(path, data, record.Naming())
	}
	c, err := feed.Read(path, data, feed.Naming{})
	if err == nil {
		c.Notices = append(c.Notices, catalog.Notice{Where: feed.RecordName(path), Text: "not the record of the file beside it, which was changed or only half fetched, so that it is passed over; fetch again, or remove the record"})
	}
	return c, err
}

// isFile tells paths of files from names of embedded catalogues.
func isFile(ref string) bool {
	return strings.ContainsAny(ref, `/\`) || strings.HasSuffix(ref, ".json")
}
