package feed

import (
	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// Cloudflare's API lists both families in one document. Its text lists, ips-v4 and
// ips-v6, look like any other list. Source: Cloudflare, "Cloudflare IP Ranges".
const cloudflareSource = "https://api.cloudflare.com/client/v4/ips"

func isCloudflare(d document) bool {
	for key, v := range d.root().Members() {
		if key.Text() == "result" && atLeast(1, v, "ipv4_cidrs", "ipv6_cidrs") {
			return true
		}
	}
	return false
}

func readCloudflare(d document, as Naming) (*catalog.Catalog, error) {
	r := newCloudJSON(d, newCloudFeed(d, as, "cloudflare", "Cloudflare address ranges", cloudflareSource))
	r.Fields(d.root(), jsonc.Required("result", func(v jsonc.Value) {
		t := r.tag(v, "ips", "", "")
		r.Fields(v,
			jsonc.Required("ipv4_cidrs", func(v jsonc.Value) { r.prefixes(v, t) }),
			jsonc.Required("ipv6_cidrs", func(v jsonc.Value) { r.prefixes(v, t) }),
		)
	}))
	return r.done()
}
