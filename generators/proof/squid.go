package proof

import (
	"context"
	"fmt"
	"slices"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/squid"
)

// mostSquidRequests is the number of requests in one proof by Squid, each of which
// is sent by two methods.
const mostSquidRequests = 300_000

// Squid starts a Squid on loopback with the artefacts at the place that the settings
// name, among Debian's own http_access lines, and asks it for the boundary flows of
// the policy, in every form of a host, as CONNECT and as plain requests. They have
// to be allowed as Policy.Decide accepts what a proxy sees; at place conf.d, less
// what Debian's lines have refused before. Pages of Squid's own manager are allowed
// to nobody.
func Squid(ctx context.Context, p *rule.Policy, s artefact.Settings, artefacts []artefact.Artefact) (Result, error) {
	out, err := squid.Generator{}.Generate(p, s)
	if err != nil {
		return Result{}, err
	}
	all := RequestFlows(p)
	flows := affordable(all, len(p.Rules))
	r, err := SquidFlows(ctx, p, s, artefacts, flows, mostSpelled)
	r.Compared = flowsText(len(flows), len(all), mostSpelled) + ": " + r.Compared
	r.Disagreements = append(textDifferences(out.Artefacts, artefacts, squid.Generator{}.Comments()), r.Disagreements...)
	return r, err
}

// SquidFlows is Squid for these flows alone, and so many of them, evenly spread, in
// every form of a host.
func SquidFlows(ctx context.Context, p *rule.Policy, s artefact.Settings, artefacts []artefact.Artefact, flows []rule.Flow, inEveryForm int) (Result, error) {
	r := Result{Generator: squid.Generator{}.Name(), Engine: "Squid on loopback"}
	requests, whole := squidRequests(flows, inEveryForm)
	r.Flows, r.Asked = squidFlows(requests), len(requests)
	r.Compared = partText(len(requests), whole, "requests, each as CONNECT and plain")
	answers, err := askSquid(ctx, s.Text("place"), artefacts, requests)
	switch {
	case err == nil:
	case inconclusive(ctx, err):
		return Result{}, err
	default:
		if _, broken := askSquid(ctx, s.Text("place"), emptied(artefacts), requests[:min(1, len(requests))]); broken != nil {
			return Result{}, fmt.Errorf("Squid does not work here: %w", broken)
		}
		r.Disagreements = append(r.Disagreements, Disagreement{"the files in Squid", "an answer to every request", err.Error()})
		return r, nil
	}
	var want engine.SquidAnswer
	for i, request := range requests {
		if i == 0 || request.Flow != requests[i-1].Flow {
			want = squidWants(p, s, request.Flow)
		}
		want := want
		want.Get = want.Get && !request.Manager
		if answers[i] != want {
			what := request.Flow.String()
			switch {
			case request.Manager:
				what += ", for a page of Squid's own manager"
			case request.Host != "":
				what += ", written as " + request.Host
			}
			r.Disagreements = append(r.Disagreements, Disagreement{what, want.String(), answers[i].String()})
		}
	}
	return r, nil
}

// emptied are files of the same names that say nothing.
func emptied(artefacts []artefact.Artefact) []artefact.Artefact {
	all := slices.Clone(artefacts)
	for i := range all {
		all[i].Data = nil
	}
	return all
}

// squidWants is what Squid has to answer for a flow.
func squidWants(p *rule.Policy, s artefact.Settings, f rule.Flow) engine.SquidAnswer {
	accepted := p.Decide(rule.Seen(f, rule.Proxy)).Accept()
	want := engine.SquidAnswer{Connect: accepted, Get: accepted}
	if s.Text("place") == "conf.d" {
		want = want.AfterDebian(f.Port)
	}
	return want
}

func askSquid(ctx context.Context, place string, artefacts []artefact.Artefact, requests []engine.SquidRequest) ([]engine.SquidAnswer, error) {
	proxy, err := engine.StartSquid(ctx, artefacts, place)
	if err != nil {
		return nil, err
	}
	defer proxy.Stop()
	return proxy.Ask(requests)
}

// squidRequests returns the requests for the flows, evenly spread if there are more
// than one proof asks, and the number of all. Squid takes the unspecified address for
// no address.
func squidRequests(flows []rule.Flow, inEveryForm int) ([]engine.SquidRequest, int) {
	var requests []engine.SquidRequest
	for i, f := range flows {
		if f.Name == "" && f.Remote.Unmap().IsUnspecified() {
			continue
		}
		requests = append(requests, engine.SquidRequest{Flow: f})
		if spelled(i, len(flows), inEveryForm) {
			for _, host := range Hosts(f)[1:] {
				requests = append(requests, engine.SquidRequest{Flow: f, Host: host})
			}
			if !f.Local.IsLoopback() { // whom Debian's lines let to the manager
				requests = append(requests, engine.SquidRequest{Flow: f, Manager: true})
			}
		}
	}
	return spread(requests, mostSquidRequests), len(requests)
}

// squidFlows returns the number of different flows, as Squid sees them, of requests.
func squidFlows(requests []engine.SquidRequest) int {
	seen := map[rule.Flow]bool{}
	for _, r := range requests {
		f := rule.Seen(r.Flow, rule.Proxy)
		f.Published = 0
		seen[f] = true
	}
	return len(seen)
}
