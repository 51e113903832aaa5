package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/catalog/suggest"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/generators/artefact"
)

func explainCommand() command {
	return command{
		name:    "explain",
		summary: "tell whether a flow is allowed, and why",
		usage: `gatewright explain FLOW...
gatewright explain -

Says of each flow whether the policy accepts it, which rules and entries
decide, and what each backend does with it and why. Of a denied flow it shows
the nearest rules and where they miss it, and the entries that would accept it
if they were selected or answered. A flow is words, or one quoted argument:

    outbound tcp outlook.office365.com:443 [from LOCAL]
    inbound tcp 52.125.128.9 to LOCAL:443
    https://outlook.office365.com/owa/  outbound tcp, the scheme's port; a proxy
                                        is asked by CONNECT, or plainly for http
    outlook.office365.com               what a client opens: outbound tcp 443

LOCAL is an address or a role; without it every bound role is asked. Write
NAME=ADDRESS for a name whose address is known: packet filters see that alone.
For a role behind a DNAT the port is the one that outsiders use; if both matter,
write to LOCAL:8443 published 443. With - flows come from stdin, one a line; a
# at the start or after a blank starts a comment. Exit status 0: each flow is
allowed for at least one of the sides that are asked, and no packet filter lacks
what the PAC file sends direct; 1: one is denied, or dropped, for all.

    gatewright explain outbound tcp outlook.office365.com:443 from servers
    gatewright explain inbound tcp 52.125.128.9 to exchange:443
    gatewright explain 'https://aka.ms/hybridwizard from exchange' outlook.com
    gatewright explain - --json < flows.txt
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.BoolVar(&inv.json, "json", false, "as JSON")
			flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "say nothing but the answers and errors")
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
	var denied bool
	var failed error
	answers := noting(e.answers(questions, &failed), &denied)
	if inv.json {
		err = console.WriteJSONList(inv.stdout, "flows", answers)
	} else {
		err = e.write(inv.stdout, answers)
	}
	if err == nil {
		err = failed
	}
	if err == nil && denied {
		return errDifferent
	}
	return err
}

// answers answers questions one by one, until one fails.
func (e *explainer) answers(questions []rule.Question, failed *error) iter.Seq[explainedFlow] {
	return func(yield func(explainedFlow) bool) {
		for _, q := range questions {
			budget := netset.NewBudget(rule.MaxLooks)
			for _, c := range e.result.Complete(q) {
				f, err := e.explain(c, budget)
				if *failed = err; err != nil || !yield(f) {
					return
				}
			}
		}
	}
}

// noting passes answers on and notes whether one is denied.
func noting(answers iter.Seq[explainedFlow], denied *bool) iter.Seq[explainedFlow] {
	return func(yield func(explainedFlow) bool) {
		for f := range answers {
			*denied = *denied || !slices.ContainsFunc(f.Sides, explainedSide.passes)
			if !yield(f) {
				return
			}
		}
	}
}

// readQuestions reads flows from the arguments: an argument of several words is a
// flow, and other words make up flows together. A single "-" stands for stdin.
func readQuestions(stdin io.Reader, args []string) ([]rule.Question, error) {
	switch {
	case len(args) == 0:
		return nil, usagef("explain: no flow; expect %s, or - for stdin", rule.Forms)
	case len(args) == 1 && args[0] == "-":
		return readFlowLines(stdin)
	case slices.Contains(args, "-"):
		return nil, usagef("explain: - reads flows from stdin and stands alone")
	}
	var all []rule.Question
	for len(args) > 0 {
		n := slices.IndexFunc(args, func(a string) bool { return strings.ContainsAny(a, " \t\n") || a == "" })
		if n < 0 {
			n = len(args)
		}
		questions, err := rule.ParseFlows(args[:n])
		args = args[n:]
		if err == nil && len(args) > 0 {
			var one rule.Question
			if one, err = rule.ParseFlow(args[0]); err == nil {
				questions, args = append(questions, one), args[1:]
			}
		}
		if err != nil {
			return nil, usagef("explain: %w", err)
		}
		all = append(all, questions...)
	}
	return all, nil
}

// Bounds of what is read from stdin.
const (
	maxErrors   = 100 // that are told of one input
	maxFlows    = 100_000
	maxFlowLine = 64 << 10 // bytes of a line
)

func readFlowLines(r io.Reader) ([]rule.Question, error) {
	var all []rule.Question
	var errs []error
	lines, number := bufio.NewScanner(r), 0
	lines.Buffer(nil, maxFlowLine)
	for len(errs) < maxErrors && lines.Scan() {
		number++
		text := lines.Text()
		if number == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if text = strings.TrimSpace(withoutComment(text)); text == "" {
			continue
		}
		if len(all) == maxFlows {
			errs = append(errs, fmt.Errorf("stdin:%d: more than %d flows; ask them in several runs", number, maxFlows))
			break
		}
		q, err := rule.ParseFlow(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("stdin:%d: %w", number, err))
		}
		all = append(all, q)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		errs = append(errs, fmt.Errorf("stdin:%d: the line has %d KiB or more; expect one flow a line: %s", number+1, maxFlowLine>>10, rule.Forms))
	case err != nil:
		errs = append(errs, fmt.Errorf("stdin: %w", err))
	}
	if len(all) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("stdin: no flow; expect one a line: %s", rule.Forms))
	}
	return all, errors.Join(errs...)
}

// withoutComment cuts a line where a comment starts: at a # at its start or after a
// blank, because other ones are of URLs.
func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
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
