package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	held "gatewright/generators/filter"
	"gatewright/generators/nftables"
	"gatewright/generators/nftables/kernel"
)

// NFTables loads the artefact of generator nftables into a network namespace of its
// own, and again over what a file for another policy may have left there, reads the
// kernel's sets and rules back by netlink, and compares the flows that they accept with
// those of the policy, all of them. It needs Linux, and root or a box.
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
	var in kernel.Held
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
		in = rs
		harm, err := bystandersOfNFT(ctx, filterOptions, table, a)
		if err != nil {
			return result, err
		}
		result.Disagreements = slices.Concat(result.Disagreements, wrong, harm)
	}
	got := heldNFT(in)
	result.Compared = got.account()
	result.Disagreements = append(result.Disagreements, compareFilters(want, got)...)
	return result, nil
}

// unreadableError says that the kernel holds what is not of the generator.
type unreadableError struct{ error }

// loadNFT loads a file, and again over strays, because it has to be repeatable, and
// reads the table back: in one transaction or, where the system has no room for that,
// in pieces.
func loadNFT(m *engine.Machine, text []byte, table string, s strays) (kernel.Held, []Disagreement, error) {
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
		return kernel.Held{}, nil, err
	}
	rs, err := readNFT(m, table)
	return rs, nil, err
}

func readNFT(m *engine.Machine, table string) (rs kernel.Held, err error) {
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
func loadInPieces(m *engine.Machine, text []byte, table string, s strays) (rs kernel.Held, wrong []Disagreement, err error) {
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
	var gathered held.Ruleset
	for _, piece := range pieces.Elements {
		_, again := gathered.Set(piece.Set)
		_, againMap := gathered.Map(piece.Set)
		if s, ok := rs.Set(piece.Set); ok && !again && !s.Prefixes.IsEmpty() {
			wrong = append(wrong, Disagreement{"set " + piece.Set, "emptied before it is filled", "holds what was there before"})
		}
		if m, ok := rs.Map(piece.Set); ok && !againMap && len(m.Elements) > 0 {
			wrong = append(wrong, Disagreement{"map " + piece.Set, "emptied before it is filled", "holds what was there before"})
		}
		if err := m.LoadNFT(piece.Text); err != nil {
			return rs, nil, err
		}
		now, err := readNFT(m, table)
		if err != nil {
			return rs, nil, err
		}
		if !piece.Join(&gathered, &now.Ruleset) {
			wrong = append(wrong, Disagreement{"elements of " + piece.Set, "disjoint", "overlapping"})
		}
	}
	rs.Replace(gathered)
	return rs, wrong, nil
}

// NFTablesRules compares only the rules of our chains, for a table that also holds
// rules of the site.
func NFTablesRules(p *rule.Policy, s artefact.Settings, rs held.Ruleset) ([]Disagreement, error) {
	want, err := wantNFT(p, s)
	return compareRules(want, heldNFT(kernel.Held{Ruleset: rs})), err
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
func heldNFT(k kernel.Held) filter {
	f := filter{others: k.Others}
	for i := range k.Chains {
		f.twice = append(f.twice, twice(&k.Chains[i])...)
	}
	f.add(&k.Ruleset, filterWords{func(c *held.Chain) string {
		if c.Hook == nil {
			return c.Name
		}
		return fmt.Sprintf("%s (type filter, hook %s, priority %d)", c.Name, c.Hook.Name, c.Hook.Priority)
	}, stepText, func(v held.Verdict) string { return string(v) }})
	return f
}

// filterWords are a backend's words for what a ruleset holds.
type filterWords struct {
	chain  func(*held.Chain) string
	step   func(held.Rule) string
	policy func(held.Verdict) string
}

// add adds what a ruleset holds.
func (f *filter) add(rs *held.Ruleset, words filterWords) {
	for _, s := range rs.Sets {
		f.sets, f.prefixes = f.sets+1, f.prefixes+s.Prefixes.Len()
	}
	for _, m := range rs.Maps {
		f.sets++
		for _, e := range m.Elements {
			f.prefixes += e.Prefixes.Len()
		}
	}
	used := map[string]bool{}
	for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
		reach(rs, held.EntryOf(d), used)
		for _, o := range rs.Openings(held.EntryOf(d)) {
			f.lines = append(f.lines, filterLine{direction: d, traffic: o.Traffic(), in: o.In, out: o.Out, mark: o.Mark})
		}
	}
	for i := range rs.Chains {
		if c := &rs.Chains[i]; c.Hook != nil {
			reach(rs, c.Name, used)
			f.hooks = append(f.hooks, heldHook(rs, c, words))
		}
	}
	for i := range rs.Chains {
		if c := &rs.Chains[i]; !used[c.Name] {
			f.others = append(f.others, "chain "+words.chain(c))
		}
	}
}

// reach marks a chain and those that it leads to.
func reach(rs *held.Ruleset, chain string, used map[string]bool) {
	c, ok := rs.Chain(chain)
	if !ok || used[chain] {
		return
	}
	used[chain] = true
	for _, r := range c.Rules {
		reach(rs, r.Target, used)
		if m, ok := rs.Map(r.Map); ok {
			for _, e := range m.Elements {
				reach(rs, e.Chain, used)
			}
		}
	}
}

// twice tells the rules that stand in a chain twice.
func twice(c *held.Chain) (all []string) {
	seen := map[string]bool{}
	for _, r := range c.Rules {
		text := fmt.Sprintf("%s of chain %s", stepText(r), c.Name)
		if seen[text] {
			all = append(all, text)
		}
		seen[text] = true
	}
	return all
}

// heldHook is a base chain. What it accepts for options and resolvers is compared as
// flows, and every other rule by its words, in order.
func heldHook(rs *held.Ruleset, c *held.Chain, words filterWords) filterHook {
	out := filterHook{name: words.chain(c), policy: words.policy(c.Hook.Policy)}
	for _, r := range c.Rules {
		plain := r.Protocol != 0 && r.State == "" && r.Loopback == "" && r.ICMP == nil && len(r.In)+len(r.Out) == 0 &&
			r.SetMark == 0 && r.ClearMark == 0 && r.Original.IsAll()
		entry := r.Target == held.Outbound || r.Target == held.Inbound
		if !plain || entry || r.Verdict != held.Accept && r.Verdict != held.Jump {
			out.steps = append(out.steps, words.step(r))
			continue
		}
		const only = "only"
		alone := held.Ruleset{Sets: rs.Sets, Maps: rs.Maps, Chains: append([]held.Chain{{Name: only, Rules: []held.Rule{r}}}, rs.Chains...)}
		for _, o := range alone.Openings(only) {
			out.open = append(out.open, o.Traffic())
		}
		out.addOpenStep()
	}
	return out
}

// stepText describes a rule roughly as nft writes it.
func stepText(r held.Rule) string {
	var words []string
	add := func(word, value string) {
		if value != "" && value != "0" {
			words = append(words, strings.TrimSpace(word+" "+value))
		}
	}
	add("iifname", strings.Join(r.In, ","))
	add("oifname", strings.Join(r.Out, ","))
	add("ct state", r.State)
	if r.Loopback != "" {
		add(r.Loopback, "lo")
	}
	add("ip6 hoplimit", strconv.Itoa(int(r.HopLimit)))
	add(icmpWord(r.Family), icmpText(r.ICMP))
	if r.Protocol != 0 {
		add("", r.Protocol.String())
	}
	add("dport", portsText(r.Ports))
	add("published", portsText(r.Original))
	add("saddr", addressText(r.From))
	add("daddr", addressText(r.To))
	if r.ClearMark != 0 {
		add("", fmt.Sprintf("mark and %#x", ^r.ClearMark))
	}
	if r.SetMark != 0 {
		add("", fmt.Sprintf("mark or %#x", r.SetMark))
	}
	if r.Map != "" {
		return strings.Join(append(words, "vmap "+r.Map), " ")
	}
	if r.Verdict == held.Continue {
		add("counter", r.Counter) // of what the policy of the chain drops
	}
	add("", strings.TrimSpace(string(r.Verdict)+" "+r.Target))
	return strings.Join(words, " ")
}

func icmpWord(f held.Family) string {
	if f == held.IPv6 {
		return "icmpv6 type"
	}
	return "icmp type"
}

func icmpText(list []held.ICMP) string {
	words := make([]string, len(list))
	for i, one := range list {
		words[i] = strconv.Itoa(int(one.Type))
		if one.Code >= 0 {
			words[i] += fmt.Sprintf(" code %d", one.Code)
		}
	}
	return strings.Join(words, ",")
}

func portsText(p held.Ports) string {
	words := []string{p.Set}
	for _, r := range p.Ranges {
		words = append(words, r.String())
	}
	return strings.Trim(strings.Join(words, ","), ",")
}

func addressText(a held.Addresses) string {
	if a.Prefix.IsValid() {
		return a.Prefix.String()
	}
	return a.Set
}
