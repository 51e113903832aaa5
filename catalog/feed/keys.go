package feed

import (
	"slices"
	"strings"

	"gatewright/catalog/jsonc"
)

// Keys of an object, and columns of a table, by what they hold. They are the same in
// any letter case, with underscores, hyphens and spaces or without.
var (
	prefixNouns  = []string{"cidr", "prefix", "range", "subnet"}
	addressNouns = []string{"", "address", "addr", "network", "net"}
	families     = []string{"ipv4", "ipv6", "ip4", "ip6", "v4", "v6"}
	regionKeys   = []string{"region", "regions", "scope", "location"}
	serviceKeys  = []string{"service", "services", "product", "products", "tag", "tags", "name"}
	stampKeys    = []string{"createdate", "creationtime", "creationdate", "lastupdatedtimestamp", "lastupdated", "updated", "published"}
)

// What makes a network, or a range, of the address beside it, and numbers that do not.
var (
	lengthKeys = []string{"bits", "len", "length", "plen"}
	otherKeys  = []string{"as", "asn", "id", "lat", "latitude", "lon", "lng", "longitude", "port", "ports", "priority", "rank", "score", "ttl", "version", "weight"}
	endKeys    = []string{"end", "last", "stop", "to", "broadcast", "wildcard", "hostmask", "size"}
)

var joints = strings.NewReplacer("_", "", "-", "", " ", "", ".", "")

func isKey(list []string, key string) bool {
	return slices.Contains(list, joints.Replace(strings.ToLower(key)))
}

// role is what a key of an object holds.
type role int

const (
	holdsOther    role = iota
	holdsPrefix        // one or several
	holdsPrefixes      // under a plural: lists are named after it
	holdsAddress       // of a host or a network; read only where no other key holds a prefix
	holdsFamily        // likewise, of a family that the key names
	holdsMask
	holdsEnd // of a range that starts with the address beside it
	holdsRegion
	holdsService
	holdsName
	holdsDirection
	holdsNumber     // that is not a prefix length
	holdsExceptions // what is not meant of others
)

// isEndpoint reports whether endpoints stand under a key.
func (r role) isEndpoint() bool { return r >= holdsPrefix && r <= holdsFamily }

func roleOf(written string) role {
	key := joints.Replace(strings.ToLower(written))
	switch {
	case slices.Contains(regionKeys, key):
		return holdsRegion
	case key == "name":
		return holdsName
	case slices.Contains(serviceKeys, key):
		return holdsService
	case key == "direction":
		return holdsDirection
	case slices.Contains(otherKeys, key):
		return holdsNumber
	case denies(written):
		return holdsExceptions
	}
	if r := endpointRole(key); r != holdsOther {
		return r
	}
	return maskRole(key)
}

// endpointRole splits a key into a noun and the family before or behind it:
// "ipv6_prefix" and "prefix-v6".
func endpointRole(key string) role {
	noun, marked := key, false
	for _, family := range families {
		if rest, ok := strings.CutPrefix(key, family); ok && !marked {
			noun, marked = rest, true
		} else if rest, ok := strings.CutSuffix(key, family); ok && !marked {
			noun, marked = strings.TrimSuffix(rest, "ip"), true
		}
	}
	if rest := strings.TrimRight(noun, "46"); !marked && rest != noun { // "cidr6"
		noun, marked = rest, true
	}
	if noun = strings.TrimPrefix(noun, "ip"); marked && noun == "" {
		return holdsFamily
	}
	one := strings.TrimSuffix(noun, "es")
	switch {
	case key == "cidrs", slices.Contains(prefixNouns, noun):
		return holdsPrefix
	case key != "" && slices.Contains(addressNouns, noun):
		return holdsAddress
	case noun != one && slices.Contains([]string{"prefix", "address"}, one), slices.Contains(append(prefixNouns, addressNouns...), strings.TrimSuffix(noun, "s")):
		return holdsPrefixes
	}
	return holdsOther
}

// maskRole knows "netmask", "prefixLength" and "mask_bits", and "end_ip".
func maskRole(key string) role {
	word := key
	for _, part := range append(slices.Clone(families), "network", "net", "subnet", "cidr", "prefix", "mask", "range", "ip") {
		word = strings.TrimPrefix(word, part)
	}
	switch {
	case strings.Contains(key, "wildcard"), strings.Contains(key, "hostmask"):
		return holdsEnd
	case strings.HasSuffix(key, "mask"), strings.HasPrefix(key, "mask") && !strings.HasPrefix(key, "masked"), slices.Contains(lengthKeys, word):
		return holdsMask
	}
	for _, part := range []string{"address", "addr", "ip"} {
		word = strings.TrimSuffix(word, part)
	}
	if slices.Contains(endKeys, word) {
		return holdsEnd
	}
	return holdsOther
}

// roleOf remembers the keys that it was asked for.
func (t *tree) roleOf(key jsonc.Key) role {
	r, known := t.roles[string(key.Bytes())]
	if !known {
		r = roleOf(key.Text())
		t.roles[key.Text()] = r
	}
	return r
}
