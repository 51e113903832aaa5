package engine

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// BenchmarkSquidRequest reports the CPU time of a request that no rule allows against
// that with one rule, asked of the other Squid in turn.
func BenchmarkSquidRequest(b *testing.B) {
	one := startSquidFor(b, manyRules(b, 1, false), "first")
	for _, own := range []bool{false, true} {
		for _, n := range []int{50, 2000} {
			many := startSquidFor(b, manyRules(b, n, own), "first")
			b.Run(fmt.Sprintf("rules=%d/ownPorts=%t", n, own), func(b *testing.B) {
				var none, all float64
				for b.Loop() {
					none, all = none+squidCPU(b, one, 2000), all+squidCPU(b, many, 2000)
				}
				b.ReportMetric(all/float64(b.N)/2000, "µs-CPU/request")
				b.ReportMetric(all/none, "x-one-rule")
			})
			many.Stop()
		}
	}
}

// manyRules is a policy of n rules of two names and two prefixes each, on one port or
// each on its own.
func manyRules(t testing.TB, n int, own bool) *rule.Policy {
	t.Helper()
	in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}}}
	for i := range n {
		services := "tcp 443"
		if own {
			services = "tcp " + strconv.Itoa(1000+i)
		}
		name := fmt.Sprintf("entry%d", i)
		in.Grants = append(in.Grants, ruletest.Grant(t, "many/"+name, name, rule.Outbound, "clients", services,
			"a."+name+".example", "b."+name+".example", fmt.Sprintf("20.%d.%d.0/25", i/256, i%256), fmt.Sprintf("21.%d.%d.0/25", i/256, i%256)))
	}
	return ruletest.Compile(t, in)
}

// squidCPU asks for n hosts that no rule names and returns the microseconds of CPU that
// Squid took.
func squidCPU(b *testing.B, s *Squid, n int) float64 {
	b.Helper()
	requests := make([]SquidRequest, n)
	for i := range requests {
		requests[i].Flow = rule.Flow{
			Direction: rule.Outbound, Protocol: netset.TCP, Port: 443,
			Name: fmt.Sprintf("host%d.example.net", i), Local: netip.MustParseAddr("10.0.0.1"),
		}
	}
	before := processCPU(b, s.process.Process.Pid)
	answers, err := s.ask(connect, requests)
	if err != nil || answers[0] {
		b.Fatal(err, answers[0])
	}
	return processCPU(b, s.process.Process.Pid) - before
}

// processCPU is the microseconds of CPU that a process has had, by proc_pid_stat(5).
func processCPU(b *testing.B, pid int) (us float64) {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		b.Fatal(err)
	}
	ns, err := strconv.ParseFloat(string(bytes.Fields(stat)[0]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return ns / 1000
}
