package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
	"gatewright/generators/squid"
	"gatewright/generators/trustedsites"
)

// Artefacts that are read back, flow by flow.
const (
	nftablesFile  = "gatewright.nft"
	ipsetFile     = "gatewright.ipset"
	iptablesFile  = "gatewright.iptables"
	ip6tablesFile = "gatewright.ip6tables"
	squidFile     = "gatewright.squid.conf"
	squidLists    = "gatewright/" // where its lists are
	zoneFile      = "trusted-sites.reg"
)

// folder is the content of an output folder.
type folder struct {
	files  map[string][]byte // by slash path, but what is read back and the folder's own state
	places []place           // where the rules of packet filters accept
	proxy  rule.Policy       // what Squid allows
	zone   trustedsites.ZoneMap
	others map[string][]string // of each file that is read back, what is no rule of the policy
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
	f.others = map[string][]string{}
	for _, read := range []func(*folder) error{(*folder).readNftables, (*folder).readIptables, (*folder).readSquid, (*folder).readZone} {
		if err := read(&f); err != nil {
			return f, inFolder(dir, fmt.Errorf("%w; it was changed by hand, or is of another version: generate it again", err))
		}
	}
	return f, nil
}

// take removes a file from those that are compared as text.
func (f *folder) take(name string) (data []byte, ok bool) {
	data, ok = f.files[name]
	if ok {
		delete(f.files, name)
		f.others[name] = nil
	}
	return data, ok
}

func (f *folder) readNftables() error {
	data, ok := f.take(nftablesFile)
	if !ok {
		return nil
	}
	rs, others, err := nftables.ReadText(data)
	if err != nil {
		return fmt.Errorf("%s: %w", nftablesFile, err)
	}
	f.others[nftablesFile] = others
	for _, l := range rs.Rules {
		f.accept(placeName(nftablesFile, l.In, l.Out, l.Mark), acceptance{rs.Boxes(l), l.Comment})
	}
	return nil
}

func (f *folder) readIptables() error {
	v4, has4 := f.take(iptablesFile)
	v6, has6 := f.take(ip6tablesFile)
	if !has4 && !has6 {
		return nil // sets without rules are compared as text
	}
	sets, _ := f.take(ipsetFile)
	rs, others, err := iptables.ReadText(iptables.Dump{Ipset: sets, IPv4: v4, IPv6: v6})
	if err != nil {
		return err
	}
	maps.Copy(f.others, others)
	for _, l := range rs.Rules {
		f.accept(placeName(familyFile(l.Family), l.In, l.Out, l.Mark), acceptance{l.Boxes(), l.Comment})
	}
	for _, h := range rs.Hooks {
		name := familyFile(h.Family) + ", chain " + h.Chain
		for _, r := range h.Rules {
			for _, l := range r.Accepts {
				if l.Direction = rule.Outbound; h.Chain == "INPUT" {
					l.Direction = rule.Inbound
				}
				f.accept(name, acceptance{l.Boxes(), l.Comment})
			}
		}
	}
	return nil
}

// readSquid reads the configuration and the lists that its ACLs are made of; other
// lists are compared as text.
func (f *folder) readSquid() error {
	conf, ok := f.take(squidFile)
	if !ok {
		return nil
	}
	artefacts := []artefact.Artefact{{Name: squidFile, Data: conf}}
	for name, data := range f.files {
		if path.Dir(name) == path.Clean(squidLists) {
			artefacts = append(artefacts, artefact.Artefact{Name: name, Data: data})
		}
	}
	fragment, err := squid.ReadBack(artefacts)
	if err != nil {
		return err
	}
	p, err := fragment.Policy()
	if err != nil {
		return fmt.Errorf("%s: %w", squidFile, err)
	}
	f.proxy = *p
	for name := range fragment.ACLs {
		delete(f.files, squidLists+strings.TrimPrefix(name, "gatewright_")+".txt")
	}
	f.others[squidFile] = append(fragment.Dirs, fmt.Sprintf("denies the rest: %t", fragment.DenyAll))
	return nil
}

func (f *folder) readZone() (err error) {
	data, ok := f.take(zoneFile)
	if ok {
		f.zone, err = trustedsites.ReadBack(data)
		f.others[zoneFile] = []string{"hive " + f.zone.Hive}
	}
	return err
}

func familyFile(family int) string {
	if family == 6 {
		return ip6tablesFile
	}
	return iptablesFile
}

func placeName(file string, in, out []string, mark uint32) string {
	name := file
	if len(in) > 0 {
		name += ", from " + strings.Join(in, " ")
	}
	if len(out) > 0 {
		name += ", to " + strings.Join(out, " ")
	}
	if mark != 0 {
		name += fmt.Sprintf(", mark %#x", mark)
	}
	return name
}

// accept adds to what is accepted in a place.
func (f *folder) accept(name string, a acceptance) {
	i, known := slices.BinarySearchFunc(f.places, name, func(p place, name string) int { return strings.Compare(p.name, name) })
	if !known {
		f.places = slices.Insert(f.places, i, place{name: name})
	}
	f.places[i].lines = append(f.places[i].lines, a)
}

// compareFolders compares what the packet filters accept, and the other files as text.
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
		Routes: []reportRoute{}, TrustedSites: reportTrusted{zoneReport(new, old), zoneReport(old, new)}, Entries: []reportEntry{},
		OpenAdded: []accountOpen{}, OpenRemoved: []accountOpen{}, OpenUnchanged: []accountOpen{},
	}
	proxied := rule.Compare(rule.Compiled{Policy: &old.proxy}, rule.Compiled{Policy: &new.proxy})
	r.Added = append(r.Added, proxyReports(proxied.Added, &new.proxy)...)
	r.Removed = append(r.Removed, proxyReports(proxied.Removed, &old.proxy)...)
	r.Files = fileChanges(old, new)
	r.Equal = len(r.Added)+len(r.Removed)+len(r.TrustedSites.Added)+len(r.TrustedSites.Removed)+len(r.Files) == 0
	return r, nil
}

// fileChanges compares what is no flow: whole files as text, and of those that are
// read back what stands beside their rules.
func fileChanges(old, new folder) (changes []reportFile) {
	say := func(name, change string) { changes = append(changes, reportFile{name, change}) }
	for _, name := range unionOfKeys(old.files, new.files) {
		before, had := old.files[name]
		after, has := new.files[name]
		switch {
		case !had:
			say(name, "added")
		case !has:
			say(name, "removed")
		case !bytes.Equal(before, after):
			say(name, "changed")
		}
	}
	for _, name := range unionOfKeys(old.others, new.others) {
		before, had := old.others[name]
		after, has := new.others[name]
		switch {
		case !had:
			say(name, "added")
		case !has:
			say(name, "removed")
		case !slices.Equal(before, after):
			say(name, "changed beside its rules")
		}
	}
	slices.SortFunc(changes, func(a, b reportFile) int { return strings.Compare(a.Name, b.Name) })
	return changes
}

func unionOfKeys[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// proxyReports tells what Squid allows, each part with the entries of its whole rule.
func proxyReports(c rule.Change, p *rule.Policy) []reportRule {
	for i := range c.Rules {
		c.Rules[i].Entries = c.Rules[i].Rule.Entries
	}
	list := ruleReports(c, p)
	for i := range list {
		list[i].Place = squidFile
	}
	return list
}

// zoneReport tells the names that a trusts and b does not.
func zoneReport(a, b folder) []listedSite {
	names := a.zone.Beyond(b.zone)
	if len(names) == 0 {
		return []listedSite{}
	}
	return []listedSite{{Entry: zoneFile, Names: names}}
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
