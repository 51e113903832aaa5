package site

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/plainfile"
)

// Today is the word for the present day (UTC) in Staging.AsOf: only it makes the
// catalogues depend on the clock.
const Today = "today"

// LoadCatalogs reads the site's catalogues: embedded ones by name, others from files,
// whose paths are relative to dir, the site file's folder; empty if the user named them
// on the command line, where they may be pipes. A file takes the place of a snapshot
// that ships with the tool under the same name; which one does, a notice says.
func (s *Site) LoadCatalogs(dir string) ([]*catalog.Catalog, error) {
	refs := s.Catalogs
	if len(refs) == 0 {
		refs = DefaultCatalogs()
	}
	var catalogs []*catalog.Catalog
	var together sum
	s.bytes = 0
	loaded := map[string]string{}
	s.references = loaded
	for _, ref := range refs {
		c, err := s.loadChecked(ref, dir)
		if err != nil {
			return nil, err
		}
		other, ok := loaded[c.Name]
		i := slices.IndexFunc(catalogs, func(o *catalog.Catalog) bool { return o.Name == c.Name })
		switch {
		case !ok:
			catalogs = append(catalogs, c)
		case c.Snapshot != "" && catalogs[i].Snapshot == "":
			s.replaces(other, c)
			continue
		case c.Snapshot == "" && catalogs[i].Snapshot != "":
			s.replaces(ref, catalogs[i])
			catalogs[i] = c
		default:
			return nil, s.Errorf("catalogs", ref, "%q and %q both hold the catalogue %s; name only one of them", other, ref, c.Name)
		}
		loaded[c.Name] = ref
		if err := together.add(c); err != nil {
			return nil, s.Errorf("catalogs", ref, "%w", err)
		}
	}
	if !s.Staging.IsZero() && len(s.staged) == 0 {
		return nil, s.Errorf("staging", "", "as_of and keep_removed need change records, but no catalogue has any; get them with `gatewright fetch m365 --changes -o FILE`")
	}
	return catalogs, nil
}

// sum counts what several catalogues hold together.
type sum struct{ catalogs, entries, endpoints, starred int }

// add holds catalogues together to the bounds of one: a run holds them all.
func (n *sum) add(c *catalog.Catalog) error {
	n.catalogs++
	n.entries += len(c.Entries)
	for i := range c.Entries {
		e := &c.Entries[i]
		n.endpoints += len(e.Names) + len(e.Pending) + e.Prefixes.Len()
		for _, name := range e.Names {
			if _, below := name.Subdomains(); !below && strings.Contains(name.String(), "*") {
				n.starred++
			}
		}
	}
	switch {
	case n.starred > catalog.MaxStarred:
		return fmt.Errorf("with %s the catalogues have %d names with stars inside a label, over the limit of %d per run; replace those below one domain by *.DOMAIN", c.Name, n.starred, catalog.MaxStarred)
	case n.catalogs == 1:
	case n.entries > catalog.MaxEntries:
		return fmt.Errorf("with %s the catalogues have %d entries, over the limit of %d per run; %s", c.Name, n.entries, catalog.MaxEntries, fewer)
	case n.endpoints > catalog.MaxEndpoints:
		return fmt.Errorf("with %s the catalogues have %d endpoints, over the limit of %d per run; %s", c.Name, n.endpoints, catalog.MaxEndpoints, fewer)
	}
	return nil
}

// fewer is how the sum of catalogues is mended.
const fewer = "name fewer, and the others in a site file of their own"

// counted counts the bytes that a run reads of catalogues.
func (s *Site) counted(path plainfile.Path, data []byte, err error) ([]byte, error) {
	if s.bytes += len(data); err == nil && s.bytes > feed.MaxFile {
		return nil, fmt.Errorf("with %s the catalogues have %d KiB, over the limit of %d KiB per run; %s", path, (s.bytes+1023)>>10, feed.MaxFile>>10, fewer)
	}
	return data, err
}

// replaces notes that a file is read in the place of a snapshot.
func (s *Site) replaces(file string, snapshot *catalog.Catalog) {
	s.Notices = append(s.Notices, catalog.Notice{Where: file, Text: fmt.Sprintf("used instead of the snapshot %s of %s that ships with the tool", snapshot.Name, snapshot.Snapshot)})
}

// loadChecked reads one catalogue of the site, or the file of the same name beside a
// snapshot; errors are at the place where the site names it.
func (s *Site) loadChecked(ref, dir string) (*catalog.Catalog, error) {
	c, err := s.loadCatalog(ref, dir)
	if err == nil && c.Snapshot != "" && ref == c.Name {
		file := c.Name + ".json"
		fetched, missing := s.loadCatalog(file, cmp.Or(dir, "."))
		switch {
		case errors.Is(missing, fs.ErrNotExist):
		case missing == nil && fetched.Name != c.Name:
			return nil, s.Errorf("catalogs", ref, "%s would replace the snapshot %s, but it holds the catalogue %s; give the file another name", file, c.Name, fetched.Name)
		default:
			s.replaces(file, c)
			ref, c, err = file, fetched, missing
		}
	}
	var inside *jsonc.Error
	switch {
	case errors.As(err, &inside): // the file's own place
		return nil, err
	case err != nil:
		return nil, s.Errorf("catalogs", ref, "%w", err)
	}
	switch {
	case s.Staging.IsZero() || c.Feed != "m365" || s.staged[ref]:
	case c.Snapshot != "":
		return nil, s.Errorf("staging", "", "the snapshot %s has no change records; `gatewright fetch %s --changes -o %s.json` gets the catalogue with them", c.Name, c.Feed, c.Name)
	default:
		return nil, s.unstaged(ref)
	}
	return c, s.checkNaming(ref, c)
}

// LoadCatalog reads one catalogue that the site need not name: an embedded one by
// name, or one from a file.
func (s *Site) LoadCatalog(ref string) (*catalog.Catalog, error) {
	s.bytes = 0
	c, err := s.loadCatalog(ref, "")
	if err == nil && !s.Staging.IsZero() && !s.staged[ref] {
		return nil, s.unstaged(ref)
	}
	return c, err
}

// checkNaming refuses what the site says of a catalogue that says it itself, or that
// cannot have it.
func (s *Site) checkNaming(ref string, c *catalog.Catalog) error {
	as := s.Namings[ref]
	switch {
	case as.Instance != "" && c.Feed != "m365":
		return s.Errorf("catalogs", ref, "%s is not a document of the Microsoft 365 web service, so it has no instance; omit the instance", ref)
	case c.Feed != "m365" && (as.Name != "" && as.Name != c.Name || as.Revision != "" && as.Revision != c.Revision):
		return s.Errorf("catalogs", ref, "%s states that it is %s of revision %s; omit name and revision", ref, c.Name, c.Revision)
	}
	return nil
}

// unstaged is the error for a catalogue without the change records that it is to be
// staged by.
func (s *Site) unstaged(ref string) error {
	return s.Errorf("catalogs", ref, "%q has no change records beside it, but as_of and keep_removed need them; get them with `gatewright fetch m365 --changes`", ref)
}

func (s *Site) loadCatalog(ref, dir string) (*catalog.Catalog, error) {
	if !isFile(ref) {
		return catalog.Load(ref)
	}
	if strings.Contains(ref, "://") {
		return nil, errors.New("a catalogue must be a file, not a URL; download it with `gatewright fetch URL -o FILE`")
	}
	path, err := s.pathOf(ref, dir)
	if err != nil {
		return nil, err
	}
	data, err := s.readFile(path, dir == "")
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	c, err := s.readFeed(ref, path, data)
	switch {
	case err == nil:
	case dir != "":
		err = unquoted(path, data, err, fmt.Sprintf("`gatewright list --catalog %s` shows what is wrong", commandPath(path)))
	case path.Linked():
		err = unquoted(path, data, err, "name the file that the link leads to, if it is meant")
	}
	return c, err
}

// commandPath is a path as --catalog takes it.
func commandPath(path plainfile.Path) string {
	ref := path.String()
	if !isFile(ref) {
		ref = "./" + ref
	}
	return ref
}

// unquoted is an error of a file that only a site file names, or a link. If the file
// does not begin like a catalogue it may hold secrets, so that nothing of it is shown.
func unquoted(path plainfile.Path, data []byte, err error, do string) error {
	var inside *jsonc.Error
	var unknown *feed.UnknownError
	switch {
	case errors.As(err, &unknown):
		unknown.AsList = errors.New("expected one prefix, address or FQDN a line")
	case errors.As(err, &inside) && inside.Line > 0 && !feed.Begins(data):
		return &jsonc.Error{File: inside.File, Line: inside.Line, Col: inside.Col, Err: fmt.Errorf("this file does not start like a catalogue, so its content is not shown; %s", do)}
	}
	return err
}

func (s *Site) readFile(path plainfile.Path, named bool) ([]byte, error) {
	if data, ok := s.Streams[path.String()]; ok {
		return data, nil
	}
	if named {
		data, err := path.ReadStream(feed.MaxFile)
		if s.Streams != nil && err == nil && (s.Name != "" || !path.Regular()) { // for the next output or the base: a pipe is read once
			s.Streams[path.String()] = data
		}
		return s.counted(path, data, err)
	}
	data, err := path.Read(feed.MaxFile)
	return s.counted(path, data, err)
}

// readFeed reads a catalogue's file. What the file does not say of itself is what
// the site says, and else in the record that was written when it was fetched, unless
// it changed since.
func (s *Site) readFeed(ref string, path plainfile.Path, data []byte) (*catalog.Catalog, error) {
	as := s.Namings[ref]
	if as.Instance == "" {
		as.Instance = s.selectedInstance()
	}
	record, err := feed.ReadRecord(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return feed.Read(path.String(), data, as)
	case err != nil:
		return nil, err
	case record.Describes(data):
		if as, err = s.namingOf(ref, path, record); err != nil {
			return nil, err
		}
		if s.Staging.IsZero() || record.Changes == "" {
			c, err := feed.Read(path.String(), data, as)
			if err == nil {
				c.Published = true // as what comes from elsewhere, whatever its format
			}
			return c, err
		}
		if s.staged == nil {
			s.staged = map[string]bool{}
		}
		s.staged[ref] = true
		return s.readStaged(path, data, as, record)
	}
	c, err := feed.Read(path.String(), data, as)
	if err == nil {
		c.Notices = append(c.Notices, catalog.Notice{Where: feed.RecordName(path.String()), Text: "ignored, because it does not match the file beside it, which was changed or only partly fetched; fetch again, or remove the record"})
	}
	return c, err
}

// selectedInstance is the one instance of the web service that is selected, which a
// file that says none is taken to be of; empty if there is no such.
func (s *Site) selectedInstance() string {
	if list := s.Select.Instances; len(list) == 1 && slices.Contains(feed.M365Instances(), list[0]) {
		return list[0]
	}
	return ""
}

// namingOf is what the site and the record say of a file that was fetched.
func (s *Site) namingOf(ref string, path plainfile.Path, record feed.Record) (feed.Naming, error) {
	as, fetched := s.Namings[ref], record.Naming()
	if as.Instance != "" && fetched.Instance != "" && as.Instance != fetched.Instance {
		return as, fmt.Errorf("%s was fetched as instance %s, not %s; fetch the other instance, or omit the instance", path, fetched.Instance, as.Instance)
	}
	return feed.Naming{Name: cmp.Or(as.Name, fetched.Name), Instance: cmp.Or(as.Instance, fetched.Instance), Revision: cmp.Or(as.Revision, fetched.Revision)}, nil
}

// readStaged reads a file with the publisher's change records applied, which were
// fetched along.
func (s *Site) readStaged(path plainfile.Path, data []byte, as feed.Naming, record feed.Record) (*catalog.Catalog, error) {
	changes, err := readChanges(path, record)
	if err != nil {
		return nil, err
	}
	staging := s.Staging
	if staging.AsOf == Today {
		staging.AsOf = time.Now().UTC().Format(time.DateOnly)
	}
	return staging.Read(path.String(), data, as, changes)
}

// readChanges reads the change records that were fetched with a file.
func readChanges(path plainfile.Path, record feed.Record) ([]feed.Change, error) {
	file := path.Beside(feed.ChangesSuffix)
	text, err := file.Read(feed.MaxFile)
	if err != nil {
		return nil, fmt.Errorf("the publisher's change records: %w", err)
	}
	if feed.Digest(text) != record.Changes {
		return nil, fmt.Errorf("%s is not what was fetched with %s; fetch both again with `gatewright fetch m365 --changes`", file, path)
	}
	return feed.ReadChanges(file.String(), text)
}

// RefFrom is a reference of the working directory's as a site file in the folder dir
// writes it: a name of a catalogue stays, a path is relative to dir. It is false for a
// path outside of dir, which a site file cannot name.
func RefFrom(dir, ref string) (string, bool) {
	if !isFile(ref) {
		return ref, true
	}
	rel, err := relative(dir, ref)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	if rel = filepath.ToSlash(rel); !isFile(rel) {
		rel = "./" + rel
	}
	return rel, true
}

func relative(dir, path string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	return filepath.Rel(dir, path)
}

// isFile tells paths of files from names of embedded catalogues, "name@revision": a
// name holds no dot, but a revision may.
func isFile(ref string) bool {
	name, _, _ := strings.Cut(ref, "@")
	return strings.ContainsAny(name, `./\`) || strings.ContainsAny(ref, `/\`) || strings.HasSuffix(ref, ".json")
}

// pathOf is the file of a reference. A site file, which may be somebody else's, names
// files of its own folder alone: what is wrong with a file quotes it.
func (s *Site) pathOf(ref, dir string) (plainfile.Path, error) {
	if dir == "" {
		return plainfile.Named(ref), nil
	}
	path, wrong := s.ownFile(ref, dir)
	if wrong != "" {
		return path, fmt.Errorf("%q %s, or name all catalogues on the command line, including this one with --catalog %s", ref, wrong, path)
	}
	return path, nil
}

// ownFile is the path of a file that a site file names, and what is wrong with that.
func (s *Site) ownFile(ref, dir string) (path plainfile.Path, wrong string) {
	path = plainfile.In(dir, ref).Of(s.Tree)
	switch {
	case path.Outside():
		wrong = "leads out of the site file's folder; put the file there"
	case IsHidden(ref):
		wrong = "is hidden, and a site file names no hidden file or folder, which may hold secrets; give it a name without a dot in front"
	}
	return path, wrong
}

// IsHidden reports whether a part of a path has a dot in front.
func IsHidden(ref string) bool {
	return slices.ContainsFunc(strings.Split(filepath.ToSlash(filepath.Clean(ref)), "/"), func(part string) bool {
		return part != "." && part != ".." && strings.HasPrefix(part, ".")
	})
}
