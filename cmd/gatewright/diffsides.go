package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/plainfile"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/change"
	"gatewright/generators/pac"
)

// compared is one of the two that are compared.
type compared struct {
	change.Compared
	site *site.Site // nil for a catalogue
}

// compilePair builds both sides.
func (inv *invocation) compilePair(oldName, newName string) (old, new compared, err error) {
	isSite := [2]bool{}
	for i, name := range []string{oldName, newName} {
		if isSite[i], err = inv.isSiteFile(name); err != nil {
			return old, new, err
		}
	}
	var before, after *site.Result
	var sites [2]*site.Site
	switch {
	case isSite[0] != isSite[1]:
		return old, new, usagef("diff: of %s and %s one is a site file and the other a catalogue; name two of one kind", oldName, newName)
	case isSite[0]:
		before, after, sites, err = inv.compileSites(oldName, newName)
	default:
		before, after, err = inv.compileCatalogs(oldName, newName)
	}
	if err != nil {
		return old, new, err
	}
	for _, n := range slices.Concat(before.Notices, after.Notices) {
		inv.console.Warnf("%s: %s", n.Where, n.Text)
	}
	routed := [2]*site.Site{sites[0], sites[1]}
	if !isSite[0] {
		if routed[0], _, err = inv.site.read(); err != nil {
			return old, new, err
		}
		routed[1] = routed[0]
	}
	side := func(i int, name string, result *site.Result) compared {
		return compared{change.Compared{Name: name, Result: result, Routed: pacRoles(routed[i])}, sites[i]}
	}
	return side(0, oldName, before), side(1, newName, after), nil
}

// pacRoles are the roles of the machines that use a site's PAC file.
func pacRoles(s *site.Site) (roles []rule.Role) {
	if s == nil {
		return []rule.Role{rule.Clients}
	}
	for _, name := range s.Options[pac.Generator{}.Name()]["roles"] {
		roles = append(roles, rule.Role(name))
	}
	if roles == nil {
		return []rule.Role{rule.Clients}
	}
	return roles
}

// isSiteFile tells a site file from a catalogue, whether a file or a name.
func (inv *invocation) isSiteFile(name string) (bool, error) {
	if data, ok := inv.site.streams[plainfile.Named(name).String()]; ok {
		return site.IsSite(data), nil
	}
	data, err := plainfile.Named(name).ReadStream(feed.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // a name, or an error that reading it explains
	}
	if err != nil {
		return false, err
	}
	inv.site.streams[plainfile.Named(name).String()] = data
	return site.IsSite(data), nil
}

func (inv *invocation) compileSites(oldFile, newFile string) (before, after *site.Result, sites [2]*site.Site, err error) {
	if inv.site.file != "" {
		return nil, nil, sites, usagef("diff: --site cannot be used with two site files; omit it")
	}
	var results [2]*site.Result
	for i, file := range []string{oldFile, newFile} {
		one := inv.site.withFile(file)
		s, dir, err := one.load()
		if errors.Is(err, site.ErrNoOutput) && inv.site.paired {
			results[i] = &site.Result{Policy: &rule.Policy{}}
			continue
		}
		if err != nil {
			return nil, nil, sites, err
		}
		catalogs, err := s.LoadCatalogs(one.catalogDir(dir))
		if err != nil {
			return nil, nil, sites, err
		}
		if results[i], err = site.Build(s, catalogs); err != nil {
			return nil, nil, sites, err
		}
		sites[i] = s
	}
	return results[0], results[1], sites, nil
}

// compileCatalogs builds both catalogues with the present site. Its other catalogues
// stand on both sides, because answers may refer to them.
func (inv *invocation) compileCatalogs(oldName, newName string) (before, after *site.Result, err error) {
	s, dir, err := inv.site.load()
	if err != nil {
		return nil, nil, err
	}
	old, err := loadNamed(s, oldName)
	if err != nil {
		return nil, nil, err
	}
	new := old
	if !inv.isSameDocument(oldName, newName, old) {
		if new, err = loadNamed(s, newName); err != nil {
			return nil, nil, err
		}
	}
	var others []*catalog.Catalog
	if len(s.Catalogs) > 0 {
		if others, err = s.LoadCatalogs(inv.site.catalogDir(dir)); err != nil {
			return nil, nil, err
		}
	}
	others = slices.DeleteFunc(others, func(c *catalog.Catalog) bool { return c.Name == old.Name || c.Name == new.Name })
	return site.BuildPair(s, append([]*catalog.Catalog{old}, others...), append([]*catalog.Catalog{new}, others...))
}

// isSameDocument reports whether two files hold the same catalogue, because it says
// itself what it is, or they are one file.
func (inv *invocation) isSameDocument(oldName, newName string, old *catalog.Catalog) bool {
	before, isFile := inv.site.streams[plainfile.Named(oldName).String()]
	after, isToo := inv.site.streams[plainfile.Named(newName).String()]
	return isFile && isToo && (oldName == newName || old.Feed == "" && bytes.Equal(before, after))
}

// loadNamed reads a file, whatever its name, or else what ships with the tool.
func loadNamed(s *site.Site, name string) (*catalog.Catalog, error) {
	ref := name
	if info, err := os.Stat(name); err == nil && !info.IsDir() && !strings.ContainsAny(name, `/\`) {
		ref = "./" + name
	}
	c, err := s.LoadCatalog(ref)
	if err != nil && !strings.Contains(err.Error(), name) {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return c, err
}
