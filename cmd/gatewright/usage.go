package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

func usageCommand() command {
	return command{
		name:    "usage",
		summary: "tell which rules are used, by counters or a log",
		usage: `gatewright usage GENERATOR FILE...

Lays what runs on the gateway beside the site: how often each rule was used, and
which never. FILE is what a packet filter's counters print, or a proxy's log in
Squid's own format; - is stdin. With "group": "entry" in the site file each
entry has a rule, and so a count, of its own. Of a proxy's log it also tells the
requests that were denied and that one port, one name or one role keeps from a
rule.

    nft -j list counters | gatewright usage nftables -
    (iptables-save -c; ip6tables-save -c) | gatewright usage iptables -
    gatewright usage squid /var/log/squid/access.log
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.BoolVar(&inv.json, "json", false, "as JSON")
			flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "say nothing but the result and errors")
		},
		operands: countedThenFiles,
		run:      usage,
	}
}

// maxCounters bounds what a packet filter's counters print, in bytes.
const maxCounters = 256 << 20

func usage(inv *invocation, args []string) error {
	if len(args) == 0 {
		return usagef("usage: name one of %s, and a file", strings.Join(countedGenerators(), ", "))
	}
	g, err := generators.ByName(args[0])
	if err != nil {
		return usageError{err}
	}
	var read func(*usageReport, io.Reader) error
	var from string
	switch g := g.(type) {
	case generators.Counting:
		from, read = "the output of `"+g.CountsBy()+"`", func(u *usageReport, r io.Reader) error { return u.count(g, r) }
	case generators.Logging:
		from, read = "its log, such as "+g.Log(), func(u *usageReport, r io.Reader) error { return u.follow(g, r) }
	default:
		return usagef("usage: what generator %s makes counts nothing; expect one of %s", g.Name(), strings.Join(countedGenerators(), ", "))
	}
	if len(args) == 1 {
		return usagef("usage: %s: name a file with %s, or - for stdin", g.Name(), from)
	}
	report, err := inv.newUsage(g)
	if err != nil {
		return err
	}
	for _, name := range args[1:] {
		if err := inv.readNamed(name, func(r io.Reader) error { return read(report, r) }); err != nil {
			return err
		}
	}
	report.finish()
	if inv.json {
		return console.WriteJSON(inv.stdout, report)
	}
	if err := report.write(inv.stdout, console.Width(inv.stdout)); err != nil {
		return err
	}
	report.tell(inv)
	return nil
}

// countedGenerators are the names of those whose backends count or log.
func countedGenerators() (names []string) {
	for _, g := range generators.All() {
		switch g.(type) {
		case generators.Counting, generators.Logging:
			names = append(names, g.Name())
		}
	}
	return names
}

// readNamed reads a file that the user names, or stdin.
func (inv *invocation) readNamed(name string, read func(io.Reader) error) error {
	if name == "-" {
		if err := read(inv.stdin); err != nil {
			return fmt.Errorf("stdin: %w", err)
		}
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := read(f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// States of a rule.
const (
	ruleUsed       = "used"
	ruleNeverUsed  = "never used"
	ruleNotCounted = "not counted" // no counter of it is there
	ruleNotCarried = "not carried" // by this backend
)

// usageReport is what `usage` tells.
type usageReport struct {
	Version   console.Version `json:"version"`
	Generator string          `json:"generator"`
	Rules     []usedRule      `json:"rules"`            // those used most first
	Unknown   []usedRule      `json:"unknown"`          // counters of rules that the site does not have, or has no longer
	Denied    []deniedRequest `json:"denied,omitempty"` // by a proxy, the most frequent first
	Others    int             `json:"others,omitempty"` // requests that a proxy allowed by other rules than ours
	Unread    int             `json:"unread,omitempty"` // lines that tell of no request to a host

	policy  *rule.Policy
	explain artefact.Explainer
	at      map[rule.ID]*usedRule
	unknown map[rule.ID]*usedRule
	by      map[rule.Question]rule.ID // the rule that allows a request; empty for none
	denied  map[rule.Question]*deniedRequest
	unread  error // the first
	further int   // denied requests beyond those that are told apart
}

// usedRule is one rule and its use. Packets are those that the rule itself accepted:
// of a connection often the first alone.
type usedRule struct {
	Rule     rule.ID  `json:"rule"`
	Entries  []string `json:"entries,omitempty"`
	State    string   `json:"state"`
	Packets  uint64   `json:"packets,omitempty"`
	Requests uint64   `json:"requests,omitempty"`
	Bytes    uint64   `json:"bytes"`
}

// deniedRequest is requests of one kind that were denied.
type deniedRequest struct {
	Request string   `json:"request"`
	Count   int      `json:"count"`
	Rule    rule.ID  `json:"rule,omitempty"` // that misses it by one part, or would allow it
	Misses  string   `json:"misses,omitempty"`
	Why     string   `json:"why"`
	Entries []string `json:"entries,omitempty"`
}

func (inv *invocation) newUsage(g generators.Generator) (*usageReport, error) {
	s, _, result, err := inv.compile()
	if err != nil {
		return nil, err
	}
	settings, err := artefact.Configure(g.Options(), s.Options[g.Name()])
	if err != nil {
		return nil, fmt.Errorf("generator %s: %w", g.Name(), err)
	}
	out, err := g.Generate(result.Policy, settings)
	if err != nil {
		return nil, fmt.Errorf("generator %s: %w", g.Name(), err)
	}
	u := newUsageReport(g.Name(), result, out.Coverage)
	if _, ok := g.(generators.Logging); ok {
		u.explain, err = g.Explain(result.Policy, settings)
	}
	return u, err
}

func newUsageReport(generator string, result *site.Result, coverage []artefact.Coverage) *usageReport {
	u := &usageReport{Generator: generator, Rules: []usedRule{}, Unknown: []usedRule{}, policy: result.Policy,
		at: map[rule.ID]*usedRule{}, unknown: map[rule.ID]*usedRule{},
		by: map[rule.Question]rule.ID{}, denied: map[rule.Question]*deniedRequest{}}
	for _, c := range coverage {
		if c.Rule == "" {
			continue
		}
		one := usedRule{Rule: c.Rule, Entries: c.Entries, State: ruleNotCounted}
		if c.Verdict == artefact.NotApplicable || c.Verdict == artefact.Absent {
			one.State = ruleNotCarried
		}
		u.Rules = append(u.Rules, one)
	}
	for i := range u.Rules {
		u.at[u.Rules[i].Rule] = &u.Rules[i]
	}
	return u
}

// count adds a packet filter's counters.
func (u *usageReport) count(g generators.Counting, r io.Reader) error {
	limited := &io.LimitedReader{R: r, N: maxCounters}
	counts, err := g.Counts(limited)
	if limited.N == 0 {
		return fmt.Errorf("more than %d MiB; expect the output of `%s`", maxCounters>>20, g.CountsBy())
	}
	if err != nil {
		return fmt.Errorf("%w; expect the output of `%s`", err, g.CountsBy())
	}
	for _, c := range counts {
		one := u.rule(c.Rule)
		one.Packets += c.Packets
		one.Bytes += c.Bytes
		one.note(c.Packets > 0)
	}
	return nil
}

// rule is the place of a rule's use, also of one that the site does not have.
func (u *usageReport) rule(id rule.ID) *usedRule {
	if one, ok := u.at[id]; ok {
		return one
	}
	if u.unknown[id] == nil {
		u.unknown[id] = &usedRule{Rule: id, State: ruleNotCounted}
	}
	return u.unknown[id]
}

func (r *usedRule) note(used bool) {
	switch {
	case used:
		r.State = ruleUsed
	case r.State != ruleUsed:
		r.State = ruleNeverUsed
	}
}

// Bounds of what a log may make us hold.
const (
	maxAnswers = 200_000 // requests of which the answer is kept
	maxDenied  = 10_000  // different ones that are told
)

// follow adds the requests of a proxy's log.
func (u *usageReport) follow(g generators.Logging, r io.Reader) error {
	for i := range u.Rules {
		if one := &u.Rules[i]; one.State == ruleNotCounted {
			one.State = ruleNeverUsed
		}
	}
	read := 0
	for request, err := range g.Requests(r) {
		switch {
		case err != nil:
			u.Unread++
			u.unread = cmp.Or(u.unread, err)
			continue
		case request.Denied:
			u.deny(request.Question)
		default:
			u.allow(request)
		}
		read++
	}
	if read == 0 && u.Unread > 0 {
		return fmt.Errorf("%w; no line tells of a request", u.unread)
	}
	return nil
}

func (u *usageReport) allow(r artefact.Request) {
	id, known := u.by[r.Question]
	if !known {
		if a := u.explain(r.Question); a.Action == artefact.Accepts && len(a.Rules) > 0 {
			id = a.Rules[0]
		}
		if len(u.by) < maxAnswers {
			u.by[r.Question] = id
		}
	}
	if id == "" {
		u.Others++
		return
	}
	one := u.rule(id)
	one.Requests++
	one.Bytes += r.Bytes
	one.note(true)
}

func (u *usageReport) deny(q rule.Question) {
	one, known := u.denied[q]
	switch {
	case known:
		one.Count++
	case len(u.denied) == maxDenied:
		u.further++
	default:
		d := u.whyDenied(q)
		u.denied[q] = &d
	}
}

// whyDenied lays a denied request beside the rules: the nearest of those that miss it
// by one part.
func (u *usageReport) whyDenied(q rule.Question) deniedRequest {
	d := deniedRequest{Request: q.String(), Count: 1, Why: "no rule is near"}
	x := u.policy.Explain(q.Flow)
	if x.Accept() {
		d.Rule, d.Why = x.Rules[0], "the site allows it; what runs has other rules, or refuses it for another reason"
	}
	for _, near := range x.Near {
		if len(near.Misses) == 1 && !near.Elsewhere() {
			d.Rule, d.Misses, d.Why = near.Rule, string(near.Misses[0].Dimension), near.Misses[0].Why
			break
		}
	}
	if one, ok := u.at[d.Rule]; ok {
		d.Entries = one.Entries
	}
	return d
}

// finish sorts what was counted.
func (u *usageReport) finish() {
	for _, one := range u.unknown {
		u.Unknown = append(u.Unknown, *one)
	}
	for _, d := range u.denied {
		u.Denied = append(u.Denied, *d)
	}
	byUse := func(a, b usedRule) int {
		return cmp.Or(cmp.Compare(b.Packets+b.Requests, a.Packets+a.Requests), cmp.Compare(a.Rule, b.Rule))
	}
	slices.SortStableFunc(u.Rules, byUse)
	slices.SortStableFunc(u.Unknown, byUse)
	slices.SortStableFunc(u.Denied, func(a, b deniedRequest) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Request, b.Request))
	})
}
