package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	held "gatewright/generators/filter"
	"gatewright/generators/iptables"
)

// Iptables loads the artefacts of generator iptables into a network namespace of its
// own, by what this machine calls iptables, and again over what files for another
// policy may have left there, reads them back as iptables-save and ipset save print
// them, and compares the flows that they accept with those of the policy, all of them.
// It needs Linux, and root or a box.
func Iptables(ctx context.Context, p *rule.Policy, s artefact.Settings, artefacts []artefact.Artefact) (Result, error) {
	return IptablesVariant(ctx, engine.IptablesDefault, p, s, artefacts)
}

// IptablesVariant is Iptables by a variant's programs.
func IptablesVariant(ctx context.Context, variant engine.Variant, p *rule.Policy, s artefact.Settings, artefacts []artefact.Artefact) (Result, error) {
	result := Result{Generator: iptables.Generator{}.Name(), Engine: "iptables, read back by iptables-save"}
	f, err := artefact.FilterOf(s)
	if err != nil {
		return result, err
	}
	m, err := engine.NewMachine(ctx)
	if err != nil {
		return result, err
	}
	defer m.Close()
	if err := m.TryIptables(variant); err != nil {
		return result, err
	}
	for again := range 2 {
		if again == 1 {
			if err := leaveIptables(m, variant, artefacts, straysOf(p)); err != nil {
				return result, err
			}
		}
		for _, a := range artefacts {
			if err := m.LoadIptables(variant, []artefact.Artefact{a}); err != nil {
				return result.refused(ctx, a, err)
			}
		}
	}
	dump, err := m.DumpIptables(variant)
	if err != nil {
		return result, err
	}
	rs, err := iptables.ReadBack(iptables.Dump(dump), iptablesTable(f))
	if err != nil {
		result.Disagreements = []Disagreement{{"what the kernel holds", "rules of the generator", err.Error()}}
		return result, nil
	}
	got := heldIptables(rs)
	result.Compared = got.account()
	harm, err := bystandersOfIptables(ctx, variant, f, artefacts)
	result.Disagreements = append(compareFilters(wantIptables(p, f), got), harm...)
	return result, err
}

// IptablesRules compares only the rules of our two chains, for tables that also hold
// rules of the site.
func IptablesRules(p *rule.Policy, s artefact.Settings, h iptables.Held) ([]Disagreement, error) {
	f, err := artefact.FilterOf(s)
	return compareRules(wantIptables(p, f), heldIptables(h)), err
}

func iptablesTable(f artefact.Filter) string {
	if f.Mode == artefact.ModeMark {
		return "mangle"
	}
	return "filter"
}

// heldIptables is what the kernel holds.
func heldIptables(h iptables.Held) filter {
	f := filter{others: h.Others}
	for family, rs := range map[int]*held.Ruleset{4: &h.IPv4, 6: &h.IPv6} {
		folded := rs.Fold()
		f.add(&folded, filterWords{
			func(c *held.Chain) string { return iptablesHook(family, c.Name) }, iptables.RuleText,
			func(v held.Verdict) string { return strings.ToUpper(string(v)) },
		})
		f.sets -= len(folded.Maps) // trees of chains, which hold what sets do
		for _, set := range rs.Sets {
			f.prefixes -= set.Prefixes.Len()
		}
		for i := range rs.Chains {
			f.twice = append(f.twice, twice(&rs.Chains[i])...)
		}
	}
	slices.Sort(f.others)
	return f
}

func iptablesHook(family int, chain string) string {
	if family == 6 {
		return chain + " of ip6tables"
	}
	return chain + " of iptables"
}

// wantIptables is what the kernel has to hold.
func wantIptables(p *rule.Policy, f artefact.Filter) filter {
	want := filter{lines: filterPolicy(p, f, true, true)}
	for _, family := range []int{4, 6} {
		builtIn := []string{"INPUT", "FORWARD", "OUTPUT"}
		if f.Mode == artefact.ModeMark {
			builtIn = append(builtIn, "PREROUTING", "POSTROUTING")
		}
		for _, chain := range builtIn {
			h := filterHook{name: iptablesHook(family, chain), policy: "ACCEPT"}
			if jumps := iptablesJumps(f, chain); f.Mode == artefact.ModeEnforce && jumps != nil {
				h.policy = "DROP"
				h.steps = guardIptables(family, chain)
				h.open = []rule.TrafficSet{filterOpen(p, f, chain != "OUTPUT", chain != "INPUT").In(family == 4, family == 6)}
				if !h.open[0].IsEmpty() {
					h.addOpenStep()
				}
				h.steps = append(h.steps, jumps...)
			}
			want.hooks = append(want.hooks, h)
			if jumps := iptablesJumps(f, chain); f.Mode == artefact.ModeMark && jumps != nil {
				entry := filterHook{name: iptablesHook(family, "gatewright_"+strings.ToLower(chain))}
				entry.steps = append([]string{fmt.Sprintf("-j MARK --set-xmark 0x0/%#x", f.Mark)}, jumps...)
				want.hooks = append(want.hooks, entry)
			}
		}
	}
	return want
}

// iptablesJumps is where packets go on from a built-in chain; nil if the artefact has
// no place there.
func iptablesJumps(f artefact.Filter, chain string) []string {
	switch {
	case chain == "FORWARD" && f.Place == artefact.PlaceForward:
		return []string{"-j gatewright_outbound", "-j gatewright_inbound"}
	case chain == "INPUT" && f.Place == artefact.PlaceHost:
		return []string{"-j gatewright_inbound"}
	case chain == "OUTPUT" && f.Place == artefact.PlaceHost:
		return []string{"-j gatewright_outbound"}
	}
	return nil
}

// guardIptables is guardNFT in words of iptables.
func guardIptables(family int, chain string) []string {
	steps := []string{"-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"}
	switch chain {
	case "INPUT":
		steps = append(steps, "-i lo -j ACCEPT")
	case "OUTPUT":
		steps = append(steps, "-o lo -j ACCEPT")
	}
	if family == 6 && chain != "FORWARD" {
		steps = append(steps, neighbours("255", "133", "134", "135", "136")...)
		steps = append(steps, neighbours("1", "130", "131", "132", "143")...)
	}
	return append(steps, "-m conntrack --ctstate INVALID -j DROP")
}

func neighbours(hopLimit string, types ...string) (steps []string) {
	for _, t := range types {
		steps = append(steps, "-p icmpv6 -m hl --hl-eq "+hopLimit+" --icmpv6-type "+t+" -j ACCEPT")
	}
	return steps
}
