package feed

import (
	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// Fastly lists the addresses of its edge. Source: Fastly, "Public IP List" of its API.
const fastlySource = "https://api.fastly.com/public-ip-list"

func isFastly(d document) bool { return atLeast(2, d.root(), "addresses", "ipv6_addresses") }

func readFastly(d document, as Naming) (*catalog.Catalog, error) {
	r := newCloudJSON(d, newCloudFeed(d, as, "fastly", "Fastly address ranges", fastlySource))
	t := r.tag(d.root(), "public-ip-list", "", "")
	r.Fields(d.root(),
		jsonc.Required("addresses", func(v jsonc.Value) { r.prefixes(v, t) }),
		jsonc.Required("ipv6_addresses", func(v jsonc.Value) { r.prefixes(v, t) }),
	)
	return r.done()
}
