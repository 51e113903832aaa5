package iptables

import (
	"net/netip"

	"gatewright/catalog/netset"
)

// family is an address family: what its programs and files are called.
type family int

const (
	ipv4 family = 4
	ipv6 family = 6
)

func (f family) title() string {
	if f == ipv6 {
		return "IPv6 rules for ip6tables"
	}
	return "IPv4 rules for iptables"
}

func (f family) program() string {
	if f == ipv6 {
		return "ip6tables"
	}
	return "iptables"
}

// file is the name of the artefact with the family's rules.
func (f family) file() string { return "gatewright." + f.program() }

// load keeps the site's own rules: without --noflush they would be removed.
func (f family) load() string { return f.program() + "-restore --noflush < " + f.file() }

// setFamily is ipset's word.
func (f family) setFamily() keyword {
	if f == ipv6 {
		return "inet6"
	}
	return "inet"
}

// digit tells the families apart in names.
func (f family) digit() string {
	if f == ipv6 {
		return "6"
	}
	return "4"
}

// of returns the addresses of s that are of the family.
func (f family) of(s netset.PrefixSet) netset.PrefixSet {
	if f == ipv6 {
		return s.V6()
	}
	return s.V4()
}

// whole is every address of the family.
func (f family) whole() netset.PrefixSet {
	if f == ipv6 {
		return netset.PrefixSetOf(netip.PrefixFrom(netip.IPv6Unspecified(), 0))
	}
	return netset.PrefixSetOf(netip.PrefixFrom(netip.IPv4Unspecified(), 0))
}

func familyOf(a netip.Addr) family {
	if a.Is6() {
		return ipv6
	}
	return ipv4
}
