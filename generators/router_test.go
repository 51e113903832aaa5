package generators

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"
	"text/template"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	form "gatewright/generators/filter"
	"gatewright/generators/proof"
)

// conforming are the generators that conformance is asked of: All, and one as a
// newcomer would write it, so that what these have in common by chance is asked of
// none.
func conforming() []Generator { return append(All(), router{}) }

// router is a packet filter in the form of routers' commands: one for each prefix and
// each rule, flat lists without maps and gotos, one interface in a rule, some ports,
// comments beside the data, and behind DNAT.
type router struct{}

const (
	routerFile   = "router.rsc"
	routerTitle  = "router commands"
	routerLoad   = "/import file-name=" + routerFile
	routerFormat = 2 // a file without a number is one of format 1
	routerList   = " firewall address-list add list="
	mostPorts    = 7 // ranges in a rule
	maxComment   = 250
)

var routerTemplate = template.Must(template.New("").Parse(`
{{- define "rule" -}}
/{{.Menu}} firewall filter add chain={{.Chain}} action=accept protocol={{.Protocol}} dst-port={{.Ports}}
{{- with .In}} in-interface="{{.}}"{{end}}
{{- with .Out}} out-interface="{{.}}"{{end}}
{{- with .Source}} src-address-list={{.}}{{end}}
{{- with .Destination}} dst-address-list={{.}}{{end}} comment="{{.Comment}}"
{{- end -}}
{{range .Header}}# {{.}}
{{end -}}
{{range .Lists}}{{.}}{{end -}}
{{range .Rules}}{{template "rule" .}}
{{end -}}
`))

type (
	routerView struct {
		Header []string
		Lists  []string // commands that add the prefixes of a list
		Rules  []routerRule
	}
	routerRule struct{ Menu, Chain, Protocol, Ports, In, Out, Source, Destination, Comment string }
)

func (router) Name() string { return "router" }

func (router) Kind() artefact.Kind { return artefact.PacketFilter }

func (router) Description() string { return "commands of a router" }

func (router) Options() []artefact.Option { return artefact.SomeFilterOptions("wan", "lan") }

func (router) Makes(name string) bool { return name == routerFile }

func (router) Comments() artefact.CommentSyntax {
	return artefact.CommentSyntax{Sign: "#", Beside: routerComment}
}

var routerComment = regexp.MustCompile(` comment="[^"\\]*"`)

// routerText makes a text fit a comment: quotes and backslashes become other signs.
func routerText(s string) string {
	return artefact.Cut(strings.NewReplacer(`"`, "'", `\`, "/", "$", "_", "?", ".").Replace(artefact.OneLine(s)), maxComment)
}

// routerHeld is what a file says.
type routerHeld struct {
	header []string
	form.Ruleset
}

func routerConfig(s artefact.Settings) (artefact.Filter, error) {
	c, err := artefact.FilterOf(s)
	c.AfterDNAT = true
	return c, err
}

func newRouter(p *rule.Policy, s artefact.Settings) (routerHeld, int, artefact.Filter, error) {
	c, err := routerConfig(s)
	if err != nil {
		return routerHeld{}, 0, c, err
	}
	naming := form.Naming{Prefix: form.Prefix, Stem: func(id rule.ID) string { return string(id) }}
	built, err := form.Flat(p, c, []form.Family{form.IPv4, form.IPv6}, naming, mostPorts)
	h := routerHeld{Ruleset: built.Ruleset}
	for _, line := range artefact.Header(p, routerTitle, routerLoad, routerFormat) {
		h.header = append(h.header, routerText(line))
	}
	for _, one := range built.Rules {
		chain, _ := h.Chain(one.Chain)
		var labels []string
		for _, e := range one.Rule.Entries {
			labels = append(labels, artefact.Label(e))
		}
		for i := range chain.Rules {
			if r := &chain.Rules[i]; r.ID == one.Rule.ID {
				r.Comment = routerText(string(r.ID) + ": " + strings.Join(labels, "; "))
			}
		}
	}
	return h, len(built.Rules), c, err
}

func (h routerHeld) render() ([]byte, error) {
	v := routerView{Header: h.header}
	for _, s := range h.Sets {
		v.Lists = append(v.Lists, routerListOf(s))
	}
	for _, c := range h.Chains {
		for _, r := range c.Rules {
			v.Rules = append(v.Rules, routerRuleOf(c.Name, r))
		}
	}
	var b bytes.Buffer
	err := routerTemplate.Execute(&b, v)
	return b.Bytes(), err
}

func routerListOf(s form.Set) string {
	add := "/" + menuOf(s.Family) + routerList + s.Name + " address="
	return string(s.Prefixes.AppendText([]byte(add), "\n"+add)) + "\n"
}

func routerRuleOf(chain string, r form.Rule) routerRule {
	words := make([]string, len(r.Ports.Ranges))
	for i, ports := range r.Ports.Ranges {
		words[i] = ports.String()
	}
	return routerRule{menuOf(r.Family), chain, r.Protocol.String(), strings.Join(words, ","), strings.Join(r.In, ""), strings.Join(r.Out, ""), r.From.Set, r.To.Set, r.Comment}
}

func menuOf(f form.Family) string {
	if f == form.IPv6 {
		return "ipv6"
	}
	return "ip"
}

func (router) Generate(p *rule.Policy, s artefact.Settings) (artefact.Output, error) {
	h, rules, c, err := newRouter(p, s)
	if err != nil {
		return artefact.Output{}, err
	}
	data, err := h.render()
	if err != nil {
		return artefact.Output{}, err
	}
	judged, err := artefact.CoverRules(p, artefact.NoZones, func(j *artefact.Judge, r *rule.Rule) artefact.Coverage { return c.Cover(j, r, c.Local(p)) })
	return artefact.Output{Artefacts: []artefact.Artefact{{Name: routerFile, Data: artefact.Seal(data), Load: routerLoad, Rules: rules}}, Coverage: judged}, err
}

func (router) Explain(p *rule.Policy, s artefact.Settings) (artefact.Explainer, error) {
	h, _, c, err := newRouter(p, s)
	words := func(s form.Step) []string {
		var b strings.Builder
		if err := routerTemplate.ExecuteTemplate(&b, "rule", routerRuleOf(s.Chain, *s.Rule)); err != nil {
			return []string{err.Error()}
		}
		return []string{b.String()}
	}
	e := form.Decider{Policy: p, Config: c, Ours: c.Local(p), Held: &h.Ruleset, Words: words, Dropped: func(string) string { return "" }}
	return e.Answer, err
}

var routerRuleLine = regexp.MustCompile(`^/(ip|ipv6) firewall filter add chain=(\w+) action=accept protocol=(tcp|udp) dst-port=(\S+)` +
	`(?: in-interface="([^"]*)")?(?: out-interface="([^"]*)")?(?: src-address-list=(\S+))?(?: dst-address-list=(\S+))? comment="([^" ]+): ([^"]*)"$`)

func (router) Read(files artefact.Files) (out artefact.Reading, err error) {
	data, ok := files[routerFile]
	if !ok {
		return out, nil
	}
	lines := artefact.LinesOf(routerFile, data, 0)
	h, err := readRouter(lines)
	if err != nil {
		return out, err
	}
	again, err := h.render()
	if err != nil {
		return out, err
	}
	for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
		h.AddOpenings(&out, artefact.HookPoint{File: routerFile, Chain: form.EntryOf(d)}, false, d, func(o form.Opening) []string { return []string{o.Comment} })
	}
	out.Comments = lines.Comments
	out.Take(routerFile, data)
	return out, artefact.Compare(routerFile, data, again)
}

func readRouter(lines *artefact.Lines) (h routerHeld, err error) {
	if _, err = lines.ReadTitle(routerTitle, routerFormat); err != nil {
		return h, err
	}
	more, err := lines.ReadHeader(maxComment)
	if err != nil {
		return h, err
	}
	h.header = append(artefact.ListHeader(routerTitle, routerLoad, routerFormat), more...)
	h.Chains = []form.Chain{{Name: form.Outbound}, {Name: form.Inbound}}
	lists := map[string]*netset.PrefixBuilder{}
	for lines.Next() {
		menu, list, ok := strings.Cut(lines.Line, routerList)
		if !ok || menu != "/ip" && menu != "/ipv6" {
			if err := h.readRule(lines, lists); err != nil {
				return h, err
			}
			continue
		}
		name, text, _ := strings.Cut(list, " address=")
		p, _, err := netset.ParsePrefix(text)
		if err != nil || !artefact.HasOnly(name, "") {
			return h, lines.Foreign(errors.New("a prefix in a list"))
		}
		if lists[name] == nil {
			lists[name] = &netset.PrefixBuilder{}
		}
		lists[name].Add(p)
	}
	for name, b := range lists {
		family := form.IPv4
		if strings.HasSuffix(name, "6") {
			family = form.IPv6
		}
		h.Sets = append(h.Sets, form.Set{Name: name, Family: family, Prefixes: b.Build()})
	}
	h.Sort()
	return h, nil
}

func (h *routerHeld) readRule(lines *artefact.Lines, lists map[string]*netset.PrefixBuilder) error {
	w := routerRuleLine.FindStringSubmatch(lines.Line)
	if w == nil {
		return lines.Foreign(errors.New("a command that adds a prefix or a rule"))
	}
	services, err := netset.ParseServices(w[3] + " " + strings.ReplaceAll(w[4], ",", ", "))
	chain, ok := h.Chain(w[2])
	if err != nil || !ok || w[7] != "" && lists[w[7]] == nil || w[8] != "" && lists[w[8]] == nil {
		return lines.Foreign(errors.New("ports, a chain and lists of this file"))
	}
	r := form.Rule{Verdict: form.Accept, ID: rule.ID(w[9]), Comment: w[9] + ": " + w[10]}
	r.Family, r.Protocol = form.IPv4, netset.TCP
	if w[1] == "ipv6" {
		r.Family = form.IPv6
	}
	if w[3] == "udp" {
		r.Protocol = netset.UDP
	}
	r.Ports.Ranges = services.Ports(r.Protocol)
	r.In, r.Out, r.From.Set, r.To.Set = oneOrAny(w[5]), oneOrAny(w[6]), w[7], w[8]
	chain.Rules = append(chain.Rules, r)
	lines.Comments = append(lines.Comments, artefact.Comment{File: routerFile, Line: lines.At, About: w[9], Text: r.Comment})
	return nil
}

func oneOrAny(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

// TestRouterReadsCommands holds the form of a file by lines that nobody has generated:
// what a vendor documents, a reader understands, and what it does not write it refuses.
func TestRouterReadsCommands(t *testing.T) {
	const text = `# Gatewright: router commands; format 2
# load: /import file-name=router.rsc
# digest: sha256:0000000000000000000000000000000000000000000000000000000000000000
/ip firewall address-list add list=gatewright_role_clients_net4 address=10.0.0.0/8
/ip firewall address-list add list=gatewright_rule_a_net4 address=192.0.2.0/24
/ip firewall filter add chain=gatewright_outbound action=accept protocol=udp dst-port=53,3478-3481 out-interface="ether1" src-address-list=gatewright_role_clients_net4 dst-address-list=gatewright_rule_a_net4 comment="a: own/a"
`
	read := func(old, new string) (artefact.Reading, error) {
		return router{}.Read(artefact.Files{routerFile: artefact.Seal([]byte(strings.Replace(text, old, new, 1)))})
	}
	r, err := read("", "")
	if err != nil || len(r.Filters) != 1 || len(r.Filters[0].Lines) != 1 || r.Filters[0].Point.Out != "ether1" {
		t.Fatalf("%+v, %v", r, err)
	}
	var b strings.Builder
	for _, f := range r.Filters[0].Lines[0].Traffic.Flows(rule.Outbound) {
		b.WriteString(f.Service.String() + " from " + f.Local.String() + " to " + f.Remote.String() + "\n")
	}
	if want := "udp 53 from 10.0.0.0/8 to 192.0.2.0/24\nudp 3478-3481 from 10.0.0.0/8 to 192.0.2.0/24\n"; b.String() != want {
		t.Errorf("read\n%swant\n%s", &b, want)
	}
	for old, new := range map[string]string{
		"action=accept": "action=drop", "chain=gatewright_outbound": "chain=input", "dst-port=53": "dst-port=0", " src-": " log=yes src-", "; format 2": "",
		"dst-address-list=gatewright_rule_a_net4": "dst-address-list=other", "address=10.0.0.0/8": "address=10.0.0.1/8", "/ip firewall filter": "/system reset",
	} {
		if r, err := read(old, new); err == nil {
			t.Errorf("%s in place of %s is read as %+v", new, old, r)
		}
	}
}

// TestRouterIsProvedByReading holds that a filter without an engine is proved, and is
// not for another policy.
func TestRouterIsProvedByReading(t *testing.T) {
	p := kindSample(t)
	prove := proof.ByReading(router{}, routerConfig)
	for _, s := range kindSettings(router{}, p) {
		options, out := s.settings(t, router{}), generate(t, router{}, p, s)
		r, err := prove(t.Context(), p, options, out.Artefacts)
		complain(t, proofComplaints(r, err))
		for _, fault := range faults(artefact.PacketFilter) {
			other := fault.does(p)
			if text(generate(t, router{}, other, s)) == text(out) {
				continue
			}
			if r, err := prove(t.Context(), p, options, generate(t, router{}, other, s).Artefacts); err != nil || len(r.Disagreements) < 2 {
				t.Errorf("%s: one that %s: %v, %v", s.name, fault.fault, r, err)
			}
			r, err := prove(t.Context(), other, options, generate(t, router{}, other, s).Artefacts)
			complain(t, proofComplaints(r, err))
		}
	}
}

func TestRouterText(t *testing.T) {
	if got := routerText("a\"b\\c$d?e\n\u00e4 ##"); got != "a'b/c_d.e . # " || len(routerText(strings.Repeat("x", 999))) != maxComment {
		t.Errorf("a comment is %q", got)
	}
}
