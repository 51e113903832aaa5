package engine

import (
	"net/netip"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Place is where the artefact under test filters.
type Place string

const (
	Forward Place = "forward" // the policy's machines are behind the gateway
	Host    Place = "host"    // the gateway is all of the policy's machines itself
)

// Mode is what the site leaves to the artefact under test.
type Mode string

const (
	Chains  Mode = "chains"  // the site's base chains jump to the artefact's chains
	Mark    Mode = "mark"    // the site's base chains accept what the artefact marked
	Enforce Mode = "enforce" // the site has no base chains
)

// Names of the gateway's interfaces.
const (
	WAN = "wan0" // towards everybody else
	LAN = "lan0" // towards the policy's local addresses
)

// Site is what surrounds the artefact under test: a gateway, and a network with
// the policy's local addresses. The zero Place and Mode are Forward and Chains.
type Site struct {
	Bindings []rule.Binding
	Place    Place
	Mode     Mode

	// Table is the site's nftables table, family and name; empty means "inet filter".
	Table string

	// Mark is the bit of the packet mark that the site accepts in mode Mark.
	Mark uint32
}

// Local returns every local address of the site.
func (s Site) Local() netset.PrefixSet {
	var b netset.PrefixBuilder
	for _, binding := range s.Bindings {
		b.AddSet(binding.Local())
	}
	return b.Build()
}

// Carries reports whether a flow of the given kind can be sent through the site as
// a real packet: both addresses known, of one family, unicast and routed; in place
// Host also that the local address is the gateway's and the remote is not.
func (s Site) Carries(f rule.Flow) bool {
	if f.Direction != rule.Outbound && f.Direction != rule.Inbound ||
		f.Protocol != netset.TCP && f.Protocol != netset.UDP ||
		f.Port == 0 || !routed(f.Local) || !routed(f.Remote) ||
		f.Local.Is4() != f.Remote.Is4() || f.Local == f.Remote {
		return false
	}
	if s.Place == Host {
		local := s.Local()
		return local.Contains(f.Local) && !local.Contains(f.Remote)
	}
	return true
}

// routed reports whether routers pass on packets from and to the address. Those
// of RFC 6890 that Linux does not forward are left out.
func routed(a netip.Addr) bool {
	if !a.IsValid() || a.Is4In6() || a.Zone() != "" || a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() {
		return false
	}
	if a.Is4() {
		first := a.As4()[0]
		return first != 0 && first < 240
	}
	return !a.IsLinkLocalUnicast() && a.As16()[0] != 0
}

// Variant is one of the two implementations of iptables.
type Variant string

const (
	IptablesDefault Variant = "" // what this machine calls iptables
	IptablesNFT     Variant = "nft"
	IptablesLegacy  Variant = "legacy"
)

// IptablesDump is what the kernel holds, as the tools print it.
type IptablesDump struct {
	Ipset []byte // ipset save
	IPv4  []byte // iptables-save
	IPv6  []byte // ip6tables-save
}
