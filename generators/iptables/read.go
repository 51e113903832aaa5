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
	at   map[name]int // index of the line that creates a set
}

func readSetsFile(data []byte) (*setsReader, error) {
	file, err := artefact.LinesOf(setsFile, data, maxSetsLine)
	if err != nil {
		return nil, err
	}
	r := &setsReader{file: file, held: map[name]netset.PrefixSet{}, at: map[name]int{}}
	if rest, err := file.ReadTitle(setsTitle, format); err != nil || rest != "" {
		if err == nil {
			err = file.Foreign(errors.New("the title of the file"))
		}
		return nil, err
	}
	r.view.Header = commentsOf(artefact.ListHeader(setsTitle, setsLoad, format))
	for ; file.At < len(file.Text); file.At++ {
		if err := r.take(strings.Fields(file.Text[file.At])); err != nil {
			return nil, file.Foreign(err)
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
		if _, twice := r.at[n]; err == nil && twice {
			err = errors.New("each set once")
		}
		r.at[n] = r.file.At
		r.view.Sets = append(r.view.Sets, newSet(n, f, ""))
		return err
	case len(words) == 2 && words[0] == "flush":
		return r.takeElements(name(words[1]))
	}
	return nil
}

// takeElements reads the lines that follow the one that empties a set.
func (r *setsReader) takeElements(staged name) error {
	i := slices.IndexFunc(r.view.Sets, func(s setView) bool { return s.Staging == staged && s.Elements == "" })
	if i < 0 {
		return errors.New("a set of this file, once")
	}
	set := &r.view.Sets[i]
	_, f, _ := readSetName(string(set.Name))
	file, first := r.file, r.file.At+1
	var prefixes []netip.Prefix
	for ; strings.HasPrefix(file.Text[file.At+1], "add "); file.At++ {
		p, err := readElement(strings.TrimPrefix(file.Text[file.At+1], "add "+string(staged)+" "), f)
		if err != nil {
			file.At++
			return err
		}
		prefixes = append(prefixes, p)
	}
	if bad, found := artefact.Overlapping(prefixes, netip.Prefix.Compare, netip.Prefix.Overlaps); found {
		file.At = first + bad
		return errors.New("elements that do not overlap")
	}
	set.Elements = elements(strings.Join(file.Text[first:file.At+1], "\n"))
	r.held[set.Name] = netset.PrefixSetOf(prefixes...)
	return nil
}

// checkUse refuses a set that no rule of its family uses.
func (r *setsReader) checkUse(f family, used map[name]bool) error {
	for _, s := range r.view.Sets {
		if s.Family == f.setFamily() && !used[s.Name] {
			r.file.At = r.at[s.Name]
			return r.file.Foreign(errors.New("a set that a rule uses"))
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
