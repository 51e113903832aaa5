package site

import (
	"errors"
	"io/fs"

	"gatewright/catalog/feed"
	"gatewright/catalog/netset"
	"gatewright/catalog/plainfile"
)

// Removals are the removed names of a catalogue, from the publisher's change records.
type Removals struct {
	Catalog string
	Removed map[string][]netset.Pattern // as feed.RemovedNames
	Listed  []netset.Pattern            // what the file lists, nothing staged
}

// Removals reads the change records that were fetched with the site's catalogues, whose
// paths are relative to dir; there are none for a catalogue that was fetched without.
func (s *Site) Removals(dir string) ([]Removals, error) {
	var all []Removals
	for _, ref := range s.Catalogs {
		if !isFile(ref) {
			continue
		}
		path, err := s.pathOf(ref, dir)
		if err != nil {
			return nil, err
		}
		record, err := feed.ReadRecord(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && record.Changes == "" {
			continue
		}
		if err != nil {
			return nil, err
		}
		one, err := s.removalsOf(ref, path, record)
		if err != nil {
			return nil, err
		}
		if one.Catalog != "" {
			all = append(all, one)
		}
	}
	return all, nil
}

// removalsOf reads the change records of one file, and the file; zero if the record is
// not of it.
func (s *Site) removalsOf(ref string, path plainfile.Path, record feed.Record) (Removals, error) {
	data, err := path.Read(feed.MaxFile)
	if err != nil || !record.Describes(data) {
		return Removals{}, err
	}
	as, err := s.namingOf(ref, path, record)
	if err != nil {
		return Removals{}, err
	}
	c, err := feed.Read(path.String(), data, as)
	if err != nil {
		return Removals{}, err
	}
	changes, err := readChanges(path, record)
	if err != nil {
		return Removals{}, err
	}
	r := Removals{Catalog: c.Name, Removed: feed.RemovedNames(changes, as.Revision)}
	for _, e := range c.Entries {
		r.Listed = append(r.Listed, e.Names...)
	}
	return r, nil
}
