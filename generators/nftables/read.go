package nftables

import (
	"errors"
	"fmt"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/templates"
)

// Read reads gatewright.nft.
func (Generator) Read(files artefact.Files) (artefact.Reading, error) {
	data, ok := files[fileName]
	if !ok {
		return artefact.Reading{}, nil
	}
	r, err := readFile(data)
	if err != nil {
		return artefact.Reading{}, err
	}
	out := r.reading()
	out.Read = []string{fileName}
	if !artefact.Sealed(data) {
		out.Edited = out.Read
	}
	return out, nil
}

// reader gathers the view of a file, and what it means. It may pass over a line: what
// the view does not render to is found when the two are compared.
type reader struct {
	config   config
	view     view
	sets     Ruleset // without rules
	lines    []heldLine
	declared map[name]int // where a set is, from 1
	used     map[string]bool
	titles   map[slug]bool
	policies map[name]keyword
	guards   map[name][]lineView

	file    *artefact.Lines
	rule    *ruleView
	id      slug        // of rule
	labels  []string    // of rule
	comment ruleComment // of its lines
}

// heldLine is a rule that accepts, and where.
type heldLine struct {
	Line
	view   lineView
	chain  name
	rule   rule.ID // empty for what a guard lets through
	labels []string
}

func readFile(data []byte) (*reader, error) {
	file := artefact.LinesOf(fileName, data, 0)
	r := reader{
		file:     file,
		sets:     Ruleset{Prefixes: map[string]netset.PrefixSet{}, Ports: map[string][]netset.PortRange{}},
		declared: map[name]int{},
		used:     map[string]bool{},
		titles:   map[slug]bool{},
		policies: map[name]keyword{},
		guards:   map[name][]lineView{},
	}
	err := r.readHeader()
	for err == nil && file.Next() {
		err = r.take(file.Line)
	}
	if err != nil {
		return nil, err
	}
	r.finish()
	again, err := templates.Execute("nftables/gatewright.nft.tmpl", &r.view)
	if err == nil {
		err = artefact.Compare(fileName, data, again)
	}
	if err == nil {
		err = r.checkUse()
	}
	return &r, err
}

// readHeader takes the lines before the first that is a comment sign alone.
func (r *reader) readHeader() error {
	rest, err := r.file.ReadTitle(title, format)
	if err != nil {
		return err
	}
	filter, rest, ok := artefact.FilterTitle(rest)
	if !ok || rest != "" {
		return r.file.Foreign(errors.New("mode and place"))
	}
	r.config = config{Filter: filter, table: ownTable}
	r.view.Chains = []name{outboundChain, inboundChain}
	more, err := r.file.ReadHeader(maxComment)
	r.view.Header = commentsOf(append(artefact.ListHeader(title+filter.Title(), loadCommand, format), more...))
	return err
}

// take reads what starts at a line after the header.
func (r *reader) take(line string) (err error) {
	words := append(strings.Fields(line), make([]string, 6)...)
	switch text, isComment := strings.CutPrefix(line, "# "); {
	case isComment && r.view.Table != "":
		err = r.takeComment(text)
	case words[0] != "add":
	case words[1] == "table":
		err = r.takeTable(words[2] + " " + words[3])
	case words[1] == "chain":
		if _, policy, ok := strings.Cut(line, "; policy "); ok {
			r.policies[name(words[4])], err = readPolicy(strings.TrimSuffix(policy, "; }"))
		}
	case words[1] == "set":
		err = r.takeSet(words[4])
	case words[1] == "element":
		return r.takeElements()
	case words[1] == "rule":
		err = r.takeRule(line, name(words[4]))
	}
	if err != nil {
		return r.file.Foreign(err)
	}
	return nil
}

func (r *reader) takeTable(text string) (err error) {
	if r.view.Table != "" {
		return errors.New("one table")
	}
	if r.view.Table, r.config.families, err = tableOf(text); err != nil {
		return errors.New("family and name of a table")
	}
	if r.config.table = r.view.Table; r.config.Mode != artefact.ModeChains && r.view.Table != ownTable {
		return fmt.Errorf("table %s", ownTable)
	}
	return nil
}

// takeComment reads a title or a label.
func (r *reader) takeComment(text string) error {
	if label, ok := strings.CutPrefix(text, "    "); ok && r.rule != nil {
		return r.takeLabel(label)
	}
	if r.rule = nil; text == "Local addresses." || strings.HasPrefix(text, "Hook ") {
		return nil
	}
	id, _, _ := strings.Cut(text, ": ")
	var err error
	if r.id, err = slugOf(id); err != nil || !strings.HasPrefix(text, id+": ") {
		return errors.New("the title of a rule")
	}
	if r.titles[r.id] {
		return errors.New("each rule once")
	}
	r.titles[r.id] = true
	c, err := readComment(text)
	r.view.Rules = append(r.view.Rules, ruleView{Title: c})
	r.rule, r.labels = &r.view.Rules[len(r.view.Rules)-1], nil
	return err
}

func (r *reader) takeLabel(text string) error {
	if len(r.rule.Sets)+len(r.rule.Lines) > 0 {
		return errors.New("labels before sets and rules")
	}
	c, err := readComment(text)
	r.rule.Labels, r.labels = append(r.rule.Labels, c), append(r.labels, text)
	return err
}

// list is where sets are declared.
func (r *reader) list() *[]setView {
	if r.rule != nil {
		return &r.rule.Sets
	}
	return &r.view.Locals
}

func (r *reader) takeSet(text string) error {
	n, err := readName(text)
	switch {
	case err != nil:
		return err
	case kindOf(n) == setKind{}:
		return errors.New("a name that ends in what the set holds")
	case r.declared[n] > 0:
		return errors.New("each set once")
	}
	r.declared[n] = r.file.At
	*r.list() = append(*r.list(), newSet(r.view.Table, n, ""))
	return nil
}

// takeElements reads the lines up to the closing brace.
func (r *reader) takeElements() error {
	list := *r.list()
	if len(list) == 0 {
		return r.file.Foreign(errors.New("a set before its elements"))
	}
	set := &list[len(list)-1]
	first := r.file.At + 1
	var words []string
	for r.file.Next() && r.file.Line != "}" {
		words = append(words, strings.TrimSuffix(strings.TrimPrefix(r.file.Line, "\t"), ","))
	}
	e, c, bad, err := readElements(words, kindOf(set.Name))
	if err != nil {
		return r.file.ForeignAt(first+bad, err)
	}
	set.Elements = e
	if r.sets.Prefixes[string(set.Name)] = c.prefixes; c.ports != nil {
		r.sets.Ports[string(set.Name)] = c.ports
	}
	return nil
}

// finish puts into the view what the template writes of mode and place.
func (r *reader) finish() {
	r.view.Wiring = r.config.wiring()
	if r.config.Mode == artefact.ModeChains {
		return
	}
	for _, hook := range hooks() {
		v := r.config.hook(hook)
		v.Policy = r.policies[hook]
		if v.Guard != nil {
			v.Guard.Lines = r.guards[hook]
		}
		r.view.Hooks = append(r.view.Hooks, v)
	}
}

// checkUse refuses a set that no rule uses.
func (r *reader) checkUse() error {
	unused := 0
	for n, at := range r.declared {
		if !r.used[string(n)] && (unused == 0 || at < unused) {
			unused = at
		}
	}
	if unused > 0 {
		return r.file.ForeignAt(unused, errors.New("a set that a rule uses"))
	}
	return nil
}

// reading is the file as others see it.
func (r *reader) reading() artefact.Reading {
	var out artefact.Reading
	for _, l := range r.lines {
		p := artefact.HookPoint{File: fileName, Chain: string(l.chain), In: strings.Join(l.In, " "), Out: strings.Join(l.Out, " "), Mark: l.Mark}
		out.Accept(p, artefact.Accepted{Rule: l.rule, Labels: l.labels, Boxes: r.sets.Boxes(l.Line)})
	}
	beside := func(name, value string) {
		out.Beside = append(out.Beside, artefact.Statement{File: fileName, Name: name, Value: value})
	}
	beside("mode", string(r.config.Mode))
	beside("place", string(r.config.Place))
	beside("table", string(r.view.Table))
	if r.config.Mode == artefact.ModeMark {
		beside("mark", string(bitsOf(r.config.Mark)))
	}
	for _, h := range r.view.Hooks {
		beside("policy", string(h.Name)+" "+string(h.Policy))
	}
	return out
}
