// Package enginetest has a gateway that real packets are sent through, and machines
// with networks, for tests that hold what packet filters do.
package enginetest

import (
	"net/netip"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Names of the gateway's interfaces.
const (
	WAN = "wan0" // towards everybody else
	LAN = "lan0" // towards the policy's local addresses
)

// Site is what surrounds the artefact under test: a gateway, and a network with the
// policy's local addresses. The zero Place and Mode are PlaceForward and ModeChains.
type Site struct {
	Bindings []rule.Binding
	Place    artefact.Place // PlaceForward: the policy's machines are behind the gateway; PlaceHost: it is all of them itself
	Mode     artefact.Mode

	// Table is the site's nftables table, family and name; empty means "inet filter".
	Table string

	// Mark is the bit of the packet mark that the site accepts in ModeMark.
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
// a real packet: both addresses known, of one family, unicast and routed; in
// PlaceHost also that the local address is the gateway's and the remote is not.
func (s Site) Carries(f rule.Flow) bool {
	if f.Direction != rule.Outbound && f.Direction != rule.Inbound ||
		f.Protocol != netset.TCP && f.Protocol != netset.UDP ||
		f.Port == 0 || !routed(f.Local) || !routed(f.Remote) ||
		f.Local.Is4() != f.Remote.Is4() || f.Local == f.Remote {
		return false
	}
	if s.Place == artefact.PlaceHost {
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
