package nftables

import (
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

// view is what templates/nftables/gatewright.nft.tmpl renders.
type view struct {
	Header   []comment
	Wiring   []wiringView
	Table    tableSpec
	Hooks    []hookView // base chains, in a table of our own
	Chains   []name     // the others
	Flushed  []name     // all of them
	Sets     []setView  // that chains of an earlier file may name, too
	Remotes  []setView  // that our entries alone name
	Maps     []setView  // likewise
	Counters []name
	Rules    []ruleView
	Classes  []chainView
	Entries  []chainView
	Bases    []chainView
}

// wiringView is what the site writes into one of its own base chains: jumps if our
// chains are in its table, or else a match of the mark.
type wiringView struct {
	Hook  name
	Table tableSpec
	Jumps []name
	Mark  bits
}

// hookView is one base chain of our own. All three are always declared and flushed,
// so that no rule of an earlier mode or place stays behind.
type hookView struct {
	Name   name
	Policy keyword
}

// setView is one set or map and its elements, never none.
type setView struct {
	Name   name
	Type   keyword
	Flags  keyword // empty for a set of single addresses
	Groups []groupView
}

// groupView is elements that a title tells apart, or all of a set.
type groupView struct {
	Title    comment
	Elements elements
}

// ruleView is one rule of the policy, and the chain that counts and accepts.
type ruleView struct {
	Title  comment
	Labels []comment  // of its entries
	Chain  *chainView // nil where other rules take every packet before
}

type chainView struct {
	Title comment
	Name  name
	Lines []lineView
}

// lineView is one rule of nftables. What is empty is left out.
type lineView struct {
	In, Out     interfaces
	State       keyword
	Loopback    keyword
	HopLimit    keyword
	ICMP        icmpMatch
	Protocol    keyword
	Ports       ports // of the packet, or
	Original    ports // before DNAT
	Family      keyword
	Source      addresses
	Destination addresses
	Counter     name
	Mark        bits      // set on what is accepted
	End         statement // that ends the rule; never empty
	Comment     ruleComment
}

// file is what gatewright.nft says.
type file struct {
	header []comment
	config config
	texts  []ruleText
	textAt map[string]int // in texts, by chain, once indexed
	held   filter.Ruleset

	// listed are the elements of each group of a set or map as a file that was read has
	// them: in any order, and not joined.
	listed map[string][][]string

	comments []artefact.Comment // of a file that was read
	place    string             // in place of the file's name
}

// ruleText is what the file says of a rule of the policy in words.
type ruleText struct {
	title  comment
	labels []comment
	chain  string // empty where other rules take every packet before
}

// newFile makes the file of a policy.
func newFile(p *rule.Policy, s artefact.Settings) (*file, error) {
	c, err := configure(s)
	if err == nil {
		err = c.CheckRoles(p)
	}
	if err != nil {
		return nil, err
	}
	built, err := filter.Build(p, c.Filter, c.families, filter.Naming{Prefix: string(prefix), Stem: func(id rule.ID) string { return string(id) }})
	if err != nil {
		return nil, err
	}
	f := &file{header: commentsOf(artefact.Header(p, title+c.Title(), loadCommand, format)), config: c, held: built.Ruleset}
	f.held.IndexChains()
	for _, r := range built.Rules {
		if _, err := slugOf(string(r.Rule.ID)); err != nil {
			return nil, err
		}
		t := ruleText{title: commentOf(r.Title()), labels: commentsOf(r.Labels()), chain: r.Chain}
		if chain, ok := f.held.Chain(r.Chain); ok {
			chain.Rules[0].Comment = string(lineComment(t.labels))
		}
		f.texts = append(f.texts, t)
	}
	f.indexTexts()
	return f, nil
}

func (f *file) indexTexts() {
	f.textAt = make(map[string]int, len(f.texts))
	for i, t := range f.texts {
		if t.chain != "" {
			f.textAt[t.chain] = i
		}
	}
}

// textOf returns what the file says of the rule that has a chain.
func (f *file) textOf(chain string) (ruleText, bool) {
	i, ok := f.textAt[chain]
	if !ok {
		return ruleText{}, false
	}
	return f.texts[i], true
}

// lineComment is the comment of a rule's chain.
func lineComment(labels []comment) ruleComment {
	words := make([]string, len(labels))
	for i, l := range labels {
		words[i] = string(l)
	}
	return ruleCommentOf(strings.Join(words, labelsEnd))
}

const labelsEnd = "; "

// view is the file as the template takes it.
func (f *file) view() *view {
	v := &view{Header: f.header, Wiring: f.config.wiring(), Table: f.config.table}
	for _, s := range f.held.Sets {
		if filter.IsRemotes(s.Name) {
			v.Remotes = append(v.Remotes, f.setOf(s))
		} else {
			v.Sets = append(v.Sets, f.setOf(s))
		}
	}
	for _, m := range f.held.Maps {
		v.Maps = append(v.Maps, f.mapOf(m))
	}
	chains := map[string]*chainView{}
	for i := range f.held.Chains {
		c := &f.held.Chains[i]
		one := chainView{Name: name(c.Name), Lines: linesOf(c.Rules)}
		chains[c.Name] = &one
		v.Flushed = append(v.Flushed, one.Name)
		for _, r := range c.Rules {
			if r.Counter != "" {
				v.Counters = append(v.Counters, name(r.Counter))
			}
		}
		switch f.kindOf(c) {
		case baseChain:
			one.Title = commentOf("Hook " + c.Name + ".")
			v.Hooks = append(v.Hooks, hookView{one.Name, keyword(c.Hook.Policy)})
			v.Bases = append(v.Bases, one)
			continue
		case entryChain:
			one.Title = commentOf("Flows that are " + strings.TrimPrefix(c.Name, string(prefix)) + ".")
			v.Entries = append(v.Entries, one)
		case classChain:
			one.Title = commentOf("Addresses of " + idsOf(c) + ".")
			v.Classes = append(v.Classes, one)
		}
		v.Chains = append(v.Chains, one.Name)
	}
	for _, t := range f.texts {
		v.Rules = append(v.Rules, ruleView{t.title, t.labels, chains[t.chain]})
	}
	return v
}

// chainKind tells what a chain is for.
type chainKind int

const (
	ruleChain chainKind = iota
	classChain
	entryChain
	baseChain
)

func (f *file) kindOf(c *filter.Chain) chainKind {
	_, isRule := f.textOf(c.Name)
	switch {
	case c.Hook != nil:
		return baseChain
	case c.Name == filter.Outbound || c.Name == filter.Inbound:
		return entryChain
	case isRule:
		return ruleChain
	}
	return classChain
}

// idsOf names the rules that a class chain leads to.
func idsOf(c *filter.Chain) string {
	var ids []string
	for _, r := range c.Rules {
		if id := string(r.ID); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, ", ")
}

func (f *file) setOf(s filter.Set) setView {
	v := setView{Name: name(s.Name), Type: "inet_service", Flags: "interval"}
	elements := portElements(s.Ports)
	if s.Family != filter.Both {
		v.Type, elements = addressType(s.Family), prefixElements(s.Prefixes)
		if s.Prefixes.HostsOnly() {
			v.Flags = ""
		}
	}
	if groups := f.listed[s.Name]; groups != nil {
		elements = listedElements(groups[0], "")
	}
	v.Groups = []groupView{{Elements: elements}}
	return v
}

func (f *file) mapOf(m filter.Map) setView {
	v := setView{Name: name(m.Name), Type: verdictMap(m.Family), Flags: "interval"}
	for i, e := range m.Elements {
		g := groupView{Elements: verdictElements(e)}
		if groups := f.listed[m.Name]; groups != nil {
			g.Elements = listedElements(groups[i], toChain(e.Chain))
		}
		if c, ok := f.held.Chain(e.Chain); ok {
			g.Title = commentOf(idsOf(c))
		}
		v.Groups = append(v.Groups, g)
	}
	return v
}

func linesOf(rules []filter.Rule) []lineView {
	out := make([]lineView, len(rules))
	for i, r := range rules {
		out[i] = lineOf(r)
	}
	return out
}

func lineOf(r filter.Rule) lineView {
	l := lineView{
		In: interfacesOf(r.In), Out: interfacesOf(r.Out), State: keyword(r.State), Loopback: keyword(r.Loopback),
		ICMP: icmpOf(r.Family, r.ICMP), HopLimit: hopLimitOf(r.HopLimit), Family: familyWord(r.Family),
		Ports: portsOf(r.Ports), Original: portsOf(r.Original), Source: addressesOf(r.From), Destination: addressesOf(r.To),
		End: endOf(r), Comment: ruleComment(r.Comment),
	}
	if r.Verdict != filter.Continue {
		l.Counter = name(r.Counter)
	}
	if r.Protocol != 0 {
		l.Protocol = protocolOf(r.Protocol)
	}
	if r.SetMark != 0 {
		l.Mark = bitsOf(r.SetMark)
	}
	return l
}

// wiring is nil in mode enforce, which asks nothing of the site's own chains.
func (c config) wiring() []wiringView {
	var out []wiringView
	for _, hook := range filter.Hooks() {
		var jumps []name
		for _, entry := range filter.Entries(c.Place, hook) {
			jumps = append(jumps, name(entry))
		}
		switch {
		case len(jumps) == 0 || c.Mode == artefact.ModeEnforce:
		case c.Mode == artefact.ModeMark:
			out = append(out, wiringView{Hook: name(hook), Mark: bitsOf(c.Mark)})
		default:
			out = append(out, wiringView{Hook: name(hook), Table: c.table, Jumps: jumps})
		}
	}
	return out
}

// elements counts the prefixes and port ranges in sets and maps.
func (v *view) elements() int {
	n := 0
	for _, s := range slices.Concat(v.Sets, v.Remotes, v.Maps) {
		for _, g := range s.Groups {
			n += g.Elements.count()
		}
	}
	return n
}
