package iptables

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/filter"
)

// savedLine declares a chain, or is a rule of one.
type savedLine struct {
	table, chain string
	isPolicy     bool
	text         string // the chain's policy, "-" for none; or the rule behind "-A CHAIN "
	counts       string // "[PACKETS:BYTES]"; empty where there are none
}

// savedLines returns the chains and rules of what iptables-save prints, or of a file of
// ours.
func savedLines(text []byte) iter.Seq2[savedLine, error] {
	return func(yield func(savedLine, error) bool) {
		table := ""
		for line, err := range dumpLines(text, true) {
			if err != nil {
				yield(savedLine{}, err)
				return
			}
			if name, ok := strings.CutPrefix(line, "*"); ok {
				table = name
			}
			if s, ok := parseSaved(line); ok && table != "" {
				s.table = table
				if !yield(s, nil) {
					return
				}
			}
		}
	}
}

// parseSaved reads ":CHAIN POLICY [PACKETS:BYTES]" or "[PACKETS:BYTES] -A CHAIN RULE",
// the latter also without counts.
func parseSaved(line string) (s savedLine, ok bool) {
	if declared, ok := strings.CutPrefix(line, ":"); ok {
		words := append(strings.Fields(declared), "-", "-", noCounts)
		return savedLine{chain: words[0], isPolicy: true, text: words[1], counts: words[2]}, true
	}
	if strings.HasPrefix(line, "[") {
		s.counts, line, _ = strings.Cut(line, " ")
	}
	rest, ok := strings.CutPrefix(line, "-A ")
	s.chain, s.text, _ = strings.Cut(rest, " ")
	return s, ok
}

// dumpLines returns the lines of a dump. A text in quotes may hold line breaks. A
// backslash escapes in those of iptables, but not in those of ipset, which quotes
// comments alone. An error says that the last line does not end.
func dumpLines(text []byte, escapes bool) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		start, quoted := 0, false
		for i := 0; i < len(text); i++ {
			switch c := text[i]; {
			case quoted && escapes && c == '\\':
				i++
			case c == '"' && quoted:
				quoted = i+1 < len(text) && text[i+1] != ' ' && text[i+1] != '\n'
			case c == '"':
				quoted = opensQuotes(text[start:i], escapes)
			case c == '\n' && !quoted:
				if !yield(string(text[start:i]), nil) {
					return
				}
				start = i + 1
			}
		}
		if start >= len(text) {
			return
		}
		line, err := string(text[start:]), error(nil)
		if quoted {
			first, _, _ := strings.Cut(line, "\n")
			err = fmt.Errorf("the quotes in %q do not end, and it is not known what follows; if a name begins with them, give it another one", first)
		}
		yield(line, err)
	}
}

// opensQuotes tells a quote behind the beginning of a line from one of a name, which
// nothing quotes.
func opensQuotes(line []byte, escapes bool) bool {
	if !escapes {
		return bytes.HasSuffix(line, []byte(" comment "))
	}
	return bytes.HasSuffix(line, []byte(" ")) && line[0] != '#' && line[0] != ':'
}

// readSets reads "create NAME TYPE ..." and "add NAME ELEMENT ..." of our sets.
func (k *Kernel) readSets(dump []byte) {
	named := map[string]*set{}
	for line, err := range dumpLines(dump, false) {
		verb, rest, _ := strings.Cut(line, " ")
		name, what, _ := strings.Cut(rest, " ")
		s, ours := named[name], strings.HasPrefix(name, prefix)
		switch {
		case err != nil:
			k.bad = cmp.Or(k.bad, err)
		case verb == "create" && !ours && what != "" || verb == "add" && !ours:
		case verb == "create" && s == nil && isSetType(what):
			s = &set{name: name, create: what, spec: specOf(what)}
			named[name], k.sets = s, append(k.sets, s)
		case verb == "add" && s != nil:
			s.add(what)
		case k.bad == nil:
			k.bad = fmt.Errorf("%q is not a set of ours", line)
		}
	}
	slices.SortFunc(k.sets, func(a, b *set) int { return cmp.Compare(a.name, b.name) })
	for _, s := range k.sets {
		s.sort()
	}
}

// isSetType tells a type, such as "hash:net family inet", from the rest of a name that
// holds a space.
func isSetType(create string) bool {
	method, _, ok := strings.Cut(create, ":")
	return ok && method != "" && !strings.Contains(method, " ")
}

// specOf leaves out what ipset chooses itself, and how many elements there is room for.
func specOf(create string) string {
	return without(strings.Fields(create), "hashsize", "maxelem", "bucketsize", "initval")
}

// without leaves out options with their values.
func without(words []string, options ...string) string {
	var out []string
	for i := 0; i < len(words); i++ {
		if slices.Contains(options, words[i]) {
			i++
			continue
		}
		out = append(out, words[i])
	}
	return strings.Join(out, " ")
}

func setSpec(f family) string { return "hash:net family " + string(f.setFamily()) }

// newSetWords is how a set of ours is created.
func newSetWords(spec string) string { return fmt.Sprintf("%s maxelem %d", spec, maxElements) }

func (s *set) family() family {
	if strings.Contains(s.spec, string(ipv6.setFamily())) {
		return ipv6
	}
	return ipv4
}

func (s *set) isOdd() bool { return s.spec != setSpec(s.family()) }

func (s *set) isEmpty() bool { return len(s.prefixes)+len(s.odd) == 0 }

// add takes an element as ipset prints it. What counts up or down in it does not tell
// it from another one.
func (s *set) add(text string) {
	key := without(strings.Fields(text), "timeout", "packets", "bytes")
	p, err := s.family().readPrefix(key)
	if err != nil {
		s.odd = append(s.odd, oddElement{key, text})
		return
	}
	s.prefixes = append(s.prefixes, p)
	if key != text {
		if s.texts == nil {
			s.texts = map[netip.Prefix]string{}
		}
		s.texts[p] = text
	}
}

// text is an element as ipset takes it.
func (s *set) text(p netip.Prefix) string {
	if text, ok := s.texts[p]; ok {
		return text
	}
	return textOf(p)
}

func (s *set) sort() {
	slices.SortFunc(s.prefixes, netip.Prefix.Compare)
	slices.SortFunc(s.odd, func(a, b oddElement) int { return cmp.Compare(a.key, b.key) })
}

// oddity is what of a set is like none of ours; empty for nothing.
func (s *set) oddity() string {
	switch {
	case s.isOdd():
		return "create " + s.name + " " + s.create
	case len(s.odd) > 0:
		return "add " + s.name + " " + s.odd[0].text
	}
	return ""
}

// filter is the set as rules see it.
func (s *set) filter() filter.Set {
	var b netset.PrefixBuilder
	for _, p := range s.prefixes {
		b.Add(p)
	}
	return filter.Set{Name: s.name, Family: filter.Family(s.family()), Prefixes: b.Build()}
}

// kernelSet is a set of ours as ipset holds it.
func kernelSet(s filter.Set) *set {
	f := family(s.Family)
	out := &set{name: s.Name, spec: setSpec(f), create: newSetWords(setSpec(f))}
	for line := range strings.Lines(string(addElements(name(s.Name), s.Prefixes))) {
		out.add(strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "add "+s.Name+" "))
	}
	out.sort()
	return out
}
