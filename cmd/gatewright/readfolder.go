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

	"gatewright/catalog/plainfile"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
	"gatewright/generators/pac"
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
	pacFile       = "proxy.pac"
)

// folder is the content of an output folder.
type folder struct {
	files  map[string][]byte // by slash path, but what is read back and the folder's own state
	places []place           // where the rules of packet filters accept
	proxy  rule.Policy       // what Squid allows
	zone   trustedsites.ZoneMap
	routes *rule.Policy        // of the PAC file; nil if it is not there or not ours
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
	f := folder{}
	path := plainfile.Named(dir)
	root, err := path.OpenFolder()
	if err != nil {
		return f, err
	}
	defer root.Close()
	if f.files, err = readFiles(root); err != nil {
		return f, inFolder(path, err)
	}
	f.others = map[string][]string{}
	for _, read := range []func(*folder) error{(*folder).readNftables, (*folder).readIptables, (*folder).readSquid, (*folder).readZone, (*folder).readPAC} {
		if err := read(&f); err != nil {
			return f, inFolder(path, fmt.Errorf("%w; it was changed by hand, or is of another version: generate it again", err))
		}
	}
	return f, nil
}

// Bounds of a folder that is read as a whole.
const (
	maxFolder = 512 << 20 // bytes
	maxFiles  = 100_000
)

// readFiles reads every file of a folder but its own state, by slash path. What is no
// file is an error: it may stand in the place of one.
func readFiles(root *os.Root) (map[string][]byte, error) {
	files, left := map[string][]byte{}, int64(maxFolder)
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name == stateDir:
			return fs.SkipDir
		case d.IsDir():
			return nil
		case len(files) == maxFiles:
			return fmt.Errorf("the folder holds over %d files; name one that holds rule files alone", maxFiles)
		}
		if files[name], err = plainfile.Read(root, name, min(left, maxArtefact)); err == nil {
			left -= int64(len(files[name]))
		}
		return err
	})
	return files, err
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

// readPAC reads the routes of a file of ours, which is compared as text, too, but for
// its comments: the order of routes may decide where they tie.
func (f *folder) readPAC() error {
	data := f.files[pacFile]
	p, err := pac.ReadBack(data)
	if err != nil {
		return nil // as text alone
	}
	f.routes = p
	var code []byte
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("//")) {
			code = append(code, line...)
		}
	}
	f.files[pacFile] = code
	return nil
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
