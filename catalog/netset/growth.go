package netset

import "math"

// Growth returns how many addresses are new, as a part of those of the old set: the
// larger of both families, and which one that is. A family that was not there before
// has no part to compare with.
func Growth(old, new PrefixSet) (part float64, family string) {
	family = "IPv4"
	oldV4, oldV6 := old.Shares()
	newV4, newV6 := new.Subtract(old).Shares()
	if oldV4 > 0 {
		part = newV4 / oldV4
	}
	if oldV6 > 0 && newV6/oldV6 > part {
		part, family = newV6/oldV6, "IPv6"
	}
	return part, family
}

// Shares returns about which part of each family a set holds, from 0 to 1.
func (s PrefixSet) Shares() (v4, v6 float64) {
	for p := range s.Prefixes() {
		if part := math.Ldexp(1, -p.Bits()); p.Addr().Is4() {
			v4 += part
		} else {
			v6 += part
		}
	}
	return v4, v6
}
