package ruletest

import (
	"encoding/binary"
	"net/netip"

	"gatewright/catalog/netset"
)

// PrefixesOf makes a set of any bytes, as fuzz targets have them: of each 6 or 18 an
// even or odd number for IPv4 or IPv6, a length, and an address. No prefix is a
// whole family.
func PrefixesOf(b []byte) netset.PrefixSet {
	var set netset.PrefixBuilder
	for len(b) >= 2 {
		size := 4
		if b[0]%2 == 1 {
			size = 16
		}
		bits := int(b[1])%(8*size) + 1
		raw := make([]byte, size)
		b = b[2+copy(raw, b[2:]):]
		a, _ := netip.AddrFromSlice(raw)
		if !a.Is4In6() {
			set.Add(netip.PrefixFrom(a, bits).Masked())
		}
	}
	return set.Build()
}

// ServicesOf makes a set of any bytes: of each 5 an even or odd number for tcp or
// udp, and two ports.
func ServicesOf(b []byte) netset.ServiceSet {
	var services []netset.Service
	for ; len(b) >= 5; b = b[5:] {
		first, last := max(1, binary.BigEndian.Uint16(b[1:])), max(1, binary.BigEndian.Uint16(b[3:]))
		s := netset.Service{Protocol: netset.TCP, Ports: netset.PortRange{First: min(first, last), Last: max(first, last)}}
		if b[0]%2 == 1 {
			s.Protocol = netset.UDP
		}
		services = append(services, s)
	}
	return netset.ServiceSetOf(services...)
}
