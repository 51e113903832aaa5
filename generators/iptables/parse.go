package iptables

import (
	"errors"
	"fmt"
	mathbits "math/bits"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/filter"
)

// parse reads a rule behind "-A CHAIN ", as a file of ours or iptables-save has it. Its
// errors say what is expected.
func (f family) parse(text string) (filter.Rule, error) {
	words, err := splitWords(text)
	r := parser{family: f, given: map[string]bool{}}
	r.Family = filter.Family(f)
	for err == nil && len(words) > 0 {
		option, values := words[0], append(slices.Clone(words[1:min(3, len(words))]), "", "")
		n := 2
		if option == "--match-set" {
			n = 3
		}
		if len(words) < n {
			return r.Rule, errors.New("a value of " + option)
		}
		if err = r.once(option, values[1]); err == nil {
			err, words = r.take(option, values[0], values[1]), words[n:]
		}
	}
	switch {
	case err != nil:
	case r.original != !r.Original.IsAll():
		err = errors.New("--ctdir ORIGINAL beside --ctorigdstport")
	case r.Protocol == 0 && (!r.Ports.IsAll() || !r.Original.IsAll()), r.Protocol != 0 && r.Ports.IsAll() == r.Original.IsAll():
		err = errors.New("a protocol and ports")
	case r.icmp != (len(r.ICMP) > 0):
		err = errors.New("a type of ICMPv6")
	default:
		err = r.end()
	}
	return r.Rule, err
}

// parser is a rule while it is read.
type parser struct {
	filter.Rule
	family         family
	original, icmp bool
	verdict, xmark string
	given          map[string]bool // what was matched
}

// once refuses a second match of the same kind, because the first one would be lost.
func (r *parser) once(option, last string) error {
	what := option
	switch option {
	case "-m":
		return nil
	case "--dports":
		what = "--dport"
	case "-g":
		what = "-j"
	case "--match-set":
		what = map[string]string{"src": "-s", "dst": "-d"}[last]
	}
	if r.given[what] {
		return errors.New("every match at most once")
	}
	r.given[what] = true
	return nil
}

// take reads one option.
func (r *parser) take(option, value, last string) (err error) {
	switch option {
	case "-m":
		if !slices.Contains([]string{"tcp", "udp", "multiport", "set", "conntrack", "comment", "hl", "icmp6"}, value) {
			err = errors.New("a match that is allowed here")
		}
	case "-s":
		r.From.Prefix, err = r.family.readPrefix(value)
	case "-d":
		r.To.Prefix, err = r.family.readPrefix(value)
	case "-i":
		r.In, err = readDevice(value)
	case "-o":
		r.Out, err = readDevice(value)
	case "-p":
		if r.icmp = value == "icmpv6" || value == "ipv6-icmp"; !r.icmp {
			if r.Protocol, err = netset.ParseProtocol(value); err != nil {
				err = errors.New("tcp or udp")
			}
		}
	case "--dport", "--dports":
		r.Ports.Ranges, err = readPorts(value)
	case "--ctorigdstport":
		r.Original.Ranges, err = readPorts(value)
	case "--ctdir":
		r.original = value == "ORIGINAL"
	case "--ctstate":
		if r.State = stateWords[value]; r.State == "" {
			err = errors.New("RELATED,ESTABLISHED or INVALID")
		}
	case "--hl-eq":
		r.HopLimit, err = readNumber(value)
	case "--icmpv6-type":
		r.ICMP = []filter.ICMP{{Code: -1}}
		r.ICMP[0].Type, err = readNumber(value)
	case "--match-set":
		if last == "src" {
			r.From.Set = value
		} else if r.To.Set = value; last != "dst" {
			err = errors.New("src or dst")
		}
	case "--comment":
		r.Comment = value
	case "--set-xmark":
		r.xmark = value
	case "-j", "-g":
		r.verdict = option + " " + value
	default:
		err = errors.New("an option that is allowed here")
	}
	return err
}

// stateWords is states from the other side.
var stateWords = map[string]string{"RELATED,ESTABLISHED": "established,related", "INVALID": "invalid"}

// end reads where a packet goes.
func (r *parser) end() (err error) {
	r.Verdict = filter.Jump
	switch option, to, _ := strings.Cut(r.verdict, " "); {
	case r.verdict == "-j MARK":
		return r.mark()
	case r.xmark != "":
		return errors.New("--set-xmark of MARK")
	case r.verdict == "-j ACCEPT":
		r.Verdict = filter.Accept
	case r.verdict == "-j DROP":
		r.Verdict = filter.Drop
	case !strings.HasPrefix(to, prefix) && !strings.HasPrefix(to, filter.Prefix):
		return errors.New("a verdict or a chain of Gatewright's")
	case option == "-g":
		r.Verdict, r.Target = filter.Goto, to
	default:
		r.Target = to
	}
	return nil
}

// mark reads "BIT/BIT", by which a packet is accepted, or "0x0/BIT".
func (r *parser) mark() error {
	value, mask, _ := strings.Cut(r.xmark, "/")
	v, err := strconv.ParseUint(value, 0, 32)
	bit, err2 := strconv.ParseUint(mask, 0, 32)
	switch {
	case err != nil || err2 != nil || mathbits.OnesCount64(bit) != 1 || v != 0 && v != bit:
		return errors.New("one bit of a mark, such as 0x10000/0x10000")
	case v == 0:
		r.Verdict, r.ClearMark = filter.Continue, uint32(bit)
	default:
		r.Verdict, r.SetMark = filter.Accept, uint32(bit)
	}
	return nil
}

func readNumber(s string) (uint8, error) {
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		err = errors.New("a number up to 255")
	}
	return uint8(n), err
}

// splitWords splits a rule as iptables-restore does: at spaces outside of quotes, and
// in quotes a backslash takes the next character as it is.
func splitWords(s string) ([]string, error) {
	var words []string
	var word []byte
	quoted, started := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\' && i+1 < len(s):
			i++
			word = append(word, s[i])
		case c == '"':
			quoted, started = !quoted, true
		case c == ' ' && !quoted:
			if started {
				words = append(words, string(word))
			}
			word, started = word[:0], false
		default:
			word, started = append(word, c), true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote at the end of %q", s)
	}
	if started {
		words = append(words, string(word))
	}
	return words, nil
}
