package enginetest

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"gatewright/catalog/netset"
)

func probes() []probe {
	var all []probe
	for i, addrs := range [][2]string{{"10.0.0.1", "52.112.0.1"}, {"fd00::1", "2603:1010::1"}} {
		for j, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
			all = append(all, probe{
				protocol: protocol, src: netip.MustParseAddr(addrs[0]), dst: netip.MustParseAddr(addrs[1]),
				srcPort: 2000, dstPort: 443, tag: uint32(0xfedc0000 + 2*i + j),
			})
		}
	}
	return all
}

func TestFramesCarryTheirTag(t *testing.T) {
	for _, p := range probes() {
		b := frame([6]byte{2}, [6]byte{2, 1}, p.packet())
		if tag, ok := frameTag(b); !ok || tag != p.tag {
			t.Errorf("%+v: tag %#x, %t", p, tag, ok)
		}
		for n := range b {
			if tag, ok := frameTag(b[:n]); ok {
				t.Errorf("%+v: the first %d bytes have tag %#x", p, n, tag)
			}
		}
	}
}

func TestAnswersHaveNoTag(t *testing.T) {
	for _, p := range probes() {
		b := frame([6]byte{2}, [6]byte{2, 1}, p.packet())
		if p.protocol == netset.TCP {
			b[len(b)-tcpSize+13] |= tcpACK
			if tag, ok := frameTag(b); ok {
				t.Errorf("a SYN with ACK has tag %#x", tag)
			}
		}
	}
	if _, ok := frameTag(append(make([]byte, 12), 0x88, 0xb5, 0, 0, 0, 1)); ok {
		t.Error("a barrier has a tag")
	}
}

// TestChecksums holds that each part with its checksum sums up to all ones (RFC 1071).
func TestChecksums(t *testing.T) {
	for _, p := range probes() {
		b := p.packet()
		header := ipv6Size
		if p.dst.Is4() {
			header = ipv4Size
			if got := sum(0, b[:header]); got != 0xffff {
				t.Errorf("%+v: the IPv4 header sums up to %#x", p, got)
			}
		}
		pseudo := append(p.src.AsSlice(), p.dst.AsSlice()...)
		pseudo = binary.BigEndian.AppendUint16(append(pseudo, 0, byte(p.protocol)), uint16(len(b)-header))
		if got := sum(sum(0, pseudo), b[header:]); got != 0xffff {
			t.Errorf("%+v: the transport part sums up to %#x", p, got)
		}
	}
}
