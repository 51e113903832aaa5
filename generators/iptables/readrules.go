package iptables

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/templates"
)

// rulesReader gathers the view of a file of rules, and what they mean. It may pass over a
// line: what the view does not render to is found when the two are compared.
type rulesReader struct {
	builder
	file     *artefact.Lines
	sets     map[name]netset.PrefixSet
	used     map[name]bool // sets
	declared map[name]bool // chains that are no tree's
	trees    trees
	ways     map[name][]way                // by the chain that they lead to
	points   map[name][]artefact.HookPoint // by chain of rules
	lines    []heldLine

	sections []*sectionView
	guards   map[name]*sectionView // by chain; mode enforce alone
	titles   map[rule.ID]bool
	section  *sectionView // that is read
	id       rule.ID      // of its rule; empty for another one
	labels   []string
	comment  ruleComment // of its lines
}

// heldLine is a rule that accepts, and where.
type heldLine struct {
	Line
	chain  name
	next   name    // of the tree that it leads to; empty for none
	rule   rule.ID // empty for what mode enforce lets through besides
	labels []string
	at     int
}

// way leads packets between two interfaces to a chain of rules.
type way struct{ in, out device }

// Bounds of what interfaces multiply.
const (
	maxWays   = 4096 // to a chain
	maxPoints = 8    // of a chain
)

func readRulesFile(f family, data []byte, sets map[name]netset.PrefixSet) (*rulesReader, error) {
	file := artefact.LinesOf(f.file(), data, maxRulesLine)
	r := &rulesReader{
		builder:  builder{family: f},
		file:     file,
		sets:     sets,
		used:     map[name]bool{},
		declared: map[name]bool{},
		trees:    newTrees(f),
		ways:     map[name][]way{},
		points:   map[name][]artefact.HookPoint{},
		guards:   map[name]*sectionView{},
		titles:   map[rule.ID]bool{},
	}
	err := r.readHeader()
	for err == nil && file.Next() {
		if err = r.take(file.Line); err != nil {
			err = file.Foreign(err)
		}
	}
	if err == nil {
		err = r.finish()
	}
	if err != nil {
		return nil, err
	}
	again, err := templates.Execute("iptables/gatewright.iptables.tmpl", &r.view)
	if err == nil {
		err = artefact.Compare(f.file(), data, again)
	}
	if err == nil {
		err = r.resolve()
	}
	return r, err
}

func (r *rulesReader) readHeader() error {
	rest, err := r.file.ReadTitle(r.family.title(), format)
	if err != nil {
		return err
	}
	var ok bool
	if r.config.Filter, rest, ok = artefact.FilterTitle(rest); !ok || rest != "" && rest != ipsetFirst {
		return r.file.Foreign(errors.New("mode and place"))
	}
	r.config.ipset = rest != ""
	more, err := r.file.ReadHeader(maxComment)
	r.view = r.config.rulesView(append(artefact.ListHeader(r.config.title(r.family), r.family.load(), format), more...))
	return err
}

// take reads a line after the header.
func (r *rulesReader) take(line string) error {
	inTable := len(r.declared) > 0
	switch text, isComment := strings.CutPrefix(line, "# "); {
	case isComment && inTable:
		return r.takeComment(text)
	case strings.HasPrefix(line, ":"):
		chain, _, _ := strings.Cut(line[1:], " ")
		return r.declare(name(chain))
	case strings.HasPrefix(line, "-A ") && r.section != nil:
		chain, _, _ := strings.Cut(line[len("-A "):], " ")
		return r.takeRule(line, name(chain))
	}
	return nil
}

// declare takes a chain of a tree, or one that the view derives from elsewhere.
func (r *rulesReader) declare(chain name) error {
	known := []name{
		inputHook, forwardHook, outputHook, inputEntry, forwardEntry, outputEntry,
		outboundChain, inboundChain, outboundRules, inboundRules, outboundOnSite, inboundOnSite,
	}
	if slices.Contains(known, chain) {
		r.declared[chain] = true
		return nil
	}
	n, err := readName(string(chain), maxChain)
	if err == nil {
		err = r.trees.declare(n, r.file.At)
	}
	return err
}

// takeComment reads a title or a label.
func (r *rulesReader) takeComment(text string) error {
	if label, ok := strings.CutPrefix(text, "    "); ok && r.section != nil {
		return r.takeLabel(label)
	}
	title, err := readComment(text)
	if err != nil {
		return err
	}
	r.section, r.id, r.labels = &sectionView{Title: title}, "", nil
	for _, h := range r.config.hooks() {
		for _, chain := range []name{h.chain, h.entry} {
			if title == titleOf(chain) {
				r.guards[chain] = r.section
				return nil
			}
		}
	}
	r.sections = append(r.sections, r.section)
	if title == interfacesTitle {
		return nil
	}
	id, _, titled := strings.Cut(text, ": ")
	if _, err := nameOf(maxComment, []string{id}); err != nil || !titled || id == "" || r.titles[rule.ID(id)] {
		return errors.New("the title of a rule, each once")
	}
	r.id, r.titles[rule.ID(id)] = rule.ID(id), true
	r.file.Note(id)
	return nil
}

func (r *rulesReader) takeLabel(text string) error {
	if len(r.section.Trees)+len(r.section.Lines) > 0 {
		return errors.New("labels before rules")
	}
	r.file.Note(string(r.id))
	c, err := readComment(text)
	r.section.Labels, r.labels = append(r.section.Labels, c), append(r.labels, text)
	return err
}

// finish puts into the view what the template writes of mode and place.
func (r *rulesReader) finish() error {
	if r.sided() {
		r.view.Chains = append(r.view.Chains, outboundRules, inboundRules)
	}
	if r.declared[outboundOnSite] {
		r.view.Chains = append(r.view.Chains, outboundOnSite, inboundOnSite)
	}
	if len(r.trees.nodes) > 0 {
		r.view.TreeChains = []chainLines{declareChains(r.trees.names())}
	}
	for _, s := range r.sections {
		r.view.Sections = append(r.view.Sections, *s)
	}
	return r.addHooks(func(h hook) error {
		section := sectionView{}
		if read := r.guards[h.chain]; read != nil {
			section.Trees, section.Lines = read.Trees, read.Lines
		}
		r.addOwned(h, section)
		return nil
	})
}

// sided reports whether the file tells interfaces apart.
func (r *rulesReader) sided() bool { return r.declared[outboundRules] }

// addTo adds the file to a reading.
func (r *rulesReader) addTo(out *artefact.Reading) {
	file := r.family.file()
	out.Comments = append(out.Comments, r.file.Comments...)
	for _, l := range r.lines {
		a := artefact.Accepted{Rule: l.rule, Labels: l.labels, Boxes: l.Boxes()}
		for _, p := range r.points[l.chain] {
			p.Mark = l.Mark
			out.Accept(p, a)
		}
	}
	beside := func(name, value string) {
		out.Beside = append(out.Beside, artefact.Statement{File: file, Name: name, Value: value})
	}
	beside("mode", string(r.config.Mode))
	beside("place", string(r.config.Place))
	if r.config.Mode == artefact.ModeMark {
		beside("mark", fmt.Sprintf("%#x", r.config.Mark))
	}
	for _, chain := range r.view.Owned {
		beside("policy", string(chain)+" "+string(drop))
	}
}

// findPoints finds where each chain of rules accepts.
func (r *rulesReader) findPoints() error {
	for _, chain := range r.ruleChains() {
		entry := outboundChain
		if directionOf(chain) == rule.Inbound {
			entry = inboundChain
		}
		p := artefact.HookPoint{File: r.family.file(), Chain: string(entry)}
		r.points[chain] = []artefact.HookPoint{p}
		if r.sided() {
			r.points[chain] = pointsOf(p, r.ways[chain])
		}
		if len(r.points[chain]) > maxPoints {
			return fmt.Errorf("interfaces of one list with each of another before chain %s", chain)
		}
	}
	for chain := range r.guards {
		r.points[chain] = []artefact.HookPoint{{File: r.family.file(), Chain: string(chain)}}
	}
	return nil
}

// pointsOf returns one hook point for all ways if they are every interface of one list
// with each of another, or else one for each.
func pointsOf(p artefact.HookPoint, ways []way) []artefact.HookPoint {
	var in, out []string
	var points []artefact.HookPoint
	for _, w := range ways {
		p.In, p.Out = string(w.in), string(w.out)
		points = append(points, p)
		in, out = appendNew(in, p.In), appendNew(out, p.Out)
	}
	if len(points) == 0 || len(points) != len(in)*len(out) {
		return points
	}
	p.In, p.Out = strings.Join(in, " "), strings.Join(out, " ")
	return []artefact.HookPoint{p}
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
