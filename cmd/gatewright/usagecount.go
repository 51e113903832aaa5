package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

// usageCount counts how often rules were used.
type usageCount struct {
	report.Usage
	policy  *rule.Policy
	explain artefact.Explainer
	at      map[rule.ID]*report.UsedRule // in Rules
	unknown map[rule.ID]*report.UsedRule
	by      map[rule.Question]rule.ID // the rule that allows a request; empty for none
	denied  map[rule.Question]*report.DeniedRequest
}

// maxCounters bounds what a packet filter's counters print, in bytes.
const maxCounters = 256 << 20

func (inv *invocation) newUsage(g generators.Generator) (*usageCount, error) {
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
	u := newUsageCount(g.Name(), result, out.Coverage)
	if _, ok := g.(generators.Logging); ok {
		u.explain, err = g.Explain(result.Policy, settings)
	}
	return u, err
}

func newUsageCount(generator string, result *site.Result, coverage []artefact.Coverage) *usageCount {
	u := &usageCount{Usage: report.Usage{Generator: generator, Rules: []report.UsedRule{}, Unknown: []report.UsedRule{}}, policy: result.Policy,
		at: map[rule.ID]*report.UsedRule{}, unknown: map[rule.ID]*report.UsedRule{},
		by: map[rule.Question]rule.ID{}, denied: map[rule.Question]*report.DeniedRequest{}}
	for _, c := range coverage {
		if c.Rule == "" {
			continue
		}
		one := report.UsedRule{Rule: c.Rule, Entries: c.Entries, State: report.NotCounted}
		if c.Verdict == artefact.NotApplicable || c.Verdict == artefact.Absent {
			one.State = report.NotCarried
		}
		u.Rules = append(u.Rules, one)
	}
	for i := range u.Rules {
		u.at[u.Rules[i].Rule] = &u.Rules[i]
	}
	return u
}

// count adds a packet filter's counters.
func (u *usageCount) count(g generators.Counting, r io.Reader) error {
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
		note(one, c.Packets > 0)
	}
	return nil
}

// rule is the place of a rule's use, also of one that the site does not have.
func (u *usageCount) rule(id rule.ID) *report.UsedRule {
	if one, ok := u.at[id]; ok {
		return one
	}
	if u.unknown[id] == nil {
		u.unknown[id] = &report.UsedRule{Rule: id, State: report.NotCounted}
	}
	return u.unknown[id]
}

// note notes whether a rule was used.
func note(r *report.UsedRule, used bool) {
	switch {
	case used:
		r.State = report.Used
	case r.State != report.Used:
		r.State = report.NeverUsed
	}
}

// Bounds of what a log may make us hold.
const (
	maxAnswers = 200_000 // requests whose answers are kept
	maxDenied  = 10_000  // different ones that are told
)

// follow adds the requests of a proxy's log.
func (u *usageCount) follow(g generators.Logging, r io.Reader) error {
	for i := range u.Rules {
		if one := &u.Rules[i]; one.State == report.NotCounted {
			one.State = report.NeverUsed
		}
	}
	read := 0
	for request, err := range g.Requests(r) {
		switch {
		case err != nil:
			u.Unread++
			u.FirstUnread = cmp.Or(u.FirstUnread, err)
			continue
		case request.Denied:
			u.deny(request.Question)
		default:
			u.allow(request)
		}
		read++
	}
	if read == 0 && u.Unread > 0 {
		return fmt.Errorf("%w; no line records a request", u.FirstUnread)
	}
	return nil
}

func (u *usageCount) allow(r artefact.Request) {
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
	note(one, true)
}

func (u *usageCount) deny(q rule.Question) {
	one, known := u.denied[q]
	switch {
	case known:
		one.Count++
	case len(u.denied) == maxDenied:
		u.Further++
	default:
		d := u.whyDenied(q)
		u.denied[q] = &d
	}
}

// whyDenied lays a denied request beside the rules: the nearest of those that miss it
// by one part.
func (u *usageCount) whyDenied(q rule.Question) report.DeniedRequest {
	d := report.DeniedRequest{Request: q.String(), Count: 1, Why: "no rule is near"}
	x := u.policy.Explain(q.Flow)
	if x.Accept() {
		d.Rule, d.Why = x.Rules[0], "the site allows it, but the proxy runs other rules or refuses it for another reason"
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
func (u *usageCount) finish() {
	for _, one := range u.unknown {
		u.Unknown = append(u.Unknown, *one)
	}
	for _, d := range u.denied {
		u.Denied = append(u.Denied, *d)
	}
	byUse := func(a, b report.UsedRule) int {
		return cmp.Or(cmp.Compare(b.Packets+b.Requests, a.Packets+a.Requests), cmp.Compare(a.Rule, b.Rule))
	}
	slices.SortStableFunc(u.Rules, byUse)
	slices.SortStableFunc(u.Unknown, byUse)
	slices.SortStableFunc(u.Denied, func(a, b report.DeniedRequest) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Request, b.Request))
	})
}
