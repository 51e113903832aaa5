package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

// tell gives the account of a run, one screen: the catalogues, what was made, how
// exactly, what to look at, and what the site can answer.
func (p *production) tell(t console.Console, full bool) {
	for _, line := range slices.Concat(p.sources(), p.files(), p.coverages(full)) {
		t.Sayf("%s", line)
	}
	if full {
		for _, o := range p.outputs {
			t.Sayf("\n%s", o.Generator)
			if o.Assumes != "" {
				t.Sayf("    this holds for %s", o.Assumes)
			}
			tellCoverage(t, o.Coverage)
		}
	}
	p.warn(t)
	p.tellOpen(t)
}

// accountLine is a line of the account, under a label or none.
func accountLine(label, text string) string { return fmt.Sprintf("%-10s%s", label, text) }

// sources tells which catalogues the policy is of.
func (p *production) sources() []string {
	var lines []string
	label := "from"
	for _, s := range p.result.Policy.Sources {
		lines = append(lines, accountLine(label, s.String()), accountLine("", "  "+p.rows(s.Name)))
		label = ""
	}
	return lines
}

// rows tells what became of a catalogue's rows, each of which may be several entries.
func (p *production) rows(catalog string) string {
	all, rendered, open := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, o := range p.result.Outcomes {
		if catalogOf(o.Entry.ID) != catalog || o.State == site.NotSelected {
			continue
		}
		row := cmp.Or(o.Entry.Row, o.Entry.ID)
		all[row] = true
		if o.State == site.InRule || o.State == site.InZone {
			rendered[row] = true
		}
		if len(o.Open) > 0 {
			open[row] = true
		}
	}
	text := fmt.Sprintf("%s: %d rendered", words.Count(len(all), "row"), len(rendered))
	if len(open) > 0 {
		text += fmt.Sprintf(", %d with something open", len(open))
	}
	return text
}

// files tells what was made, a line for each generator: its main files, and how much
// they hold.
func (p *production) files() []string {
	var lines []string
	label, filters := "made", 0
	for _, o := range p.outputs {
		var names []string
		rules, lists, elements := 0, 0, 0
		for _, a := range o.Artefacts {
			elements += a.Elements
			if rules = max(rules, a.Rules); a.Load == "" {
				lists++
				continue
			}
			names = append(names, p.path(a.Name))
		}
		holds := words.Count(elements, "element")
		if rules > 0 {
			holds = words.Count(rules, "rule") + ", " + holds
		}
		if lists > 0 {
			holds += " in " + words.Count(lists, "list")
		}
		if isFilter(o.Generator) {
			filters++
		}
		lines = append(lines, accountLine(label, strings.Join(names, " ")+": "+holds))
		label = ""
	}
	if p.dir != "" && len(lines) > 0 {
		text := "each opens with the command that loads it"
		if filters > 1 {
			text += "; a gateway loads nftables or iptables, not both"
		}
		lines = append(lines, accountLine("", text))
	}
	return lines
}

// isFilter reports whether a generator is of packet filters.
func isFilter(generator string) bool { return generators.IsA(generator, artefact.PacketFilter) }

// isChooser reports whether a generator is of files that choose the way of requests.
func isChooser(generator string) bool { return generators.IsA(generator, artefact.ProxyChooser) }

// coverages tells how many rules the generators render, and how exactly; generators
// with the same figures in one line, and what the words mean.
func (p *production) coverages(full bool) []string {
	var lines, summaries []string
	names := map[string][]string{}
	for _, o := range p.outputs {
		s := coverageSummary(o.Coverage)
		if names[s] == nil {
			summaries = append(summaries, s)
		}
		names[s] = append(names[s], o.Generator)
	}
	label := "coverage"
	for _, s := range summaries {
		lines = append(lines, accountLine(label, strings.Join(names[s], ", ")+": "+s))
		label = ""
	}
	if slices.ContainsFunc(p.outputs, fallsShort) {
		words := "nothing of the rule can be said there"
		if !full {
			words += ". --coverage tells which, why and what to do"
		}
		lines = append(lines, accountLine("", "exact: as the policy decides; narrower or wider: less or more passes; absent:"), accountLine("", words))
	}
	return lines
}

// verdicts is the order in which they are counted and shown.
var verdicts = [...]artefact.Verdict{artefact.Exact, artefact.Narrower, artefact.Wider, artefact.Absent, artefact.NotApplicable}

func coverageSummary(coverage []artefact.Coverage) string {
	counts := map[artefact.Verdict]int{}
	for _, c := range coverage {
		counts[c.Verdict]++
	}
	var parts []string
	for _, v := range verdicts {
		if counts[v] > 0 && v != artefact.NotApplicable {
			parts = append(parts, fmt.Sprintf("%d %s", counts[v], v))
		}
	}
	if len(parts) == 0 {
		return "nothing to render"
	}
	return strings.Join(parts, ", ")
}

// fallsShort reports whether a generator could not render everything exactly.
func fallsShort(g artefact.Made) bool {
	return slices.ContainsFunc(g.Coverage, isShort)
}

func isShort(c artefact.Coverage) bool {
	return c.Verdict != artefact.Exact && c.Verdict != artefact.NotApplicable
}

func tellCoverage(t console.Console, coverage []artefact.Coverage) {
	for _, c := range coverage {
		t.Sayf("    %-15s %s", c.Verdict, coverageName(c))
		if c.Reason != "" {
			t.Sayf("    %-15s   %s", "", c.Reason)
		}
		if c.Remedy != "" {
			t.Sayf("    %-15s   remedy: %s", "", c.Remedy)
		}
		for _, w := range c.Witnesses {
			t.Sayf("    %-15s   for example: %s", "", w.Flow)
		}
	}
}

func coverageName(c artefact.Coverage) string {
	if c.Rule == "" {
		return strings.Join(c.Entries, ", ")
	}
	return string(c.Rule) + " (" + strings.Join(c.Entries, ", ") + ")"
}

// lineKey is the key of the line that answers an open item.
func lineKey(o rule.Open) string {
	if o.Section == site.SectionPaths {
		return ""
	}
	key, _, _ := strings.Cut(strings.TrimPrefix(o.Line, `"`), `"`)
	return key
}

// account is the account of a run as JSON.
type account struct {
	Version   console.Version   `json:"version"`
	Output    string            `json:"output,omitempty"` // of a site file with several
	Artefacts []accountArtefact `json:"artefacts"`
	Coverage  []accountVerdict  `json:"coverage"`
	Open      []rule.Open       `json:"open"`
	Assumes   map[string]string `json:"assumes,omitempty"` // by generator
	Notices   []string          `json:"notices"`
}

type accountArtefact struct {
	Generator string `json:"generator"`
	Name      string `json:"name"`
	Load      string `json:"load,omitempty"`
	Rules     int    `json:"rules"`
	Elements  int    `json:"elements"`
}

type accountVerdict struct {
	Generator string           `json:"generator"`
	Rule      string           `json:"rule,omitempty"`
	Entries   []string         `json:"entries"`
	Verdict   artefact.Verdict `json:"verdict"`
	Reason    string           `json:"reason,omitempty"`
	Remedy    string           `json:"remedy,omitempty"`
	Witnesses []string         `json:"witnesses,omitempty"`
}

func (p *production) account() account {
	a := account{Output: p.site.Name, Artefacts: []accountArtefact{}, Coverage: []accountVerdict{}, Open: openItems(p.result.Policy.Open), Assumes: map[string]string{}, Notices: []string{}}
	for _, n := range p.result.Notices {
		a.Notices = append(a.Notices, n.Where+": "+n.Text)
	}
	for _, o := range p.outputs {
		if o.Assumes != "" {
			a.Assumes[o.Generator] = o.Assumes
		}
		for _, one := range o.Artefacts {
			a.Artefacts = append(a.Artefacts, accountArtefact{o.Generator, one.Name, one.Load, one.Rules, one.Elements})
		}
		for _, c := range o.Coverage {
			v := accountVerdict{o.Generator, string(c.Rule), c.Entries, c.Verdict, c.Reason, c.Remedy, nil}
			for _, w := range c.Witnesses {
				v.Witnesses = append(v.Witnesses, w.Flow.String())
			}
			a.Coverage = append(a.Coverage, v)
		}
	}
	return a
}

// openItems is a list that is never nil.
func openItems(open []rule.Open) []rule.Open { return append([]rule.Open{}, open...) }
