package proof

import (
	"context"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Reader is a generator whose own reading of its files proves them.
type Reader interface {
	Name() string
	Comments() artefact.CommentSyntax
	Generate(*rule.Policy, artefact.Settings) (artefact.Output, error)
	Read(artefact.Files) (artefact.Reading, error)
}

// ByReading proves a packet filter that no engine here runs: what its files accept, as
// they are read, is what the policy does, and their lines are those of the generator.
// It shows nothing of how the backend understands them. Config is artefact.FilterOf,
// unless the generator adds to what that returns.
func ByReading(g Reader, config func(artefact.Settings) (artefact.Filter, error)) func(context.Context, *rule.Policy, artefact.Settings, []artefact.Artefact) (Result, error) {
	return func(_ context.Context, p *rule.Policy, s artefact.Settings, artefacts []artefact.Artefact) (Result, error) {
		f, err := config(s)
		if err != nil {
			return Result{}, err
		}
		out, err := g.Generate(p, s)
		if err != nil {
			return Result{}, err
		}
		r := Result{Generator: g.Name(), Engine: "our own reader of its files"}
		r.Disagreements = textDifferences(out.Artefacts, artefacts, g.Comments())
		read, err := g.Read(artefact.FilesOf(artefacts))
		if err != nil {
			r.Disagreements = append(r.Disagreements, Disagreement{"the files", "what generate writes", err.Error()})
			return r, nil
		}
		n, differences := compareReading(p, f, read)
		r.Disagreements = append(r.Disagreements, differences...)
		r.Compared = plural(n, "rule", "rules") + ", read back"
		return r, nil
	}
}

// compareReading returns how many rules were read, and how what they accept differs
// from what they should.
func compareReading(p *rule.Policy, f artefact.Filter, read artefact.Reading) (n int, all []Disagreement) {
	var got []filterLine
	var open []rule.TrafficSet
	for _, at := range read.Filters {
		for _, l := range at.Lines {
			n++
			if l.Rule == "" {
				open = append(open, l.Traffic)
				continue
			}
			got = append(got, filterLine{l.Direction, l.Traffic, strings.Fields(at.Point.In), strings.Fields(at.Point.Out), at.Point.Mark})
		}
	}
	var wanted []rule.TrafficSet
	if f.Mode == artefact.ModeEnforce {
		wanted = append(wanted, filterOpen(p, f, true, true))
	}
	all = compareLines(byPairs(filterPolicy(p, f, true, true)), byPairs(got))
	return n, append(all, compareTraffic(" beside the policy", byDirection{rule.Inbound: wanted}, byDirection{rule.Inbound: open})...)
}

// byPairs has a line for each pair of interfaces: a backend may name them in lists or
// one by one.
func byPairs(lines []filterLine) (all []filterLine) {
	for _, l := range lines {
		ins, outs := artefact.OneByOne(l.in), artefact.OneByOne(l.out)
		for _, l.in = range ins {
			for _, l.out = range outs {
				all = append(all, l)
			}
		}
	}
	return all
}
