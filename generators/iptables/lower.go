package iptables

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

// maxInline is how many prefixes a tree has in its rules. Of a larger one, the targets
// of more than a few prefixes have them in sets, where there is ipset: a tree of
// 100,000 takes long to load. Tests make it small.
var maxInline = 10_000

// maxLocals bounds the ranges of roles' addresses together, by which of them hold each.
const maxLocals = 1 << 20

// lowering turns a ruleset with sets and maps of addresses into chains that iptables
// has.
type lowering struct {
	rules
	built    filter.Built
	held     map[string]filter.Chain // of built
	flows    map[rule.ID][]flow      // of each rule, each protocol and kind of port once
	ways     map[rule.ID][]line      // that lead to a rule's chain from those of a tree
	led      map[rule.ID]bool        // other lines lead to the rule's chain
	names    map[string]bool
	cells    map[string]bool // chains inside of trees
	resolver string          // the chain that lets questions to resolvers pass
	elements int             // prefixes in rules, for the account
	carried  int             // rules of the policy
	matches  int             // lines of sections, beside the trees
	err      error
}

// newRules makes the file of one family.
func newRules(p *rule.Policy, c config, f family) (*lowering, error) {
	built, err := filter.Build(p, c.Filter, []filter.Family{filter.Family(f)}, filter.Naming{Prefix: prefix, Stem: ruleStem})
	if err != nil {
		return nil, err
	}
	b := lowering{
		built: built, held: map[string]filter.Chain{}, flows: map[rule.ID][]flow{}, ways: map[rule.ID][]line{}, led: map[rule.ID]bool{},
		names: map[string]bool{}, cells: map[string]bool{},
	}
	for _, c := range built.Chains {
		b.held[c.Name] = c
	}
	b.header, b.config, b.family = commentsOf(artefact.Header(p, c.title(f), c.load(f), format)), c, f
	if c.Mode == artefact.ModeMark {
		for _, one := range c.bases() {
			b.declare(one.chain)
		}
	}
	b.declare(filter.Outbound)
	b.declare(filter.Inbound)
	for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
		b.addDirection(d)
	}
	b.addBases()
	b.addRules()
	if b.err != nil {
		return nil, b.err
	}
	slices.SortFunc(b.sets, func(a, c filter.Set) int { return strings.Compare(a.Name, c.Name) })
	if chain := b.tooDeep(); chain != "" {
		return nil, fmt.Errorf("chain %s would be more than %d jumps below the hook, which iptables-nft does not support; use the generator nftables, or select fewer entries", chain, maxJumps)
	}
	return &b, nil
}

// declare adds a chain and returns its name.
func (b *lowering) declare(chain string) string {
	if err := checkChain(chain); b.err == nil && err != nil {
		b.err = err
	}
	if b.names[chain] && b.err == nil {
		b.err = fmt.Errorf("two chains would have the same name, %s; group by entry, or exclude an entry", chain)
	}
	b.names[chain] = true
	b.chains = append(b.chains, chain)
	return chain
}

// add adds a section, unless it says nothing.
func (b *lowering) add(s section) {
	if b.matches += len(s.lines); b.matches > filter.MaxLines && b.err == nil {
		b.err = filter.ErrTooManyLines
	}
	if len(s.ways)+len(s.lines) > 0 || s.id != "" {
		b.sections = append(b.sections, s)
	}
}

// manyRules is from how many rules on they stand by their chains' names, the last one
// first: so each name is at the head of the list that iptables-nft walks for every
// line, and 10,000 rules load five times as fast.
const manyRules = 1000

// addRules adds a section for each rule of the policy: its chain, the addresses that
// lead there, and what it counts and accepts, if packets come to it.
func (b *lowering) addRules() {
	list := slices.Clone(b.built.Rules)
	if len(list) > manyRules {
		slices.SortStableFunc(list, func(x, y filter.BuiltRule) int { return strings.Compare(y.Chain, x.Chain) })
	}
	b.carried = len(list)
	for _, r := range list {
		s := section{title: commentOf(r.Title()), id: r.Rule.ID, labels: commentsOf(r.Labels()), ways: b.ways[r.Rule.ID]}
		if r.Chain != "" {
			b.declare(r.Chain)
		}
		if !b.led[s.id] {
			s.chain = r.Chain
		}
		last := filter.Rule{Match: filter.Match{Family: filter.Family(b.family)}, Verdict: filter.Accept, Comment: lineComment(s.id, s.labels), ID: s.id}
		if b.config.Mode == artefact.ModeMark {
			last.SetMark = b.config.Mark
		}
		switch flows := b.flows[s.id]; {
		case r.Chain == "":
		case b.isPlain(s.id):
			for _, f := range flows {
				last.Protocol, last.Ports, last.Original = f.Protocol, filter.Ports{Ranges: r.Rule.Services.Ports(f.Protocol)}, filter.Ports{}
				if f.published() {
					last.Ports, last.Original = last.Original, last.Ports
				}
				s.lines = append(s.lines, b.portLines(r.Chain, last)...)
			}
		default:
			s.lines = []line{{chain: r.Chain, Rule: last}}
		}
		b.add(s)
	}
}

// path is the flows between the same interfaces in one direction.
type path struct {
	direction rule.Direction
	in, out   []string
	stem      string // of its chains
	title     string
	any       class
	classes   []class
}

// addDirection adds what leads from a direction's entry to the rules: by interfaces if
// the file tells them apart, by the address of our side, and then by the remote's.
func (b *lowering) addDirection(d rule.Direction) {
	any, classes := b.split(d)
	var paths []path
	for _, c := range append([]class{any}, classes...) {
		for _, f := range c.flows {
			if !slices.ContainsFunc(paths, func(w path) bool { return w.has(f) }) {
				paths = append(paths, path{direction: d, in: f.In, out: f.Out, stem: shortOf(d), title: string(d)})
			}
		}
	}
	for i := range paths {
		w := &paths[i]
		if i > 0 {
			w.stem, w.title = w.stem+"_site", w.title+" on the site"
		}
		w.any = any.with(w.has)
		for _, c := range classes {
			w.classes = append(w.classes, c.with(w.has))
		}
		start := filter.EntryOf(d)
		if len(paths) > 1 || len(w.in)+len(w.out) > 0 {
			start = b.addInterfaces(w)
		}
		b.addLocals(w, start)
	}
}

func (w path) has(f flow) bool { return slices.Equal(w.in, f.In) && slices.Equal(w.out, f.Out) }

// shortOf stands for a direction in names. iptables-nft walks a sorted list of names
// for every line: those of most lines are upper case, before all of the rules' chains.
func shortOf(d rule.Direction) string {
	if d == rule.Inbound {
		return "IN"
	}
	return "OUT"
}

// addInterfaces leads what comes and goes by the interfaces of a path to a chain, first
// by those that it comes in by. What comes back from there goes on to other paths.
func (b *lowering) addInterfaces(w *path) (start string) {
	s := section{title: commentOf("Interfaces, " + w.title + ".")}
	from, verdict := filter.EntryOf(w.direction), filter.Jump
	lead := func(in, out, to string) {
		m := filter.Match{Family: filter.Family(b.family), In: listOf(in), Out: listOf(out)}
		s.lines = append(s.lines, line{chain: from, Rule: filter.Rule{Match: m, Verdict: verdict, Target: to}})
	}
	if len(w.in) > 0 && len(w.out) > 0 {
		to := b.declare(prefix + w.stem + "_far")
		for _, in := range w.in {
			lead(in, "", to)
		}
		from, verdict, w.in = to, filter.Goto, nil
	}
	start = b.declare(prefix + w.stem + "_if")
	for _, in := range w.in {
		lead(in, "", start)
	}
	for _, out := range w.out {
		lead("", out, start)
	}
	if len(w.in)+len(w.out) == 0 {
		lead("", "", start)
	}
	b.add(s)
	return start
}

// listOf is the list of a name, if there is one.
func listOf(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

// addLocals tells the addresses of our side apart: those of the same sets have the same
// flows, and one tree of remotes.
func (b *lowering) addLocals(w *path, start string) {
	var names []string
	at := map[string]int32{} // in names
	for _, c := range append([]class{w.any}, w.classes...) {
		for _, f := range c.flows {
			if _, known := at[f.local]; !known {
				at[f.local] = int32(len(names))
				names = append(names, f.local)
			}
		}
	}
	sets := make([]netset.PrefixSet, len(names))
	for i, n := range names {
		set, _ := b.built.Set(n)
		sets[i] = set.Prefixes
	}
	if len(sets) == 0 {
		return
	}
	cut, ok := netset.HoldersOf(sets, netset.NewBudget(maxLocals))
	if !ok {
		b.err = fmt.Errorf("the addresses of roles overlap in over %d ways; bind roles to fewer prefixes", maxLocals)
		return
	}
	var cells []netset.Holders
	var ends []element
	roots := map[string]bool{}
	for prefixes, holders := range cut.All() {
		cells = append(cells, holders)
		root := w.rootOf(rolesOf(names, holders), cut.Len() > 1, roots)
		roots[root] = true
		ends = append(ends, element{prefixes, root})
	}
	local, remote := filter.Source, filter.Destination
	if w.direction == rule.Inbound {
		local, remote = remote, local
	}
	inner, leaves := b.tree(start, prefix+w.stem+"_us", local, ends)
	b.add(section{title: commentOf("Addresses of our side, " + w.title + "."), ways: inner})
	for i, c := range cells {
		if b.err != nil {
			return
		}
		held := func(f flow) bool { return c.Contains(at[f.local]) }
		title := w.title + ", " + rolesOf(names, c)
		root := b.declare(ends[i].chain)
		s := section{title: commentOf("Flows that are " + title + "."), ways: leaves[i]}
		for _, f := range w.any.with(held).flows {
			s.lines = append(s.lines, b.flowLines(root, f)...)
		}
		b.add(s)
		b.addRemotes(w, root, title, remote, held)
	}
}

// rootOf names the chain of the flows of some roles. More than four digits would leave
// no room for the names of the chains below it; so many tell 1,000 roles apart by a try
// or two.
func (w *path) rootOf(roles string, several bool, taken map[string]bool) string {
	if !several {
		return prefix + w.stem
	}
	const tries = 100
	root := prefix + w.stem + "_" + digest(roles)[:4]
	for next := 1; taken[root] && next < tries; next++ {
		root = prefix + w.stem + "_" + digest(fmt.Sprint(roles, next))[:4]
	}
	return root
}

// rolesOf says whose addresses a cell holds.
func rolesOf(names []string, c netset.Holders) string {
	words := make([]string, len(c))
	for i, at := range c {
		stem := strings.TrimPrefix(names[at], prefix+"role_")
		words[i] = strings.ReplaceAll(stem[:strings.LastIndex(stem, "_")], "_", " ")
	}
	return strings.Join(words, ", ")
}

// digest shortens a text to 10 hexadecimal digits.
func digest(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))[:10] }

// addRemotes adds the tree of remotes of some flows, and a section for each class of
// several rules with its prefixes and where they lead. Those of one rule stand with it.
func (b *lowering) addRemotes(w *path, root, title string, end filter.End, held func(flow) bool) {
	type target struct {
		ids      []string
		flows    []flow
		prefixes netset.PrefixBuilder
	}
	known, order := map[string]*target{}, []*target(nil)
	for _, c := range w.classes {
		c = c.with(held)
		ids := idsOf(c.flows)
		if len(ids) == 0 {
			continue
		}
		key := strings.Join(ids, " ")
		if known[key] == nil {
			known[key] = &target{ids: ids, flows: c.flows}
			order = append(order, known[key])
		}
		known[key].prefixes.AddSet(c.remotes)
	}
	elements := make([]element, len(order))
	for i, t := range order {
		elements[i] = element{t.prefixes.Build(), b.classChain(root, shortOf(w.direction), t.ids)}
	}
	inner, leaves := b.tree(root, root, end, elements)
	b.add(section{title: commentOf("Tree of remotes, " + title + "."), ways: inner})
	for i, t := range order {
		if b.isAlone(t.ids) {
			id := rule.ID(t.ids[0])
			b.ways[id] = append(b.ways[id], leaves[i]...)
			continue
		}
		s := section{title: commentOf("Remotes of " + strings.Join(t.ids, ", ") + "."), ways: leaves[i]}
		b.declare(elements[i].chain)
		for _, f := range t.flows {
			s.lines = append(s.lines, b.flowLines(elements[i].chain, f)...)
		}
		b.add(s)
	}
}

// isAlone reports whether a class needs no chain but that of its only rule.
func (b *lowering) isAlone(ids []string) bool { return len(ids) == 1 && b.isPlain(rule.ID(ids[0])) }

// classChain names the chain of a class: by its only rule, or by a digest.
func (b *lowering) classChain(root, short string, ids []string) string {
	switch {
	case b.isAlone(ids):
		return prefix + ruleStem(rule.ID(ids[0]))
	case len(ids) == 1:
		return prefix + ruleStem(rule.ID(ids[0])) + "_at" + strings.TrimPrefix(strings.TrimPrefix(root, prefix+short), "_site")
	}
	return prefix + "c_" + digest(root+" "+strings.Join(ids, " "))
}

func idsOf(flows []flow) (ids []string) {
	for _, f := range flows {
		if id := string(f.ID); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}
