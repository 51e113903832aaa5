package iptables

import (
	"maps"
	"slices"
	"strings"

	"gatewright/catalog/rule"
)

// Hook is a built-in chain of one family or, in mode mark, a chain of ours that the
// site's rules jump to.
type Hook struct {
	Family int    // 4 or 6
	Chain  string // "FORWARD", "gatewright_forward"
	Policy string // "ACCEPT" or "DROP"; empty for a chain of ours
	Rules  []HookRule
}

// HookRule is one rule of a Hook.
type HookRule struct {
	// Text is the rule as iptables-save writes it after the chain, without comment.
	Text string

	// Accepts is what a rule accepts that matches protocol and ports, and addresses or
	// none, and nothing else; nil for any other rule.
	Accepts []Line
}

// hooks reads the built-in chains of a table, and the entries of mode mark.
func (w *walker) hooks(t savedTable) []Hook {
	var hooks []Hook
	for _, chain := range slices.Sorted(maps.Keys(t.rules)) {
		policy, builtIn := t.policies[chain]
		entry := slices.Contains([]name{forwardEntry, inputEntry, outputEntry}, name(chain))
		if !builtIn && !entry {
			continue
		}
		h := Hook{Family: int(w.family), Chain: chain, Policy: policy}
		for _, text := range t.rules[chain] {
			h.Rules = append(h.Rules, w.hookRule(text))
		}
		hooks = append(hooks, h)
	}
	return hooks
}

func (w *walker) hookRule(text string) HookRule {
	out := HookRule{Text: withoutComment(text)}
	r, err := w.parse(text)
	plain := err == nil && !r.forGood && r.Protocol != 0 && r.Ports != nil && !r.Published && r.In == nil && r.Out == nil && r.Mark == 0
	ours := r.target == string(outboundChain) || r.target == string(inboundChain)
	if !plain || ours || r.target != "ACCEPT" && !strings.HasPrefix(r.target, prefix) {
		return out
	}
	rest := Line{Source: w.family.whole(), Destination: w.family.whole()}
	lines, err := w.readRule(&rest, text)
	if err != nil {
		return out
	}
	for _, l := range lines {
		if l.Mark != 0 || l.Published || l.In != nil || l.Out != nil {
			return out
		}
	}
	out.Accepts = lines
	return out
}

// withoutComment leaves out what iptables-save writes of a rule's comment.
func withoutComment(text string) string {
	words, err := splitWords(text)
	if err != nil {
		return text
	}
	for i := 0; i+3 < len(words); i++ {
		if words[i] == "-m" && words[i+1] == "comment" && words[i+2] == "--comment" {
			words = slices.Delete(words, i, i+4)
		}
	}
	return strings.Join(words, " ")
}

// Boxes returns the flows that a line accepts on its interfaces.
func (l Line) Boxes() []rule.Box {
	b := rule.Box{Direction: l.Direction, Published: l.Published, Local: l.Source, Remote: l.Destination}
	if l.Direction == rule.Inbound {
		b.Local, b.Remote = b.Remote, b.Local
	}
	return b.Over(l.Protocol, l.Ports)
}
