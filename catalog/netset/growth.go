package netset

import "math"

// Growth returns how many addresses are new, as a part of those of the old set: the
// larger of both families, and which one that is. A family that was not there before
// has no part to compare with.
func Growth(old, new PrefixSet) (part float64, family string) {
	family = "IPv4"
	if before := old.V4().addresses(); before > 0 {
		part = new.V4().Subtract(old.V4()).addresses() / before
	}
	if before := old.V6().addresses(); before > 0 {
		if v6 := new.V6().Subtract(old.V6()).addresses() / before; v6 > part {
			part, family = v6, "IPv6"
		}
	}
	return part, family
}

// addresses is the number of addresses of a set of one family.
func (s PrefixSet) addresses() (n float64) {
	for p := range s.Prefixes() {
		n += math.Exp2(float64(p.Addr().BitLen() - p.Bits()))
	}
	return n
}
