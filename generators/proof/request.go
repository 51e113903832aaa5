package proof

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/engine"
)

// RequestFlows returns the boundary flows of a policy that a browser can request from a
// proxy, which are outbound TCP, each once. A literal is also requested by a client of
// the other address family. A proxy allows that, but a gateway cannot.
func RequestFlows(p *rule.Policy) []rule.Flow {
	flows := engine.BoundaryFlows(p, engine.Limits{})
	for i := range p.Rules {
		flows = append(flows, mixedFlows(p, &p.Rules[i])...)
	}
	return each(slices.DeleteFunc(flows, func(f rule.Flow) bool {
		return f.Direction != rule.Outbound || f.Protocol != netset.TCP
	}))
}

// mixedFlows are flows of a rule between addresses of different families.
func mixedFlows(p *rule.Policy, r *rule.Rule) []rule.Flow {
	var flows []rule.Flow
	local, remote := p.Binding(r.Role).Local(), r.Remote.Prefixes()
	for _, pair := range [][2]netset.PrefixSet{{local.V4(), remote.V6()}, {local.V6(), remote.V4()}} {
		f := rule.Flow{Direction: r.Direction, Protocol: netset.TCP}
		for f.Local = range pair[0].Ranges() {
			break
		}
		for f.Remote = range pair[1].Ranges() {
			break
		}
		for _, ports := range r.Services.Ports(netset.TCP) {
			if f.Port = ports.First; f.Local.IsValid() && f.Remote.IsValid() {
				flows = append(flows, f)
			}
		}
	}
	return flows
}

// each returns the elements of list in order, each once.
func each[T comparable](list []T) []T {
	seen := make(map[T]bool, len(list))
	return slices.DeleteFunc(list, func(v T) bool {
		twice := seen[v]
		seen[v] = true
		return twice
	})
}

// spread returns at most n elements of list, evenly spread, the first and the last
// among them.
func spread[T any](list []T, n int) []T {
	if len(list) <= n {
		return list
	}
	some := make([]T, n)
	for i := range some {
		some[i] = list[i*(len(list)-1)/(n-1)]
	}
	return some
}

// mostSpelled is the number of flows in a proof for a user that are asked in every
// form; the others are asked in the usual form alone.
const mostSpelled = 1_500

// spelled reports whether flow i of n is one of the most that are asked in every form:
// all, or evenly spread.
func spelled(i, n, most int) bool {
	return n <= most || i*most/n != (i+1)*most/n
}

// flowsText says of how many flows a proof is, and how many of them at most are asked
// in every form.
func flowsText(flows, all, most int) string {
	text := partText(flows, all, "flows")
	if flows > most {
		return fmt.Sprintf("%s, %d of them in every form", text, most)
	}
	return text
}

// What a proof by requests costs at most, before it starts: every flow is held against
// every rule.
const (
	mostHeld     = 60_000_000 // flows times rules
	leastPerRule = 4          // flows, whatever they cost
)

// affordable returns the flows that a proof asks of a policy with so many rules, evenly
// spread if they are not all.
func affordable[T any](flows []T, rules int) []T {
	rules = max(rules, 1)
	return spread(flows, max(mostHeld/rules, leastPerRule*rules))
}

// partText says how many of all requests are asked.
func partText(asked, all int, what string) string {
	if asked < all {
		return fmt.Sprintf("%d of %d %s", asked, all, what)
	}
	return fmt.Sprintf("%d %s", asked, what)
}

// Hosts returns the ways in which a client may write the host of a flow, the usual
// one first: letter case and a trailing dot of a name; of a literal the forms of
// inet_aton (IPv4) and RFC 4291 (IPv6), in which an IPv4 address is also its mapped
// IPv6 address.
func Hosts(f rule.Flow) []string {
	if f.Name != "" {
		upper := strings.ToUpper(f.Name)
		return each([]string{f.Name, upper, f.Name + ".", upper + "."})
	}
	a := f.Remote.Unmap()
	if !a.Is4() {
		return each([]string{"[" + a.String() + "]", "[" + strings.ToUpper(a.StringExpanded()) + "]"})
	}
	b := a.As4()
	all := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	mapped := netip.AddrFrom16(a.As16())
	return each([]string{
		a.String(),
		a.String() + ".",
		strconv.FormatUint(uint64(all), 10),
		fmt.Sprintf("0x%x", all),
		fmt.Sprintf("0%o", all),
		fmt.Sprintf("%d.%d", b[0], all&0xffffff),
		fmt.Sprintf("%d.0X%X.0%o", b[0], b[1], all&0xffff),
		fmt.Sprintf("0%o.0x%02x.%d.%d", b[0], b[1], b[2], b[3]),
		"[" + mapped.String() + "]",
		"[" + strings.ToUpper(mapped.StringExpanded()) + "]",
	})
}

// defaultPorts are the ports of URLs without one, by scheme.
var defaultPorts = map[string]uint16{"http": 80, "ws": 80, "https": 443, "wss": 443, "ftp": 21}

// URLs returns the ways in which a client may ask for a flow, the usual one first:
// every form of the host, and for the usual host other schemes, user information,
// an explicit default port, a path and a query that look like an authority.
func URLs(f rule.Flow) []string {
	var urls []string
	hosts, port := Hosts(f), ":"+strconv.Itoa(int(f.Port))
	scheme, usual := "http", port
	switch f.Port {
	case defaultPorts["http"]:
		usual = ""
	case defaultPorts["https"]:
		scheme, usual = "https", ""
	}
	for _, host := range hosts {
		urls = append(urls, scheme+"://"+host+usual+"/")
	}
	host := hosts[0]
	for _, other := range []string{"http", "https", "ws", "wss", "ftp"} {
		urls = append(urls, other+"://"+host+port+"/")
		if defaultPorts[other] == f.Port {
			urls = append(urls, other+"://"+host+"/")
		}
	}
	return each(append(urls,
		strings.ToUpper(scheme)+"://"+host+usual+"/",
		scheme+"://me:secret@"+host+usual+"/",
		scheme+"://unlisted.invalid:80@"+host+port+"/",
		scheme+"://"+host+port,
		scheme+"://"+host+port+"/x?y=http://unlisted.invalid:1/@z",
	))
}
