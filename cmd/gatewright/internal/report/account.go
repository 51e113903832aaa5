package report

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators/artefact"
)

// Run is what one run made of a site, for its account.
type Run struct {
	Output   string // of a site file with several; empty for others
	Result   *site.Result
	Made     []artefact.Made
	Dir      string // the output folder as people see it; empty for stdout
	SiteFile string // as people see it, whether or not it is there
}

// Path is where an artefact stands, as people see it.
func (r Run) Path(name string) string { return filepath.Join(r.Dir, filepath.FromSlash(name)) }

// Tell gives the account of a run, one screen: the catalogues, what was made, and how
// exactly; full is with every verdict of every generator.
func (r Run) Tell(c console.Console, full bool) {
	for _, line := range slices.Concat(r.sources(), r.files(), r.coverages(full)) {
		c.Sayf("%s", line)
	}
	for _, o := range r.Made {
		if !full {
			break
		}
		c.Sayf("\n%s", o.Generator)
		if o.Assumes != "" {
			c.Sayf("    assumes %s", o.Assumes)
		}
		tellCoverage(c, o.Coverage)
	}
}

// accountLine is a line of the account, under a label or none.
func accountLine(label, text string) string { return fmt.Sprintf("%-10s%s", label, text) }

// sources tells which catalogues the policy is of.
func (r Run) sources() []string {
	var lines []string
	label := "from"
	for _, s := range r.Result.Policy.Sources {
		lines = append(lines, accountLine(label, s.String()), accountLine("", "  "+r.rows(s.Name)))
		label = ""
	}
	return lines
}

// rows reports what became of a catalogue's rows. A row may have several entries.
func (r Run) rows(catalog string) string {
	all, rendered, open := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, o := range r.Result.Outcomes {
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
		text += fmt.Sprintf(", %d with open items", len(open))
	}
	return text
}

// files tells what was made, a line for each generator: its main files, and how much
// they hold.
func (r Run) files() []string {
	var lines []string
	label, filters := "made", 0
	for _, o := range r.Made {
		var names []string
		rules, lists, elements := 0, 0, 0
		for _, a := range o.Artefacts {
			elements += a.Elements
			if rules = max(rules, a.Rules); a.Load == "" {
				lists++
				continue
			}
			names = append(names, r.Path(a.Name))
		}
		holds := words.Count(elements, "element")
		if rules > 0 {
			holds = words.Count(rules, "rule") + ", " + holds
		}
		if lists > 0 {
			holds += " in " + words.Count(lists, "list")
		}
		if o.Kind == artefact.PacketFilter {
			filters++
		}
		lines = append(lines, accountLine(label, strings.Join(names, " ")+": "+holds))
		label = ""
	}
	if r.Dir != "" && len(lines) > 0 {
		text := "each file starts with the command that loads it"
		if filters > 1 {
			text += "; a gateway loads nftables or iptables, not both"
		}
		lines = append(lines, accountLine("", text))
	}
	return lines
}

// coverages tells how many rules the generators render, and how exactly; generators
// with the same figures in one line, and what the words mean.
func (r Run) coverages(full bool) []string {
	var lines, summaries []string
	names := map[string][]string{}
	for _, o := range r.Made {
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
	if slices.ContainsFunc(r.Made, func(m artefact.Made) bool { return slices.ContainsFunc(m.Coverage, artefact.Coverage.FallsShort) }) {
		words := "the output cannot express the rule"
		if !full {
			words += ". --coverage shows which rules, why and what to do"
		}
		lines = append(lines, accountLine("", "exact: passes what the policy allows; narrower: less; wider: more; absent:"), accountLine("", words))
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

func tellCoverage(t console.Console, coverage []artefact.Coverage) {
	for _, c := range coverage {
		t.Sayf("    %-15s %s", c.Verdict, c.Name())
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

// Account is the account of a run as JSON.
type Account struct {
	Version   console.Version   `json:"version"`
	Output    string            `json:"output,omitempty"` // of a site file with several
	Artefacts []AccountArtefact `json:"artefacts"`
	Coverage  []AccountVerdict  `json:"coverage"`
	Open      []words.Open      `json:"open"`
	Assumes   map[string]string `json:"assumes,omitempty"` // by generator
	Notices   []string          `json:"notices"`
}

// AccountArtefact is a file that was made, as artefact.Artefact has it.
type AccountArtefact struct {
	Generator string `json:"generator"`
	Name      string `json:"name"`
	Load      string `json:"load,omitempty"`
	Rules     int    `json:"rules"`
	Elements  int    `json:"elements"`
}

// AccountVerdict is a generator's verdict on a rule, as artefact.Coverage has it.
type AccountVerdict struct {
	Generator string           `json:"generator"`
	Rule      string           `json:"rule,omitempty"`
	Entries   []string         `json:"entries"`
	Verdict   artefact.Verdict `json:"verdict"`
	Reason    string           `json:"reason,omitempty"`
	Remedy    string           `json:"remedy,omitempty"`
	Witnesses []string         `json:"witnesses,omitempty"`
}

// Account is the account of the run as JSON.
func (r Run) Account() Account {
	a := Account{Output: r.Output, Artefacts: []AccountArtefact{}, Coverage: []AccountVerdict{}, Open: words.OpenItems(r.Result.Policy.Open), Assumes: map[string]string{}, Notices: []string{}}
	for _, n := range r.Result.Notices {
		a.Notices = append(a.Notices, n.Where+": "+n.Text)
	}
	for _, o := range r.Made {
		if o.Assumes != "" {
			a.Assumes[o.Generator] = o.Assumes
		}
		for _, one := range o.Artefacts {
			a.Artefacts = append(a.Artefacts, AccountArtefact{o.Generator, one.Name, one.Load, one.Rules, one.Elements})
		}
		for _, c := range o.Coverage {
			v := AccountVerdict{o.Generator, string(c.Rule), c.Entries, c.Verdict, c.Reason, c.Remedy, nil}
			for _, w := range c.Witnesses {
				v.Witnesses = append(v.Witnesses, w.Flow.String())
			}
			a.Coverage = append(a.Coverage, v)
		}
	}
	return a
}
