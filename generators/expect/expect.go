// Package expect checks the expectations of a site against its policy and against the
// effect of its files.
package expect

import (
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Policy is where an expectation is asked of the rules themselves.
const Policy = "policy"

// Output is what the files of one generator do.
type Output struct {
	Name    string
	Kind    artefact.Kind
	Reading artefact.Reading
	Unread  error // why what they do is not known
}

// Answer is what became of an expectation at one place.
type Answer struct {
	At      string        // Policy, or a generator
	Kind    artefact.Kind // of the generator
	Holds   bool
	Unread  error       // the files do something that is not known
	Flow    rule.Flow   // one for which it does not hold
	Via     rule.Via    // the way that the flow goes, where ways are meant
	Rules   []rule.ID   // by which a packet filter or a proxy lets the flow pass
	Labels  []string    // what lets it pass beside the rules
	Else    []rule.Else // of a closed world, at a policy or a proxy
	Traffic []Passes    // of a closed world, at a packet filter
	Promise bool        // decided by the publisher's promise
	Hidden  []rule.ID   // of a closed world: they accept names that a packet filter does not see
}

// Passes is what one line of a packet filter lets pass beside the listed remotes.
type Passes struct {
	Rule   rule.ID
	Labels []string
	Flows  []rule.Flows
}

// MaxCost bounds what one expectation may cost, in ranges, patterns and steps of the
// search for names.
const MaxCost = 4_000_000

// Asker asks expectations of one policy and its outputs.
type Asker struct {
	Compiled rule.Compiled
	Outputs  []Output
}

// Ask returns an answer for each place where an expectation is asked.
func (k Asker) Ask(e rule.Expectation) ([]Answer, error) {
	a, err := k.resolve(e)
	if err != nil {
		return nil, err
	}
	q := question{Asker: k, Expectation: e, flows: a, budget: netset.NewBudget(MaxCost)}
	var all []Answer
	if len(e.In) == 0 || e.Expects == rule.ExpectAllow || e.RoutesRequests() {
		all = append(all, q.ofPolicy())
	}
	for _, o := range k.Outputs {
		if q.isAsked(o) {
			all = append(all, q.of(o))
		}
	}
	if q.budget.Exhausted() {
		return nil, &TooLargeError{e}
	}
	return all, nil
}

// question is an expectation that is being asked.
type question struct {
	Asker
	rule.Expectation
	flows  rule.PatternFlows
	budget *netset.Budget
}

// isAsked reports whether an output is meant and carries flows of the pattern.
func (q question) isAsked(o Output) bool {
	return (len(q.In) == 0 || slices.Contains(q.In, o.Name)) && Carries(o.Kind, q.Expectation) == nil
}

func (q question) ofPolicy() Answer {
	a := Answer{At: Policy}
	p := q.Compiled.Policy
	var found bool
	switch q.Expects {
	case rule.ExpectAllow:
		a.Flow, found = p.Refused(q.flows, q.budget)
	case rule.ExpectDeny:
		if a.Flow, found = p.Accepted(q.flows); !found {
			a.Flow, found = q.Compiled.PromisedAccepted(q.flows)
			a.Promise = found
		}
		a.Rules = p.Decide(a.Flow).Rules
	case rule.ExpectOnly:
		a.Else, a.Promise = q.beyond(p)
		if found = len(a.Else) > 0; found {
			a.Flow = a.Else[0].Flow
		}
	default:
		a.Flow, a.Via, found = p.Strays(q.flows, q.Wants, rule.Before{}, q.roles(), q.budget)
	}
	a.Holds = !found
	return a
}

// beyond asks a closed world of rules, by what is listed and then by what that leads
// to.
func (q question) beyond(p *rule.Policy) (list []rule.Else, promise bool) {
	if list = p.Beyond(q.flows, q.Listed); len(list) == 0 {
		return nil, false
	}
	return p.Beyond(q.flows, q.Compiled.Promise(q.Listed)), true
}

func (q question) of(o Output) Answer {
	a := Answer{At: o.Name, Kind: o.Kind}
	switch {
	case o.Unread != nil:
		a.Unread = o.Unread
	case o.Kind == artefact.PacketFilter:
		q.ofFilter(o, &a)
	case o.Kind == artefact.Proxy:
		q.ofProxy(o.Reading.Requests, &a)
	case q.RoutesRequests():
		var found bool
		a.Flow, a.Via, found = o.Reading.Routes.Strays(q.flows, q.Wants, o.Reading.Before, []rule.Role{rule.Clients}, q.budget)
		a.Holds = !found
	default:
		a.Holds = true // a PAC file lets pass what the policy does
	}
	return a
}

func (q question) ofProxy(p *rule.Policy, a *Answer) {
	flows := q.flows
	flows.Services = flows.Services.Only(netset.TCP)
	var found bool
	switch q.Expects {
	case rule.ExpectAllow:
		a.Flow, found = p.Refused(flows, q.budget)
	case rule.ExpectDeny:
		a.Flow, found = p.Accepted(flows)
		a.Rules = p.Decide(a.Flow).Rules
	default:
		a.Else, a.Promise = q.beyond(p)
		if found = len(a.Else) > 0; found {
			a.Flow = a.Else[0].Flow
		}
	}
	a.Holds = !found
}

// roles are those that the way of requests is asked for: of the PAC file, if there is
// one, or else those of the pattern.
func (q question) roles() []rule.Role {
	for _, o := range q.Outputs {
		if o.Kind == artefact.ProxyChooser && len(o.Reading.Roles) > 0 {
			return o.Reading.Roles
		}
	}
	if q.flows.Role != "" {
		return []rule.Role{q.flows.Role}
	}
	return []rule.Role{rule.Clients}
}
