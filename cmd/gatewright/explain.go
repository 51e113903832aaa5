package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/rule"
	"gatewright/catalog/site"
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
			flags.BoolVarP(&inv.talk.quiet, "quiet", "q", false, "say nothing but the answers and errors")
		},
		run: explain,
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
	answers, denied := []explainedFlow{}, false
	for _, q := range questions {
		for _, c := range e.result.Complete(e.site, q) {
			f := e.explain(c)
			answers = append(answers, f)
			denied = denied || !slices.ContainsFunc(f.Sides, explainedSide.passes)
		}
	}
	if inv.json {
		err = writeJSON(inv.stdout, answers)
	} else {
		err = e.write(inv.stdout, answers)
	}
	if err == nil && denied {
		return errDifferent
	}
	return err
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
	maxErrors   = 100      // that are told of one input
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
	e := &explainer{site: s, result: result, listOpen: "gatewright list open" + inv.site.source()}
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
			return usagef("explain: flow %q: no entry has the role %q; expect one of %s, or an address", q, q.Role, strings.Join(roles, ", "))
		}
	}
	return nil
}

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
	Entry     string        `json:"entry"`
	State     site.State    `json:"state"`
	Why       string        `json:"why,omitempty"`
	AnyRemote bool          `json:"if_remote_is_meant,omitempty"` // its remote is open
	Open      []accountOpen `json:"open,omitempty"`
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
func (e *explainer) explain(c rule.Completed) explainedFlow {
	f := explainedFlow{Flow: c.Question.String(), Assumed: c.Assumed, Because: c.Because, question: c.Question}
	at := map[string]int{}
	for _, s := range e.result.Policy.Sides(c.Question) {
		answer := e.answer(c.Question, s)
		key, err := json.Marshal(answer)
		i, known := at[string(key)]
		if err != nil || !known {
			i = len(f.Sides)
			at[string(key)] = i
			f.Sides = append(f.Sides, answer)
		}
		f.Sides[i].For = append(f.Sides[i].For, e.sideOf(s))
	}
	slices.SortStableFunc(f.Sides, func(a, b explainedSide) int { return strings.Compare(a.Verdict, b.Verdict) })
	return f
}

func (e *explainer) sideOf(s rule.Side) sideOf {
	of := sideOf{Roles: s.Roles, Addresses: []string{}, Whole: s.Whole}
	if of.Roles == nil {
		of.Roles = []rule.Role{}
	}
	if !s.Local.IsEmpty() {
		of.Addresses = strings.Split(s.Local.String(), ", ")
	}
	return of
}

// answer is the answer for one side, without saying for which.
func (e *explainer) answer(q rule.Question, s rule.Side) explainedSide {
	x := e.result.Policy.Explain(s.Flow)
	answer := explainedSide{Verdict: verdictDenied, ByAddress: x.ByAddress, ByName: x.ByName}
	if x.Accept() {
		answer.Verdict = verdictAllowed
		for _, entry := range e.result.Accepting(s.Flow) {
			answer.Entries = append(answer.Entries, explainedEntry{entry.ID, entry.Row, entry.Title, entry.Condition})
		}
	} else if x.Impossible {
		answer.Why = impossible(q, s.Roles)
	} else {
		for _, w := range e.result.Would(e.site, q) {
			answer.Would = append(answer.Would, wouldAccept{w.Entry.ID, w.State, w.Why, w.AnyRemote, openAccount(w.Open)})
		}
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
