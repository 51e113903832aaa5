package trustedsites

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
)

// linesBefore stand before the header.
const linesBefore = 2

// Makes reports whether a file of that name is one of this generator's.
func (Generator) Makes(name string) bool { return name == regName }

// Read reads the registry file.
func (Generator) Read(files artefact.Files) (artefact.Reading, error) {
	data, ok := files[regName]
	if !ok {
		return artefact.Reading{}, nil
	}
	r, err := readFile(data)
	if err != nil {
		return artefact.Reading{}, err
	}
	r.reading.Comments = r.file.Comments
	r.reading.Take(regName, data)
	slices.SortFunc(r.reading.Zones, func(a, b artefact.Zone) int { return cmp.Compare(a.Name, b.Name) })
	r.reading.Zones = slices.Compact(r.reading.Zones)
	return r.reading, nil
}

func readFile(data []byte) (*reader, error) {
	file := artefact.LinesOf(regName, bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), 0)
	file.Sign = "; "
	for file.At < linesBefore && file.Next() {
	}
	if _, err := file.ReadTitle(what, format); err != nil {
		return nil, err
	}
	r := &reader{file: file, view: regView{Header: comments(artefact.ListHeader(what, load, format))}}
	for file.At < linesBefore+len(r.view.Header) && file.Next() {
	}
	for file.Next() {
		if !r.take(file.Line) {
			return nil, file.Foreign(errors.New("the key of a name in the zone map, of one hive, and the line " + trustLine))
		}
	}
	again, err := r.view.render()
	if err != nil {
		return nil, err
	}
	return r, artefact.Compare(regName, data, again)
}

// reader gathers the view of a file, and what it means.
type reader struct {
	file    *artefact.Lines
	view    regView
	hive    string
	siteAt  int // the line above the last site
	reading artefact.Reading
}

// take reads a line after the fixed ones. What it passes over, the comparison with
// the view finds.
func (r *reader) take(line string) bool {
	text, isComment := strings.CutPrefix(line, "; ")
	if isComment {
		r.file.Note("")
	}
	site := &siteView{}
	if n := len(r.view.Sites); n > 0 {
		site = &r.view.Sites[n-1]
	}
	switch {
	case line == "":
		r.siteAt = r.file.At
		r.view.Sites = append(r.view.Sites, siteView{})
	case isComment && len(r.view.Sites) == 0:
		r.view.Header = append(r.view.Header, commentOf(text))
	case isComment && site.Label == "":
		site.Label = commentOf(text)
	case isComment:
		site.LeftOut = commentOf(leftOut + strings.TrimPrefix(text, leftOut))
	case line != trustLine:
		return r.takeKey(line, site)
	}
	return true
}

func (r *reader) takeKey(line string, site *siteView) bool {
	for _, hive := range []string{hiveUser, hiveMachine} {
		path, ok := strings.CutPrefix(line, "["+string(pathOf(hive, key{})))
		if !ok || r.hive != "" && r.hive != hive {
			continue
		}
		domain, below, _ := strings.Cut(strings.TrimSuffix(path, "]"), `\`)
		k := key{domain, below}
		p, err := netset.ParsePattern(k.host())
		if own, _ := keyOf(p); err != nil || own != k {
			return false
		}
		if r.hive == "" {
			r.reading.Beside = []artefact.Statement{{File: regName, Name: "hive", Value: hive}}
		}
		r.hive = hive
		if len(site.Keys) == 0 {
			r.nameComments(k.host())
		}
		site.Keys = append(site.Keys, pathOf(hive, k))
		r.reading.Zones = append(r.reading.Zones, k.zone())
		return true
	}
	return false
}

// nameComments has the comments of a site be about its first name.
func (r *reader) nameComments(host string) {
	all := r.file.Comments
	for i := len(all) - 1; i >= 0 && all[i].Line >= r.siteAt; i-- {
		all[i].About = host
	}
}

// zone is what a key trusts.
func (k key) zone() artefact.Zone { return artefact.Zone{Name: k.host(), Whole: k.below == ""} }
