package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/pac"
)

// Interpreter is an engine that evaluates PAC files.
type Interpreter struct {
	Name     string // "Node.js"
	evaluate func(ctx context.Context, pac []byte, urls []string) ([]string, error)
	takes    func(url string, f rule.Flow) bool
	most     int // URLs in one proof
}

// Interpreters are the engines that PAC asks.
func Interpreters() []Interpreter {
	all := func(string, rule.Flow) bool { return true }
	return []Interpreter{
		{"pacparser", engine.EvaluatePacparser, all, 500_000},
		{"Node.js", engine.EvaluateNode, all, 500_000},
		{"Chromium", engine.EvaluateChromium, asksChromium, 5_000},
		{"Firefox", engine.EvaluateFirefox, asksFirefox, 2_000},
	}
}

// asksChromium reports whether Chromium asks a PAC file for the flow, and can be
// had to open the URL: http or https, an authority without user information, and
// one slash.
func asksChromium(url string, f rule.Flow) bool {
	scheme, rest, _ := strings.Cut(strings.ToLower(url), "://")
	a := f.Remote.Unmap()
	own := f.Name == "" && (a.IsLoopback() || a.IsLinkLocalUnicast()) || f.Name == "localhost" || strings.HasSuffix(f.Name, ".localhost")
	return !own && (scheme == "http" || scheme == "https") && strings.IndexByte(rest, '/') == len(rest)-1 && !strings.Contains(rest, "@")
}

// asksFirefox is asksChromium, but for https the host is spelled as Firefox does.
func asksFirefox(url string, f rule.Flow) bool {
	scheme, rest, _ := strings.Cut(url, "://")
	return asksChromium(url, f) && (strings.EqualFold(scheme, "http") || scheme == "https" && engine.FirefoxSpells(strings.TrimSuffix(rest, "/")))
}

// PAC asks the PAC file among the artefacts for the boundary flows of the policy, in
// every form of a URL, in each of pacparser, Node.js, Chromium and Firefox that is
// here. The answers have to be those of Policy.Route, in the words that the settings
// give them. If none of them is here, the errors are *engine.MissingError.
func PAC(ctx context.Context, p *rule.Policy, s artefact.Settings, artefacts []artefact.Artefact) (Result, error) {
	out, err := pac.Generator{}.Generate(p, s)
	if err != nil {
		return Result{}, err
	}
	w, err := newWays(p, s)
	if err != nil {
		return Result{}, err
	}
	all := w.flows()
	flows := affordable(all, w.size())
	requests := w.requestsOf(flows, mostSpelled)
	results, errs := make([]Result, len(Interpreters())), make([]error, len(Interpreters()))
	var wait sync.WaitGroup
	for i, in := range Interpreters() {
		wait.Add(1)
		go func() {
			defer wait.Done()
			results[i], errs[i] = in.ask(ctx, artefacts, requests)
		}()
	}
	wait.Wait()
	r, err := together(results, errs)
	r.Compared = flowsText(len(flows), len(all), mostSpelled) + ": " + r.Compared
	r.Disagreements = append(textDifferences(out.Artefacts, artefacts, pac.Generator{}.Comments()), r.Disagreements...)
	return r, err
}

// PACFlows returns the flows that PAC asks: the boundary flows of the rules, of every
// endpoint of the routes and of the local networks, and hosts without a dot.
func PACFlows(p *rule.Policy, s artefact.Settings) ([]rule.Flow, error) {
	w, err := newWays(p, s)
	if err != nil {
		return nil, err
	}
	return w.flows(), nil
}

// together is the result of every interpreter that is here.
func together(results []Result, errs []error) (Result, error) {
	all := Result{Generator: pac.Generator{}.Name()}
	var engines, compared []string
	var missing error
	for i, r := range results {
		var absent *engine.MissingError
		switch {
		case errors.As(errs[i], &absent):
			missing = errors.Join(missing, errs[i])
			continue
		case errs[i] != nil:
			return Result{}, errs[i]
		}
		all.Asked += r.Asked
		engines, compared = append(engines, r.Engine), append(compared, r.Compared+" in "+r.Engine)
		all.Disagreements = append(all.Disagreements, r.Disagreements...)
	}
	if len(engines) == 0 {
		return Result{}, missing
	}
	all.Engine, all.Compared = strings.Join(engines, ", "), strings.Join(compared, ", ")
	return all, nil
}

// PAC asks the PAC file among the artefacts for the flows, and for so many of them,
// evenly spread, in every form of a URL. An answer is compared with Policy.Route.
func (in Interpreter) PAC(ctx context.Context, p *rule.Policy, s artefact.Settings, artefacts []artefact.Artefact, flows []rule.Flow, inEveryForm int) (Result, error) {
	w, err := newWays(p, s)
	if err != nil {
		return Result{}, err
	}
	return in.ask(ctx, artefacts, w.requestsOf(asked(flows), inEveryForm))
}

// request is a flow with the URL that a client writes for it, and what the PAC file
// has to answer.
type request struct {
	flow rule.Flow
	url  string
	want string
}

func (w ways) requestsOf(flows []rule.Flow, inEveryForm int) []request {
	var all []request
	for i, f := range flows {
		urls, want := URLs(f), w.answer(f)
		if !spelled(i, len(flows), inEveryForm) {
			urls = urls[:1]
		}
		for _, u := range urls {
			all = append(all, request{f, u, want})
		}
	}
	return all
}

// direct is a PAC file that every interpreter evaluates.
var direct = []byte("function FindProxyForURL(url, host) { return \"DIRECT\"; }\n")

// ask is the proof by one interpreter. That it cannot evaluate the file is a
// disagreement, because no browser could, unless it can evaluate none.
func (in Interpreter) ask(ctx context.Context, artefacts []artefact.Artefact, requests []request) (Result, error) {
	r := Result{Generator: pac.Generator{}.Name(), Engine: in.Name}
	requests = slices.DeleteFunc(slices.Clone(requests), func(r request) bool { return !in.takes(r.url, r.flow) })
	some := spread(requests, in.most)
	r.Asked, r.Compared = len(some), partText(len(some), len(requests), "URLs")
	urls := make([]string, len(some))
	for i, one := range some {
		urls[i] = one.url
		if i == 0 || one.flow != some[i-1].flow {
			r.Flows++
		}
	}
	var text []byte
	for _, a := range artefacts {
		text = append(text, a.Data...)
	}
	answers, err := in.evaluate(ctx, text, urls)
	switch {
	case err == nil:
	case inconclusive(ctx, err):
		return Result{}, err
	default:
		if _, broken := in.evaluate(ctx, direct, []string{"http://example.com/"}); broken != nil {
			return Result{}, fmt.Errorf("%s does not work here: %w", in.Name, broken)
		}
		r.Disagreements = append(r.Disagreements, Disagreement{"the file in " + in.Name, "an answer to every request", err.Error()})
		return r, nil
	}
	for i, one := range some {
		if answers[i] != one.want {
			r.Disagreements = append(r.Disagreements, Disagreement{one.url + " (" + one.flow.String() + ")", one.want, answers[i] + " in " + in.Name})
		}
	}
	return r, nil
}
