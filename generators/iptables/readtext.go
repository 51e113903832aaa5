package iptables

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog/netset"
)

// ReadText reads files of this package as ReadBack reads what the kernel holds once
// they are loaded: d holds the artefacts in the place of the dumps, empty for one that
// is not there. What stands in the hooks and accepts no flow by address and port is
// returned as others, by file and line by line, and comments are passed over. A line
// that Generate does not write is an error with its file.
func ReadText(d Dump) (rs Ruleset, others map[string][]string, err error) {
	if rs.Sets, err = readSetsText(d.Ipset); err != nil {
		return Ruleset{}, nil, fmt.Errorf("%s: %w", setsFile, err)
	}
	others, used := map[string][]string{}, map[string]bool{}
	for _, f := range []family{ipv4, ipv6} {
		text := d.IPv4
		if f == ipv6 {
			text = d.IPv6
		}
		if len(text) == 0 {
			continue
		}
		if others[f.file()], err = rs.addText(f, text, used); err != nil {
			return Ruleset{}, nil, fmt.Errorf("%s: %w", f.file(), err)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(rs.Sets)) {
		if !used[n] {
			others[setsFile] = append(others[setsFile], n+": "+rs.Sets[n].String())
		}
	}
	return rs, others, nil
}

// addText adds the rules of a family and returns what stands beside them.
func (rs *Ruleset) addText(f family, text []byte, used map[string]bool) (others []string, err error) {
	t, err := readTableText(string(text))
	if err != nil {
		return nil, err
	}
	own := Ruleset{Sets: rs.Sets}
	if err := own.addFamily(f, readTables(text), t.name, used); err != nil {
		return nil, err
	}
	if len(own.Others) > 0 {
		return nil, fmt.Errorf("no rule leads to %s", strings.Join(own.Others, ", "))
	}
	rs.Rules, rs.Hooks = append(rs.Rules, own.Rules...), append(rs.Hooks, own.Hooks...)
	others = []string{"*" + t.name}
	for _, h := range own.Hooks {
		more, err := h.beside()
		if err != nil {
			return nil, err
		}
		more = append(more, fmt.Sprintf("policy %s, flushed: %t", h.Policy, t.flushed[h.Chain]))
		for _, line := range more {
			others = append(others, h.Chain+": "+line)
		}
	}
	return others, nil
}

// beside returns the rules that accept no flow by address and port, and those that
// do before the last that drops: there, what is accepted depends on the order.
func (h Hook) beside() (lines []string, err error) {
	drops := -1
	for i, r := range h.Rules {
		if strings.HasSuffix(r.Text, "-j "+string(drop)) {
			drops = i
		}
	}
	for i, r := range h.Rules {
		if r.Accepts == nil && strings.Contains(r.Text, " "+prefix) {
			return nil, fmt.Errorf("chain %s: %q uses a set or a chain of ours in a way that is not ours", h.Chain, r.Text)
		}
		if r.Accepts == nil || i < drops {
			lines = append(lines, r.Text)
		}
	}
	return lines, nil
}

// tableText is the only table of a file.
type tableText struct {
	name    string
	flushed map[string]bool // chains that the file empties by -F
}

// readTableText holds that iptables-restore makes of the file what readTables reads.
func readTableText(text string) (tableText, error) {
	t := tableText{flushed: map[string]bool{}}
	declared, filled := map[string]bool{}, map[string]bool{}
	ended, number := false, 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSuffix(line, "\n")
		words := append(strings.Fields(line), "", "", "")
		open, chain := t.name != "" && !ended, words[1]
		switch {
		case words[0] == "" || line[0] == '#':
		case t.name == "" && (line == "*filter" || line == "*mangle"):
			t.name = line[1:]
		case open && line == "COMMIT":
			ended = true
		case open && line[0] == ':' && words[2] == "[0:0]" && words[3] == "" && !declared[words[0][1:]]:
			declared[words[0][1:]] = true
		case open && line == "-F "+chain && declared[chain] && !filled[chain]:
			t.flushed[chain] = true
		case open && strings.HasPrefix(line, "-A "+chain+" ") && declared[chain]:
			filled[chain] = true
		default:
			return t, fmt.Errorf("line %d: %q is no line that stands here", number, line)
		}
	}
	if !ended {
		return t, fmt.Errorf("the file does not end with COMMIT")
	}
	return t, nil
}

// setText is a set while the lines of a file are followed.
type setText struct {
	netset.PrefixBuilder
	known bool // what it holds does not depend on what was there before
}

// readSetsText does what the lines of a file say to sets that are empty before.
func readSetsText(text []byte) (map[string]netset.PrefixSet, error) {
	sets, number := map[string]*setText{}, 0
	for line := range strings.Lines(string(text)) {
		number++
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if err := followSets(sets, words); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	held := map[string]netset.PrefixSet{}
	for n, s := range sets {
		if !s.known {
			return nil, fmt.Errorf("set %s is created and not filled", n)
		}
		held[n] = s.Build()
	}
	return held, nil
}

func followSets(sets map[string]*setText, words []string) error {
	at := func(i int) *setText {
		if i < len(words) {
			return sets[words[i]]
		}
		return nil
	}
	command := fmt.Sprint(words[0], " ", len(words)-1)
	switch {
	case command == "create 7" && strings.HasPrefix(words[1], prefix) && words[2] == "hash:net" && words[3] == "family" && words[5] == "maxelem" && words[7] == "-exist":
		if at(1) == nil {
			sets[words[1]] = &setText{}
		}
	case at(1) == nil:
		return fmt.Errorf("%q is about a set that is not created", strings.Join(words, " "))
	case command == "flush 1":
		*at(1) = setText{known: true}
	case command == "add 2":
		p, err := readPrefix(words[2])
		if err != nil {
			return err
		}
		at(1).Add(p)
	case command == "swap 2" && at(2) != nil:
		sets[words[1]], sets[words[2]] = at(2), at(1)
	case command == "destroy 1":
		delete(sets, words[1])
	default:
		return fmt.Errorf("%q is no line that stands here", strings.Join(words, " "))
	}
	return nil
}
