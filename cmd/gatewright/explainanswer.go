package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/generators/artefact"
)

// What the policy says of a flow.
const (
	verdictAllowed = "allowed"
	verdictDenied  = "denied"

	verdictDropped = "dropped" // allowed, but not on its way; in words alone
)

// explainedFlow is a complete flow with its answers.
type explainedFlow struct {
	Flow    string          `json:"flow"`
	Assumed string          `json:"assumed,omitempty"`
	Because string          `json:"because,omitempty"` // the rule or entry that the assumption is taken from
	Sides   []explainedSide `json:"sides"`

	question rule.Question
}

// explainedSide is a part of our side, and its answer.
type explainedSide struct {
	For       []sideOf         `json:"for"`
	Verdict   string           `json:"verdict"`
	Why       string           `json:"why,omitempty"` // no flow has the addresses of both sides
	Rules     []explainedHit   `json:"rules,omitempty"`
	Entries   []explainedEntry `json:"entries,omitempty"`
	Near      []nearRule       `json:"near,omitempty"`
	ByAddress []rule.ID        `json:"not_asked_by_address,omitempty"` // rules that go by the address, which the flow does not give
	ByName    []rule.ID        `json:"not_asked_by_name,omitempty"`
	Would     []wouldAccept    `json:"would_accept,omitempty"`
	Backends  []backendAnswer  `json:"backends"`

	// Dropped says what drops a flow that the policy allows, on the way that the PAC file
	// gives; empty if nothing does.
	Dropped string `json:"dropped,omitempty"`
}

// sideOf is the addresses of one side; Whole tells that they are all of its role that
// the flow may have.
type sideOf struct {
	Roles     []rule.Role `json:"roles"`
	Addresses []string    `json:"addresses"`
	Whole     bool        `json:"whole"`
}

type explainedHit struct {
	Rule     rule.ID `json:"rule"`
	Endpoint string  `json:"endpoint"` // by which the rule accepts
}

type explainedEntry struct {
	ID        string `json:"id"`
	Row       string `json:"row,omitempty"`
	Title     string `json:"title"`
	Condition string `json:"condition,omitempty"`
}

type nearRule struct {
	Rule   rule.ID    `json:"rule"`
	Misses []nearMiss `json:"misses"`

	distance  int
	elsewhere bool
}

type nearMiss struct {
	Dimension rule.Dimension `json:"dimension"`
	Why       string         `json:"why"`
}

type wouldAccept struct {
	Entry     string      `json:"entry"`
	State     site.State  `json:"state"`
	Why       string      `json:"why,omitempty"`
	AnyRemote bool        `json:"if_remote_is_meant,omitempty"` // its remote is open
	Open      []rule.Open `json:"open,omitempty"`
}

type backendAnswer struct {
	Generator string          `json:"generator"`
	Action    artefact.Action `json:"action"`
	By        []string        `json:"by,omitempty"`
	Why       string          `json:"why,omitempty"`
	Rules     []rule.ID       `json:"rules,omitempty"`
}

// explain answers a complete question for every side of ours; sides with the same
// answer stand together, those that are allowed first.
func (e *explainer) explain(c rule.Completed, budget *netset.Budget) (explainedFlow, error) {
	f := explainedFlow{Flow: c.Question.String(), Assumed: c.Assumed, Because: c.Because, question: c.Question}
	sides, err := e.result.Policy.LocalGroups(c.Question, budget)
	if err != nil {
		return f, err
	}
	byText, byFlow := map[string]int{}, map[rule.Flow]int{}
	for _, s := range sides {
		i, known := byFlow[s.Flow]
		if !known || s.Flow.Impossible() { // of which the answer names the roles
			i = f.place(e.answer(c.Question, s), byText)
			byFlow[s.Flow] = i
		}
		f.Sides[i].For = append(f.Sides[i].For, e.sideOf(s))
	}
	e.addWould(f.Sides, c.Question)
	slices.SortStableFunc(f.Sides, func(a, b explainedSide) int { return strings.Compare(a.Verdict, b.Verdict) })
	return f, nil
}

// place returns where an answer stands, and adds it if it stands nowhere yet.
func (f *explainedFlow) place(answer explainedSide, at map[string]int) int {
	key, err := json.Marshal(answer)
	i, known := at[string(key)]
	if err != nil || !known {
		i = len(f.Sides)
		at[string(key)] = i
		f.Sides = append(f.Sides, answer)
	}
	return i
}

func (e *explainer) sideOf(s rule.LocalGroup) sideOf {
	of := sideOf{Roles: s.Roles, Addresses: []string{}, Whole: s.Whole}
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
func (e *explainer) addWould(sides []explainedSide, q rule.Question) {
	would := sync.OnceValue(func() (all []wouldAccept) {
		for _, w := range e.result.Candidates(q) {
			all = append(all, wouldAccept{w.Entry.ID, w.State, w.Why, w.AnyRemote, w.Open})
		}
		return all
	})
	for i := range sides {
		if s := &sides[i]; s.Verdict == verdictDenied && s.Why == "" {
			s.Would = would()
		}
	}
}

// answer is the answer for one side, without saying for which and without what addWould adds.
func (e *explainer) answer(q rule.Question, s rule.LocalGroup) explainedSide {
	x := e.result.Policy.Explain(s.Flow)
	answer := explainedSide{Verdict: verdictDenied, ByAddress: x.ByAddress, ByName: x.ByName}
	if x.Accept() {
		answer.Verdict = verdictAllowed
		for _, entry := range e.result.Accepting(s.Flow) {
			answer.Entries = append(answer.Entries, explainedEntry{entry.ID, entry.Row, entry.Title, entry.Condition})
		}
	} else if x.Impossible {
		answer.Why = impossible(q, s.Roles)
	}
	for _, h := range x.Hits {
		answer.Rules = append(answer.Rules, explainedHit{h.Rule, h.Endpoint})
	}
	for _, n := range x.Near {
		near := nearRule{Rule: n.Rule, distance: n.Distance, elsewhere: n.Elsewhere()}
		for _, m := range n.Misses {
			near.Misses = append(near.Misses, nearMiss{m.Dimension, m.Why})
		}
		answer.Near = append(answer.Near, near)
	}
	for _, b := range e.backends {
		a := b.explain(rule.Question{Flow: s.Flow, Scheme: q.Scheme})
		answer.Backends = append(answer.Backends, backendAnswer{b.name, a.Action, a.By, a.Why, a.Rules})
	}
	if x.Accept() && knowsProxy(e.site) {
		answer.Dropped = e.dropped(s.Flow, answer.Backends)
	}
	return answer
}

// passes reports whether the policy allows the flow and nothing drops it on its way.
func (s explainedSide) passes() bool { return s.Verdict == verdictAllowed && s.Dropped == "" }

// impossible says why the sides, which no address of the remote's family is bound to,
// have no part in the flow.
func impossible(q rule.Question, roles []rule.Role) string {
	remote, family := q.Flow.Remote, rule.Family(q.Flow.Remote)
	if local := q.Flow.Local; local.IsValid() {
		return fmt.Sprintf("%s is %s and %s is %s, and no packet has both", remote, family, local, rule.Family(local))
	}
	who, them := "role "+string(roles[0])+" has", "it"
	if len(roles) > 1 {
		names := make([]string, len(roles))
		for i, r := range roles {
			names[i] = string(r)
		}
		who, them = "roles "+strings.Join(names, ", ")+" have", "them"
	}
	if q.Flow.Direction == rule.Inbound {
		return fmt.Sprintf("%s no %s address here, so nothing comes to %s from %s", who, family, them, remote)
	}
	return fmt.Sprintf("%s no %s address here, so nothing goes from %s to %s, and no proxy carries %s", who, family, them, remote, q.Flow.Protocol)
}
