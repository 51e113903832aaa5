package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/generators/artefact"
)

// tell gives the short account of a run: artefacts, coverage, what is open, and
// the commands that load the files.
func (p *production) tell(t talk, full bool) {
	for _, line := range p.files() {
		t.sayf("%s", line)
	}
	t.sayf("")
	for _, o := range p.outputs {
		t.sayf("%-13s  %s", o.name, coverageSummary(o.Coverage))
		if full {
			if o.Assumes != "" {
				t.sayf("    this holds for %s", o.Assumes)
			}
			tellCoverage(t, o.Coverage)
		}
	}
	if !full && slices.ContainsFunc(p.outputs, fallsShort) {
		t.sayf("(--coverage tells which, why and what to do)")
	}
	p.warn(t)
	p.tellOpen(t)
	p.tellLoading(t)
}

// files tells what each artefact holds; files that others refer to are one line a
// folder.
func (p *production) files() []string {
	var lines []string
	for _, o := range p.outputs {
		lists, elements := map[string]int{}, map[string]int{}
		for _, a := range o.Artefacts {
			if a.Load == "" {
				lists[path.Dir(a.Name)]++
				elements[path.Dir(a.Name)] += a.Elements
				continue
			}
			lines = append(lines, p.fileLine(o.name, a.Name, count(a.Rules, "rule")+", "+count(a.Elements, "element")))
		}
		for _, folder := range slices.Sorted(maps.Keys(lists)) {
			lines = append(lines, p.fileLine(o.name, folder+"/", count(lists[folder], "list")+", "+count(elements[folder], "element")))
		}
	}
	return lines
}

func (p *production) fileLine(generator, name, holds string) string {
	file := filepath.Join(p.dir, filepath.FromSlash(name))
	if strings.HasSuffix(name, "/") {
		file += string(filepath.Separator)
	}
	return fmt.Sprintf("%-13s  %-32s  %s", generator, file, holds)
}

func (p *production) warn(t talk) {
	for _, r := range p.result.Policy.Rules {
		for _, e := range r.Entries {
			if a := p.site.Answers[e.ID].Remote; a != nil && a.Any {
				t.warnf("rule %s accepts any remote, as the site answers for %s", r.ID, e.ID)
			}
		}
	}
	for _, o := range p.outputs {
		named := func(r site.Route) bool { return r.Via != rule.Direct && r.Via != rule.Proxied }
		if o.name == "pac" && len(p.site.Options["pac"]["proxy"]) == 0 && !slices.ContainsFunc(p.site.Routes, named) {
			t.warnf("the PAC file knows no proxy, so every answer is DIRECT and it does nothing; give one with --set pac.proxy=HOST:PORT")
		} else if o.name == "pac" {
			p.warnUnfiltered(t, o)
		}
	}
}

// warnUnfiltered tells of rules that the PAC file sends past the proxy and that a
// packet filter of the same run cannot have: one that drops by default cuts them off.
func (p *production) warnUnfiltered(t talk, pac generated) {
	absent := map[rule.ID]bool{}
	for _, o := range p.outputs {
		for _, c := range o.Coverage {
			if (o.name == "nftables" || o.name == "iptables") && c.Verdict == artefact.Absent {
				absent[c.Rule] = true
			}
		}
	}
	var roles []rule.Role
	for _, role := range pac.settings.List("roles") {
		roles = append(roles, rule.Role(role))
	}
	var ids []string
	for _, r := range p.result.Policy.Rules {
		if absent[r.ID] && slices.Contains(roles, r.Role) && p.goesDirect(r, roles) {
			ids = append(ids, string(r.ID))
		}
	}
	if len(ids) > 0 {
		rules, have := "rules go", "have"
		if len(ids) == 1 {
			rules, have = "rule goes", "has"
		}
		t.warnf("%d %s direct by proxy.pac and %s no packet-filter rule: %s; send them to the proxy with \"routes\", or add addresses in a catalogue of the site's own",
			len(ids), rules, have, strings.Join(ids, ", "))
	}
}

// goesDirect reports whether the PAC file answers direct for a name of the rule.
func (p *production) goesDirect(r rule.Rule, roles []rule.Role) bool {
	for name := range r.Remote.Names().Patterns() {
		for _, ports := range r.Services.Ports(netset.TCP) {
			f := rule.Flow{Direction: r.Direction, Protocol: netset.TCP, Port: ports.First, Name: name.Example()}
			if p.result.Policy.Route(f, roles...) == rule.Direct {
				return true
			}
		}
	}
	return false
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
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
		if counts[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[v], v))
		}
	}
	if len(parts) == 0 {
		return "nothing to render"
	}
	return strings.Join(parts, ", ")
}

// fallsShort reports whether a generator could not render everything exactly.
func fallsShort(g generated) bool {
	return slices.ContainsFunc(g.Coverage, isShort)
}

func isShort(c artefact.Coverage) bool {
	return c.Verdict != artefact.Exact && c.Verdict != artefact.NotApplicable
}

func tellCoverage(t talk, coverage []artefact.Coverage) {
	for _, c := range coverage {
		t.sayf("    %-15s %s", c.Verdict, coverageName(c))
		if c.Reason != "" {
			t.sayf("    %-15s   %s", "", c.Reason)
		}
		if c.Remedy != "" {
			t.sayf("    %-15s   remedy: %s", "", c.Remedy)
		}
		for _, w := range c.Witnesses {
			t.sayf("    %-15s   for example: %s", "", w.Flow)
		}
	}
}

func coverageName(c artefact.Coverage) string {
	if c.Rule == "" {
		return strings.Join(c.Entries, ", ")
	}
	return string(c.Rule) + " (" + strings.Join(c.Entries, ", ") + ")"
}

// shortfalls returns what --strict fails on.
func (p *production) shortfalls() []string {
	var short []string
	for _, o := range p.result.Policy.Open {
		short = append(short, fmt.Sprintf("%s: %s is open: %s", o.Entry.ID, openName(o), o.Why))
	}
	for _, o := range p.outputs {
		for _, c := range o.Coverage {
			if isShort(c) && !slices.Contains(p.site.Tolerate[o.name], string(c.Verdict)) {
				short = append(short, fmt.Sprintf("%s: %s is %s: %s; %s, or tolerate it in the site file", o.name, coverageName(c), c.Verdict, c.Reason, c.Remedy))
			}
		}
	}
	return short
}

func openName(o rule.Open) string {
	if o.Endpoint != "" {
		return o.Missing + " of " + o.Endpoint
	}
	return o.Missing
}

// tellOpen shows the open items as a block that can be pasted into a site file.
func (p *production) tellOpen(t talk) {
	open := p.result.Policy.Open
	if len(open) == 0 {
		return
	}
	entries := map[string]bool{}
	for _, o := range open {
		entries[o.Entry.ID] = true
	}
	are, them := "are", "them"
	if len(open) == 1 {
		are, them = "is", "it"
	}
	t.sayf("\nthere %s %s open in %s; nothing is rendered for %s until %s says:\n%s",
		are, count(len(open), "item"), plural(len(entries), "entry", "entries"), them, p.siteFile, siteBlock(p.result))
	t.sayf("(\"answers\": {\"ID\": {\"dismissed\": \"why\"}} closes what this site does not need; \"remote\": \"any\" is the\nlast resort: it opens the rule to every host)")
}

// siteBlock is the site file that answers the open items once its blanks are
// filled in: each line once, under the object that it belongs to, with its
// questions.
func siteBlock(r *site.Result) string {
	inbound := map[string]bool{}
	for _, o := range r.Outcomes {
		inbound[o.Entry.ID] = o.Entry.Direction == catalog.Inbound || o.Entry.Direction == catalog.Bidirectional
	}
	var b strings.Builder
	b.WriteString("{\n")
	for _, section := range []string{site.SectionPaths, site.SectionValues, site.SectionBind, site.SectionAnswers} {
		writeSection(&b, section, r.Policy.Open, inbound)
	}
	b.WriteString("}\n")
	return b.String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func writeSection(b *strings.Builder, section string, open []rule.Open, inbound map[string]bool) {
	byLine := map[string][]rule.Open{}
	var lines []string
	for _, o := range open {
		if o.Section != section {
			continue
		}
		if byLine[o.Line] == nil {
			lines = append(lines, o.Line)
		}
		byLine[o.Line] = append(byLine[o.Line], o)
	}
	if len(lines) == 0 {
		return
	}
	indent := "  "
	if section != site.SectionPaths {
		fmt.Fprintf(b, "  %q: {\n", section)
		indent = "    "
	}
	for _, line := range lines {
		for _, comment := range questions(section, byLine[line]) {
			fmt.Fprintf(b, "%s// %s\n", indent, comment)
		}
		if section == site.SectionBind && slices.ContainsFunc(byLine[line], func(o rule.Open) bool { return inbound[o.Entry.ID] }) {
			fmt.Fprintf(b, "%s// behind a DNAT: {\"published\": [\"<CIDR>\"]}\n", indent)
		}
		fmt.Fprintf(b, "%s%s\n", indent, line)
	}
	if section != site.SectionPaths {
		b.WriteString("  },\n")
	}
}

// questions explains one line: for an entry its title, and what is asked about
// each missing fact; for a line that several entries wait for, these entries.
func questions(section string, open []rule.Open) []string {
	var comments []string
	if section == site.SectionAnswers {
		comments = append(comments, artefact.Label(open[0].Entry))
		for _, o := range open {
			comments = append(comments, fmt.Sprintf("%s: %s", o.Missing, cmp.Or(o.Ask, o.Why)))
		}
		return comments
	}
	var waiting []string
	for _, o := range open {
		if !slices.Contains(comments, o.Ask) {
			comments = append(comments, o.Ask)
		}
		_, slug, _ := strings.Cut(o.Entry.ID, "/")
		if !slices.Contains(waiting, slug) {
			waiting = append(waiting, slug)
		}
	}
	return append(comments, "waiting: "+strings.Join(waiting, ", "))
}

func (p *production) tellLoading(t talk) {
	var lines []string
	filters := 0
	for _, o := range p.outputs {
		if o.name == "nftables" || o.name == "iptables" {
			filters++
		}
		label := o.name
		for _, a := range o.Artefacts {
			if a.Load != "" {
				lines = append(lines, fmt.Sprintf("    %-13s  %s", label, a.Load))
				label = ""
			}
		}
	}
	if len(lines) == 0 || p.dir == "" {
		return
	}
	t.sayf("\nto load, in %s:", p.dir)
	for _, line := range lines {
		t.sayf("%s", line)
	}
	if filters > 1 {
		t.sayf("a gateway loads nftables or iptables, not both")
	}
}

// account is the account of a run as JSON.
type account struct {
	Artefacts []accountArtefact `json:"artefacts"`
	Coverage  []accountVerdict  `json:"coverage"`
	Open      []accountOpen     `json:"open"`
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

type accountOpen struct {
	Entry    string `json:"entry"`
	Missing  string `json:"missing"`
	Endpoint string `json:"endpoint,omitempty"`
	Why      string `json:"why"`
	Ask      string `json:"ask,omitempty"`
	Who      string `json:"who,omitempty"`
	Section  string `json:"section"`
	Line     string `json:"line"`
}

func (p *production) account() account {
	a := account{Artefacts: []accountArtefact{}, Coverage: []accountVerdict{}, Open: openAccount(p.result.Policy.Open), Assumes: map[string]string{}, Notices: []string{}}
	for _, n := range p.result.Notices {
		a.Notices = append(a.Notices, n.Where+": "+n.Text)
	}
	for _, o := range p.outputs {
		if o.Assumes != "" {
			a.Assumes[o.name] = o.Assumes
		}
		for _, one := range o.Artefacts {
			a.Artefacts = append(a.Artefacts, accountArtefact{o.name, one.Name, one.Load, one.Rules, one.Elements})
		}
		for _, c := range o.Coverage {
			v := accountVerdict{o.name, string(c.Rule), c.Entries, c.Verdict, c.Reason, c.Remedy, nil}
			for _, w := range c.Witnesses {
				v.Witnesses = append(v.Witnesses, w.Flow.String())
			}
			a.Coverage = append(a.Coverage, v)
		}
	}
	return a
}

func openAccount(open []rule.Open) []accountOpen {
	list := []accountOpen{}
	for _, o := range open {
		list = append(list, accountOpen{o.Entry.ID, o.Missing, o.Endpoint, o.Why, o.Ask, o.Who, o.Section, o.Line})
	}
	return list
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
