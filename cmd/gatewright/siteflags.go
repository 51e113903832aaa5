package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/plainfile"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/report"
)

// defaultSite is read if it is there and --site is not given.
const defaultSite = "gatewright.json"

// maxSite bounds a site file, in bytes.
const maxSite = 16 << 20

// siteFlags are the flags that say what a site file says.
type siteFlags struct {
	flags    *pflag.FlagSet
	file     string
	found    bool   // the site file is there
	text     string // of the site file
	missing  bool   // the site file may be missing, though --site names it
	output   string // --for
	paired   bool   // beside a site with outputs, one without them stands for each of them
	whole    bool   // the command is of the site file as a whole, whatever outputs it has
	catalogs []string
	asOf     string
	keep     string // --keep-removed
	sel      site.Selection
	bind     []string
	tenant   []string
	set      []string

	streams map[string][]byte // files that were already read, by path: a pipe is read once
	tree    plainfile.Tree    // replaces the site file's folder, unless it is nil
}

func (f *siteFlags) register(flags *pflag.FlagSet) {
	f.flags, f.streams = flags, map[string][]byte{}
	flags.StringVar(&f.file, "site", "", "site `FILE` (default "+defaultSite+", if it exists)")
	flags.StringVar(&f.output, "for", "", "use only this `OUTPUT` of the site file's \"outputs\"")
	flags.StringArrayVar(&f.catalogs, "catalog", nil, "read this catalogue, `FILE|NAME[@REVISION]` (default "+strings.Join(site.DefaultCatalogs(), " and ")+")")
	flags.StringVar(&f.asOf, "as-of", "", "leave out endpoints that go live after `DAY`: YYYY-MM-DD or today")
	flags.StringVar(&f.keep, "keep-removed", "", "keep endpoints that the publisher removed in the `DAYS` before the catalogue's version or before --as-of, such as 30d")
	flags.StringArrayVar(&f.sel.Areas, "area", nil, "only entries of this service `AREA`")
	flags.StringArrayVar(&f.sel.Categories, "category", nil, "only entries of this `CATEGORY`: optimize, allow, default or none")
	flags.StringArrayVar(&f.sel.Tags, "tag", nil, "only this `TAG` of cloud feeds, such as Storage.WestEurope")
	flags.StringArrayVar(&f.sel.Regions, "region", nil, "only tags of this `REGION` of cloud feeds; none selects tags without a region")
	flags.StringArrayVar(&f.sel.Services, "service", nil, "only tags of this `SERVICE` of cloud feeds; none selects tags without a service")
	flags.StringArrayVar(&f.sel.Entries, "entry", nil, "only the entry with this `ID`")
	flags.StringArrayVar(&f.sel.Directions, "direction", nil, "only flows in this `DIRECTION`: outbound or inbound")
	flags.StringArrayVar(&f.sel.Instances, "instance", nil, "only entries of this `INSTANCE` (default Worldwide)")
	flags.BoolVar(&f.sel.RequiredOnly, "required-only", false, "only entries that the publisher marks as required")
	flags.StringArrayVar(&f.sel.Exclude, "exclude", nil, "leave out the entry with this `ID`")
	flags.StringArrayVar(&f.bind, "bind", nil, "bind a role to the addresses of its machines, `ROLE=CIDR`")
	flags.StringArrayVar(&f.tenant, "tenant", nil, "the `NAME` of your tenant, which replaces <tenant>")
	flags.StringArrayVar(&f.set, "set", nil, "set an option of a generator, `GENERATOR.OPTION=VALUE`; see `gatewright generators`")
}

// withFile returns the same flags, but for another site file.
func (f siteFlags) withFile(file string) siteFlags {
	f.file = file
	return f
}

// source returns the flags for the site file and the catalogues, for use in a suggested
// command: " --site site.json", or nothing.
func (f *siteFlags) source() string {
	var text strings.Builder
	say := func(flag, value string) {
		if strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-") != "" {
			value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
		}
		fmt.Fprintf(&text, " --%s %s", flag, value)
	}
	if f.file != "" {
		say("site", f.file)
	}
	for _, c := range f.catalogs {
		say("catalog", c)
	}
	return text.String()
}

// says reports whether a flag other than --site sets what a site file can set.
func (f *siteFlags) says() bool {
	said := false
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(siteFlags).register(own)
	f.flags.Visit(func(one *pflag.Flag) { said = said || one.Name != "site" && own.Lookup(one.Name) != nil })
	return said
}

// writeOpen names the command that writes the open items into the site file.
func (f *siteFlags) writeOpen(all []report.Suggestion) string {
	file := cmp.Or(f.file, defaultSite)
	_, lacking, err := report.Merge(file, f.text, all)
	switch {
	case !f.found:
		return "`gatewright init" + f.source() + "` writes a " + file + " with all of them"
	case err == nil && lacking == 0:
		return "all of them are in " + file + ", with blanks to fill in; `gatewright list open" + f.source() + f.forOutput() + "` shows who can answer each one"
	}
	return "`gatewright init --merge" + f.source() + "` adds to " + file + " those that it lacks"
}

// catalogDir is the folder that paths of catalogues are relative to: the site
// file's, but none for those of the command line.
func (f *siteFlags) catalogDir(siteDir string) string {
	if len(f.catalogs) > 0 {
		return ""
	}
	return siteDir
}

// load reads the site file, if there is one, lays the flags over it and returns
// the file's folder.
func (f *siteFlags) load() (*site.Site, string, error) {
	s, dir, err := f.read()
	if err != nil {
		return nil, "", err
	}
	if s, err = f.choose(s); err != nil {
		return nil, "", err
	}
	s.Tree = f.tree
	if err := s.LoadExpectations(dir); err != nil {
		return nil, "", err
	}
	s.Streams = f.streams
	if len(f.catalogs) > 0 {
		s.Catalogs = f.catalogs
	}
	if err := f.overlayStaging(s); err != nil {
		return nil, "", err
	}
	if err := f.overlaySelection(s); err != nil {
		return nil, "", err
	}
	if err := f.overlayBindings(s); err != nil {
		return nil, "", err
	}
	if len(f.tenant) > 0 {
		if s.Values == nil {
			s.Values = map[string][]string{}
		}
		s.Values["tenant"] = f.tenant
		s.SaidBy(fmt.Sprintf("--tenant %q", f.tenant[0]), site.SectionValues, "tenant")
	}
	return s, dir, f.overlayOptions(s)
}

// atHand returns the name of the site file, if there is one.
func (f *siteFlags) atHand() (name string, ok bool) {
	name = cmp.Or(f.file, defaultSite)
	_, err := os.Stat(name)
	return name, err == nil
}

func (f *siteFlags) read() (*site.Site, string, error) {
	if isURL(f.file) {
		return nil, "", usagef("--site: expect a file, not a URL; download it first")
	}
	file, read := f.file, plainfile.Named(f.file).ReadStream
	if file == "" {
		file, read = defaultSite, plainfile.In(".", defaultSite).Read
	}
	data, ok := f.streams[plainfile.Named(file).String()]
	var err error
	if !ok {
		data, err = read(maxSite)
	}
	if errors.Is(err, fs.ErrNotExist) && (f.file == "" || f.missing) {
		return &site.Site{}, ".", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("site file: %w", err)
	}
	f.found, f.text = true, string(data)
	f.streams[plainfile.Named(file).String()] = data
	s, err := site.Read(file, data)
	if f.file != "" && plainfile.Named(file).Linked() {
		err = site.Unquoted(data, err)
	}
	return s, folderOf(file), err
}

// isURL reports whether a name is a URL. A URL may hold a secret, so messages must
// not\n// show it.
func isURL(name string) bool { return strings.Contains(name, "://") }

// folderOf is the folder to which paths in a site file are relative: its own folder, or
// the working directory for a pipe.
func folderOf(file string) string {
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return "."
	}
	return filepath.Dir(file)
}
