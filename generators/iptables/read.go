package iptables

import (
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

// Longest lines in bytes, without the newline: the engines read what is longer as two.
const (
	maxSetsLine  = 1022
	maxRulesLine = 10238
)

// Makes reports whether a file of that name is one of this generator's.
func (Generator) Makes(name string) bool {
	return name == setsFile || name == ipv4.file() || name == ipv6.file()
}

// Read reads gatewright.ipset, gatewright.iptables and gatewright.ip6tables, those that
// there are. Rules that are loaded after sets are an error without gatewright.ipset.
func (Generator) Read(files artefact.Files) (artefact.Reading, error) {
	var out artefact.Reading
	for _, file := range []string{ipv6.file(), setsFile, ipv4.file()} {
		if data, ok := files[file]; ok {
			out.Take(file, data)
		}
	}
	var sets *setsReader
	var err error
	if data, ok := files[setsFile]; ok {
		sets, err = readSetsFile(data)
	}
	for _, f := range []family{ipv4, ipv6} {
		if data, ok := files[f.file()]; ok && err == nil {
			var r *rules
			if r, err = readRulesFile(f, data, sets); err == nil {
				err = sets.checkUse(r)
			}
			if err == nil {
				r.addTo(&out)
				out.Comments = append(out.Comments, r.comments...)
			}
		} else if err == nil {
			sets.besides(&out, f)
		}
	}
	if err != nil {
		return artefact.Reading{}, err
	}
	return out, nil
}

// rulesReader gathers what a file of rules says. It may pass over a line: what the file
// does not render to is found when the two are compared.
type rulesReader struct {
	rules
	file  *artefact.Lines
	held  map[string]filter.Set // by name
	used  map[string]bool       // of these
	at    map[string]int        // lines that declare chains
	order map[string]int        // of declared chains, from 1
	ids   map[string]rule.ID    // of rules' chains
}

func readRulesFile(f family, data []byte, sets *setsReader) (*rules, error) {
	r := rulesReader{
		rules: rules{family: f}, file: artefact.LinesOf(f.file(), data, maxRulesLine), held: map[string]filter.Set{}, used: map[string]bool{},
		at: map[string]int{}, order: map[string]int{}, ids: map[string]rule.ID{},
	}
	for _, s := range sets.list() {
		r.held[s.Name] = s
	}
	err := r.readHeader()
	if err == nil && r.config.ipset && sets == nil {
		return nil, fmt.Errorf("%s: %s is missing, although its sets must be loaded before these rules; run generate again, which always writes it", f.file(), setsFile)
	}
	for err == nil && r.file.Next() {
		if err = r.take(r.file.Line); err != nil {
			err = r.file.Foreign(err)
		}
	}
	if err != nil {
		return nil, err
	}
	again, err := templates.Execute("iptables/gatewright.iptables.tmpl", r.view())
	if err == nil {
		err = artefact.Compare(f.file(), data, again)
	}
	if err == nil {
		err = r.check()
	}
	r.comments = r.file.Comments
	return &r.rules, err
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
	r.header = commentsOf(append(artefact.ListHeader(r.config.title(r.family), r.config.load(r.family), format), more...))
	return err
}

// take reads a line after the header.
func (r *rulesReader) take(text string) error {
	title, isComment := strings.CutPrefix(text, "# ")
	chain, rest, _ := strings.Cut(strings.TrimPrefix(text, "-A "), " ")
	switch {
	case isComment && len(r.chains) > 0:
		return r.takeComment(title)
	case strings.HasPrefix(text, ":") && strings.HasSuffix(text, " - [0:0]"):
		return r.declare(chain[1:])
	case strings.HasPrefix(text, "-A ") && len(r.sections) > 0:
		return r.takeRule(chain, rest)
	}
	return nil
}

// declare takes a chain of ours.
func (r *rulesReader) declare(chain string) error {
	known := chain == filter.Outbound || chain == filter.Inbound || r.isBase(chain)
	if err := checkName(chain, maxChain); err != nil && !known {
		return err
	}
	if r.at[chain] > 0 {
		return errors.New("every chain only once")
	}
	if last := len(r.sections) - 1; last >= 0 {
		s := &r.sections[last]
		if r.ids[chain] == "" || r.ids[chain] != s.id || len(s.ways)+len(s.lines) > 0 {
			return errors.New("the chain of the rule")
		}
		s.chain = chain
	}
	r.chains = append(r.chains, chain)
	r.at[chain], r.order[chain] = r.file.At, len(r.chains)
	return nil
}

// isBase reports whether a chain is a built-in one of the file, or one that stands
// before its entries.
func (r *rules) isBase(chain string) bool {
	return r.config.Mode != artefact.ModeChains && slices.ContainsFunc(r.config.bases(), func(b base) bool { return b.chain == chain })
}

// takeComment reads a title or a label. Titles of what is no rule of the policy end in
// a stop.
func (r *rulesReader) takeComment(text string) error {
	c, err := readComment(strings.TrimPrefix(text, "    "))
	if err != nil {
		return err
	}
	if label := strings.HasPrefix(text, "    "); label && len(r.sections) > 0 {
		s := &r.sections[len(r.sections)-1]
		if len(s.ways)+len(s.lines) > 0 || s.id == "" {
			return errors.New("labels before a rule of the policy")
		}
		r.file.Note(string(s.id))
		s.labels = append(s.labels, c)
		return nil
	}
	s := section{title: c}
	if id, _, titled := strings.Cut(text, ": "); titled {
		chain := prefix + ruleStem(rule.ID(id))
		if checkChain(chain) != nil || !artefact.HasOnly(id, "") || id == "" || r.ids[chain] != "" {
			return errors.New("the title of a rule, every title only once")
		}
		r.file.Note(id)
		s.id, r.ids[chain] = rule.ID(id), rule.ID(id)
	} else if !strings.HasSuffix(text, ".") {
		return errors.New("the title of a rule or a section")
	} else {
		r.file.Note("")
	}
	r.sections = append(r.sections, s)
	return nil
}

// takeRule reads a rule into the section that is read.
func (r *rulesReader) takeRule(chain, text string) error {
	one, err := r.family.parse(text)
	if err != nil {
		return err
	}
	s := &r.sections[len(r.sections)-1]
	if s.id == "" && len(s.ways)+len(s.lines) == 0 {
		r.file.Comments[len(r.file.Comments)-1].About = artefact.TitleOf + chain
	}
	for _, set := range []string{one.From.Set, one.To.Set} {
		if err := r.use(set); err != nil {
			return err
		}
	}
	if r.isBase(chain) {
		readLoopback(&one)
	}
	one.ID = r.ids[one.Target]
	if s.id != "" {
		one.ID = s.id
	}
	if r.config.Mode == artefact.ModeMark && one.ClearMark != 0 {
		r.config.Mark = one.ClearMark
	}
	l := line{chain, one, r.file.At}
	if err := r.fits(s, l); err != nil {
		return err
	}
	if one.IsWay() {
		s.ways = append(s.ways, l)
	} else {
		s.lines = append(s.lines, l)
	}
	return nil
}

// use notes a set that a rule matches.
func (r *rulesReader) use(set string) error {
	held, known := r.held[set]
	switch {
	case set == "":
	case !known || family(held.Family) != r.family || !r.config.ipset:
		return errors.New("a set of this family that " + setsFile + " fills")
	case !r.used[set]:
		r.used[set] = true
		r.sets = append(r.sets, held)
	}
	return nil
}

// readLoopback takes the interface of a built-in chain's rule for what it is.
func readLoopback(r *filter.Rule) {
	if slices.Equal(r.In, []string{"lo"}) {
		r.In, r.Loopback = nil, "iif"
	}
	if slices.Equal(r.Out, []string{"lo"}) {
		r.Out, r.Loopback = nil, "oif"
	}
}

// fits refuses a rule that is not allowed in such a chain.
func (r *rulesReader) fits(s *section, l line) error {
	only := l.Match
	only.Family, only.Protocol, only.Ports, only.Original = 0, 0, filter.Ports{}, filter.Ports{}
	last := l.Verdict == filter.Accept && reflect.DeepEqual(only, filter.Match{}) && (l.SetMark != 0) == (r.config.Mode == artefact.ModeMark)
	own, leads := r.ids[l.chain], r.order[l.Target] > r.order[l.chain]
	switch {
	case r.isBase(l.chain):
		return r.fitsBase(l)
	case r.order[l.chain] == 0:
		return errors.New("a chain of this file")
	case s.id != "" && l.IsWay():
		if own != "" || !leads || r.ids[l.Target] != s.id {
			return errors.New("an address and a jump to the rule's chain")
		}
	case s.id != "" || own != "":
		if own != s.id || !last || l.Protocol == 0 && len(s.ways) > 0 || l.Comment != lineComment(s.id, s.labels) {
			return errors.New("the rule that counts and accepts in the rule's chain, with the id and labels as its comment")
		}
	case last && l.Protocol == 0 && s.title == commentOf(l.Comment+".") && l.Comment != "":
	case l.Comment != "" || l.Verdict != filter.Goto && l.Verdict != filter.Jump || !leads:
		return errors.New("a match, and a chain that is declared below")
	case l.Protocol != 0:
		if !strings.HasPrefix(l.Target, prefix) || l.Verdict != filter.Goto || len(l.In)+len(l.Out) > 0 || !l.From.IsAll() || !l.To.IsAll() {
			return errors.New("ports, and the chain of a rule")
		}
	case !l.IsOurs() && l.Verdict != filter.Jump || !l.IsWay() && (!l.From.IsAll() || !l.To.IsAll()):
		return errors.New("interfaces or an address, and a chain that does not belong to a rule")
	}
	return nil
}

// fitsBase refuses what a chain does not need in its mode.
func (r *rulesReader) fitsBase(l line) error {
	enforce, entry := r.config.Mode == artefact.ModeEnforce, l.Target == filter.Outbound || l.Target == filter.Inbound
	opens := l.Protocol != 0 && l.Original.IsAll() && l.To.IsAll() && l.From.Set == "" && (l.Comment != "") == (l.Verdict == filter.Accept)
	switch {
	case l.Verdict == filter.Continue && !enforce:
	case l.Verdict == filter.Jump && (entry && l.Protocol == 0 || enforce && opens && r.order[l.Target] > 0 && !entry):
	case l.Verdict == filter.Accept && l.SetMark == 0 && enforce && (l.State != "" || l.Loopback != "" || l.ICMP != nil || opens && !l.From.IsAll()):
	case l.Verdict == filter.Drop && enforce && l.State == "invalid":
	default:
		return fmt.Errorf("what mode %s needs", r.config.Mode)
	}
	return nil
}

// check holds what no line shows by itself.
func (r *rulesReader) check() error {
	slices.SortFunc(r.sets, func(a, b filter.Set) int { return strings.Compare(a.Name, b.Name) })
	held := r.ruleset()
	led := map[string]bool{filter.Outbound: true, filter.Inbound: true}
	for _, c := range held.Chains {
		led[c.Name] = led[c.Name] || c.Hook != nil
		for _, one := range c.Rules {
			led[one.Target] = true
		}
	}
	for _, c := range held.Chains {
		if at := r.at[c.Name]; at > 0 && (!led[c.Name] || len(c.Rules) == 0 && strings.HasPrefix(c.Name, prefix)) {
			return r.file.ForeignAt(at, errors.New("a chain that has rules and to which another chain jumps"))
		}
		seen := map[string]bool{}
		for i, one := range c.Rules {
			text := fmt.Sprintf("%+v", one)
			switch {
			case seen[text]:
				return r.file.ForeignAt(r.lineOf(c.Name, i), errors.New("every rule of a chain only once"))
			case i > 0 && i == behindWays(c):
				return r.file.ForeignAt(r.lineOf(c.Name, i), errBehindWays)
			}
			seen[text] = true
		}
	}
	if chain := r.tooDeep(); chain != "" {
		return r.file.ForeignAt(r.at[chain], fmt.Errorf("chains at most %d jumps below the hook", maxJumps))
	}
	return nil
}

// lineOf returns the line of a chain's rule.
func (r *rulesReader) lineOf(chain string, rule int) int {
	for _, s := range r.sections {
		for _, l := range slices.Concat(s.ways, s.lines) {
			if l.chain == chain {
				if rule--; rule < 0 {
					return l.at
				}
			}
		}
	}
	return 0
}

// behindWays returns the index of a rule that follows ways which a packet does not come
// back from, by something else than addresses of the same end: no reader of ours could
// tell what is left to it. It is 0 if there is none.
func behindWays(c filter.Chain) int {
	from, _ := filter.Ways(c.Rules)
	return 1 + slices.IndexFunc(c.Rules[:from], filter.Rule.IsWay)
}

var errBehindWays = errors.New("addresses of one end behind a way by addresses")
