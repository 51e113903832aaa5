package squid

import (
	"net/netip"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// connectPort is the only port of SSL_ports in Debian's squid.conf.
const connectPort = 443

// safePorts are those of Safe_ports in Debian's squid.conf.
func safePorts() []netset.PortRange {
	return []netset.PortRange{
		{First: 21, Last: 21}, {First: 70, Last: 70}, {First: 80, Last: 80}, {First: 210, Last: 210}, {First: 280, Last: 280},
		{First: 443, Last: 443}, {First: 488, Last: 488}, {First: 591, Last: 591}, {First: 777, Last: 777}, {First: 1025, Last: 65535},
	}
}

// coverage has one line for each rule, then one for each trusted site.
func coverage(p *rule.Policy, place string) ([]artefact.Coverage, error) {
	var roles []rule.Role
	for _, b := range p.Bindings {
		roles = append(roles, b.Role)
	}
	return artefact.CoverRules(p, "a proxy has no browser zones", func(j *artefact.Judge, r *rule.Rule) artefact.Coverage {
		c := j.ByRequest(r, roles...)
		if place == placeConfD && c.Verdict != artefact.NotApplicable {
			c = afterDebian(c, p, r)
		}
		return c
	})
}

// afterDebian narrows the verdict for what Debian's squid.conf has refused by the
// time that it includes conf.d.
func afterDebian(c artefact.Coverage, p *rule.Policy, r *rule.Rule) artefact.Coverage {
	port, ok := refusedPort(r)
	if !ok {
		return c
	}
	const reason = "before it includes conf.d, Debian's squid.conf refuses CONNECT to ports other than 443 and every request to ports outside its Safe_ports"
	const remedy = "set squid.place=first, or add the ports to SSL_ports and Safe_ports in squid.conf"
	if c.Verdict == artefact.Exact {
		c.Reason, c.Remedy = reason, remedy
	} else {
		c.Reason, c.Remedy = c.Reason+"; "+reason, c.Remedy+"; "+remedy
	}
	c.Verdict = artefact.Narrower
	c.Witnesses = append(c.Witnesses, artefact.Witness{Flow: flowTo(p, r, port)})
	return c
}

// refusedPort returns the first TCP port of the rule to which Debian refuses CONNECT.
func refusedPort(r *rule.Rule) (uint16, bool) {
	for _, ports := range r.Services.Ports(netset.TCP) {
		if ports.First != connectPort {
			return ports.First, true
		}
		if ports.Last != connectPort {
			return connectPort + 1, true
		}
	}
	return 0, false
}

// flowTo is a flow that the rule accepts, to a literal if it has addresses.
func flowTo(p *rule.Policy, r *rule.Rule, port uint16) rule.Flow {
	f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: port}
	for f.Local = range p.Binding(r.Role).Local().Ranges() {
		break
	}
	for f.Remote = range r.Remote.Prefixes().Ranges() {
		return f
	}
	for name := range r.Remote.Names().Patterns() {
		f.Name = name.Example()
		break
	}
	f.Remote = netip.MustParseAddr("2001:db8::1") // RFC 3849
	if f.Local.Is4() {
		f.Remote = netip.MustParseAddr("192.0.2.1") // RFC 5737
	}
	return f
}
