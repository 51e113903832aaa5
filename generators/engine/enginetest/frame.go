package enginetest

import (
	"encoding/binary"
	"net/netip"

	"gatewright/catalog/netset"
)

// Sizes and numbers of the headers that probes are made of: IEEE 802.3, RFC 791,
// RFC 8200, RFC 9293, RFC 768.
const (
	etherTypeIPv4 = 0x0800
	etherTypeIPv6 = 0x86dd
	etherSize     = 14
	ipv4Size      = 20
	ipv6Size      = 40
	tcpSize       = 20
	udpSize       = 12 // with the tag as its payload
	hopLimit      = 64
	tcpSYN        = 0x02
	tcpACK        = 0x10
)

// probe is the first packet of a flow as it is sent: a TCP SYN whose sequence
// number is the tag, or a UDP datagram whose payload is the tag.
type probe struct {
	protocol netset.Protocol
	src, dst netip.Addr // of one family
	srcPort  uint16
	dstPort  uint16
	tag      uint32
}

// packet returns the probe as an IP packet with correct checksums.
func (p probe) packet() []byte {
	transport := p.transport()
	if p.dst.Is4() {
		b := make([]byte, ipv4Size, ipv4Size+len(transport))
		b[0] = 0x45
		binary.BigEndian.PutUint16(b[2:], uint16(ipv4Size+len(transport)))
		binary.BigEndian.PutUint16(b[4:], uint16(p.tag))
		b[8], b[9] = hopLimit, byte(p.protocol)
		copy(b[12:], p.src.AsSlice())
		copy(b[16:], p.dst.AsSlice())
		binary.BigEndian.PutUint16(b[10:], ^sum(0, b))
		return append(b, transport...)
	}
	b := make([]byte, ipv6Size, ipv6Size+len(transport))
	b[0] = 0x60
	binary.BigEndian.PutUint16(b[4:], uint16(len(transport)))
	b[6], b[7] = byte(p.protocol), hopLimit
	copy(b[8:], p.src.AsSlice())
	copy(b[24:], p.dst.AsSlice())
	return append(b, transport...)
}

// transport returns the TCP or UDP part with its checksum over the pseudo-header.
func (p probe) transport() []byte {
	size, field := tcpSize, 16
	if p.protocol == netset.UDP {
		size, field = udpSize, 6
	}
	b := make([]byte, size)
	binary.BigEndian.PutUint16(b[0:], p.srcPort)
	binary.BigEndian.PutUint16(b[2:], p.dstPort)
	if p.protocol == netset.UDP {
		binary.BigEndian.PutUint16(b[4:], udpSize)
		binary.BigEndian.PutUint32(b[8:], p.tag)
	} else {
		binary.BigEndian.PutUint32(b[4:], p.tag)
		b[12], b[13] = tcpSize/4<<4, tcpSYN
		binary.BigEndian.PutUint16(b[14:], 65535)
	}
	pseudo := append(p.src.AsSlice(), p.dst.AsSlice()...)
	pseudo = append(pseudo, 0, byte(p.protocol), 0, byte(size))
	checksum := ^sum(sum(0, pseudo), b)
	if checksum == 0 {
		checksum = 0xffff
	}
	binary.BigEndian.PutUint16(b[field:], checksum)
	return b
}

// sum adds b to a ones' complement sum of 16-bit words (RFC 1071).
func sum(start uint16, b []byte) uint16 {
	total := uint32(start)
	for i := 0; i+1 < len(b); i += 2 {
		total += uint32(b[i])<<8 | uint32(b[i+1])
	}
	if len(b)%2 == 1 {
		total += uint32(b[len(b)-1]) << 8
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}

// frame puts an IP packet on a wire from one hardware address to another.
func frame(to, from [6]byte, packet []byte) []byte {
	b := make([]byte, 0, etherSize+len(packet))
	b = append(append(b, to[:]...), from[:]...)
	etherType := uint16(etherTypeIPv4)
	if packet[0]>>4 == 6 {
		etherType = etherTypeIPv6
	}
	return append(binary.BigEndian.AppendUint16(b, etherType), packet...)
}

// frameTag returns the tag of a probe in an Ethernet frame; false for anything else.
func frameTag(b []byte) (uint32, bool) {
	if len(b) < etherSize {
		return 0, false
	}
	switch binary.BigEndian.Uint16(b[12:]) {
	case etherTypeIPv4:
		return packetTag4(b[etherSize:])
	case etherTypeIPv6:
		if b = b[etherSize:]; len(b) > ipv6Size {
			return transportTag(netset.Protocol(b[6]), b[ipv6Size:])
		}
	}
	return 0, false
}

// packetTag4 returns the tag of a probe in an IPv4 packet without options.
func packetTag4(b []byte) (uint32, bool) {
	if len(b) < ipv4Size || b[0] != 0x45 {
		return 0, false
	}
	return transportTag(netset.Protocol(b[9]), b[ipv4Size:])
}

// transportTag returns the tag of a TCP SYN or UDP datagram that a probe sent.
// Answers to probes (RST, SYN with ACK) have no tag.
func transportTag(protocol netset.Protocol, b []byte) (uint32, bool) {
	switch {
	case protocol == netset.TCP && len(b) >= tcpSize && b[13]&(tcpSYN|tcpACK) == tcpSYN:
		return binary.BigEndian.Uint32(b[4:]), true
	case protocol == netset.UDP && len(b) >= udpSize:
		return binary.BigEndian.Uint32(b[8:]), true
	}
	return 0, false
}
