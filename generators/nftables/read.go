package nftables

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
	"gatewright/templates"
)

// Makes reports whether a file of that name is one of this generator's.
func (Generator) Makes(name string) bool { return name == fileName }

// Read reads gatewright.nft.
func (Generator) Read(files artefact.Files) (artefact.Reading, error) {
	data, ok := files[fileName]
	if !ok {
		return artefact.Reading{}, nil
	}
	f, err := readFile(data)
	if err != nil {
		return artefact.Reading{}, err
	}
	out := f.reading()
	out.Read, out.Comments = []string{fileName}, f.comments
	if !artefact.Sealed(data) {
		out.Edited = out.Read
	}
	return out, nil
}

// reader gathers what a file says. It may pass over a line: what the file does not
// render to is found when the two are compared.
type reader struct {
	file
	lines *artefact.Lines

	ids      map[string]rule.ID // of rules' chains
	declared map[string]int     // lines of sets and maps, from 1
	bodies   map[string]int     // lines of chains' rules, from 1
	open     map[string]bool    // chains, by isOpen
	chains   map[string]int     // by their place in what is held
}

func readFile(data []byte) (*file, error) {
	lines := artefact.LinesOf(fileName, data, 0)
	r := reader{file: file{listed: map[string][][]string{}}, lines: lines, ids: map[string]rule.ID{}, declared: map[string]int{}, bodies: map[string]int{}, chains: map[string]int{}}
	err := r.readHeader()
	for err == nil && lines.Next() {
		err = r.take(lines.Line)
	}
	if err == nil {
		err = r.connect()
	}
	if err != nil {
		return nil, err
	}
	again, err := templates.Execute("nftables/gatewright.nft.tmpl", r.view())
	if err != nil {
		return nil, err
	}
	r.comments = lines.Comments
	return &r.file, artefact.Compare(fileName, data, again)
}

// readHeader takes the lines before the first that is a comment sign alone.
func (r *reader) readHeader() error {
	rest, err := r.lines.ReadTitle(title, format)
	if err != nil {
		return err
	}
	of, rest, ok := artefact.FilterTitle(rest)
	if !ok || rest != "" {
		return r.lines.Foreign(errors.New("mode and place"))
	}
	r.config = config{Filter: of, table: ownTable}
	more, err := r.lines.ReadHeader(maxComment)
	r.header = commentsOf(append(artefact.ListHeader(title+of.Title(), loadCommand, format), more...))
	return err
}

// take reads what starts at a line after the header.
func (r *reader) take(line string) (err error) {
	words := append(strings.Fields(line), make([]string, 6)...)
	switch text, isComment := strings.CutPrefix(line, "\t# "); {
	case isComment:
		err = r.takeComment(text)
	case words[0] == "add" && words[1] == "table":
		err = r.takeTable(words[2] + " " + words[3])
	case words[0] == "add" && words[1] == "chain":
		err = r.takeChain(line, words[4])
	case strings.HasPrefix(line, "\tset ") || strings.HasPrefix(line, "\tmap "):
		err = r.takeSet(words[0], words[1])
	case strings.HasPrefix(line, "\tchain "):
		err = r.takeBody(words[1])
	}
	return r.foreign(err)
}

// foreign is an error of the line that is read, unless it says of which it is.
func (r *reader) foreign(err error) error {
	var foreign *artefact.ForeignError
	if err == nil || errors.As(err, &foreign) {
		return err
	}
	return r.lines.Foreign(err)
}

func (r *reader) takeTable(text string) (err error) {
	if r.config.families != nil {
		return errors.New("one table")
	}
	r.config.table, r.config.families, err = tableOf(text)
	if err == nil && r.config.Mode != artefact.ModeChains && r.config.table != ownTable {
		err = fmt.Errorf("table %s", ownTable)
	}
	return err
}

// takeChain reads the declaration of a chain.
func (r *reader) takeChain(line, text string) error {
	c := filter.Chain{Name: text}
	if _, policy, ok := strings.Cut(line, "; policy "); ok {
		v, err := readPolicy(strings.TrimSuffix(policy, "; }"))
		hooks := filter.Hooks()
		if n := len(r.held.Chains); err != nil || r.config.Mode == artefact.ModeChains || n >= len(hooks) || hooks[n] != text {
			return errors.New("in Gatewright's own table, a base chain of each hook in their order, with policy accept or drop")
		}
		c.Hook = &filter.Hook{Name: text, Priority: filter.BasePriority, Policy: v}
	} else if _, err := readName(text); err != nil {
		return err
	}
	if _, known := r.chains[text]; known {
		return errors.New("every chain only once")
	}
	r.chains[text] = len(r.held.Chains)
	r.held.Chains = append(r.held.Chains, c)
	return nil
}

// takeComment reads the title of a rule, or a label below it. Titles of other things
// are told apart by their last character.
func (r *reader) takeComment(text string) error {
	if strings.HasSuffix(text, ".") && !strings.HasPrefix(text, " ") && !strings.Contains(text, ": ") {
		return nil
	}
	c, err := readComment(strings.TrimPrefix(text, "    "))
	if err != nil {
		return err
	}
	if last := len(r.texts) - 1; strings.HasPrefix(text, "    ") && last >= 0 {
		r.lines.Note(idOf(r.texts[last].title))
		r.texts[last].labels = append(r.texts[last].labels, c)
		return nil
	}
	id := idOf(c)
	r.lines.Note(id)
	if _, err := slugOf(id); err != nil {
		return errors.New("the title of a rule")
	}
	chain := string(prefix) + id
	if r.ids[chain] != "" {
		return errors.New("every rule only once")
	}
	r.ids[chain] = rule.ID(id)
	t := ruleText{title: c}
	if _, known := r.chains[chain]; known {
		t.chain = chain
	}
	r.texts = append(r.texts, t)
	return nil
}

// idOf is the id in the title of a rule.
func idOf(title comment) string {
	id, _, _ := strings.Cut(string(title), ": ")
	return id
}

// takeBody reads the rules of a chain up to its closing brace.
func (r *reader) takeBody(text string) error {
	at, known := r.chains[text]
	if !known || r.bodies[text] > 0 {
		return errors.New("every chain of this file only once")
	}
	c := &r.held.Chains[at]
	r.bodies[text] = r.lines.At + 1
	for r.lines.Next() && r.lines.Line != "\t}" {
		one, err := r.readRule(r.lines.Line)
		if err != nil {
			return err
		}
		c.Rules = append(c.Rules, one)
	}
	return nil
}

// connect checks what the file names and fills in what it says by names.
func (r *reader) connect() error {
	r.held.IndexChains()
	r.held.Sort()
	r.indexTexts()
	used := map[string]bool{}
	if r.config.Mode != artefact.ModeChains && (len(r.held.Chains) < 3 || r.held.Chains[2].Hook == nil) {
		return r.lines.Foreign(errors.New("a base chain of each hook"))
	}
	for i := range r.held.Chains {
		c := &r.held.Chains[i]
		for j := range c.Rules {
			one := &c.Rules[j]
			for _, n := range []string{one.Ports.Set, one.Original.Set, one.From.Set, one.To.Set, one.Map} {
				used[n] = true
			}
			if c.Hook != nil && one.ClearMark != 0 && r.config.Mode == artefact.ModeMark {
				r.config.Mark = one.ClearMark
			}
			one.ID = r.ids[one.Target]
			if own := r.ids[c.Name]; own != "" {
				one.ID = own
			}
		}
		if err := r.checkRules(c); err != nil {
			return err
		}
	}
	first := 0
	for n, number := range r.declared {
		if !used[n] && (first == 0 || number < first) {
			first = number
		}
	}
	if first > 0 {
		return r.lines.ForeignAt(first, errors.New("a set that a rule uses"))
	}
	return nil
}

// checkRules holds that each rule is of the kind that its chain has, that one that
// counts has the counter of its chain, and that a policy's rule says what its labels
// do.
func (r *reader) checkRules(c *filter.Chain) error {
	t, isRule := r.textOf(c.Name)
	kind := r.kindOf(c)
	for i, one := range c.Rules {
		at, want := r.bodies[c.Name]+i, counterOf(c, one)
		switch {
		case !r.fits(kind, one) || kind == classChain && one.From.Set+one.To.Set == "" && r.isOpen(c.Name):
			return r.lines.ForeignAt(at, errors.New(kindTexts[kind]))
		case one.Counter != want:
			return r.lines.ForeignAt(at, fmt.Errorf("counter %q", want))
		case isRule && one.Comment != string(lineComment(t.labels)):
			return r.lines.ForeignAt(at, errors.New("the labels above as the rule's comment"))
		}
	}
	return nil
}

// kindTexts say what each kind of chain holds.
var kindTexts = map[chainKind]string{
	ruleChain:  "what counts and accepts, and matches nothing",
	classChain: "a match of ports and, here or before the map, of the addresses of our side, and a rule's chain",
	entryChain: "a match of ports and of the addresses of our side and a rule's chain, or a map",
	baseChain:  "what mode enforce or mark needs",
}

func (r *reader) fits(kind chainKind, one filter.Rule) bool {
	sends, local := one.Verdict == filter.Goto && r.ids[one.Target] != "" && one.Protocol != 0, one.From.Set+one.To.Set != ""
	switch kind {
	case ruleChain:
		return one.Verdict == filter.Accept && one.Counter != "" && reflect.DeepEqual(one.Match, filter.Match{})
	case classChain:
		return one.IsOurs() && sends
	case entryChain:
		return one.IsOurs() && (sends && local || one.Map != "" && one.Protocol == 0)
	}
	opens := one.Protocol != 0 && !one.From.IsAll() && one.Original.IsAll()
	switch one.Verdict {
	case filter.Accept:
		return one.Counter == "" && (one.State != "" || one.Loopback != "" || one.ICMP != nil || opens)
	case filter.Jump:
		return one.Target == filter.Outbound || one.Target == filter.Inbound
	case filter.Drop, filter.Continue:
		return true
	}
	return false
}

// isOpen reports whether a map leads to a chain from a rule that matches no addresses
// of our side.
func (r *reader) isOpen(chain string) bool {
	if r.open == nil {
		r.open = map[string]bool{}
		for _, c := range r.held.Chains {
			for _, one := range c.Rules {
				if m, ok := r.held.Map(one.Map); ok && one.From.Set+one.To.Set == "" {
					for _, e := range m.Elements {
						r.open[e.Chain] = true
					}
				}
			}
		}
	}
	return r.open[chain]
}

// counterOf is the counter of a rule; empty for a rule that does not count.
func counterOf(c *filter.Chain, one filter.Rule) string {
	switch {
	case one.Counter == "":
		return ""
	case c.Hook == nil:
		return c.Name
	case one.Verdict == filter.Drop:
		return string(prefix) + c.Name + "_invalid"
	}
	return string(prefix) + c.Name + "_dropped"
}

// reading is the file as others see it.
func (f *file) reading() artefact.Reading {
	var out artefact.Reading
	for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
		f.held.AddOpenings(&out, artefact.HookPoint{File: f.where(), Chain: filter.EntryOf(d)}, false, d, f.labelsOf)
	}
	beside := func(name, value string) {
		out.Beside = append(out.Beside, artefact.Statement{File: f.where(), Name: name, Value: value})
	}
	beside("mode", string(f.config.Mode))
	beside("place", string(f.config.Place))
	beside("table", string(f.config.table))
	for i := range f.held.Chains {
		c := &f.held.Chains[i]
		if c.Hook == nil {
			continue
		}
		beside("policy", c.Name+" "+string(c.Hook.Policy))
		for j := range c.Rules {
			beside("chain "+c.Name, lineText(lineOf(c.Rules[j])))
		}
		f.held.AddOpenings(&out, artefact.HookPoint{File: f.where(), Chain: c.Name}, f.isBase(c.Name), c.Hook.Direction(), f.labelsOf)
	}
	return out
}

// where is the file, or the table that holds the like.
func (f *file) where() string { return cmp.Or(f.place, fileName) }

func (f *file) isBase(chain string) bool { return slices.Contains(filter.Hooks(), chain) }

// labelsOf returns the labels of the rule that opens, or what the file says in place of
// them.
func (f *file) labelsOf(o filter.Opening) []string {
	if o.ID == "" {
		return []string{o.Comment}
	}
	text, known := f.textOf(string(prefix) + string(o.ID))
	if !known && o.Comment != "" {
		return strings.Split(o.Comment, labelsEnd) // of another policy, in the kernel
	}
	var out []string
	for _, l := range text.labels {
		out = append(out, string(l))
	}
	return out
}
