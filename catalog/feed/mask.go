package feed

import (
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// maskKeys name what makes a network of the address beside it: a mask, or a length.
var maskKeys = []string{"mask", "netmask", "subnetmask", "networkmask", "masklen", "masklength", "maskbits", "prefixlen", "prefixlength"}

// masked is an address and the mask beside it as one prefix. It must be the first
// address of the network, for else either may be meant. What is a prefix already, or
// no address, stays as it is.
func masked(address, mask string) (string, error) {
	const write = "write the network and its length as one prefix, such as \"192.0.2.0/24\" or \"2001:db8::/32\""
	if p, err := netip.ParsePrefix(address); err == nil {
		if length, ok := maskLength(mask, p.Addr()); ok && length != p.Bits() {
			return "", fmt.Errorf("%s and the mask %s beside it contradict each other; %s", jsonc.Quote(address), jsonc.Quote(mask), write)
		}
		return address, nil
	}
	a, err := netip.ParseAddr(address)
	if err != nil || mask == "" {
		return address, nil
	}
	length, ok := maskLength(mask, a)
	if !ok {
		return "", fmt.Errorf("%s is no mask of %s; %s", jsonc.Quote(mask), jsonc.Quote(address), write)
	}
	p := netip.PrefixFrom(a, length)
	if p.Masked() != p {
		return "", fmt.Errorf("%s with the mask %s is an address or its network; write one prefix, %q or %q", jsonc.Quote(address), jsonc.Quote(mask), netip.PrefixFrom(a, a.BitLen()), p.Masked())
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

// isNetmask tells a mask under a key such as "subnet" from a prefix: no endpoint is in
// 255.0.0.0/8.
func isNetmask(v jsonc.Value) bool {
	return v.Kind() == jsonc.String && strings.HasPrefix(v.Text(), "255.") && !strings.Contains(v.Text(), "/")
}

// held are the values of an object that make prefixes.
type held struct {
	prefixes  []jsonc.Value
	addresses []jsonc.Value // of keys that name a host or network whole
	families  []jsonc.Value // those of them that name a family
	masks     []jsonc.Value
}

// endpoints are the prefixes, or else the addresses. Beside prefixes, an address under
// the name of a family counts that lies in none of them.
func (h held) endpoints() []jsonc.Value {
	if len(h.prefixes) == 0 {
		return h.addresses
	}
	list := h.prefixes
	if len(h.families) == 0 {
		return list
	}
	var own netset.PrefixBuilder
	for _, one := range h.prefixes {
		addPrefixes(&own, one)
	}
	set := own.Build()
	for _, one := range h.families {
		var family netset.PrefixBuilder
		if addPrefixes(&family, one); !set.Covers(family.Build()) {
			list = append(list, one)
		}
	}
	return list
}

// addPrefixes adds what of a text or of a list of them is a prefix.
func addPrefixes(to *netset.PrefixBuilder, list jsonc.Value) {
	for one := range elements(list) {
		if p, _, err := netset.ParsePrefix(one.Text()); err == nil && one.Kind() == jsonc.String {
			to.Add(p)
		}
	}
}

// mask returns the mask of an object's only address without a length; empty for none.
func (t *tree) mask(h held, endpoints []jsonc.Value) string {
	if len(endpoints) == 0 {
		return ""
	}
	var masks []string
	for _, v := range h.masks {
		if text := v.Text(); (v.Kind() == jsonc.String || v.Kind() == jsonc.Number) && text != "" {
			masks = append(masks, text)
			t.feed.taken[v] = true
		}
	}
	if len(masks) == 0 {
		return ""
	}
	all, bare := 0, 0
	for _, list := range endpoints {
		for one := range elements(list) {
			all++
			if _, err := netip.ParseAddr(one.Text()); err == nil {
				bare++
			}
		}
	}
	switch {
	case bare > 1 || bare == 1 && len(masks) > 1:
		t.Errorf(h.masks[0], "which address is this the mask of? Write each network and its length as one prefix, such as \"192.0.2.0/24\" or \"2001:db8::/32\"")
		return ""
	case len(masks) > 1 || all != 1 && bare == 0:
		return ""
	}
	return masks[0]
}
