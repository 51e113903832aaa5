package iptables

import (
	"fmt"
	mathbits "math/bits"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// savedRule is one rule of a chain: a Line of what it matches, and where a packet
// goes.
type savedRule struct {
	Line
	target   string
	forGood  bool // by goto: it does not come back to this chain
	original bool
	xmark    string
}

// walker reads the chains of one family.
type walker struct {
	family family
	chains map[string][]string
	sets   map[string]netset.PrefixSet
	used   map[string]bool   // sets that a rule matches
	known  map[string][]Line // nil while a chain is being read
}

// accepted returns what the chain of a direction accepts.
func (w *walker) accepted(d rule.Direction) ([]Line, error) {
	chain := string(outboundChain)
	if d == rule.Inbound {
		chain = string(inboundChain)
	}
	lines, err := w.read(chain)
	if err != nil {
		return nil, err
	}
	lines, err = joinInterfaces(lines)
	for i := range lines {
		lines[i].Family, lines[i].Direction = int(w.family), d
	}
	return lines, err
}

func (w *walker) read(chain string) ([]Line, error) {
	if lines, ok := w.known[chain]; ok {
		if lines == nil {
			return nil, fmt.Errorf("chain %s leads back to itself", chain)
		}
		return lines, nil
	}
	rules, ok := w.chains[chain]
	if !ok {
		return nil, fmt.Errorf("there is no chain %s", chain)
	}
	w.known[chain] = nil
	lines := []Line{}
	rest := Line{Source: w.family.whole(), Destination: w.family.whole()}
	for _, text := range rules {
		more, err := w.readRule(&rest, text)
		if err != nil {
			return nil, fmt.Errorf("chain %s: %q: %w", chain, text, err)
		}
		lines = append(lines, more...)
	}
	w.known[chain] = join(lines)
	return w.known[chain], nil
}

// readRule returns what a rule accepts of the addresses that are left, and takes
// away those that do not come back.
func (w *walker) readRule(rest *Line, text string) ([]Line, error) {
	r, err := w.parse(text)
	if err != nil {
		return nil, err
	}
	here, err := r.Line.and(*rest)
	if err != nil {
		return nil, err
	}
	var lines []Line
	switch r.target {
	case "ACCEPT", "MARK":
		return []Line{here}, nil
	default:
		inner, err := w.read(r.target)
		if err != nil {
			return nil, err
		}
		for _, l := range inner {
			if l, err = here.and(l); err != nil {
				return nil, err
			}
			if !l.Source.IsEmpty() && !l.Destination.IsEmpty() {
				lines = append(lines, l)
			}
		}
	}
	if r.forGood {
		return lines, r.takeFrom(rest)
	}
	return lines, nil
}

// takeFrom leaves the addresses that a goto does not match, which it must match by
// one side at most.
func (r savedRule) takeFrom(rest *Line) error {
	only := r.Line
	only.Source, only.Destination = netset.PrefixSet{}, netset.PrefixSet{}
	anySource, anyDestination := isWhole(r.Source), isWhole(r.Destination)
	switch {
	case !sameParts(only, Line{}) || !anySource && !anyDestination:
		return fmt.Errorf("a goto of ours matches the addresses of one side and nothing else")
	case anyDestination:
		rest.Source = rest.Source.Subtract(r.Source)
	default:
		rest.Destination = rest.Destination.Subtract(r.Destination)
	}
	return nil
}

func isWhole(s netset.PrefixSet) bool {
	v4, v6 := s.CoversFamily()
	return v4 || v6
}

// and returns what two rules match that a packet meets one after the other.
func (l Line) and(m Line) (Line, error) {
	l.Source, l.Destination = l.Source.Intersect(m.Source), l.Destination.Intersect(m.Destination)
	twice := false
	one := func(set, other bool) bool {
		twice = twice || set && other
		return other
	}
	if one(l.In != nil, m.In != nil) {
		l.In = m.In
	}
	if one(l.Out != nil, m.Out != nil) {
		l.Out = m.Out
	}
	if one(l.Protocol != 0, m.Protocol != 0) {
		l.Protocol = m.Protocol
	}
	if one(l.Ports != nil, m.Ports != nil) {
		l.Ports, l.Published = m.Ports, m.Published
	}
	if one(l.Mark != 0, m.Mark != 0) {
		l.Mark = m.Mark
	}
	if one(l.Comment != "", m.Comment != "") {
		l.Comment = m.Comment
	}
	if twice {
		return l, fmt.Errorf("it matches something that a rule on its way has matched")
	}
	return l, nil
}

// parse reads a rule as iptables-save prints it.
func (w *walker) parse(text string) (savedRule, error) {
	words, err := splitWords(text)
	if err != nil {
		return savedRule{}, err
	}
	r := savedRule{Line: Line{Source: w.family.whole(), Destination: w.family.whole()}}
	for len(words) > 0 {
		n, err := r.take(words, w)
		if err != nil {
			return savedRule{}, err
		}
		words = words[n:]
	}
	if (r.target == "MARK") != (r.xmark != "") || r.original != r.Published {
		return savedRule{}, fmt.Errorf("it is incomplete")
	}
	if r.xmark != "" {
		r.Mark, err = readBit(r.xmark)
	}
	return r, err
}

// take reads one option at the head of the words and returns how many words it has.
func (r *savedRule) take(words []string, w *walker) (int, error) {
	option, values := words[0], words[1:]
	if len(values) == 0 {
		return 0, fmt.Errorf("%s has no value", option)
	}
	value := values[0]
	var err error
	switch option {
	case "-m":
		known := []string{"tcp", "udp", "multiport", "set", "conntrack", "comment"}
		if !slices.Contains(known, value) {
			err = fmt.Errorf("unknown match %s", value)
		}
	case "-s":
		err = r.narrow(&r.Source, value)
	case "-d":
		err = r.narrow(&r.Destination, value)
	case "-i":
		r.In = []string{value}
	case "-o":
		r.Out = []string{value}
	case "-p":
		r.Protocol, err = netset.ParseProtocol(value)
	case "--dport", "--dports":
		r.Ports, err = readPorts(value)
	case "--ctorigdstport":
		r.Published = true
		r.Ports, err = readPorts(value)
	case "--ctdir":
		r.original = value == "ORIGINAL"
	case "--match-set":
		if len(values) < 2 {
			return 0, fmt.Errorf("%s has no direction", option)
		}
		return 3, r.matchSet(w, value, values[1])
	case "--comment":
		r.Comment = value
	case "--set-xmark":
		r.xmark = value
	case "-j", "-g":
		r.target, r.forGood = value, option == "-g"
	default:
		err = fmt.Errorf("unknown option %s", option)
	}
	return 2, err
}

func (r *savedRule) narrow(to *netset.PrefixSet, text string) error {
	p, err := readPrefix(text)
	*to = to.Intersect(netset.PrefixSetOf(p))
	return err
}

func (r *savedRule) matchSet(w *walker, name, side string) error {
	set, ok := w.sets[name]
	w.used[name] = true
	switch {
	case !ok:
		return fmt.Errorf("there is no set %s", name)
	case side == "src":
		r.Source = r.Source.Intersect(set)
	case side == "dst":
		r.Destination = r.Destination.Intersect(set)
	default:
		return fmt.Errorf("unknown direction %q of a set", side)
	}
	return nil
}

// readPorts reads "443", "50000:59999", or a list of them.
func readPorts(list string) ([]netset.PortRange, error) {
	var out []netset.PortRange
	for text := range strings.SplitSeq(list, ",") {
		r, err := netset.ParsePortRange(strings.Replace(text, ":", "-", 1))
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// readBit reads "BIT/BIT".
func readBit(s string) (uint32, error) {
	value, mask, _ := strings.Cut(s, "/")
	bit, err := strconv.ParseUint(value, 0, 32)
	if err != nil || value != mask || mathbits.OnesCount64(bit) != 1 {
		return 0, fmt.Errorf("mark %s sets not one bit", s)
	}
	return uint32(bit), nil
}

// join unites lines that differ in their destinations alone, then in their sources
// alone, then in their ports alone.
func join(lines []Line) []Line {
	lines = unite(lines, func(l *Line) { l.Destination = netset.PrefixSet{} },
		func(l *Line, m Line) { l.Destination = l.Destination.Union(m.Destination) })
	lines = unite(lines, func(l *Line) { l.Source = netset.PrefixSet{} },
		func(l *Line, m Line) { l.Source = l.Source.Union(m.Source) })
	return unite(lines, func(l *Line) { l.Ports = nil },
		func(l *Line, m Line) { l.Ports = unitePorts(l.Ports, m.Ports) })
}

// unite unites lines that are the same once a part is cleared.
func unite(lines []Line, clear func(*Line), add func(*Line, Line)) []Line {
	out := make([]Line, 0, len(lines))
	at := map[string]int{}
	for _, l := range lines {
		rest := l
		clear(&rest)
		key := rest.parts()
		i, ok := at[key]
		if !ok {
			at[key] = len(out)
			out = append(out, l)
			continue
		}
		add(&out[i], l)
	}
	return out
}

// parts is the line as text, equal for equal lines.
func (l Line) parts() string { return fmt.Sprintf("%+v", l) }

func sameParts(a, b Line) bool { return a.parts() == b.parts() }

func unitePorts(a, b []netset.PortRange) []netset.PortRange {
	var services []netset.Service
	for _, r := range slices.Concat(a, b) {
		services = append(services, netset.Service{Protocol: netset.TCP, Ports: r})
	}
	return netset.ServiceSetOf(services...).Ports(netset.TCP)
}

// joinInterfaces unites lines that differ in their interfaces alone, if every one on
// one side stands with every one on the other.
func joinInterfaces(lines []Line) ([]Line, error) {
	pairs := map[string]int{}
	cleared := func(l *Line) { l.In, l.Out = nil, nil }
	for _, l := range lines {
		cleared(&l)
		pairs[l.parts()]++
	}
	merged := unite(lines, cleared, func(l *Line, m Line) {
		l.In, l.Out = sortedSet(slices.Concat(l.In, m.In)), sortedSet(slices.Concat(l.Out, m.Out))
	})
	for _, l := range merged {
		want := max(1, len(l.In)) * max(1, len(l.Out))
		cleared(&l)
		if pairs[l.parts()] != want {
			return nil, fmt.Errorf("the interfaces of %q are not told apart by one list on each side", l.Comment)
		}
	}
	return merged, nil
}

// sortedSet returns the values sorted, each once; nil for none.
func sortedSet(values []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}
