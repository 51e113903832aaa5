package netset

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"
)

// servicePort is a port of a protocol: its number below that of the protocol.
type servicePort uint32

// beforeDNAT marks the protocol of original ports.
const beforeDNAT Protocol = 0x80

func servicePortOf(p Protocol, number uint16) servicePort {
	return servicePort(p)<<16 | servicePort(number)
}

func (p servicePort) protocol() Protocol      { return Protocol(p >> 16) }
func (p servicePort) less(q servicePort) bool { return p < q }
func (p servicePort) next() servicePort       { return p + 1 }
func (p servicePort) prev() servicePort       { return p - 1 }

// ServiceSet is an immutable set of ports of TCP and UDP. The zero value is empty.
// There is no "any service"; all of TCP is "tcp 1-65535".
//
// Original turns them into ports of original destinations, which are other members.
type ServiceSet struct{ list []span[servicePort] }

// ServiceSetOf returns the union of the services. Invalid ones, by protocol or by
// ports, add nothing.
func ServiceSetOf(services ...Service) ServiceSet {
	var list []span[servicePort]
	for _, v := range services {
		if (v.Protocol == TCP || v.Protocol == UDP) && 0 < v.Ports.First && v.Ports.First <= v.Ports.Last {
			list = append(list, span[servicePort]{servicePortOf(v.Protocol, v.Ports.First), servicePortOf(v.Protocol, v.Ports.Last)})
		}
	}
	sortBy(list, func(x, y span[servicePort]) int { return cmp.Compare(x.first, y.first) })
	return ServiceSet{join(list)}
}

// ServicesOver returns the ports of a protocol: of both for the zero protocol, and
// every port for none.
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

// ParseServices reads a list as String writes it: "tcp 80, 443; udp 3478-3481".
// Protocols are separated by a semicolon and ranges by a comma, with or without one
// space after it. A protocol may occur twice, and ranges may overlap.
func ParseServices(s string) (ServiceSet, error) {
	if strings.TrimSpace(s) == "" {
		return ServiceSet{}, errors.New(`empty services; write services such as "tcp 80, 443; udp 3478-3481"`)
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
			if meant := separatedProtocols(s); meant != "" {
				return nil, fmt.Errorf("service %q has two protocols; a semicolon separates them: write %q", clip(s), meant)
			}
			if meant, _, ok := SeparatedPorts(s); ok {
				return nil, fmt.Errorf("service %q is not in canonical form; write %q", clip(s), name+" "+meant)
			}
			return nil, fmt.Errorf("service %q: %w", clip(s), err)
		}
		services = append(services, Service{protocol, r})
	}
	return services, nil
}

// separatedProtocols returns how a list is written that has no semicolon before a
// protocol, such as "tcp 443; udp 443" for "tcp 443, udp 443"; empty for anything else.
func separatedProtocols(s string) string {
	meant := ""
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == ',' }) {
		_, err := ParseProtocol(word)
		switch {
		case meant == "":
		case err == nil:
			meant += "; "
		case strings.HasSuffix(meant, "tcp") || strings.HasSuffix(meant, "udp"):
			meant += " "
		default:
			meant += ", "
		}
		meant += word
	}
	if !strings.Contains(meant, ";") {
		return ""
	}
	if _, err := ParseServices(meant); err != nil {
		return ""
	}
	return meant
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
		return fmt.Errorf("service %q is not in canonical form; write %q", clip(s), protocol.String()+" "+ports)
	}
	name, _, _ := strings.Cut(s, " ")
	if _, err := ParseProtocol(name); err != nil {
		return fmt.Errorf("service %q: %w; %s", clip(s), err, form)
	}
	return fmt.Errorf("service %q has no ports; %s, or %q for all", clip(s), form, name+" 1-65535")
}

// SeparatedPorts returns how ports that are separated in another way are written, such
// as "80, 443" for "80 443" and "tcp/80;443", and the protocol among them, or 0. It is
// not ok for anything else.
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
func (s ServiceSet) IsEmpty() bool { return len(s.list) == 0 }

// Equal reports whether both sets hold the same ports.
func (s ServiceSet) Equal(t ServiceSet) bool { return slices.Equal(s.list, t.list) }

// Contains reports whether the set holds a port of a protocol.
func (s ServiceSet) Contains(p Protocol, number uint16) bool {
	return contains(s.list, servicePortOf(p, number))
}

// All yields the maximal ranges, TCP before UDP, ascending.
func (s ServiceSet) All() iter.Seq[Service] {
	return func(yield func(Service) bool) {
		for _, r := range s.list {
			if !yield(Service{r.first.protocol(), PortRange{uint16(r.first), uint16(r.last)}}) {
				return
			}
		}
	}
}

// Ports returns the ranges of a protocol, ascending, disjoint and no two adjacent. The
// caller owns the slice.
func (s ServiceSet) Ports(p Protocol) []PortRange {
	var ranges []PortRange
	for one := range s.Only(p).All() {
		ranges = append(ranges, one.Ports)
	}
	return ranges
}

// Union returns the ports of either set.
func (s ServiceSet) Union(t ServiceSet) ServiceSet { return ServiceSet{union(s.list, t.list)} }

// Intersect returns the ports of both sets.
func (s ServiceSet) Intersect(t ServiceSet) ServiceSet { return ServiceSet{intersect(s.list, t.list)} }

// Subtract returns the ports of s that are not in t.
func (s ServiceSet) Subtract(t ServiceSet) ServiceSet { return ServiceSet{subtract(s.list, t.list)} }

// Covers reports whether s holds every port of t. Every set covers the empty set.
func (s ServiceSet) Covers(t ServiceSet) bool { return covers(s.list, t.list) }

// Only returns the ports of one protocol.
func (s ServiceSet) Only(p Protocol) ServiceSet {
	first, after := find(s.list, servicePortOf(p, 0)), find(s.list, (servicePort(p)+1)<<16)
	return ServiceSet{s.list[first:after:after]}
}

// Original returns the ports as ports of connections' original destinations, before any
// DNAT, instead of those that packets have. Methods that ask for a protocol do not find
// them; Kinds does.
func (s ServiceSet) Original() ServiceSet {
	list := slices.Clone(s.list)
	for i := range list {
		list[i].first |= servicePortOf(beforeDNAT, 0)
		list[i].last |= servicePortOf(beforeDNAT, 0)
	}
	return ServiceSet{list}
}

// Kinds yields the ports that packets have, with false, and those that Original was
// called for, as they were before, with true; neither if there are none.
func (s ServiceSet) Kinds() iter.Seq2[bool, ServiceSet] {
	return func(yield func(original bool, ports ServiceSet) bool) {
		at := find(s.list, servicePortOf(beforeDNAT, 0))
		if at > 0 && !yield(false, ServiceSet{s.list[:at:at]}) || at == len(s.list) {
			return
		}
		list := slices.Clone(s.list[at:])
		for i := range list {
			list[i].first &^= servicePortOf(beforeDNAT, 0)
			list[i].last &^= servicePortOf(beforeDNAT, 0)
		}
		yield(true, ServiceSet{list})
	}
}

// String returns the canonical text that ParseServices reads, "tcp 80, 443; udp
// 3478-3481"; "" for the empty set.
func (s ServiceSet) String() string {
	var b strings.Builder
	last := Protocol(0)
	for one := range s.All() {
		if one.Protocol == last {
			b.WriteString(", " + one.Ports.String())
			continue
		}
		if last != 0 {
			b.WriteString("; ")
		}
		b.WriteString(one.String())
		last = one.Protocol
	}
	return b.String()
}

// Size counts the maximal ranges.
func (s ServiceSet) Size() int { return len(s.list) }

// Hash is the same for equal sets.
func (s ServiceSet) Hash() uint64 {
	h := newHash
	for _, r := range s.list {
		h = h.add(uint64(r.first)<<32 | uint64(r.last))
	}
	return uint64(h)
}

func (s ServiceSet) lists() (ports, none []span[servicePort]) { return s.list, nil }

func (ServiceSet) both(ports, _ []span[servicePort]) ServiceSet { return ServiceSet{ports} }

func (ServiceSet) sweep() sweep[ServiceSet] { return spans[servicePort, servicePort, ServiceSet]{} }
