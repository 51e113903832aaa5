package feed

import (
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// writePrefix is how to mend an address whose network is not plain.
const writePrefix = "write the network and its length as one prefix, such as \"192.0.2.0/24\" or \"2001:db8::/32\""

// masked is an address and the mask beside it as one prefix. It must be the first
// address of the network, for else either may be meant. What is a prefix already, or
// no address, stays as it is.
func masked(address, mask string) (string, error) {
	if p, err := netip.ParsePrefix(address); err == nil {
		if length, ok := maskLength(mask, p.Addr()); ok && length != p.Bits() {
			return "", fmt.Errorf("%s contradicts the mask %s beside it; %s", jsonc.Quote(address), jsonc.Quote(mask), writePrefix)
		}
		return address, nil
	}
	a, err := netip.ParseAddr(address)
	if err != nil || mask == "" {
		return address, nil
	}
	length, ok := maskLength(mask, a)
	if !ok {
		return "", fmt.Errorf("%s is not a valid mask for %s; %s", jsonc.Quote(mask), jsonc.Quote(address), writePrefix)
	}
	p := netip.PrefixFrom(a, length)
	if p.Masked() != p {
		return "", fmt.Errorf("%s with the mask %s may mean an address or its network; write one prefix, %q or %q", jsonc.Quote(address), jsonc.Quote(mask), netip.PrefixFrom(a, a.BitLen()), p.Masked())
	}
	return p.String(), nil
}

// maskLength reads a mask of an address's family, "255.255.0.0" or "ffff::", or a
// length, "16" or "/16".
func maskLength(mask string, of netip.Addr) (length int, ok bool) {
	if n, err := strconv.ParseUint(strings.TrimPrefix(mask, "/"), 10, 8); err == nil {
		return int(n), int(n) <= of.BitLen()
	}
	m, err := netip.ParseAddr(mask)
	if err != nil || m.BitLen() != of.BitLen() {
		return 0, false
	}
	for _, b := range m.AsSlice() {
		length += bits.LeadingZeros8(^b)
		if b != 0xff {
			break
		}
	}
	return length, netip.PrefixFrom(allOnes(m), length).Masked().Addr() == m
}

func allOnes(like netip.Addr) netip.Addr {
	ones := like.AsSlice()
	for i := range ones {
		ones[i] = 0xff
	}
	a, _ := netip.AddrFromSlice(ones)
	return a
}

// isLength tells a mask or a length under a key such as "subnet" or "cidr" from a
// prefix: no endpoint is in 255.0.0.0/8.
func isLength(text string) bool {
	if n, err := strconv.ParseUint(strings.TrimPrefix(text, "/"), 10, 8); err == nil {
		return n <= 128
	}
	return strings.HasPrefix(text, "255.") && !strings.Contains(text, "/")
}

// isBare tells an address alone from a prefix.
func isBare(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

// held are the values of an object that make prefixes.
type held struct {
	prefixes  []jsonc.Value
	addresses []jsonc.Value // of keys that name a host or network whole
	families  []jsonc.Value // those of them that name a family
	masks     []jsonc.Value
	lengths   []jsonc.Value // those of them under the key of a prefix
	ends      []jsonc.Key   // of what else says how far a network or a range goes
	others    []jsonc.Value // objects
	numbers   []jsonc.Value // under other keys, or texts of one
}

// add takes the value of a key.
func (h *held) add(r role, key jsonc.Key, v jsonc.Value) {
	switch {
	case r == holdsPrefix && isRange(v) && strings.Contains(strings.ToLower(key.Text()), "range"):
		h.ends, h.prefixes = append(h.ends, key), append(h.prefixes, v)
	case r == holdsPrefix && allLengths(v):
		h.masks, h.lengths = append(h.masks, v), append(h.lengths, v)
	case r == holdsPrefix, r == holdsPrefixes && v.Kind() == jsonc.String && v.Text() != "":
		h.prefixes = append(h.prefixes, v)
	case r == holdsFamily:
		h.addresses, h.families = append(h.addresses, v), append(h.families, v)
	case r == holdsAddress:
		h.addresses = append(h.addresses, v)
	case r == holdsMask:
		h.masks = append(h.masks, v)
	case r == holdsEnd && (v.Kind() == jsonc.Number || isBare(v.Text())):
		h.ends = append(h.ends, key)
	case r == holdsOther && isLength(v.Text()):
		h.numbers = append(h.numbers, v)
	case v.Kind() == jsonc.Object:
		h.others = append(h.others, v)
	}
}

// isRange reports whether a list or a text is two addresses, the first one first.
func isRange(v jsonc.Value) bool {
	var words []string
	for one := range elements(v) {
		words = append(words, prefixWords(one.Text())...)
	}
	if len(words) != 2 {
		return false
	}
	first, err := netip.ParseAddr(words[0])
	last, also := netip.ParseAddr(words[1])
	return err == nil && also == nil && first.BitLen() == last.BitLen() && first.Less(last)
}

// mayBeLength reports whether a number of unknown meaning may be the length of a
// network that an address is the first one of.
func mayBeLength(number, address string) bool {
	const widest4, widest6 = 24, 64 // a longer one is of few hosts, and may be any number
	a, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	length, ok := maskLength(number, a)
	return ok && length >= 8 && (length <= widest4 || a.Is6() && length <= widest6) && netip.PrefixFrom(a, length).Masked().Addr() == a
}

// allLengths reports whether a value is a mask, or a list of them.
func allLengths(v jsonc.Value) bool {
	some := false
	for one := range elements(v) {
		if some = true; one.Kind() != jsonc.Number && one.Kind() != jsonc.String || !isLength(one.Text()) {
			return false
		}
	}
	return some
}

// endpoints are the prefixes, or else the addresses; a length alone, where a prefix is
// looked for, is none. Beside prefixes, an address under the name of a family counts
// that lies in none of them, and any that is a prefix or of a family that they are not.
func (h held) endpoints() []jsonc.Value {
	switch {
	case len(h.prefixes) > 0:
	case len(h.addresses) > 0:
		return h.addresses
	default:
		return h.lengths
	}
	var own netset.PrefixBuilder
	for _, one := range h.prefixes {
		addPrefixes(&own, one)
	}
	set, list := own.Build(), h.prefixes
	for _, one := range h.addresses {
		var b netset.PrefixBuilder
		addPrefixes(&b, one)
		if address := b.Build(); !set.Covers(address) && (slices.Contains(h.families, one) || isNetwork(one) || isOtherFamily(set, address)) {
			list = append(list, one)
		}
	}
	return list
}

// isNetwork reports whether a text, or one of a list, is a prefix with its length.
func isNetwork(v jsonc.Value) bool {
	for one := range elements(v) {
		if strings.Contains(one.Text(), "/") && prefixWords(one.Text()) != nil {
			return true
		}
	}
	return false
}

func isOtherFamily(a, b netset.PrefixSet) bool {
	return a.V4().IsEmpty() && !b.V4().IsEmpty() || a.V6().IsEmpty() && !b.V6().IsEmpty()
}

// addPrefixes adds what of a text or of a list of them is a prefix.
func addPrefixes(to *netset.PrefixBuilder, list jsonc.Value) {
	for one := range elements(list) {
		for _, word := range prefixWords(one.Text()) {
			if p, _, err := netset.ParsePrefix(word); err == nil && one.Kind() == jsonc.String {
				to.Add(p)
			}
		}
	}
}

// mask returns the mask of an object's only address without a length, or the one of the
// object that it stands in; empty for none. What cannot be told is reported.
func (t *tree) mask(h held, endpoints []jsonc.Value, of labels) string {
	masks := t.masks(h.masks)
	if len(h.prefixes)+len(h.addresses) == 0 {
		return of.mask
	}
	all, bare := 0, 0
	for _, one := range endpoints {
		a, b := t.count(one)
		all, bare = all+a, bare+b
	}
	if all == 1 {
		masks = alike(masks, t.sole(endpoints))
	}
	if bare > 0 && len(masks) == 0 && of.mask == "" {
		t.doubtNumbers(h, endpoints)
	}
	switch inner := h.deepMask(); {
	case bare == 0 && (all != 1 || len(masks) == 0):
		return ""
	case bare == 0 && len(masks) == 1:
	case len(masks) == 0 && inner.Kind() != jsonc.Invalid:
		t.Errorf(inner, "this may be the mask of the address beside it; %s", asSentence(writePrefix))
		return ""
	case len(h.ends) > 0 && len(masks) == 0:
		t.Errorf(h.ends[0], "%s may give the end or the size of a range that starts at the address beside it; write the range as prefixes, such as \"192.0.2.0/24\"", jsonc.Quote(h.ends[0].Text()))
		return ""
	case len(masks) == 0:
		return of.mask
	case of.mask != "" && masks[0] != of.mask, bare > 1, len(masks) > 1:
		t.Errorf(h.masks[0], "it is unclear to which address this mask belongs; %s", asSentence(strings.Replace(writePrefix, "the network", "each network", 1)))
		return ""
	}
	return masks[0]
}

// doubtNumbers refuses numbers of unknown meaning that may be an address's length.
func (t *tree) doubtNumbers(h held, endpoints []jsonc.Value) {
	address := t.sole(endpoints)
	for _, number := range h.numbers {
		if mayBeLength(number.Text(), address) {
			t.Errorf(number, "%s may be the prefix length of %s, or another number; %s", number.Text(), jsonc.Quote(address), writePrefix)
		}
	}
}

// masks are the texts of masks; what is none at all is reported.
func (t *tree) masks(values []jsonc.Value) []string {
	var masks []string
	for _, v := range values {
		for one := range elements(v) {
			switch {
			case one.Kind() != jsonc.String && one.Kind() != jsonc.Number:
				t.Errorf(one, "expected a mask or a length, found %v; %s", one.Kind(), writePrefix)
			case one.Text() != "":
				masks = append(masks, one.Text())
				t.taken[one] = true
			}
		}
	}
	return masks
}

// count counts the endpoints of a value, and those of them that are an address alone,
// in objects too.
func (t *tree) count(v jsonc.Value) (all, bare int) {
	for one := range elements(v) {
		if one.Kind() == jsonc.Object {
			for key, inner := range one.Members() {
				if t.roleOf(key).isEndpoint() && !allLengths(inner) {
					a, b := t.count(inner)
					all, bare = all+a, bare+b
				}
			}
			continue
		}
		words := max(1, len(prefixWords(one.Text())))
		if all += words; words > 1 && !isNetwork(one) || isBare(one.Text()) {
			bare += words
		}
	}
	return all, bare
}

// sole is the text of an only endpoint, which may stand in objects.
func (t *tree) sole(endpoints []jsonc.Value) string {
	for _, v := range endpoints {
		for one := range elements(v) {
			if one.Kind() != jsonc.Object {
				return one.Text()
			}
			for key, inner := range one.Members() {
				if all, _ := t.count(inner); t.roleOf(key).isEndpoint() && all == 1 {
					return t.sole([]jsonc.Value{inner})
				}
			}
		}
	}
	return ""
}

// alike drops the masks that say the same of an address as one before them.
func alike(masks []string, address string) []string {
	host, _, _ := strings.Cut(address, "/")
	a, err := netip.ParseAddr(host)
	if err != nil {
		return masks
	}
	return slices.CompactFunc(masks, func(one, next string) bool {
		length, ok := maskLength(one, a)
		other, also := maskLength(next, a)
		return ok && also && length == other
	})
}

// deepMask is a mask in an object beside an address.
func (h held) deepMask() jsonc.Value {
	for _, one := range h.others {
		if mask := deepMask(one); mask.Kind() != jsonc.Invalid {
			return mask
		}
	}
	return jsonc.Value{}
}

// deepMask is the mask in an object that has no address of its own; of kind Invalid if
// there is none.
func deepMask(v jsonc.Value) (mask jsonc.Value) {
	for key, one := range v.Members() {
		switch r := roleOf(key.Text()); {
		case r == holdsMask, r == holdsPrefix && allLengths(one), r == holdsEnd && isBare(one.Text()):
			mask = one
		case r.isEndpoint():
			return jsonc.Value{}
		case one.Kind() == jsonc.Object && mask.Kind() == jsonc.Invalid:
			mask = deepMask(one)
		}
	}
	return mask
}

// asSentence writes a part of a message as one of its own.
func asSentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
