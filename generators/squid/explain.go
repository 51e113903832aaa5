package squid

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Explain answers as Squid decides by the files of Generate, which it reads back.
func (g Generator) Explain(p *rule.Policy, s artefact.Settings) (artefact.Explainer, error) {
	out, err := g.Generate(p, s)
	if err != nil {
		return nil, err
	}
	read, err := readFiles(artefact.FilesOf(out.Artefacts))
	if err != nil {
		return nil, err
	}
	e := explainer{policy: p, place: s.Text("place"), read: read, order: map[rule.ID]int{}}
	for i, r := range p.Rules {
		e.order[r.ID] = i
	}
	return e.answer, nil
}

type explainer struct {
	policy *rule.Policy
	place  string
	read   *reader
	order  map[rule.ID]int // of the policy, where the file has groups
}

func (e *explainer) answer(q rule.Question) artefact.Answer {
	switch {
	case q.Flow.Direction == rule.Inbound:
		return artefact.Answer{Action: artefact.NotCarried, Why: "a proxy does not carry inbound flows"}
	case q.Flow.Protocol != netset.TCP:
		return artefact.Answer{Action: artefact.NotCarried, Why: "a proxy carries only TCP"}
	case e.place == placeConfD:
		return e.afterDebian(q)
	}
	return e.byLines(q.Flow)
}

// asksPlainly reports whether a client asks a proxy for a URL as it is. For other URLs
// it asks for a tunnel with CONNECT, for ws as well (RFC 6455 section 4.1).
func asksPlainly(scheme string) bool { return scheme == "http" || scheme == "ftp" }

// afterDebian is the answer where Debian's own http_access lines come first. A flow
// without a scheme may be either kind of request.
func (e *explainer) afterDebian(q rule.Question) artefact.Answer {
	const before, noConnect = "before it includes conf.d, ", "Debian's squid.conf refuses CONNECT to ports other than 443"
	port := q.Flow.Port
	switch {
	case !slices.ContainsFunc(safePorts(), func(r netset.PortRange) bool { return r.Contains(port) }):
		return artefact.Answer{Action: artefact.Refuses, Why: before + "Debian's squid.conf refuses requests to ports outside its Safe_ports"}
	case port == connectPort || asksPlainly(q.Scheme):
		return e.byLines(q.Flow)
	case q.Scheme != "":
		return artefact.Answer{Action: artefact.Refuses, Why: before + noConnect}
	}
	a := e.byLines(q.Flow)
	switch a.Action {
	case artefact.Accepts:
		a.Why = "accepts plain requests; " + noConnect
	case artefact.NoMatch:
		a.Why = "plain requests: " + a.Why + "; " + noConnect
	}
	return a
}

// byLines is the answer of our lines.
func (e *explainer) byLines(f rule.Flow) artefact.Answer {
	request := rule.Seen(f, rule.Proxy)
	var a artefact.Answer
	for _, g := range e.read.view.Groups {
		for i, v := range g.Rules {
			for _, line := range g.Allows {
				if !e.matches(line, i, request) {
					continue
				}
				if a.By == nil {
					a.Action, a.By = artefact.Accepts, []string{"http_access allow " + strings.Trim(fmt.Sprint(line), "[]")}
				}
				a.Rules = artefact.AddRule(a.Rules, rule.ID(v.ID))
			}
		}
	}
	slices.SortFunc(a.Rules, func(x, y rule.ID) int { return e.order[x] - e.order[y] })
	known := e.policy.Decide(f).Rules
	switch {
	case a.By != nil:
	case e.read.view.DenyAll:
		a = artefact.Answer{Action: artefact.Refuses, By: []string{"http_access deny all"}}
	default:
		a = artefact.Answer{Action: artefact.NoMatch, Why: "the site's own http_access lines decide"}
	}
	if f.Name != "" && a.Action != artefact.Accepts && len(known) > 0 {
		a.Why = strings.TrimSuffix("sees only the name, and prefixes match only requests for literal addresses; "+a.Why, "; ")
	}
	return a
}

// matches reports whether all ACLs of a line, with the lists of one rule of the group,
// match a request.
func (e *explainer) matches(line []aclRef, of int, request rule.Flow) bool {
	for _, ref := range line {
		name, not := strings.CutPrefix(string(ref), "!")
		if ref != notManager && e.read.heldBy(aclName(name), of).matches(request) == not {
			return false
		}
	}
	return true
}

func (h held) matches(request rule.Flow) bool {
	switch h.kind {
	case typeSrc:
		return h.prefixes.Contains(request.Local)
	case typeDst:
		return h.prefixes.Contains(request.Remote)
	case typePort:
		return h.services.Contains(request.Protocol, request.Port)
	}
	return request.Name != "" && h.names.Match(request.Name)
}
