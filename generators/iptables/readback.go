package iptables

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Dump is what the kernel holds, as the tools print it, in the nft or the legacy
// variant.
type Dump struct {
	Ipset []byte // ipset save
	IPv4  []byte // iptables-save
	IPv6  []byte // ip6tables-save
}

// Ruleset is what the kernel holds of the artefacts: our sets by name, and what the
// chains gatewright_outbound and gatewright_inbound accept.
type Ruleset struct {
	Sets  map[string]netset.PrefixSet
	Rules []Line
	Hooks []Hook // IPv4 first

	Twice  []string // rules that stand twice in a chain, as "-A CHAIN ..."
	Others []string // chains, tables and sets that are there besides
}

// Line is everything that is accepted under one comment with the same addresses,
// protocol and interfaces: one rule of iptables, or several that differ in ports or
// that make up a tree of chains. It accepts every combination of its parts.
type Line struct {
	Family    int            // 4 or 6
	Direction rule.Direction // by the chain that the packet came to
	In, Out   []string       // interfaces; nil for all
	Protocol  netset.Protocol

	// Source and Destination hold the whole family if every address is accepted.
	Source, Destination netset.PrefixSet

	// Ports are destination ports, sorted: of the packet, or if Published of the
	// connection's original destination, in the direction of who opened it.
	Ports     []netset.PortRange
	Published bool

	Mark    uint32 // the bit that is set; 0 if the packet is accepted
	Comment string // "RULE: LABELS"
}

// ReadBack reads our sets, and our chains in one table: "filter" or, for mode mark,
// "mangle". It refuses a rule in them that holds anything but what this package
// renders, so that nothing is overlooked.
func ReadBack(d Dump, table string) (Ruleset, error) {
	rs := Ruleset{}
	var err error
	if rs.Sets, err = readSets(d.Ipset); err != nil {
		return Ruleset{}, fmt.Errorf("ipset save: %w", err)
	}
	used := map[string]bool{}
	for _, f := range []family{ipv4, ipv6} {
		dump := d.IPv4
		if f == ipv6 {
			dump = d.IPv6
		}
		if err := rs.addFamily(f, readTables(dump), table, used); err != nil {
			return Ruleset{}, fmt.Errorf("%s-save: %w", f.program(), err)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(rs.Sets)) {
		if !used[n] {
			rs.Others = append(rs.Others, "set "+n)
		}
	}
	return rs, nil
}

func (rs *Ruleset) addFamily(f family, tables map[string]savedTable, table string, used map[string]bool) error {
	t := tables[table]
	w := walker{family: f, chains: t.rules, sets: rs.Sets, used: used, known: map[string][]Line{}}
	for _, direction := range []rule.Direction{rule.Outbound, rule.Inbound} {
		lines, err := w.accepted(direction)
		if err != nil {
			return err
		}
		rs.Rules = append(rs.Rules, lines...)
	}
	hooks := w.hooks(t)
	rs.Hooks = append(rs.Hooks, hooks...)
	for _, chain := range slices.Sorted(maps.Keys(t.rules)) {
		_, read := w.known[chain]
		if !read && !slices.ContainsFunc(hooks, func(h Hook) bool { return h.Chain == chain }) {
			rs.Others = append(rs.Others, fmt.Sprintf("chain %s of %s", chain, f.program()))
		}
		seen := map[string]bool{}
		for _, text := range t.rules[chain] {
			if seen[text] {
				rs.Twice = append(rs.Twice, fmt.Sprintf("-A %s %s of %s", chain, text, f.program()))
			}
			seen[text] = true
		}
	}
	for _, n := range slices.Sorted(maps.Keys(tables)) {
		if n != table && tables[n].filters() {
			rs.Others = append(rs.Others, fmt.Sprintf("rules in table %s of %s", n, f.program()))
		}
	}
	return nil
}

// Accepts reports whether a rule accepts the flow, as the kernel would decide it on
// any interface.
func (rs Ruleset) Accepts(f rule.Flow) bool {
	return slices.ContainsFunc(rs.Rules, func(l Line) bool { return l.matches(f) })
}

func (l Line) matches(f rule.Flow) bool {
	src, dst, port := f.Local, f.Remote, f.Port
	if f.Direction == rule.Inbound {
		src, dst = dst, src
	}
	if l.Published && f.Published != 0 {
		port = f.Published
	}
	return f.Direction == l.Direction && f.Protocol == l.Protocol && l.Source.Contains(src) && l.Destination.Contains(dst) &&
		slices.ContainsFunc(l.Ports, func(r netset.PortRange) bool { return r.Contains(port) })
}

// readSets reads "create NAME hash:net ..." and "add NAME PREFIX" of our sets.
func readSets(dump []byte) (map[string]netset.PrefixSet, error) {
	builders := map[string]*netset.PrefixBuilder{}
	for line := range bytes.Lines(dump) {
		words := strings.Fields(string(line))
		if len(words) < 3 || !strings.HasPrefix(words[1], prefix) {
			continue
		}
		switch builder := builders[words[1]]; {
		case words[0] == "create" && words[2] == "hash:net":
			builders[words[1]] = &netset.PrefixBuilder{}
		case words[0] == "add" && builder != nil && len(words) == 3:
			p, err := readPrefix(words[2])
			if err != nil {
				return nil, err
			}
			builder.Add(p)
		default:
			return nil, fmt.Errorf("%q is not a set of ours", bytes.TrimSpace(line))
		}
	}
	sets := map[string]netset.PrefixSet{}
	for n, b := range builders {
		sets[n] = b.Build()
	}
	return sets, nil
}

// readPrefix reads a prefix, or a single address without a length.
func readPrefix(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		return netip.ParsePrefix(s)
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	return a.Prefix(a.BitLen())
}

// savedTable is one table.
type savedTable struct {
	rules    map[string][]string // of each chain, after "-A CHAIN "
	policies map[string]string   // of the built-in chains
}

// filters reports whether the table holds more than the empty built-in chains that
// accept.
func (t savedTable) filters() bool {
	for chain, rules := range t.rules {
		if len(rules) > 0 || t.policies[chain] != "ACCEPT" {
			return true
		}
	}
	return false
}

// readTables returns the tables by their names.
func readTables(dump []byte) map[string]savedTable {
	tables := map[string]savedTable{}
	var t savedTable
	for line := range strings.Lines(string(dump)) {
		line = strings.TrimSuffix(line, "\n")
		if n, ok := strings.CutPrefix(line, "*"); ok {
			t = savedTable{map[string][]string{}, map[string]string{}}
			tables[n] = t
		}
		if t.rules == nil {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "-A "); ok {
			chain, rule, _ := strings.Cut(rest, " ")
			t.rules[chain] = append(t.rules[chain], rule)
		}
		if declared, ok := strings.CutPrefix(line, ":"); ok {
			chain, rest, _ := strings.Cut(declared, " ")
			t.rules[chain] = t.rules[chain][:0:0]
			if policy, _, _ := strings.Cut(rest, " "); policy != "-" {
				t.policies[chain] = policy
			}
		}
	}
	return tables
}

// splitWords splits a rule as iptables-restore does: at spaces outside of quotes, and
// in quotes a backslash takes the next character as it is.
func splitWords(s string) ([]string, error) {
	var words []string
	var word []byte
	quoted, started := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\' && i+1 < len(s):
			i++
			word = append(word, s[i])
		case c == '"':
			quoted, started = !quoted, true
		case c == ' ' && !quoted:
			if started {
				words = append(words, string(word))
			}
			word, started = word[:0], false
		default:
			word, started = append(word, c), true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed in %q", s)
	}
	if started {
		words = append(words, string(word))
	}
	return words, nil
}
