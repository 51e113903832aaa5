package iptables

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
	"gatewright/templates"
)

// Longest lines in bytes, without the newline: the engines read what is longer as two.
const (
	maxSetsLine  = 1022
	maxRulesLine = 10238
)

// Makes reports whether a file of that name is one of this generator's.
func (Generator) Makes(name string) bool {
	return name == setsFile || name == ipv4.file() || name == ipv6.file()
}

// Read reads gatewright.ipset, gatewright.iptables and gatewright.ip6tables, those that
// there are.
func (Generator) Read(files artefact.Files) (artefact.Reading, error) {
	var out artefact.Reading
	take := func(file string) (data []byte, ok bool) {
		if data, ok = files[file]; ok {
			out.Read = append(out.Read, file)
			if !artefact.Sealed(data) {
				out.Edited = append(out.Edited, file)
			}
		}
		return data, ok
	}
	sets := &setsReader{}
	var err error
	if data, ok := take(setsFile); ok {
		sets, err = readSetsFile(data)
	}
	for _, f := range []family{ipv4, ipv6} {
		if data, ok := take(f.file()); ok && err == nil {
			err = addRules(&out, f, data, sets)
		} else if err == nil {
			sets.besides(&out, f)
		}
	}
	slices.Sort(out.Read)
	slices.Sort(out.Edited)
	if err != nil {
		return artefact.Reading{}, err
	}
	return out, nil
}

func addRules(out *artefact.Reading, f family, data []byte, sets *setsReader) error {
	r, err := readRulesFile(f, data, sets.held)
	if err == nil {
		err = sets.checkUse(f, r.used)
	}
	if err == nil {
		r.addTo(out)
	}
	return err
}

// setsReader gathers the view of a file of sets, and what they hold.
type setsReader struct {
	view setsView
	held map[name]netset.PrefixSet
	file *artefact.Lines

	sets    map[name]int // in the view
	created []int        // the lines that create them
}

func readSetsFile(data []byte) (*setsReader, error) {
	file := artefact.LinesOf(setsFile, data, maxSetsLine)
	r := &setsReader{file: file, held: map[name]netset.PrefixSet{}, sets: map[name]int{}}
	if rest, err := file.ReadTitle(setsTitle, format); err != nil || rest != "" {
		if err == nil {
			err = file.Foreign(errors.New("the title of the file"))
		}
		return nil, err
	}
	r.view.Header = commentsOf(artefact.ListHeader(setsTitle, setsLoad, format))
	for file.Next() {
		if err := r.take(strings.Fields(file.Line)); err != nil {
			return nil, err
		}
	}
	again, err := templates.Execute("iptables/gatewright.ipset.tmpl", &r.view)
	if err == nil {
		err = artefact.Compare(setsFile, data, again)
	}
	return r, err
}

// take reads what starts at a line. The comparison finds what it passes over.
func (r *setsReader) take(words []string) error {
	switch {
	case len(words) == 8 && words[0] == "create" && !strings.HasSuffix(words[1], staging):
		n, f, err := readSetName(words[1])
		if _, twice := r.sets[n]; err == nil && twice {
			err = errors.New("each set once")
		}
		if err != nil {
			return r.file.Foreign(err)
		}
		r.sets[n] = len(r.view.Sets)
		r.created = append(r.created, r.file.At)
		r.view.Sets = append(r.view.Sets, newSet(n, f, ""))
	case len(words) == 2 && words[0] == "flush":
		return r.takeElements(name(words[1]))
	}
	return nil
}

// takeElements reads the lines that follow the one that empties a set.
func (r *setsReader) takeElements(staged name) error {
	n := name(strings.TrimSuffix(string(staged), staging))
	i, known := r.sets[n]
	if !known || n == staged || r.view.Sets[i].Elements != "" {
		return r.file.Foreign(errors.New("a set of this file, once"))
	}
	_, f, _ := readSetName(string(n))
	first := r.file.At + 1
	var prefixes []netip.Prefix
	var lines []string
	for r.file.Follows("add ") && r.file.Next() {
		p, err := readElement(strings.TrimPrefix(r.file.Line, "add "+string(staged)+" "), f)
		if err != nil {
			return r.file.Foreign(err)
		}
		prefixes, lines = append(prefixes, p), append(lines, r.file.Line)
	}
	if bad, found := artefact.Overlapping(prefixes, netip.Prefix.Compare, netip.Prefix.Overlaps); found {
		return r.file.ForeignAt(first+bad, errors.New("elements that do not overlap"))
	}
	r.view.Sets[i].Elements = elements(strings.Join(lines, "\n"))
	r.held[n] = netset.PrefixSetOf(prefixes...)
	return nil
}

// checkUse refuses a set that no rule of its family uses.
func (r *setsReader) checkUse(f family, used map[name]bool) error {
	for i, s := range r.view.Sets {
		if s.Family == f.setFamily() && !used[s.Name] {
			return r.file.ForeignAt(r.created[i], errors.New("a set that a rule uses"))
		}
	}
	return nil
}

// besides adds the sets of a family whose rules are not there.
func (r *setsReader) besides(out *artefact.Reading, f family) {
	for _, s := range r.view.Sets {
		if s.Family == f.setFamily() {
			out.Beside = append(out.Beside, artefact.Statement{File: setsFile, Name: "set", Value: string(s.Name) + ": " + r.held[s.Name].String()})
		}
	}
}
