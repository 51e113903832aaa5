package rule

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"gatewright/catalog/netset"
)

// patternForms is what ParseFlowPattern accepts, for messages.
const patternForms = "outbound tcp HOST:PORTS [from LOCAL], inbound tcp HOST to LOCAL:PORTS, a URL, or a host"

// FlowPattern stands for every flow between some addresses of our side and some remotes
// on some services. The port is the same before and after DNAT. Addresses of different
// families combine only at a proxy.
type FlowPattern struct {
	Direction Direction
	Services  netset.ServiceSet

	// Remotes that are asked for by one of these names, or that have one of these
	// addresses, whatever their names; or all of both.
	Any      bool
	Name     netset.Pattern
	Prefixes netset.PrefixSet

	// Our side: a role, or addresses; neither where the text leaves it open.
	Role  Role
	Local netset.PrefixSet

	text string
}

// String returns the pattern as it was written.
func (p FlowPattern) String() string { return p.text }

// SaysLocal reports whether the pattern names a role or addresses on our side.
func (p FlowPattern) SaysLocal() bool { return p.Role != "" || !p.Local.IsEmpty() }

// ParseFlowPattern reads flows in the syntax of ParseFlow, with these additions. HOST
// is a name, a pattern, an address, a prefix or any. PORTS is a port, a range, or a
// list such as 80,443,50000-59999. LOCAL is a role, an address or a prefix. A host or a
// URL without further words is outbound TCP to port 443 or the scheme's port. In all
// other cases direction, protocol and ports are required.
func ParseFlowPattern(s string) (FlowPattern, error) { return parsePattern(s, false) }

// ParseLocalPattern reads the flows of a part of our side: "inbound to LOCAL[:PORTS]"
// or "outbound from LOCAL". To limit the protocol, write tcp or udp after the
// direction. To limit the ports of outbound flows, write any:PORTS as the host.
func ParseLocalPattern(s string) (FlowPattern, error) { return parsePattern(s, true) }

// localForms is what ParseLocalPattern accepts, for messages.
const localForms = "inbound [tcp|udp] to LOCAL[:PORTS], or outbound [tcp|udp] [any:PORTS] from LOCAL"

func parsePattern(s string, side bool) (FlowPattern, error) {
	words := strings.Fields(s)
	p := patternReader{FlowPattern: FlowPattern{text: withoutSecrets(words)}, words: words, side: side}
	err := p.read()
	if err == nil && len(p.words) > 0 {
		err = fmt.Errorf("unexpected %q", withoutSecrets(p.words))
	}
	if err == nil {
		err = p.complete()
	}
	if err != nil {
		forms := patternForms
		if side {
			forms = localForms
		}
		return FlowPattern{}, fmt.Errorf("flows %q: %w; expect %s", p.text, err, forms)
	}
	return p.FlowPattern, nil
}

// patternReader gathers a pattern.
type patternReader struct {
	FlowPattern
	words    flowWords
	side     bool // of one side of ours
	protocol netset.Protocol
	ports    []netset.PortRange
	host     string // as written
}

func (p *patternReader) read() (err error) {
	if d, ok := p.words.take(string(Outbound), string(Inbound)); ok {
		p.Direction = Direction(d)
	}
	if name, ok := p.words.take(netset.TCP.String(), netset.UDP.String()); ok {
		if p.protocol, err = netset.ParseProtocol(name); err != nil {
			return err
		}
	}
	if word := p.peek(); p.side && (word == "from" || word == "to") {
		p.Any = true
		return p.readLocal()
	}
	if p.host, err = p.words.next("the remote host"); err != nil {
		return err
	}
	if scheme, rest, ok := strings.Cut(p.host, "://"); ok {
		err = p.readURL(strings.ToLower(scheme), rest)
	} else {
		err = p.readRemote(p.host)
	}
	if err != nil {
		return err
	}
	return p.readLocal()
}

func (p *patternReader) peek() string {
	if len(p.words) == 0 {
		return ""
	}
	return strings.ToLower(p.words[0])
}

// readURL takes the host and the port of a URL, by ParseFlow.
func (p *patternReader) readURL(scheme, rest string) error {
	host, path := cutAuthority(rest)
	if strings.Contains(host, "*") {
		return fmt.Errorf("a URL has no wildcard; write outbound tcp %s:PORT", strings.TrimSuffix(host+path, "/"))
	}
	q := Question{Flow: Flow{Direction: p.Direction, Protocol: p.protocol}}
	if err := q.readURL(scheme, rest); err != nil {
		return err
	}
	p.Direction, p.protocol = q.Flow.Direction, q.Flow.Protocol
	p.ports = []netset.PortRange{{First: q.Flow.Port, Last: q.Flow.Port}}
	if q.Flow.Remote.IsValid() {
		p.Prefixes = netset.PrefixSetOf(netip.PrefixFrom(q.Flow.Remote, q.Flow.Remote.BitLen()))
		return nil
	}
	return p.readName(q.Flow.Name)
}

// readRemote reads HOST[:PORTS].
func (p *patternReader) readRemote(text string) error {
	host, ports := cutPort(text)
	switch {
	case strings.Contains(host, "="):
		return fmt.Errorf("%q is a name with its address; write only one of them, because each output sees only one", host)
	case strings.ContainsAny(text, "@?#"):
		return errors.New("a URL starts with its scheme, such as https://, and a host cannot contain @, ? or #")
	case ports != "" && p.Direction == Inbound:
		return fmt.Errorf("the ports of inbound flows are on our side; write %s to LOCAL:%s", host, ports)
	}
	if ports != "" {
		var err error
		if p.ports, err = parsePorts(ports); err != nil {
			return err
		}
	}
	if strings.EqualFold(host, "any") {
		p.Any = true
		return nil
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	if looksNumeric(host) {
		prefixes, err := parsePrefixes(host)
		p.Prefixes = prefixes
		return err
	}
	return p.readName(host)
}

func (p *patternReader) readName(text string) error {
	switch {
	case text == "*":
		return errors.New(`"*" is not a name pattern; write any for every remote`)
	case text == "":
		return errors.New("the remote host is missing")
	case strings.Contains(text, "/"):
		return fmt.Errorf("%q is neither a name nor a prefix; write a URL with its scheme, such as https://, or a prefix such as 192.0.2.0/24", text)
	case !strings.ContainsAny(text, ".*"):
		return fmt.Errorf("%q is neither a keyword nor a full name; write the name with its domain", text)
	}
	name, err := netset.ParsePattern(text)
	p.Name = name
	return err
}

// readLocal reads from LOCAL, or to LOCAL[:PORTS].
func (p *patternReader) readLocal() error {
	word, ok := p.words.take("from", "to")
	switch {
	case !ok:
		return nil
	case word == "from" && p.Direction == Inbound:
		return errors.New("an inbound flow goes to our side; write to LOCAL:PORTS")
	case word == "to" && (p.Direction == Outbound || p.ports != nil):
		return errors.New("an outbound flow comes from our side; write HOST:PORTS from LOCAL")
	}
	local, err := p.words.next("our side")
	if err != nil {
		return err
	}
	if word == "from" {
		p.Direction = Outbound
		return p.readSide(local)
	}
	p.Direction = Inbound
	local, ports := cutPort(local)
	if ports != "" {
		if p.ports, err = parsePorts(ports); err != nil {
			return err
		}
	}
	if strings.EqualFold(p.peek(), "published") {
		return errors.New("the port in an expectation is the one that outsiders use, before DNAT; omit published")
	}
	if local == "" {
		return nil
	}
	return p.readSide(local)
}

// readSide reads an address, a prefix or a role.
func (p *patternReader) readSide(text string) (err error) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	if looksNumeric(text) {
		p.Local, err = parsePrefixes(text)
		return err
	}
	if _, ports := cutPort(text); ports != "" {
		return fmt.Errorf("the ports of outbound flows are on the remote side; write HOST:%s", ports)
	}
	if p.Role, err = ParseRole(text); err != nil {
		return fmt.Errorf("our side is a role, an address or a prefix: %w", err)
	}
	return nil
}

// complete fills in what a host alone leaves open, and refuses what else is.
func (p *patternReader) complete() error {
	bare := p.Direction == "" && p.protocol == 0 && p.ports == nil
	switch {
	case p.side:
		return p.completeSide()
	case bare:
		p.protocol, p.ports = netset.TCP, []netset.PortRange{{First: webPort, Last: webPort}}
	case p.ports == nil && p.Direction == Inbound:
		return fmt.Errorf("the ports are missing; write to %s:443, or :1-65535 for every port", cmp.Or(p.sideText(), "LOCAL"))
	case p.ports == nil:
		return fmt.Errorf("the ports are missing; write %s:443, or :1-65535 for every port", p.hostText())
	case p.protocol == 0:
		return errors.New("the protocol is missing; write tcp or udp before the host")
	}
	p.Direction = cmp.Or(p.Direction, Outbound)
	p.Services = netset.ServicesOver(p.protocol, p.ports)
	return nil
}

func (p *patternReader) completeSide() error {
	switch {
	case p.Direction == "":
		return errors.New("the direction is missing; write inbound or outbound")
	case !p.Any:
		return fmt.Errorf("%q is a remote, but the allowed remotes are listed separately; omit it", p.host)
	case !p.SaysLocal() && p.Direction == Inbound:
		return errors.New("our side is missing; write to LOCAL")
	case !p.SaysLocal():
		return errors.New("our side is missing; write from LOCAL")
	}
	p.Services = netset.ServicesOver(p.protocol, p.ports)
	return nil
}

func (p *patternReader) sideText() string { return cmp.Or(string(p.Role), p.Local.String()) }

// hostText is the host as it stands before ports.
func (p *patternReader) hostText() string {
	if strings.Contains(p.host, ":") && !strings.HasPrefix(p.host, "[") {
		return "[" + p.host + "]"
	}
	return p.host
}

// parsePorts reads a list of ports and ranges, without spaces.
func parsePorts(s string) (ports []netset.PortRange, err error) {
	for text := range strings.SplitSeq(s, ",") {
		r, err := netset.ParsePortRange(text)
		if err != nil {
			return nil, err
		}
		ports = append(ports, r)
	}
	return ports, nil
}

// parsePrefixes reads a prefix or an address. Host bits are more often a slip than not.
func parsePrefixes(s string) (netset.PrefixSet, error) {
	p, note, err := netset.ParsePrefix(s)
	if err == nil && note != "" && strings.Contains(s, "/") {
		err = fmt.Errorf("%q: %s; write %q", s, note, p.String())
	}
	return netset.PrefixSetOf(p), err
}
