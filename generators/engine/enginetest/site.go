package enginetest

import (
	"fmt"
	"net/netip"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Names of the chains that a site in ModeChains jumps to.
const (
	outboundChain = "gatewright_outbound"
	inboundChain  = "gatewright_inbound"
)

// siteView is a site's own ruleset for one packet filter.
type siteView struct {
	Probes   string // file that makes the gateway's own table
	Artefact string // file under test
	Tables   []siteTable
}

// siteTable is one of the site's tables.
type siteTable struct {
	Name     string   // family and name; for iptables the name
	Declared []string // chains of the artefact, for iptables
	Chains   []baseChain
}

// baseChain is one of the site's base chains, with rules as the packet filter
// spells them.
type baseChain struct {
	Hook   string
	Policy string
	Rules  []string
}

// hook is where the site filters, and the artefact's chains that it jumps to there
// in ModeChains.
type hook struct {
	name  string
	jumps []string
}

func (s Site) hooks() []hook {
	if s.Place == artefact.PlaceHost {
		return []hook{{"input", []string{inboundChain}}, {"output", []string{outboundChain}}}
	}
	return []hook{{"forward", []string{outboundChain, inboundChain}}}
}

// nftView is the site's ruleset for nftables. Beside a table of one family, a table
// of the other drops everything.
func (s Site) nftView(probes, file string) siteView {
	v := siteView{Probes: probes, Artefact: file}
	if s.Mode == artefact.ModeEnforce {
		return v
	}
	family, name, _ := strings.Cut(s.Table, " ")
	if s.Table == "" {
		family, name = "inet", "filter"
	}
	var chains, closed []baseChain
	for _, h := range s.hooks() {
		rules := []string{"ct state established,related accept", `meta l4proto sctp accept comment "the site's own"`}
		if s.Mode == artefact.ModeMark {
			rules = append(rules, fmt.Sprintf("meta mark & %#x == %#x accept", s.Mark, s.Mark))
		} else {
			for _, chain := range h.jumps {
				rules = append(rules, "jump "+chain)
			}
		}
		chains = append(chains, baseChain{h.name, "drop", append(rules, "counter drop")})
		closed = append(closed, baseChain{h.name, "drop", []string{"counter drop"}})
	}
	v.Tables = append(v.Tables, siteTable{Name: family + " " + name, Chains: chains})
	other := map[string]string{"ip": "ip6", "ip6": "ip"}
	if other[family] != "" {
		v.Tables = append(v.Tables, siteTable{Name: other[family] + " " + name, Chains: closed})
	}
	return v
}

// iptablesView is the site's ruleset for iptables and ip6tables. In ModeMark the
// site's chains of table mangle jump to the artefact's, one for each hook.
func (s Site) iptablesView() siteView {
	if s.Mode == artefact.ModeEnforce {
		return siteView{}
	}
	const own = `-p sctp -m comment --comment "the site's own" -j ACCEPT`
	mangle, filter := siteTable{Name: "mangle"}, siteTable{Name: "filter"}
	for _, h := range s.hooks() {
		builtIn := strings.ToUpper(h.name)
		rules := []string{"-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", own}
		if s.Mode == artefact.ModeMark {
			rules = append(rules, fmt.Sprintf("-m mark --mark %#x/%#x -j ACCEPT", s.Mark, s.Mark))
			marking := "gatewright_" + h.name
			mangle.Declared = append(mangle.Declared, marking)
			mangle.Chains = append(mangle.Chains, baseChain{builtIn, "ACCEPT", []string{own, "-j " + marking}})
		} else {
			for _, chain := range h.jumps {
				rules = append(rules, "-j "+chain)
				filter.Declared = append(filter.Declared, chain)
			}
		}
		filter.Chains = append(filter.Chains, baseChain{builtIn, "DROP", append(rules, "-j DROP")})
	}
	if s.Mode == artefact.ModeMark {
		return siteView{Tables: []siteTable{mangle, filter}}
	}
	return siteView{Tables: []siteTable{filter}}
}

// wireView is one veth pair: the gateway's end is near.
type wireView struct {
	Near, NearMAC string
	Far, FarMAC   string
	Namespace     string // of the far end
}

// networkView is the gateway's links and routes.
type networkView struct {
	Wires  []wireView
	Routes []string
}

// routes returns the gateway's routes: the local addresses behind LAN or, in
// PlaceHost, its own; the rest behind WAN.
func (s Site) routes() []string {
	lines := []string{
		"0.0.0.0/0 via inet6 fe80::2 dev " + WAN,
		"::/0 via fe80::2 dev " + WAN,
	}
	for prefix := range s.Local().Prefixes() {
		switch {
		case s.Place == artefact.PlaceHost:
			lines = append(lines, fmt.Sprintf("local %s dev lo", prefix))
		case prefix.Addr().Is4():
			lines = append(lines, fmt.Sprintf("%s via inet6 fe80::2 dev %s", prefix, LAN))
		default:
			lines = append(lines, fmt.Sprintf("%s via fe80::2 dev %s", prefix, LAN))
		}
	}
	return lines
}

// publication is a local address and port that outsiders reach by another address
// and the published port.
type publication struct {
	protocol        netset.Protocol
	local           netip.Addr
	port, published uint16
}

// publicationOf returns what the gateway has to publish so that an outsider can
// open the flow, if anything.
func publicationOf(f rule.Flow) (publication, bool) {
	if f.Direction != rule.Inbound || f.Published == 0 {
		return publication{}, false
	}
	return publication{f.Protocol, f.Local, f.Port, f.Published}, true
}

// publishedView holds map elements "public . protocol . port : local . port".
type publishedView struct{ IPv4, IPv6 string }

// publish gives every publication of the flows a public address of its own, from
// the benchmarking prefixes (RFC 2544, RFC 5180).
func publish(flows []rule.Flow) (map[publication]netip.Addr, publishedView) {
	public := map[publication]netip.Addr{}
	next4, next6 := netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("2001:2::1")
	var elements4, elements6 []string
	for _, f := range flows {
		p, ok := publicationOf(f)
		if _, known := public[p]; !ok || known {
			continue
		}
		next, elements := &next4, &elements4
		if p.local.Is6() {
			next, elements = &next6, &elements6
		}
		public[p] = *next
		*elements = append(*elements, fmt.Sprintf("%s . %s . %d : %s . %d", *next, p.protocol, p.published, p.local, p.port))
		*next = next.Next()
	}
	return public, publishedView{strings.Join(elements4, ", "), strings.Join(elements6, ", ")}
}
