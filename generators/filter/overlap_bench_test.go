package filter

import (
	"fmt"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// BenchmarkOverlap reports how many elements and lines a rule takes where rules hold
// each other's addresses, on one port and each on its own: those of a set are flat if
// neither grows with the number of rules.
func BenchmarkOverlap(b *testing.B) {
	shapes := []struct {
		name   string
		remote func(i int) string
	}{
		{"apart", func(i int) string { return fmt.Sprintf("20.%d.%d.0/24", i/256, i%256) }},
		{"one-around-all", func(i int) string {
			if i == 0 {
				return "20.0.0.0/8"
			}
			return fmt.Sprintf("20.%d.%d.64/26", i/256, i%256)
		}},
		{"sixteen-within-each-other", func(i int) string {
			return fmt.Sprintf("%d.%d.0.0/%d", 20+i/16/256, i/16%256, 16+i%16)
		}},
		{"one-prefix", func(int) string { return "20.0.0.0/24" }},
	}
	for _, s := range shapes {
		for _, own := range []bool{false, true} {
			for _, n := range []int{100, 400, 800} {
				b.Run(fmt.Sprintf("%s/ownPorts=%t/rules=%d", s.name, own, n), func(b *testing.B) {
					p := overlapping(b, n, own, s.remote)
					c := artefact.Filter{Mode: artefact.ModeChains, Place: artefact.PlaceForward}
					var built Built
					for b.Loop() {
						var err error
						if built, err = Build(p, c, []Family{IPv4}, plain); err != nil {
							b.Fatal(err)
						}
					}
					elements, lines := built.size()
					b.ReportMetric(float64(elements)/float64(n), "elements/rule")
					b.ReportMetric(float64(lines)/float64(n), "lines/rule")
				})
			}
		}
	}
}

func overlapping(b *testing.B, n int, own bool, remote func(int) string) *rule.Policy {
	in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(b, "10.0.0.0/8")}}}
	for i := range n {
		id, services := fmt.Sprintf("e%05d", i), "tcp 443"
		if own {
			services = fmt.Sprintf("tcp 443,%d", 1000+i)
		}
		in.Grants = append(in.Grants, ruletest.Grant(b, "many/"+id, id, rule.Outbound, "clients", services, remote(i)))
	}
	return ruletest.Compile(b, in)
}

// size counts the ranges in maps and sets, and what leads to rules.
func (b Built) size() (elements, lines int) {
	for _, s := range b.Sets {
		elements += s.Prefixes.Size() + len(s.Ports)
	}
	for _, m := range b.Maps {
		for _, e := range m.Elements {
			elements += e.Prefixes.Size()
		}
	}
	for _, c := range b.Chains {
		for _, r := range c.Rules {
			if r.Verdict == Goto && r.Map == "" {
				lines++
			}
		}
	}
	return elements, lines
}
