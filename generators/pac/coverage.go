package pac

import (
	"cmp"
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// unlisted is a name that no entry lists (RFC 2606).
const unlisted = "unlisted.invalid"

// coverage has one line for each rule, then one for each trusted site.
//
// A PAC file blocks nothing, so a verdict is on the way that a request takes: it is
// exact if every request of the rule to its prefixes goes the way that it would go if
// its address were known too; a request to any remote asks for no other way. It is narrower if a request by a name that no entry lists goes
// another way than one to the literal address, in a prefix that is published
// without names. The options proxy, plain, local and internal are the site's own
// word, and no verdict is on them.
func coverage(p *rule.Policy, roles []rule.Role) []artefact.Coverage {
	all := splits(p, roles)
	var named netset.PrefixBuilder
	for i := range p.Rules {
		named.AddSet(p.Rules[i].Remote.AddressedPrefixes)
	}
	addressed := named.Build()
	out := make([]artefact.Coverage, 0, len(p.Rules)+len(p.TrustedSites))
	byRequest := artefact.ByRequest(p, roles...)
	for i := range p.Rules {
		r := &p.Rules[i]
		c := byRequest(r)
		if c.Verdict != artefact.NotApplicable {
			f, ok := strayFlow(r, p.Binding(r.Role).Local(), r.Remote.BarePrefixes.Subtract(addressed), all)
			c = verdict(c, f, ok)
		}
		out = append(out, c)
	}
	for _, t := range p.TrustedSites {
		out = append(out, artefact.Coverage{
			Entries: []string{t.Entry.ID},
			Verdict: artefact.NotApplicable,
			Reason:  "a PAC file knows no browser zones",
		})
	}
	return out
}

// verdict judges a rule that the file serves by a flow of it that goes astray.
func verdict(c artefact.Coverage, stray rule.Flow, found bool) artefact.Coverage {
	c.Verdict, c.Reason, c.Remedy, c.Witnesses = artefact.Exact, "", "", nil
	if found {
		c.Verdict = artefact.Narrower
		c.Reason = "some of its prefixes are published without names; a PAC file sees no addresses but literals, so a request by name goes the way of unlisted names"
		c.Remedy = "add the names that clients use in a catalogue of the site's own, or let the proxy reach these prefixes"
		c.Witnesses = []artefact.Witness{{Flow: stray}}
	}
	return c
}

// split is where a literal goes another way than a name that no entry lists.
type split struct {
	services  netset.ServiceSet
	addresses netset.PrefixSet
}

// splits judges each set of ports that the routes treat alike by its first port.
func splits(p *rule.Policy, roles []rule.Role) []split {
	var out []split
	for _, services := range alike(p, roles) {
		port := services.Ports(netset.TCP)[0].First
		if s := strayLiterals(p, roles, port); !s.IsEmpty() {
			out = append(out, split{services, s})
		}
	}
	return out
}

// alike parts the TCP ports into sets that no endpoint of the routes tells apart.
func alike(p *rule.Policy, roles []rule.Role) []netset.ServiceSet {
	parts := []netset.ServiceSet{everyPort()}
	seen := map[string]bool{}
	served(p, roles, func(_ int, m rule.RouteMember) {
		if seen[m.Services.String()] {
			return
		}
		seen[m.Services.String()] = true
		var next []netset.ServiceSet
		for _, part := range parts {
			for _, piece := range []netset.ServiceSet{part.Intersect(m.Services), part.Subtract(m.Services)} {
				if !piece.IsEmpty() {
					next = append(next, piece)
				}
			}
		}
		parts = next
	})
	return parts
}

func everyPort() netset.ServiceSet {
	return netset.ServiceSetOf(netset.Service{Protocol: netset.TCP, Ports: netset.PortRange{First: 1, Last: 65535}})
}

// strayLiterals returns the literals that go another way on a port than unlisted
// names: what the longest prefix says, and of equal ones the earliest route.
func strayLiterals(p *rule.Policy, roles []rule.Role, port uint16) netset.PrefixSet {
	request := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: port, Name: unlisted}
	usual := p.Route(request, roles...)
	stray := map[netip.Prefix]bool{}
	served(p, roles, func(route int, m rule.RouteMember) {
		if !m.Services.Contains(netset.TCP, port) {
			return
		}
		for n := range m.Prefixes.Prefixes() {
			if _, ok := stray[n]; !ok {
				stray[n] = p.Routes[route].Via != usual
			}
		}
	})
	list := make([]netip.Prefix, 0, len(stray))
	for n := range stray {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b netip.Prefix) int { return cmp.Compare(a.Bits(), b.Bits()) })
	return overlay(list, stray)
}

// overlay returns the addresses of the prefixes that are in, where a longer prefix
// overrules a shorter one. The list is ordered by length.
func overlay(list []netip.Prefix, in map[netip.Prefix]bool) netset.PrefixSet {
	var set netset.PrefixSet
	for len(list) > 0 {
		var add, remove netset.PrefixBuilder
		length := list[0].Bits()
		for ; len(list) > 0 && list[0].Bits() == length; list = list[1:] {
			if in[list[0]] {
				add.Add(list[0])
			} else {
				remove.Add(list[0])
			}
		}
		set = set.Subtract(remove.Build()).Union(add.Build())
	}
	return set
}

// strayFlow returns a flow of the rule, by a name that no entry lists to one of the
// bare addresses, that goes another way than one to the literal.
func strayFlow(r *rule.Rule, local, bare netset.PrefixSet, all []split) (rule.Flow, bool) {
	for _, s := range all {
		ports := s.services.Intersect(r.Services).Ports(netset.TCP)
		if len(ports) == 0 || !s.addresses.Overlaps(bare) {
			continue
		}
		addresses := s.addresses.Intersect(bare)
		f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: ports[0].First, Name: unlisted}
		for _, family := range []func(netset.PrefixSet) netset.PrefixSet{netset.PrefixSet.V4, netset.PrefixSet.V6} {
			var remote, from bool
			f.Remote, remote = first(family(addresses))
			f.Local, from = first(family(local))
			if remote && from {
				return f, true
			}
		}
	}
	return rule.Flow{}, false
}

func first(s netset.PrefixSet) (netip.Addr, bool) {
	for a := range s.Ranges() {
		return a, true
	}
	return netip.Addr{}, false
}
