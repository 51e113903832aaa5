package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/nftables"
)

// rulesetFile is the artefact that is read back, flow by flow.
const rulesetFile = "gatewright.nft"

// folder is the content of an output folder.
type folder struct {
	files  map[string][]byte // by slash path, but what is read back and the folder's own state
	places []place           // of the ruleset, where its rules accept
	others []string          // lines of the ruleset that are no rule of the policy
}

// place is what rules accept on the same interfaces and in the same way.
type place struct {
	name  string
	lines []acceptance
}

type acceptance struct {
	boxes   []rule.Box
	comment string
}

func (p place) region() rule.Region {
	var all []rule.Box
	for _, l := range p.lines {
		all = append(all, l.boxes...)
	}
	return rule.RegionOf(all...)
}

func readFolder(dir string) (folder, error) {
	f := folder{files: map[string][]byte{}}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return f, err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name == stateDir:
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		f.files[name], err = root.ReadFile(name)
		return err
	})
	if err != nil {
		return f, inFolder(dir, err)
	}
	data, ok := f.files[rulesetFile]
	if !ok {
		return f, nil
	}
	delete(f.files, rulesetFile)
	rs, others, err := nftables.ReadText(data)
	if err != nil {
		return f, inFolder(dir, fmt.Errorf("%s: %w; it was changed by hand, or is of another version: generate it again", rulesetFile, err))
	}
	f.others, f.places = others, placesOf(rs)
	return f, nil
}

func placesOf(rs nftables.Ruleset) []place {
	byName := map[string][]acceptance{}
	for _, l := range rs.Rules {
		var words []string
		if len(l.In) > 0 {
			words = append(words, "from "+strings.Join(l.In, " "))
		}
		if len(l.Out) > 0 {
			words = append(words, "to "+strings.Join(l.Out, " "))
		}
		if l.Mark != 0 {
			words = append(words, fmt.Sprintf("mark %#x", l.Mark))
		}
		name := strings.Join(words, ", ")
		byName[name] = append(byName[name], acceptance{rs.Boxes(l), l.Comment})
	}
	var places []place
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		places = append(places, place{name, byName[name]})
	}
	return places
}

// compareFolders compares what the rulesets accept, and the other files as text.
func compareFolders(oldDir, newDir string) (report, error) {
	old, err := readFolder(oldDir)
	if err != nil {
		return report{}, err
	}
	new, err := readFolder(newDir)
	if err != nil {
		return report{}, err
	}
	r := report{
		Old: reportSide{Name: oldDir, Sources: []reportSource{}}, New: reportSide{Name: newDir, Sources: []reportSource{}},
		Added: moreAccepted(new.places, old.places), Removed: moreAccepted(old.places, new.places),
		Routes: []reportRoute{}, TrustedSites: reportTrusted{[]listedSite{}, []listedSite{}}, Entries: []reportEntry{},
		OpenAdded: []accountOpen{}, OpenRemoved: []accountOpen{}, OpenUnchanged: []accountOpen{},
	}
	names := maps.Clone(old.files)
	maps.Copy(names, new.files)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		before, had := old.files[name]
		after, has := new.files[name]
		switch {
		case !had:
			r.Files = append(r.Files, reportFile{name, "added"})
		case !has:
			r.Files = append(r.Files, reportFile{name, "removed"})
		case !bytes.Equal(before, after):
			r.Files = append(r.Files, reportFile{name, "changed"})
		}
	}
	if !slices.Equal(old.others, new.others) {
		r.Files = append(r.Files, reportFile{rulesetFile, "changed beside its rules"})
	}
	r.Equal = len(r.Added)+len(r.Removed)+len(r.Files) == 0
	return r, nil
}

// moreAccepted returns what a accepts and b does not, in the same place.
func moreAccepted(a, b []place) []reportRule {
	list := []reportRule{}
	for _, p := range a {
		var other rule.Region
		if i := slices.IndexFunc(b, func(q place) bool { return q.name == p.name }); i >= 0 {
			other = b[i].region()
		}
		for _, box := range p.region().Subtract(other).Boxes() {
			services := box.Protocol.String() + " " + box.Ports.String()
			r := reportRule{Direction: box.Direction, Services: services, Place: p.name}
			r.Parts = []reportPart{{
				Services: services, Local: prefixTexts(box.Local), Published: box.Published,
				Names: []reportName{}, Prefixes: prefixTexts(box.Remote), wholeServices: true,
			}}
			r.Entries = p.giving(rule.RegionOf(box))
			list = append(list, r)
		}
	}
	return list
}

// giving returns the comments of the rules that accept some of the region; they name
// the entries.
func (p place) giving(region rule.Region) []reportFrom {
	var from []reportFrom
	for _, l := range p.lines {
		own := rule.RegionOf(l.boxes...)
		if !own.Subtract(region).Equal(own) && !slices.ContainsFunc(from, func(f reportFrom) bool { return f.ID == l.comment }) {
			from = append(from, reportFrom{ID: l.comment})
		}
	}
	return from
}
