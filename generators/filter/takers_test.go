package filter

import (
	"fmt"
	"math"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// TestBuildIsBounded counts the lines that are looked at, in place of time: twice the
// rules make at most four times as many.
func TestBuildIsBounded(t *testing.T) {
	shapes := []struct {
		name  string
		grant func(i int) (services, remote string)
	}{
		{"apart", func(i int) (services, remote string) { return "tcp 443", fmt.Sprintf("20.0.%d.0/24", i) }},
		{"one prefix, own ports", func(i int) (services, remote string) { return fmt.Sprint("tcp ", i+1), "20.0.0.0/8" }},
		{"all ports within own ports", func(i int) (services, remote string) {
			if i%2 == 0 {
				return fmt.Sprint("tcp ", i+1), "20.0.0.0/8"
			}
			return "tcp 1-65535", fmt.Sprintf("20.0.%d.0/24", i)
		}},
		{"pairs of the same ports", func(i int) (services, remote string) {
			return fmt.Sprintf("tcp %d,%d", i%32+1, 1000+i), fmt.Sprintf("20.0.0.0/%d", 8+i%16)
		}},
	}
	tooFew := newBuilder(&rule.Policy{}, artefact.Filter{}, plain)
	tooFew.steps = MaxLines*stepsPerLine + 1
	remote := ruletest.Prefixes(t, "20.0.0.0/8")
	const want = "the rules hold each other's addresses in so many ways that their matches would take over 500000 lines; group them by area, or select fewer entries"
	if tooFew.groupsOf(nil, [][]line{{{}}}, []netset.PrefixSet{remote}); tooFew.err == nil || tooFew.err.Error() != want {
		t.Errorf("after too many looks: error %v; want %s", tooFew.err, want)
	}
	for _, shape := range shapes {
		var looks []float64
		for _, n := range []int{64, 128, 256} {
			in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}}}
			for i := range n {
				services, remote := shape.grant(i)
				id := fmt.Sprintf("x/%03d", i)
				in.Grants = append(in.Grants, ruletest.Grant(t, id, id, rule.Outbound, "clients", services, remote))
			}
			b := newBuilder(ruletest.Compile(t, in), artefact.Filter{Mode: artefact.ModeChains, Place: artefact.PlaceForward}, plain)
			b.direction(rule.Outbound, []Family{IPv4})
			if b.err != nil || b.lines == 0 {
				t.Fatalf("%s: %d lines, error %v", shape.name, b.lines, b.err)
			}
			looks = append(looks, float64(b.lines+b.steps))
		}
		for i := 1; i < len(looks); i++ {
			if power := math.Log2(looks[i] / looks[i-1]); power > 2.1 {
				t.Errorf("%s: twice the rules take 2^%.2f times the looks (%v)", shape.name, power, looks)
			}
		}
	}
}
