package generators

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// pacText is what a PAC file's tables say, and its program, which is the same for
// every policy: the interpreters are asked about that.
type pacText struct {
	program   string
	answers   []string
	unmatched string
	services  map[string][]pacService // by class
	endpoints []pacEndpoint
}

type pacService struct {
	ports  netset.PortRange
	answer int
}

// pacEndpoint is a pattern, a prefix, or any remote.
type pacEndpoint struct {
	class   string
	pattern netset.Pattern
	prefix  netip.Prefix
	rank    rule.Rank
}

var (
	pacAnswer = regexp.MustCompile(`^  answers\.push\('([^'\\]*)'\);$`)
	pacRest   = regexp.MustCompile(`^  var unmatched = '([^'\\]*)';$`)
	pacAny    = regexp.MustCompile(`^  any\.push\((\d+)\);$`)
	pacCall   = regexp.MustCompile(`^  (add\w+)\((?:([a-z]+), )?(\d+), (?:(\d+), )?\[$`)
	pacWords  = regexp.MustCompile(`^'([^'\\]*)',?$`)
)

// readPAC reads a file line by line: comments are passed over, calls with lines of
// words fill the tables, and the rest is the program.
func readPAC(text string) (*pacText, error) {
	p := &pacText{services: map[string][]pacService{}}
	var program strings.Builder
	var call []string
	for line := range strings.SplitSeq(text, "\n") {
		switch trimmed := strings.TrimSpace(line); {
		case call != nil && trimmed == "]);":
			call = nil
		case call != nil:
			words := pacWords.FindStringSubmatch(line)
			if words == nil {
				return nil, fmt.Errorf("line %q is no literal", line)
			}
			for word := range strings.SplitSeq(words[1], " ") {
				if err := p.add(call, word); err != nil {
					return nil, fmt.Errorf("%s: %w", call[0], err)
				}
			}
		case trimmed == "" || strings.HasPrefix(trimmed, "//"):
		case pacCall.MatchString(line):
			call = pacCall.FindStringSubmatch(line)
		case pacAnswer.MatchString(line):
			p.answers = append(p.answers, pacAnswer.FindStringSubmatch(line)[1])
		case pacRest.MatchString(line):
			p.unmatched = pacRest.FindStringSubmatch(line)[1]
		case pacAny.MatchString(line):
			p.endpoints = append(p.endpoints, pacEndpoint{class: pacAny.FindStringSubmatch(line)[1], rank: rule.AnyRank})
		default:
			program.WriteString(line + "\n")
		}
	}
	if call != nil {
		return nil, fmt.Errorf("%s does not end", call[0])
	}
	p.program = program.String()
	return p, nil
}

// add takes a word of a call: its function, table, class and route.
func (p *pacText) add(call []string, word string) error {
	e := pacEndpoint{class: call[3]}
	var err error
	switch call[1] + " " + call[2] {
	case "addServices ":
		s := pacService{}
		s.ports, err = netset.ParsePortRange(word)
		fmt.Sscan(call[4], &s.answer)
		p.services[call[3]] = append(p.services[call[3]], s)
		return err
	case "addNames names", "addPatterns ":
		e.pattern, err = netset.ParsePattern(word)
	case "addNames subdomains":
		e.pattern, err = netset.ParsePattern("*." + word)
	case "addPrefixes prefixes":
		e.prefix, err = netip.ParsePrefix(word)
		e.rank = rule.PrefixRank(e.prefix.Bits())
	default:
		err = fmt.Errorf("unknown table")
	}
	if err == nil && !e.prefix.IsValid() {
		e.rank = rule.NameRank(e.pattern)
		if exact := e.pattern.IsExact(); exact != (call[2] == "names") || e.pattern.String() != strings.TrimPrefix(e.pattern.String(), ".") {
			err = fmt.Errorf("%q stands in the wrong table", word)
		}
	}
	p.endpoints = append(p.endpoints, e)
	return err
}

// answer is what the program says: the most specific endpoint that matches and whose
// services include the port decides, then the order of answers.
func (p *pacText) answer(f rule.Flow) string {
	f = rule.Seen(f, rule.Proxy)
	best, answer := rule.Rank(-1), -1
	for _, e := range p.endpoints {
		match := e.rank == rule.AnyRank || f.Name != "" && e.pattern != (netset.Pattern{}) && e.pattern.Match(f.Name) ||
			f.Name == "" && e.prefix.IsValid() && e.prefix.Contains(f.Remote.Unmap())
		if !match {
			continue
		}
		i := slices.IndexFunc(p.services[e.class], func(s pacService) bool { return s.ports.Contains(f.Port) })
		if i < 0 {
			continue
		}
		if n := p.services[e.class][i].answer; e.rank > best || e.rank == best && n < answer {
			best, answer = e.rank, n
		}
	}
	if answer < 0 {
		return p.unmatched
	}
	return p.answers[answer]
}
