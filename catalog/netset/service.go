package netset

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Protocol is a transport protocol by its IANA protocol number. The zero value is
// invalid.
type Protocol uint8

// The protocols that a service can have.
const (
	TCP Protocol = 6
	UDP Protocol = 17
)

// ParseProtocol reads "tcp" or "udp".
func ParseProtocol(s string) (Protocol, error) {
	switch s {
	case "tcp":
		return TCP, nil
	case "udp":
		return UDP, nil
	case "":
		return 0, errors.New(`empty protocol; write "tcp" or "udp"`)
	}
	if lower := strings.ToLower(s); lower == "tcp" || lower == "udp" {
		return 0, fmt.Errorf("protocol %q is in upper case; write %q", s, lower)
	}
	return 0, fmt.Errorf(`%q is not a supported protocol; write "tcp" or "udp"`, clip(s))
}

// String returns "tcp" or "udp", and the number of any other protocol.
func (p Protocol) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case TCP | beforeDNAT, UDP | beforeDNAT:
		return "original " + (p &^ beforeDNAT).String()
	}
	return strconv.Itoa(int(p))
}

// PortRange is an inclusive range of transport ports, 1 <= First <= Last <= 65535 (RFC
// 6335 section 6). The zero value is invalid and contains nothing.
type PortRange struct{ First, Last uint16 }

// ParsePortRange reads "443" or "50000-59999", in decimal digits without spaces, signs,
// separators or leading zeros.
func ParsePortRange(s string) (PortRange, error) {
	if i := strings.IndexFunc(s, func(r rune) bool { return r != '-' && (r < '0' || '9' < r) }); i >= 0 || s == "" {
		return PortRange{}, explainPorts(s)
	}
	before, after, isRange := strings.Cut(s, "-")
	if !isRange {
		after = before
	}
	first, err := parsePort(s, before)
	if err != nil {
		return PortRange{}, err
	}
	last, err := parsePort(s, after)
	if err != nil {
		return PortRange{}, err
	}
	if last < first {
		return PortRange{}, fmt.Errorf("ports %q are reversed; write %q", s, PortRange{last, first})
	}
	return PortRange{first, last}, nil
}

// parsePort reads one end of the range s, of which only hyphens and digits are left.
func parsePort(s, digits string) (uint16, error) {
	if digits == "" || strings.IndexByte(digits, '-') >= 0 {
		return 0, fmt.Errorf(`ports %q are not a range; write "first-last", such as "50000-59999"`, clip(s))
	}
	if digits == "0" {
		return 0, fmt.Errorf(`port 0 in %q is not a valid port; write a port from 1 to 65535, or "1-65535" for all`, clip(s))
	}
	if digits[0] == '0' {
		return 0, fmt.Errorf("port %q has leading zeros; write it without leading zeros and without thousands separators", clip(digits))
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("port %q is over 65535; write a port from 1 to 65535", clip(digits))
	}
	return uint16(port), nil
}

// explainPorts says why s, which has characters besides hyphens and digits or none at
// all, is no port range.
func explainPorts(s string) error {
	const dashes = "\u2010\u2011\u2012\u2013\u2014\u2212"
	fault := "are not a number from 1 to 65535"
	switch {
	case s == "":
		return errors.New(`empty ports; write a port such as "443" or a range such as "50000-59999"`)
	case s == "*" || strings.EqualFold(s, "any") || strings.EqualFold(s, "all"):
		return fmt.Errorf(`ports %q name no range; write "1-65535" for all`, s)
	case strings.ContainsAny(s, ",."):
		fault = "have a separator of thousands or of a list"
	case strings.IndexFunc(s, unicode.IsSpace) >= 0:
		fault = "have a space"
	case strings.ContainsAny(s, dashes):
		fault = "have a dash instead of a hyphen"
	case strings.Contains(s, ":"):
		fault = "have a colon instead of a hyphen"
	case strings.ContainsAny(s, "+"):
		fault = "have a sign"
	}
	return fmt.Errorf(`ports %q %s; write one port or one range in plain digits, such as "443" or "50000-59999"`, clip(s), fault)
}

// String returns "443" or "50000-59999".
func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return strconv.Itoa(int(r.First)) + "-" + strconv.Itoa(int(r.Last))
}

// Contains reports whether port is in the range. Port 0 is in none.
func (r PortRange) Contains(port uint16) bool {
	return port != 0 && r.First <= port && port <= r.Last
}

// Service is a range of ports of one protocol.
type Service struct {
	Protocol Protocol
	Ports    PortRange
}

// String returns "tcp 443" or "udp 50000-59999".
func (s Service) String() string { return s.Protocol.String() + " " + s.Ports.String() }
