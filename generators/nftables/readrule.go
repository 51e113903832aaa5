package nftables

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// addRule reads a rule of our two chains.
func (rs *Ruleset) addRule(r *jsonRule) error {
	l := Line{Comment: r.Comment}
	switch name(r.Chain) {
	case outboundChain:
		l.Direction = rule.Outbound
	case inboundChain:
		l.Direction = rule.Inbound
	default:
		return nil
	}
	for i, raw := range r.Expr {
		last := i == len(r.Expr)-1
		var statement struct {
			Match   *jsonMatch
			Counter *string
			Mangle  *jsonMangle
		}
		if last != accepts(raw) {
			return fmt.Errorf("chain %s: %s is not where a rule of ours accepts", r.Chain, raw)
		}
		if last {
			break
		}
		if err := strict(raw, &statement); err != nil {
			return fmt.Errorf("chain %s: %s: %w", r.Chain, raw, err)
		}
		var err error
		switch {
		case statement.Match != nil:
			err = l.addMatch(*statement.Match)
		case statement.Counter != nil:
			l.Counter = *statement.Counter
		case statement.Mangle != nil:
			l.Mark, err = statement.Mangle.bit()
		default:
			err = fmt.Errorf("unknown statement")
		}
		if err != nil {
			return fmt.Errorf("chain %s: %s: %w", r.Chain, raw, err)
		}
	}
	rs.Rules = append(rs.Rules, l)
	return nil
}

// accepts reports whether a statement is {"accept": null}.
func accepts(raw json.RawMessage) bool {
	var statement map[string]any
	err := json.Unmarshal(raw, &statement)
	_, ok := statement["accept"]
	return err == nil && ok && len(statement) == 1
}

type jsonMatch struct {
	Op   string
	Left struct {
		Payload struct{ Protocol, Field string }
		Meta    struct{ Key string }
		CT      struct{ Key, Dir string }
	}
	Right json.RawMessage
}

// addMatch reads one of the matches that a line renders.
func (l *Line) addMatch(m jsonMatch) error {
	if m.Op != "==" {
		return fmt.Errorf("operator %q; expect ==", m.Op)
	}
	payload, ct := m.Left.Payload, m.Left.CT
	switch {
	case payload.Field == "saddr":
		return l.addAddresses(&l.Source, payload.Protocol, m.Right)
	case payload.Field == "daddr":
		return l.addAddresses(&l.Destination, payload.Protocol, m.Right)
	case payload.Field == "dport":
		var err error
		if l.Ports, err = portRanges(oneOrSet(m.Right)); err != nil {
			return err
		}
		return l.addProtocol(payload.Protocol)
	case m.Left.Meta.Key == "l4proto":
		var word string
		if err := json.Unmarshal(m.Right, &word); err != nil {
			return err
		}
		return l.addProtocol(word)
	case m.Left.Meta.Key == "iifname":
		return readWords(&l.In, m.Right)
	case m.Left.Meta.Key == "oifname":
		return readWords(&l.Out, m.Right)
	case ct.Key == "direction" && string(m.Right) == `"original"`:
		l.Original = true
		return nil
	case ct.Key == "proto-dst" && ct.Dir == "original":
		return readSetName(&l.Published, m.Right)
	}
	return fmt.Errorf("unknown match")
}

func (l *Line) addProtocol(word string) error {
	p, err := netset.ParseProtocol(word)
	l.Protocol = p
	return err
}

func (l *Line) addAddresses(to *string, family string, right json.RawMessage) error {
	switch family {
	case "ip":
		l.Family = 4
	case "ip6":
		l.Family = 6
	default:
		return fmt.Errorf("unknown address family %q", family)
	}
	return readSetName(to, right)
}

// readSetName reads "@name".
func readSetName(to *string, right json.RawMessage) error {
	var reference string
	if err := json.Unmarshal(right, &reference); err != nil {
		return err
	}
	set, ok := strings.CutPrefix(reference, "@")
	if !ok {
		return fmt.Errorf("%q; expect a named set", reference)
	}
	*to = set
	return nil
}

// oneOrSet returns the elements of an anonymous set, in any order, or the one value.
func oneOrSet(right json.RawMessage) []json.RawMessage {
	var e struct{ Set []json.RawMessage }
	if json.Unmarshal(right, &e) == nil && e.Set != nil {
		return e.Set
	}
	return []json.RawMessage{right}
}

// readWords reads one word or several, which it sorts.
func readWords(to *[]string, right json.RawMessage) error {
	for _, raw := range oneOrSet(right) {
		var word string
		if err := json.Unmarshal(raw, &word); err != nil {
			return err
		}
		*to = append(*to, word)
	}
	slices.Sort(*to)
	return nil
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

// strict refuses keys that v does not name.
func strict(raw json.RawMessage, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
