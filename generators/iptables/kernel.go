package iptables

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gatewright/generators/filter"
)

// Kernel is our part of the kernel's rules, actual or wanted, in the format of the
// tools. Two values can be compared, and old rules can be restored whatever they were.
type Kernel struct {
	sets   []*set          // sorted by name
	tables []*table        // of both families, those that may hold our rules
	used   map[string]bool // sets that rules of others name
	bad    error           // of the sets; the first line that cannot be read
}

// set is a set of ipset.
type set struct {
	name     string
	create   string                  // behind its name, as it is created
	spec     string                  // what of create makes it another set
	prefixes []netip.Prefix          // sorted
	texts    map[netip.Prefix]string // of those that hold more than the prefix
	odd      []oddElement            // elements that none of ours is like, sorted by their keys
}

// oddElement is an element by its whole text, and by what of it does not change by
// itself.
type oddElement struct{ key, text string }

// table is our chains of one table of a family, with the built-in ones that are ours.
type table struct {
	family family
	name   string
	chains []*chain
	order  []statement // of the text
	named  map[string]*chain
	led    map[string]bool // chains of ours that rules of others lead to
}

// statement declares a chain, for a negative rule, or appends one.
type statement struct {
	chain *chain
	rule  int
}

type chain struct {
	name   string
	policy string // of a built-in one
	counts string // of its policy, "[PACKETS:BYTES]"
	rules  []savedRule
}

// savedRule is a rule behind "-A CHAIN ".
type savedRule struct {
	text, counts string
	rule         filter.Rule
	odd          error // what was expected of a rule of ours; nil for one
}

// key is what two rules have in common that do the same and say the same.
func (r savedRule) key() string {
	if r.odd != nil {
		return r.text
	}
	one := r.rule
	one.ID = ""
	return fmt.Sprintf("%+v", one)
}

// Tables that may hold our rules.
const (
	filterTable = "filter"
	mangleTable = "mangle"
)

// ReadKernel reads what the tools print, with counters or without. Owned are the
// built-in chains of table filter that are ours.
func ReadKernel(d Dump, owned []string) (*Kernel, error) {
	k := &Kernel{used: map[string]bool{}}
	k.readSets(d.Ipset)
	for _, f := range []family{ipv4, ipv6} {
		text := d.of(f)
		for line, err := range dumpLines(text, true) {
			if err != nil {
				return nil, fmt.Errorf("%s-save: %w", f.program(), err)
			}
			if strings.HasPrefix(line, "# Table `") {
				return nil, fmt.Errorf("%s-save: %s; rules that nft wrote stand there, which iptables cannot change", f.program(), strings.TrimSpace(line[2:]))
			}
		}
		for _, name := range []string{filterTable, mangleTable} {
			mine := owned
			if name != filterTable {
				mine = nil
			}
			k.tables = append(k.tables, readTable(f, name, text, mine))
		}
	}
	for _, text := range [][]byte{d.IPv4, d.IPv6} {
		for s := range savedLines(text) {
			if !isOurs(s.chain) && !(s.table == filterTable && slices.Contains(owned, s.chain)) {
				_, sets := references(s.text)
				for _, set := range sets {
					k.used[set] = true
				}
			}
		}
	}
	return k, nil
}

func (d Dump) of(f family) []byte {
	if f == ipv6 {
		return d.IPv6
	}
	return d.IPv4
}

// readTable reads our chains of one table.
func readTable(f family, name string, text []byte, owned []string) *table {
	t := &table{family: f, name: name, named: map[string]*chain{}, led: map[string]bool{}}
	for s := range savedLines(text) {
		switch c, builtIn := t.named[s.chain], slices.Contains(owned, s.chain); {
		case s.table != name || s.isPolicy && c != nil:
		case s.isPolicy && (builtIn || isOurs(s.chain)):
			t.add(&chain{name: s.chain, policy: strings.Trim(s.text, "-"), counts: s.counts})
		case !s.isPolicy && c != nil:
			c.rules = append(c.rules, f.readRule(s, builtIn))
			t.order = append(t.order, statement{c, len(c.rules) - 1})
		case !s.isPolicy:
			chains, _ := references(s.text)
			for _, chain := range chains {
				t.led[chain] = true
			}
		}
	}
	for _, name := range owned {
		if t.named[name] == nil {
			t.add(&chain{name: name, policy: "ACCEPT", counts: noCounts})
		}
	}
	return t
}

func (t *table) add(c *chain) {
	t.named[c.name] = c
	t.chains, t.order = append(t.chains, c), append(t.order, statement{c, -1})
}

const noCounts = "[0:0]"

// isOurs reports whether a chain is ours by its name.
func isOurs(chain string) bool {
	return strings.HasPrefix(chain, prefix) || strings.HasPrefix(chain, filter.Prefix)
}

func (f family) readRule(s savedLine, builtIn bool) savedRule {
	one, err := f.parse(s.text)
	for _, name := range []string{one.From.Set, one.To.Set} {
		if err == nil && name != "" && !strings.HasPrefix(name, prefix) {
			err = fmt.Errorf("a set of ours")
		}
	}
	if builtIn {
		readLoopback(&one)
	}
	return savedRule{text: s.text, counts: s.counts, rule: one, odd: err}
}

// references returns the chains and sets that a rule of others names. What it only
// says, in a comment or to a log, is neither.
func references(text string) (chains, sets []string) {
	words, err := splitWords(text)
	if err != nil {
		words = strings.Fields(text)
	}
	for i := 0; i+1 < len(words); i++ {
		switch words[i] {
		case "-j", "-g":
			chains = append(chains, words[i+1])
		case "--match-set", "--add-set", "--del-set", "--map-set":
			sets = append(sets, words[i+1])
		case "-i", "-o", "--comment", "--log-prefix", "--nflog-prefix", "--string":
			i++ // any word
		}
	}
	return chains, sets
}

// table returns one table of a family.
func (k *Kernel) table(f family, name string) *table {
	i := slices.IndexFunc(k.tables, func(t *table) bool { return t.family == f && t.name == name })
	return k.tables[i]
}

func (k *Kernel) set(name string) *set {
	i, ok := slices.BinarySearchFunc(k.sets, name, func(s *set, name string) int { return cmp.Compare(s.name, name) })
	if !ok {
		return nil
	}
	return k.sets[i]
}

// IsEmpty reports whether nothing of ours exists except built-in chains.
func (k *Kernel) IsEmpty() bool {
	return len(k.sets) == 0 && !slices.ContainsFunc(k.tables, func(t *table) bool {
		return slices.ContainsFunc(t.chains, func(c *chain) bool { return isOurs(c.name) && (len(c.rules) > 0 || !t.led[c.name]) })
	})
}

// HasSets reports whether there are sets.
func (k *Kernel) HasSets() bool { return len(k.sets) > 0 }
