package netset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// port is a transport port as a number.
type port uint16

func (p port) less(q port) bool { return p < q }
func (p port) next() port       { return p + 1 }
func (p port) prev() port       { return p - 1 }

// ServiceSet is an immutable set of ports of TCP and UDP. The zero value is empty.
// There is no "any service"; all of TCP is "tcp 1-65535".
type ServiceSet struct{ tcp, udp []span[port] }

// ServiceSetOf returns the union of the services. Invalid ones, by protocol or by ports, add nothing.
func ServiceSetOf(services ...Service) ServiceSet {
	var s ServiceSet
	for _, v := range services {
		r := span[port]{port(v.Ports.First), port(v.Ports.Last)}
		switch {
		case r.first == 0 || r.last < r.first:
		case v.Protocol == TCP:
			s.tcp = append(s.tcp, r)
		case v.Protocol == UDP:
			s.udp = append(s.udp, r)
		}
	}
	return ServiceSet{joinPorts(s.tcp), joinPorts(s.udp)}
}

// ServicesOver returns the ports of a protocol: of both for the zero protocol, and every
// port for none.
func ServicesOver(p Protocol, ports []PortRange) ServiceSet {
	if len(ports) == 0 {
		ports = []PortRange{{First: 1, Last: 65535}}
	}
	var services []Service
	for _, r := range ports {
		if p == 0 {
			services = append(services, Service{TCP, r}, Service{UDP, r})
		} else {
			services = append(services, Service{p, r})
		}
	}
	return ServiceSetOf(services...)
}

func joinPorts(list []span[port]) []span[port] {
	sortBy(list, func(r span[port]) port { return r.first })
	return join(list)
}

// ParseServices reads a list as String writes it: "tcp 80, 443; udp 3478-3481". A semicolon stands between protocols and
// a comma between ranges, with or without one space after it. A protocol may come twice; ranges may overlap.
func ParseServices(s string) (ServiceSet, error) {
	if strings.TrimSpace(s) == "" {
		return ServiceSet{}, errors.New(`empty services; write such as "tcp 80, 443; udp 3478-3481"`)
	}
	var services []Service
	for i, part := range strings.Split(s, ";") {
		if i > 0 {
			part = strings.TrimPrefix(part, " ")
		}
		more, err := parseProtocolPorts(part)
		if err != nil {
			return ServiceSet{}, err
		}
		services = append(services, more...)
	}
	return ServiceSetOf(services...), nil
}

// parseProtocolPorts reads "tcp 80, 443".
func parseProtocolPorts(s string) ([]Service, error) {
	name, ports, ok := strings.Cut(s, " ")
	if !ok {
		return nil, explainService(s)
	}
	protocol, err := ParseProtocol(name)
	if err != nil {
		return nil, explainService(s)
	}
	var services []Service
	for i, text := range strings.Split(ports, ",") {
		if i > 0 {
			text = strings.TrimPrefix(text, " ")
		}
		r, err := ParsePortRange(text)
		if err != nil {
			if meant, _, ok := SeparatedPorts(s); ok {
				return nil, fmt.Errorf("service %q is not as expected; write %q", clip(s), name+" "+meant)
			}
			return nil, fmt.Errorf("service %q: %w", clip(s), err)
		}
		services = append(services, Service{protocol, r})
	}
	return services, nil
}

// explainService says why s does not start with a protocol and a space.
func explainService(s string) error {
	const form = `write the protocol, a space and the ports, such as "tcp 80, 443"`
	if s == "" {
		return errors.New("empty service beside a semicolon; " + form)
	}
	if s[0] == ' ' {
		return fmt.Errorf("service %q starts with a space; %s", clip(s), form)
	}
	switch ports, protocol, ok := SeparatedPorts(s); {
	case ok && protocol == 0:
		return fmt.Errorf("service %q names no protocol; write %q, or udp", clip(s), "tcp "+ports)
	case ok:
		return fmt.Errorf("service %q is not as expected; write %q", clip(s), protocol.String()+" "+ports)
	}
	name, _, _ := strings.Cut(s, " ")
	if _, err := ParseProtocol(name); err != nil {
		return fmt.Errorf("service %q: %w; %s", clip(s), err, form)
	}
	return fmt.Errorf("service %q has no ports; %s, or %q for all", clip(s), form, name+" 1-65535")
}

// SeparatedPorts returns how ports that are separated in another way are written, such as "80, 443" for "80 443" and
// "tcp/80;443", and the protocol among them, or 0. It is not ok for anything else.
func SeparatedPorts(s string) (ports string, protocol Protocol, ok bool) {
	var ranges []string
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;/:", r) }) {
		r, err := ParsePortRange(word)
		p, notProtocol := ParseProtocol(strings.ToLower(word))
		switch {
		case err == nil:
			ranges = append(ranges, r.String())
		case notProtocol == nil && protocol == 0:
			protocol = p
		default:
			return "", 0, false
		}
	}
	return strings.Join(ranges, ", "), protocol, len(ranges) > 0
}

// IsEmpty reports whether the set holds no port.
func (s ServiceSet) IsEmpty() bool { return len(s.tcp) == 0 && len(s.udp) == 0 }

// Equal reports whether both sets hold the same ports.
func (s ServiceSet) Equal(t ServiceSet) bool {
	return slices.Equal(s.tcp, t.tcp) && slices.Equal(s.udp, t.udp)
}

// of returns the ports of a protocol; none of another than TCP and UDP.
func (s ServiceSet) of(p Protocol) []span[port] {
	switch p {
	case TCP:
		return s.tcp
	case UDP:
		return s.udp
	}
	return nil
}

// Contains reports whether the set holds a port of a protocol.
func (s ServiceSet) Contains(p Protocol, number uint16) bool {
	return contains(s.of(p), port(number))
}

// Ports returns the ranges of a protocol, ascending, disjoint and no two adjacent. The caller owns the slice.
func (s ServiceSet) Ports(p Protocol) []PortRange {
	var ranges []PortRange
	for _, r := range s.of(p) {
		ranges = append(ranges, PortRange{uint16(r.first), uint16(r.last)})
	}
	return ranges
}

// Union returns the ports of either set.
func (s ServiceSet) Union(t ServiceSet) ServiceSet {
	return ServiceSet{union(s.tcp, t.tcp), union(s.udp, t.udp)}
}

// Intersect returns the ports of both sets.
func (s ServiceSet) Intersect(t ServiceSet) ServiceSet {
	return ServiceSet{intersect(s.tcp, t.tcp), intersect(s.udp, t.udp)}
}

// Subtract returns the ports of s that are not in t.
func (s ServiceSet) Subtract(t ServiceSet) ServiceSet {
	return ServiceSet{subtract(s.tcp, t.tcp), subtract(s.udp, t.udp)}
}

// Covers reports whether s holds every port of t. Every set covers the empty set.
func (s ServiceSet) Covers(t ServiceSet) bool { return covers(s.tcp, t.tcp) && covers(s.udp, t.udp) }

// Only returns the ports of one protocol.
func (s ServiceSet) Only(p Protocol) ServiceSet {
	switch p {
	case TCP:
		return ServiceSet{tcp: s.tcp}
	case UDP:
		return ServiceSet{udp: s.udp}
	}
	return ServiceSet{}
}

// String returns the canonical text that ParseServices reads, "tcp 80, 443; udp 3478-3481"; "" for the empty set.
func (s ServiceSet) String() string {
	var parts []string
	for _, p := range []Protocol{TCP, UDP} {
		var ranges []string
		for _, r := range s.Ports(p) {
			ranges = append(ranges, r.String())
		}
		if len(ranges) > 0 {
			parts = append(parts, p.String()+" "+strings.Join(ranges, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// Size counts the maximal ranges.
func (s ServiceSet) Size() int { return len(s.tcp) + len(s.udp) }

// Hash is the same for equal sets.
func (s ServiceSet) Hash() uint64 {
	return uint64(newHash.add(hashPorts(s.tcp)).add(hashPorts(s.udp)))
}

func hashPorts(list []span[port]) uint64 {
	h := newHash
	for _, r := range list {
		h = h.add(uint64(r.first)<<16 | uint64(r.last))
	}
	return uint64(h)
}

func (s ServiceSet) lists() (tcp, udp []span[port]) { return s.tcp, s.udp }

func (ServiceSet) both(tcp, udp []span[port]) ServiceSet { return ServiceSet{tcp, udp} }

func (ServiceSet) sweep() sweep[ServiceSet] { return spans[port, port, ServiceSet]{} }
