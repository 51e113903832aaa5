package iptables

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Explain answers as the kernel decides by the files of Generate: it reads their
// sets and chains, and walks a flow's first packet through them.
func (g Generator) Explain(p *rule.Policy, s artefact.Settings) (artefact.Explainer, error) {
	c, err := configure(s)
	if err != nil {
		return nil, err
	}
	out, err := g.Generate(p, s)
	if err != nil {
		return nil, err
	}
	e := explainer{policy: p, config: c, ours: c.Local(p), table: "filter", chains: map[family]map[string][]packetRule{}}
	if c.Mode == artefact.ModeMark {
		e.table = "mangle"
	}
	sets := map[string]netset.PrefixSet{}
	if first := out.Artefacts[0]; first.Name == setsFile {
		file, err := readSetsFile(first.Data)
		if err != nil {
			return nil, err
		}
		for n, held := range file.held {
			sets[string(n)] = held
		}
	}
	for _, a := range out.Artefacts {
		for _, f := range []family{ipv4, ipv6} {
			if err == nil && a.Name == f.file() {
				e.chains[f], err = readPacketRules(f, a.Data, e.table, sets)
			}
		}
	}
	return e.answer, err
}

type explainer struct {
	policy *rule.Policy
	config config
	ours   netset.PrefixSet // the addresses of all roles
	table  string
	chains map[family]map[string][]packetRule
}

// packetRule is a rule of a chain that a flow's first packet can match.
type packetRule struct {
	savedRule
	sets []string // as By shows them
	rule rule.ID  // that the comment names; empty for none
}

// readPacketRules leaves out rules for other protocols, for states of connections
// and for the loopback interface: no flow between our side and a remote is theirs.
func readPacketRules(f family, data []byte, table string, sets map[string]netset.PrefixSet) (map[string][]packetRule, error) {
	w := walker{family: f, sets: sets, used: map[string]bool{}}
	chains := map[string][]packetRule{}
	for chain, rules := range readTables(data)[table].rules {
		chains[chain] = nil
		for _, text := range rules {
			built := chain == strings.ToUpper(chain)
			if built && !strings.Contains(text, "-p tcp ") && !strings.Contains(text, "-p udp ") || strings.Contains(text, "--set-xmark 0x0/") {
				continue
			}
			r, err := w.parse(text)
			if err != nil {
				return nil, fmt.Errorf("chain %s: %q: %w", chain, text, err)
			}
			id, _, ok := strings.Cut(r.Comment, ": ")
			if !ok {
				id = ""
			}
			chains[chain] = append(chains[chain], packetRule{r, setMatches(text), rule.ID(id)})
		}
	}
	return chains, nil
}

// setMatches names the sets that a rule matches.
func setMatches(text string) []string {
	var out []string
	words := strings.Fields(text)
	for i, word := range words {
		if word == "--match-set" && i+2 < len(words) {
			out = append(out, "set "+words[i+1]+" "+words[i+2])
		}
	}
	return out
}

func (e *explainer) answer(q rule.Question) artefact.Answer {
	f := q.Flow
	packet := e.config.PacketOf(f, e.ours)
	var a artefact.Answer
	var open []rule.ID
	for _, fam := range []family{ipv4, ipv6} {
		if !packet.Local.IsValid() || familyOf(packet.Local) != fam || packet.Remote.IsValid() && familyOf(packet.Remote) != fam {
			continue
		}
		w := packetWalk{chains: e.chains[fam], packet: packet}
		for _, chain := range e.starts(packet) {
			w.walk(chain, packetHit{})
		}
		for _, h := range w.hits {
			if h.byRemote {
				open = artefact.AddRule(open, h.rule)
				continue
			}
			if a.By == nil {
				a.By = append([]string{fmt.Sprintf("chain %s, %s table %s", h.path[0], fam.program(), e.table)}, h.path[1:]...)
			}
			a.Rules = artefact.AddRule(a.Rules, h.rule)
		}
	}
	if a.By != nil {
		return e.config.Accepted(f, a)
	}
	return e.config.Unmatched(e.policy, f, open, fmt.Sprintf("policy DROP of chain %s", e.hook(f.Direction)))
}

// hook is the built-in chain that a flow passes.
func (e *explainer) hook(d rule.Direction) name {
	switch {
	case e.config.Place == artefact.PlaceForward:
		return forwardHook
	case d == rule.Inbound:
		return inputHook
	}
	return outputHook
}

// starts returns the chains that a packet comes to: a built-in one that is ours
// first.
func (e *explainer) starts(p artefact.Packet) []string {
	var out []string
	if e.config.Mode == artefact.ModeEnforce {
		out = append(out, string(e.hook(p.Direction)))
	}
	for _, d := range []rule.Direction{rule.Outbound, rule.Inbound} {
		if p.Meets(d) {
			if p.Interface == "" {
				out = append(out, string(e.config.ruleChain(d, false)))
			}
			if e.config.sided() {
				out = append(out, string(e.config.ruleChain(d, true)))
			}
		}
	}
	return out
}

// packetWalk takes a packet through the chains of one family, and notes every rule
// that accepts it, as if those before it had not.
type packetWalk struct {
	chains map[string][]packetRule
	packet artefact.Packet
	hits   []packetHit
}

// packetHit is how a packet comes to be accepted.
type packetHit struct {
	path     []string // chains and matches on the way
	rule     rule.ID
	byRemote bool // it depends on the remote's address, which is not known
}

// walk goes on as a packet does: a goto takes it away for good.
func (w *packetWalk) walk(chain string, so packetHit) {
	so.path = append(slices.Clip(so.path), chain)
	for _, r := range w.chains[chain] {
		matched, byRemote := w.matches(r)
		if !matched {
			continue
		}
		next := packetHit{append(slices.Clip(so.path), w.words(r)...), so.rule, so.byRemote || byRemote}
		if r.rule != "" {
			next.rule = r.rule
		}
		if r.target == string(accept) || r.target == "MARK" {
			w.hits = append(w.hits, next)
			continue
		}
		w.walk(r.target, next)
		if r.forGood {
			return
		}
	}
}

// matches compares the packet with a rule; byRemote tells that the remote's address,
// which is not known, would have to match as well.
func (w *packetWalk) matches(r packetRule) (matched, byRemote bool) {
	p := w.packet
	source, destination := p.Local, p.Remote
	if p.Direction == rule.Inbound {
		source, destination = destination, source
	}
	holds := func(s netset.PrefixSet, a netip.Addr) bool {
		if !a.IsValid() {
			byRemote = byRemote || !isWhole(s)
			return true
		}
		return s.Contains(a)
	}
	port := p.Port
	if r.Published {
		port = p.OriginalPort()
	}
	on := func(names []string) bool {
		return names == nil || p.Interface == "" || slices.Contains(names, p.Interface)
	}
	matched = on(r.In) && on(r.Out) && (r.Protocol == 0 || r.Protocol == p.Protocol) && holds(r.Source, source) && holds(r.Destination, destination) &&
		(r.Ports == nil || slices.ContainsFunc(r.Ports, func(one netset.PortRange) bool { return one.Contains(port) }))
	return matched, byRemote
}

// words are the matches of a rule: its sets, or prefixes, and ports.
func (w *packetWalk) words(r packetRule) []string {
	out := slices.Clone(r.sets)
	if len(r.sets) == 0 {
		for _, side := range []struct {
			option string
			set    netset.PrefixSet
		}{{"-s ", r.Source}, {"-d ", r.Destination}} {
			if !isWhole(side.set) {
				out = append(out, side.option+side.set.String())
			}
		}
	}
	if len(r.Ports) > 0 {
		option := " dport "
		if r.Published {
			option = " ctorigdstport "
		}
		words := make([]string, len(r.Ports))
		for i, one := range r.Ports {
			words[i] = one.String()
		}
		out = append(out, r.Protocol.String()+option+strings.Join(words, ", "))
	}
	if r.rule == "" && r.Comment != "" {
		out = append(out, r.Comment)
	}
	return out
}
