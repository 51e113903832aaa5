package proof

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/nftables"
	"gatewright/generators/nftables/kernel"
)

// NFTables loads the artefact of generator nftables into a network namespace of its own,
// and again over what a file for another policy may have left there, reads the kernel's
// sets and rules back by netlink, and compares the flows that they accept with those of
// the policy, all of them. It needs Linux, and root or a box.
func NFTables(ctx context.Context, p *rule.Policy, s artefact.Settings, artefacts []artefact.Artefact) (Result, error) {
	result := Result{Generator: nftables.Generator{}.Name(), Engine: "nft, read back by netlink"}
	table, err := nftables.TableOf(s)
	if err != nil {
		return result, err
	}
	filterOptions, err := artefact.FilterOf(s)
	if err != nil {
		return result, err
	}
	want, err := wantNFT(p, s)
	if err != nil {
		return result, err
	}
	m, err := engine.NewMachine(ctx)
	if err != nil {
		return result, err
	}
	defer m.Close()
	if err := m.TryNFT(); err != nil {
		return result, err
	}
	var held nftables.Ruleset
	for _, a := range artefacts {
		rs, wrong, err := loadNFT(m, a.Data, table, straysOf(p))
		var unreadable *unreadableError
		switch {
		case errors.As(err, &unreadable):
			result.Disagreements = []Disagreement{{"what the kernel holds", "rules of the generator", err.Error()}}
			return result, nil
		case err != nil:
			return result.refused(ctx, a, err)
		}
		held = rs
		harm, err := bystandersOfNFT(ctx, filterOptions, table, a)
		if err != nil {
			return result, err
		}
		result.Disagreements = slices.Concat(result.Disagreements, wrong, harm)
	}
	got := heldNFT(held)
	result.Compared = got.account()
	result.Disagreements = append(result.Disagreements, compareFilters(want, got)...)
	return result, nil
}

// unreadableError says that the kernel holds what is not of the generator.
type unreadableError struct{ error }

// loadNFT loads a file, and again over strays, because it has to be repeatable, and
// reads the table back: in one transaction or, where the system has no room for that,
// in pieces.
func loadNFT(m *engine.Machine, text []byte, table string, s strays) (nftables.Ruleset, []Disagreement, error) {
	err := m.LoadNFT(text)
	if errors.Is(err, engine.ErrTooLong) {
		return loadInPieces(m, text, table, s)
	}
	if err == nil {
		err = leaveNFT(m, table, s)
	}
	if err == nil {
		err = m.LoadNFT(text)
	}
	if err != nil {
		return nftables.Ruleset{}, nil, err
	}
	rs, err := readNFT(m, table)
	return rs, nil, err
}

func readNFT(m *engine.Machine, table string) (rs nftables.Ruleset, err error) {
	if failed := m.Do(func() error { rs, err = kernel.Read(table); return nil }); failed != nil {
		return rs, failed
	}
	if err != nil {
		err = &unreadableError{err}
	}
	return rs, err
}

// loadInPieces shows the same as loading the whole, but that it is one transaction: the
// kernel sees every statement and every element, of large sets a part at a time in
// place of the part before, and what it holds each time is put together.
func loadInPieces(m *engine.Machine, text []byte, table string, s strays) (rs nftables.Ruleset, wrong []Disagreement, err error) {
	pieces, err := nftables.Split(text)
	if err != nil {
		return rs, nil, err
	}
	load := func() error {
		for _, part := range pieces.Frame {
			if err := m.LoadNFT(part); err != nil {
				return err
			}
		}
		return nil
	}
	if err := load(); err != nil {
		return rs, nil, err
	}
	if err := leaveNFT(m, table, s); err != nil {
		return rs, nil, err
	}
	if err := load(); err != nil {
		return rs, nil, err
	}
	if rs, err = readNFT(m, table); err != nil {
		return rs, nil, err
	}
	gathered := map[string]netset.PrefixSet{}
	for _, piece := range pieces.Elements {
		if _, ok := gathered[piece.Set]; !ok && !rs.Prefixes[piece.Set].IsEmpty() {
			wrong = append(wrong, Disagreement{"set " + piece.Set, "emptied before it is filled", "holds what was there before"})
		}
		if err := m.LoadNFT(piece.Text); err != nil {
			return rs, nil, err
		}
		now, err := readNFT(m, table)
		if err != nil {
			return rs, nil, err
		}
		if !piece.Join(gathered, now) {
			wrong = append(wrong, Disagreement{"elements of set " + piece.Set, "disjoint", "overlapping"})
		}
	}
	maps.Copy(rs.Prefixes, gathered)
	return rs, wrong, nil
}

// NFTablesRules compares the rules of our two chains alone, for a table that holds the
// site's own besides.
func NFTablesRules(p *rule.Policy, s artefact.Settings, rs nftables.Ruleset) ([]Disagreement, error) {
	want, err := wantNFT(p, s)
	return compareRules(want, heldNFT(rs)), err
}

// refused is the result for a file that does not load.
func (r Result) refused(ctx context.Context, a artefact.Artefact, err error) (Result, error) {
	if inconclusive(ctx, err) {
		return r, err
	}
	r.Compared = "nothing"
	r.Disagreements = []Disagreement{{"loading " + a.Name, "it loads", err.Error()}}
	return r, nil
}

// heldNFT is what the kernel holds.
func heldNFT(rs nftables.Ruleset) filter {
	f := filter{others: rs.Others, sets: len(rs.Prefixes)}
	for _, s := range rs.Prefixes {
		f.prefixes += s.Len()
	}
	seen := map[string]bool{}
	for _, l := range rs.Rules {
		f.lines = append(f.lines, filterLine{boxes: rs.Boxes(l), in: l.In, out: l.Out, mark: l.Mark})
		text := fmt.Sprintf("%s, %s, counter %q, comment %q", l.Direction, nftables.HookRule{Line: l, Verdict: "accept"}, l.Counter, l.Comment)
		if seen[text] {
			f.twice = append(f.twice, text)
		}
		seen[text] = true
		if l.Original != (l.Published != "") {
			f.others = append(f.others, fmt.Sprintf("rule %+v, which takes published ports and packets of one direction not together", l))
		}
	}
	for _, h := range rs.Hooks {
		f.hooks = append(f.hooks, heldHook(rs, h))
	}
	return f
}

func heldHook(rs nftables.Ruleset, h nftables.Hook) filterHook {
	out := filterHook{name: fmt.Sprintf("%s (type %s, hook %s, priority %d)", h.Chain, h.Type, h.Hook, h.Priority), policy: h.Policy}
	for _, r := range h.Rules {
		switch opens := r.Verdict == "accept" && len(r.Beside) == 0 && r.Protocol != 0; {
		case opens && len(r.In)+len(r.Out) == 0 && r.Mark == 0 && r.Cleared == 0 && !r.Original && r.Published == "":
			r.Direction = rule.Inbound
			out.open = append(out.open, rs.Boxes(r.Line)...)
			out.addOpenStep()
		case r.String() == "": // counts what the policy of the chain drops
		default:
			out.steps = append(out.steps, r.String())
		}
	}
	return out
}

// wantNFT is what the kernel has to hold.
func wantNFT(p *rule.Policy, s artefact.Settings) (filter, error) {
	f, err := artefact.FilterOf(s)
	if err != nil {
		return filter{}, err
	}
	table, err := nftables.TableOf(s)
	if err != nil {
		return filter{}, err
	}
	v4, v6 := nftables.FamiliesOf(table)
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
		h.open = filterOpen(p, f, hook != "output", hook != "input")
		if !rule.RegionOf(h.open...).IsEmpty() {
			h.addOpenStep()
		}
	}
	h.steps = slices.Concat(h.steps, jumps)
	return h
}

// guardNFT is what a hook that drops by default lets pass and drops before the rest:
// established flows with the ICMP errors that are related to them, loopback and neighbour
// discovery (RFC 4861, RFC 4890).
func guardNFT(hook string) []string {
	steps := []string{"ct state established,related accept"}
	if loopback := map[string]string{"input": "iif lo accept", "output": "oif lo accept"}[hook]; loopback != "" {
		steps = append(steps, loopback,
			"ip6 hoplimit 255 icmpv6 type 133,134,135,136 accept",
			"ip6 hoplimit 1 icmpv6 type 130,131,132,143 accept")
	}
	return append(steps, "ct state invalid drop")
}
