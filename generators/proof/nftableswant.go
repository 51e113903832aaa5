package proof

import (
	"fmt"
	"slices"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/nftables"
)

// wantNFT is what the kernel has to hold.
func wantNFT(p *rule.Policy, s artefact.Settings) (filter, error) {
	f, err := artefact.FilterOf(s)
	if err != nil {
		return filter{}, err
	}
	v4, v6 := nftables.Generator{}.Families(s)
	want := filter{lines: filterPolicy(p, f, v4, v6)}
	if f.Mode == artefact.ModeChains {
		return want, nil
	}
	for _, hook := range []string{"input", "forward", "output"} {
		want.hooks = append(want.hooks, wantHook(p, f, hook))
	}
	return want, nil
}

// wantHook is one base chain of our own table. Those where the artefact has no place
// let everything through.
func wantHook(p *rule.Policy, f artefact.Filter, hook string) filterHook {
	h := filterHook{name: fmt.Sprintf("%s (type filter, hook %s, priority -10)", hook, hook), policy: "accept"}
	var jumps []string
	switch {
	case hook == "forward" && f.Place == artefact.PlaceForward:
		jumps = []string{"jump gatewright_outbound", "jump gatewright_inbound"}
	case hook == "input" && f.Place == artefact.PlaceHost:
		jumps = []string{"jump gatewright_inbound"}
	case hook == "output" && f.Place == artefact.PlaceHost:
		jumps = []string{"jump gatewright_outbound"}
	}
	switch {
	case f.Mode == artefact.ModeMark:
		h.steps = append(h.steps, fmt.Sprintf("mark and %#x", ^f.Mark))
	case len(jumps) > 0:
		h.policy = "drop"
		h.steps = guardNFT(hook)
		h.open = []rule.TrafficSet{filterOpen(p, f, hook != "output", hook != "input")}
		if !h.open[0].IsEmpty() {
			h.addOpenStep()
		}
	}
	h.steps = slices.Concat(h.steps, jumps)
	if h.policy == "drop" {
		h.steps = append(h.steps, "counter gatewright_"+hook+"_dropped")
	}
	return h
}

// guardNFT is what a hook that drops by default lets pass and drops before the rest:
// established flows with the ICMP errors that are related to them, loopback and
// neighbour discovery (RFC 4861, RFC 4890).
func guardNFT(hook string) []string {
	steps := []string{"ct state established,related accept"}
	if loopback := map[string]string{"input": "iif lo accept", "output": "oif lo accept"}[hook]; loopback != "" {
		steps = append(steps, loopback,
			"ip6 hoplimit 255 icmpv6 type 133,134,135,136 accept",
			"ip6 hoplimit 1 icmpv6 type 130,131,132,143 accept")
	}
	return append(steps, "ct state invalid drop")
}
