package netset

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// address is a number that stands for an IP address.
type address[N any] interface {
	number[N]
	// block returns the longest run of addresses that starts here, ends at last or before,
	// and is one prefix.
	block(last N) (end N, length int)
	ip() netip.Addr
}

// addr4 is an IPv4 address.
type addr4 uint32

const maxAddr4 = ^addr4(0)

func addr4Of(a netip.Addr) addr4 {
	b := a.As4()
	return addr4(binary.BigEndian.Uint32(b[:]))
}

func (a addr4) less(b addr4) bool { return a < b }
func (a addr4) next() addr4       { return a + 1 }
func (a addr4) prev() addr4       { return a - 1 }

func (a addr4) block(last addr4) (end addr4, length int) {
	size := bits.Len64(uint64(last-a)+1) - 1
	size = min(size, bits.TrailingZeros32(uint32(a)))
	return a + addr4(uint64(1)<<size-1), 32 - size
}

func (a addr4) ip() netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(a))
	return netip.AddrFrom4(b)
}

// addr6 is an IPv6 address. The IPv4-mapped block ::ffff:0:0/96 (RFC 4291 section
// 2.5.5.2) holds no IPv6 address: mapped addresses are IPv4 addresses here. No span
// starts or ends in the block, and next and prev step over it, so a prefix around it
// stays one prefix and no arithmetic ever yields a prefix of it.
type addr6 struct{ high, low uint64 }

var (
	maxAddr6     = addr6{^uint64(0), ^uint64(0)}
	beforeMapped = addr6{0, 0xfffe_ffff_ffff}
	afterMapped  = addr6{0, 0x1_0000_0000_0000}
)

func addr6Of(a netip.Addr) addr6 {
	b := a.As16()
	return addr6{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (a addr6) isMapped() bool { return beforeMapped.less(a) && a.less(afterMapped) }

func (a addr6) less(b addr6) bool {
	return a.high < b.high || a.high == b.high && a.low < b.low
}

func (a addr6) next() addr6 {
	if a == beforeMapped {
		return afterMapped
	}
	low, carry := bits.Add64(a.low, 1, 0)
	return addr6{a.high + carry, low}
}

func (a addr6) prev() addr6 {
	if a == afterMapped {
		return beforeMapped
	}
	low, borrow := bits.Sub64(a.low, 1, 0)
	return addr6{a.high - borrow, low}
}

func (a addr6) block(last addr6) (end addr6, length int) {
	size := min(a.trailingZeros(), a.log2To(last))
	if size < 64 {
		return addr6{a.high, a.low | (1<<size - 1)}, 128 - size
	}
	return addr6{a.high | (1<<(size-64) - 1), ^uint64(0)}, 128 - size
}

func (a addr6) trailingZeros() int {
	if a.low != 0 {
		return bits.TrailingZeros64(a.low)
	}
	return 64 + bits.TrailingZeros64(a.high)
}

// log2To is the base-2 logarithm, rounded down, of the count of numbers from a to last.
func (a addr6) log2To(last addr6) int {
	low, borrow := bits.Sub64(last.low, a.low, 0)
	high, _ := bits.Sub64(last.high, a.high, borrow)
	low, carry := bits.Add64(low, 1, 0)
	high, carry = bits.Add64(high, 0, carry)
	switch {
	case carry != 0:
		return 128
	case high != 0:
		return 63 + bits.Len64(high)
	default:
		return bits.Len64(low) - 1
	}
}

func (a addr6) ip() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.high)
	binary.BigEndian.PutUint64(b[8:], a.low)
	return netip.AddrFrom16(b)
}
