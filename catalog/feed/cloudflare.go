package feed

import (
	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// Cloudflare's API lists both families in one document. Its text lists, ips-v4 and
// ips-v6, look like any other list. Source: Cloudflare, "Cloudflare IP Ranges".
const cloudflareSource = "https://api.cloudflare.com/client/v4/ips"

// isCloudflare goes by the lists, within the envelope that all answers of the API have.
func isCloudflare(d document) bool {
	return has(d.root(), "success") && atLeast(1, member(d.root(), "result"), "ipv4_cidrs", "ipv6_cidrs")
}

func readCloudflare(d document, as Naming) (*catalog.Catalog, error) {
	f := newPublished(d, as, "cloudflare", "Cloudflare address ranges", cloudflareSource)
	t := f.tag(d.root(), "ips", "", "")
	f.Fields(member(d.root(), "result"),
		jsonc.Required("ipv4_cidrs", func(v jsonc.Value) { f.prefixes(v, t) }),
		jsonc.Required("ipv6_cidrs", func(v jsonc.Value) { f.prefixes(v, t) }),
	)
	return f.finish()
}
