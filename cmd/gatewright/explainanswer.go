package main

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/cmd/gatewright/internal/words"
)

// explain answers a complete question for every side of ours; sides with the same
// answer stand together, those that are allowed first.
func (e *explainer) explain(c rule.Completed, budget *netset.Budget) (report.Explained, error) {
	f := report.Explained{Flow: c.Question.String(), Assumed: c.Assumed, Because: c.Because, Question: c.Question}
	sides, err := e.result.Policy.LocalGroups(c.Question, budget)
	if err != nil {
		return f, err
	}
	byText, byFlow := map[string]int{}, map[rule.Flow]int{}
	for _, s := range sides {
		i, known := byFlow[s.Flow]
		if !known || s.Flow.Impossible() { // of which the answer names the roles
			i = place(&f, e.answer(c.Question, s), byText)
			byFlow[s.Flow] = i
		}
		f.Sides[i].For = append(f.Sides[i].For, e.sideOf(s))
	}
	e.addWould(f.Sides, c.Question)
	slices.SortStableFunc(f.Sides, func(a, b report.ExplainedSide) int { return strings.Compare(a.Verdict, b.Verdict) })
	return f, nil
}

// place returns where an answer stands, and adds it if it stands nowhere yet.
func place(f *report.Explained, answer report.ExplainedSide, at map[string]int) int {
	key, err := json.Marshal(answer)
	i, known := at[string(key)]
	if err != nil || !known {
		i = len(f.Sides)
		at[string(key)] = i
		f.Sides = append(f.Sides, answer)
	}
	return i
}

func (e *explainer) sideOf(s rule.LocalGroup) report.Group {
	of := report.Group{Roles: s.Roles, Addresses: []string{}, Whole: s.Whole}
	if of.Roles == nil {
		of.Roles = []rule.Role{}
	}
	if !s.Local.IsEmpty() {
		of.Addresses = strings.Split(s.Local.String(), ", ")
	}
	return of
}

// addWould adds the entries that would accept a question to the sides that are denied.
// They are the same for all, and looked for once.
func (e *explainer) addWould(sides []report.ExplainedSide, q rule.Question) {
	would := sync.OnceValue(func() (all []report.Candidate) {
		for _, w := range e.result.Candidates(q) {
			all = append(all, report.Candidate{Entry: w.Entry.ID, State: w.State, Why: w.Why, AnyRemote: w.AnyRemote, Open: words.OpenItems(w.Open)})
		}
		return all
	})
	for i := range sides {
		if s := &sides[i]; s.Verdict == report.Denied && s.Why == "" {
			s.Would = would()
		}
	}
}

// answer is the answer for one side, without saying for which and without what addWould
// adds.
func (e *explainer) answer(q rule.Question, s rule.LocalGroup) report.ExplainedSide {
	x := e.result.Policy.Explain(s.Flow)
	answer := report.ExplainedSide{Verdict: report.Denied, Rules: x.Hits, Near: x.Near, ByAddress: x.ByAddress, ByName: x.ByName}
	if x.Accept() {
		answer.Verdict = report.Allowed
		for _, entry := range e.result.Accepting(s.Flow) {
			answer.Entries = append(answer.Entries, report.ExplainedEntry{ID: entry.ID, Row: entry.Row, Title: entry.Title, Condition: entry.Condition})
		}
	} else if x.Impossible {
		answer.Why = report.Impossible(q, s.Roles)
	}
	for _, b := range e.backends {
		a := b.explain(rule.Question{Flow: s.Flow, Scheme: q.Scheme})
		answer.Backends = append(answer.Backends, report.BackendAnswer{Generator: b.name, Answer: a})
	}
	if x.Accept() && knowsProxy(e.site) {
		answer.Dropped = e.dropped(s.Flow, s.Roles, answer.Backends)
	}
	return answer
}
