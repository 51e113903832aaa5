package netset

import (
	"strings"
	"unicode"
)

// aLabel returns the A-label of a label: itself in lower case if it is ASCII, else
// "xn--" and its Punycode. It is for suggestions. The mappings of IDNA (RFC 5892, UTS
// 46) are not here, so it refuses the blocks that they mostly concern, and all that is
// neither a letter nor fit for an ASCII name.
func aLabel(label string) (string, bool) {
	if len(label) > 4*maxLabel {
		return "", false
	}
	label = strings.ToLower(label)
	ascii := true
	for _, r := range label {
		if r < 0x80 {
			continue
		}
		if !unicode.IsLetter(r) || r >= 0xf900 {
			return "", false
		}
		ascii = false
	}
	if ascii {
		return label, true
	}
	return "xn--" + punycode([]rune(label)), strings.IndexByte(label, '*') < 0
}

// Parameters of Punycode: RFC 3492 section 5.
const (
	punyBase    = 36
	punyTMin    = 1
	punyTMax    = 26
	punySkew    = 38
	punyDamp    = 700
	punyBias    = 72
	punyInitial = 0x80
)

// punycode encodes runes by RFC 3492 section 6.3. The label is short, so no number
// overflows.
func punycode(runes []rune) string {
	var out []byte
	for _, r := range runes {
		if r < punyInitial {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(punyInitial), 0, punyBias
	for handled := basic; handled < len(runes); {
		next := smallestFrom(runes, n)
		delta += int(next-n) * (handled + 1)
		n = next
		for _, r := range runes {
			if r < n {
				delta++
			}
			if r == n {
				out = appendDelta(out, delta, bias)
				bias = adaptBias(delta, handled+1, handled == basic)
				delta = 0
				handled++
			}
		}
		delta++
		n++
	}
	return string(out)
}

// smallestFrom returns the smallest rune that is not below n; there is one.
func smallestFrom(runes []rune, n rune) rune {
	smallest := rune(unicode.MaxRune)
	for _, r := range runes {
		if r >= n {
			smallest = min(smallest, r)
		}
	}
	return smallest
}

// appendDelta writes a variable-length integer: RFC 3492 section 3.3.
func appendDelta(out []byte, delta, bias int) []byte {
	const digits = "abcdefghijklmnopqrstuvwxyz0123456789"
	for k := punyBase; ; k += punyBase {
		t := min(max(k-bias, punyTMin), punyTMax)
		if delta < t {
			return append(out, digits[delta])
		}
		out = append(out, digits[t+(delta-t)%(punyBase-t)])
		delta = (delta - t) / (punyBase - t)
	}
}

// adaptBias is the bias for the next delta: RFC 3492 section 6.1.
func adaptBias(delta, points int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > (punyBase-punyTMin)*punyTMax/2; k += punyBase {
		delta /= punyBase - punyTMin
	}
	return k + (punyBase-punyTMin+1)*delta/(delta+punySkew)
}
