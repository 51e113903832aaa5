package nftablestest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/filter"
)

// jsonStatement is one statement of a rule that package nftables renders in a chain of
// ours.
type jsonStatement struct {
	Match      *jsonMatch
	Counter    *string
	Mangle     *jsonMangle
	Vmap       *jsonLookup
	Accept     json.RawMessage
	Goto, Jump *struct{ Target string }
}

type jsonMatch struct {
	Op    string
	Left  jsonOperand
	Right json.RawMessage
}

type jsonOperand struct {
	Payload struct{ Protocol, Field string }
	Meta    struct{ Key string }
	CT      struct{ Key, Dir string }
}

// jsonLookup is a packet's address that a map sends to a chain.
type jsonLookup struct {
	Key  jsonOperand
	Data string
}

func addJSONRule(rs *filter.Ruleset, r *jsonRule) error {
	c, known := rs.Chain(r.Chain)
	if !known {
		return fmt.Errorf("a rule of chain %s before the chain", r.Chain)
	}
	one := filter.Rule{Comment: r.Comment}
	for i, raw := range r.Expr {
		var s jsonStatement
		if err := strict(raw, &s); err != nil {
			return fmt.Errorf("chain %s: %s: %w", r.Chain, raw, err)
		}
		if ends := s.Accept != nil || s.Goto != nil || s.Jump != nil || s.Vmap != nil; ends != (i == len(r.Expr)-1) {
			return fmt.Errorf("chain %s: %s is not where a rule of ours ends", r.Chain, raw)
		}
		if err := addStatement(&one, s); err != nil {
			return fmt.Errorf("chain %s: %s: %w", r.Chain, raw, err)
		}
	}
	c.Rules = append(c.Rules, one)
	return nil
}

func addStatement(one *filter.Rule, s jsonStatement) (err error) {
	switch {
	case s.Match != nil:
		return addMatch(one, *s.Match)
	case s.Counter != nil:
		one.Counter = *s.Counter
	case s.Mangle != nil:
		one.SetMark, err = s.Mangle.bit()
	case s.Vmap != nil:
		if one.Lookup = filter.Source; s.Vmap.Key.Payload.Field == "daddr" {
			one.Lookup = filter.Destination
		}
		one.Verdict = filter.Goto
		if err = addFamily(one, s.Vmap.Key.Payload.Protocol); err == nil {
			one.Map, err = setNameOf(s.Vmap.Data)
		}
	case s.Goto != nil:
		one.Verdict, one.Target = filter.Goto, s.Goto.Target
	case s.Jump != nil:
		one.Verdict, one.Target = filter.Jump, s.Jump.Target
	default:
		one.Verdict = filter.Accept
	}
	return err
}

// addMatch reads one of the matches that a line renders.
func addMatch(one *filter.Rule, m jsonMatch) (err error) {
	if m.Op != "==" {
		return fmt.Errorf("operator %q; expect ==", m.Op)
	}
	payload, ct := m.Left.Payload, m.Left.CT
	switch {
	case payload.Field == "saddr":
		return addAddresses(one, &one.From, payload.Protocol, m.Right)
	case payload.Field == "daddr":
		return addAddresses(one, &one.To, payload.Protocol, m.Right)
	case payload.Field == "dport":
		if one.Ports, err = portsIn(m.Right); err == nil {
			one.Protocol, err = netset.ParseProtocol(payload.Protocol)
		}
		return err
	case m.Left.Meta.Key == "l4proto":
		var word string
		if err = json.Unmarshal(m.Right, &word); err == nil {
			one.Protocol, err = netset.ParseProtocol(word)
		}
		return err
	case m.Left.Meta.Key == "iifname":
		one.In, err = wordsIn(m.Right)
		return err
	case m.Left.Meta.Key == "oifname":
		one.Out, err = wordsIn(m.Right)
		return err
	case ct.Key == "direction" && string(m.Right) == `"original"`:
		return nil // stands with what follows
	case ct.Key == "proto-dst" && ct.Dir == "original":
		one.Original, err = portsIn(m.Right)
		return err
	}
	return fmt.Errorf("unknown match")
}

func addFamily(one *filter.Rule, word string) error {
	one.Family = map[string]filter.Family{"ip": filter.IPv4, "ip6": filter.IPv6}[word]
	if one.Family == filter.Both {
		return fmt.Errorf("unknown address family %q", word)
	}
	return nil
}

func addAddresses(one *filter.Rule, to *filter.Addresses, word string, right json.RawMessage) error {
	var reference string
	err := json.Unmarshal(right, &reference)
	if err == nil {
		to.Set, err = setNameOf(reference)
	}
	if err != nil {
		return err
	}
	return addFamily(one, word)
}

// setNameOf reads "@name".
func setNameOf(reference string) (string, error) {
	set, ok := strings.CutPrefix(reference, "@")
	if !ok {
		return "", fmt.Errorf("%q; expect a named set or map", reference)
	}
	return set, nil
}

// portsIn reads a port, a range, or "@name".
func portsIn(right json.RawMessage) (p filter.Ports, err error) {
	var reference string
	if json.Unmarshal(right, &reference) == nil {
		p.Set, err = setNameOf(reference)
		return p, err
	}
	p.Ranges, err = portRanges([]json.RawMessage{right})
	return p, err
}

// wordsIn reads one word or several, which it sorts.
func wordsIn(right json.RawMessage) (words []string, err error) {
	list := []json.RawMessage{right}
	var e struct{ Set []json.RawMessage }
	if json.Unmarshal(right, &e) == nil && e.Set != nil {
		list = e.Set
	}
	for _, raw := range list {
		var word string
		if err := json.Unmarshal(raw, &word); err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	slices.Sort(words)
	return words, nil
}

// jsonMangle is `meta mark set meta mark | BIT`.
type jsonMangle struct {
	Key   json.RawMessage
	Value struct {
		Or []json.RawMessage `json:"|"`
	}
}

func (m jsonMangle) bit() (uint32, error) {
	var bit uint32
	mark := func(raw json.RawMessage) bool {
		var e struct{ Meta struct{ Key string } }
		return strict(raw, &e) == nil && e.Meta.Key == "mark"
	}
	if !mark(m.Key) || len(m.Value.Or) != 2 || !mark(m.Value.Or[0]) {
		return 0, fmt.Errorf("no change of one bit of the packet mark")
	}
	return bit, json.Unmarshal(m.Value.Or[1], &bit)
}
