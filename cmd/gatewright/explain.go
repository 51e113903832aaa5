package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/catalog/suggest"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/generators/artefact"
)

func explainCommand() command {
	return command{
		name:    "explain",
		summary: "show whether a flow is allowed, and why",
		usage: `gatewright explain FLOW...
gatewright explain -

Shows for each flow whether the policy accepts it, which rules and entries
decide, and what each backend does with it and why. For a denied flow it shows
the nearest rules and why they do not match, and the entries that would accept
it if they were selected or answered. Write a flow as words or as one quoted
argument:

    outbound tcp outlook.office365.com:443 [from LOCAL]
    inbound tcp 52.125.128.9 to LOCAL:443
    https://outlook.office365.com/owa/  outbound tcp, the scheme's port; a proxy
                                        is asked by CONNECT, or plainly for http
    outlook.office365.com               what a client opens: outbound tcp 443

LOCAL is an address or a role. Without it, explain answers for every bound role.
Write NAME=ADDRESS for a name whose address is known, because packet filters see
only the address. For a role behind DNAT the port is the one that outsiders use;
if both ports matter, write to LOCAL:8443 published 443. With - the flows come
from stdin, one per line. A # at the start of a line or after a blank starts a
comment.

Exit status: 0 each flow is allowed for at least one role or address on our
side, and no packet filter lacks what the PAC file sends direct; 1 a flow is
denied or dropped for all of them.

    gatewright explain outbound tcp outlook.office365.com:443 from servers
    gatewright explain inbound tcp 52.125.128.9 to exchange:443
    gatewright explain 'https://aka.ms/hybridwizard from exchange' outlook.com
    gatewright explain - --json < flows.txt
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.BoolVar(&inv.json, "json", false, "print JSON")
			flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "print only the answers and errors")
		},
		operands: flowWords,
		run:      explain,
	}
}

func explain(inv *invocation, args []string) error {
	questions, err := readQuestions(inv.stdin, args)
	if err != nil {
		return err
	}
	e, err := inv.explainer()
	if err != nil {
		return err
	}
	if err := e.checkRoles(questions); err != nil {
		return err
	}
	all := answering{explainer: e, questions: questions}
	if inv.json {
		err = console.WriteJSONList(inv.stdout, "flows", all.answers)
	} else {
		err = report.Explanations{Result: e.result, ListOpen: e.listOpen}.Write(inv.stdout, all.answers)
	}
	if err = cmp.Or(err, all.failed); err == nil && all.denied {
		return errDifferent
	}
	return err
}

// answering is questions that are answered one by one, until one fails.
type answering struct {
	*explainer
	questions []rule.Question
	failed    error
	denied    bool // one of them is
}

func (a *answering) answers(yield func(report.Explained) bool) {
	for _, q := range a.questions {
		budget := netset.NewBudget(rule.MaxLooks)
		for _, c := range a.result.Complete(q) {
			f, err := a.explain(c, budget)
			if a.failed = err; err != nil {
				return
			}
			a.denied = a.denied || !slices.ContainsFunc(f.Sides, report.ExplainedSide.Passes)
			if !yield(f) {
				return
			}
		}
	}
}

// explainer answers questions about a compiled site.
type explainer struct {
	site     *site.Site
	result   *site.Result
	backends []backend
	listOpen string // the command that shows what is open at this site
}

// backend is what answers for one generator.
type backend struct {
	name    string
	explain artefact.Explainer
	seen    site.Families // by a packet filter
}

func (inv *invocation) explainer() (*explainer, error) {
	s, _, result, err := inv.compile()
	if err != nil {
		return nil, err
	}
	if err := checkSite(s); err != nil {
		return nil, err
	}
	e := &explainer{site: s, result: result, listOpen: "gatewright list open" + inv.site.source() + inv.site.forOutput()}
	for _, g := range choose(s, nil) {
		settings, err := artefact.Configure(g.Options(), s.Options[g.Name()])
		if err != nil {
			return nil, fmt.Errorf("generator %s: %w", g.Name(), err)
		}
		explain, err := g.Explain(result.Policy, settings)
		if err != nil {
			return nil, fmt.Errorf("generator %s: %w", g.Name(), err)
		}
		e.backends = append(e.backends, backend{g.Name(), explain, familiesOf(g.Name(), settings)})
	}
	return e, nil
}

// checkRoles refuses roles that nobody plays, which are slips.
func (e *explainer) checkRoles(questions []rule.Question) error {
	known := map[rule.Role]bool{}
	for _, b := range e.result.Policy.Bindings {
		known[b.Role] = true
	}
	for _, o := range e.result.Outcomes {
		known[rule.Role(o.Entry.Role)], known[rule.Role(o.Entry.RemoteRole)] = true, true
	}
	for _, a := range e.site.Answers {
		known[a.Role] = true
	}
	for _, q := range questions {
		if q.Role != "" && !known[q.Role] {
			var roles []string
			for r := range known {
				if r != "" {
					roles = append(roles, string(r))
				}
			}
			slices.Sort(roles)
			return usagef("explain: flow %q: no entry has the role %q; expect an address or one of %s", q, q.Role, strings.TrimPrefix(suggest.OneOf(string(q.Role), roles), "expect one of "))
		}
	}
	return nil
}
