package feed

import (
	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// Google: cloud.json lists the addresses of customers' machines by scope, which is a
// region or "global"; goog.json, and the lists of Google's fetchers, are of the same
// shape without scopes. Source: Google, "Obtain Google IP address ranges".
const googleSource = "https://www.gstatic.com/ipranges/"

func isGoogle(d document) bool {
	return atLeast(2, d.root(), "syncToken", "creationTime", "prefixes") && !isAWS(d)
}

func readGoogle(d document, as Naming) (*catalog.Catalog, error) {
	scoped := hasScopes(d.root())
	f := newCloudFeed(d, as, "google", "Google address ranges", googleSource)
	if scoped {
		f = newCloudFeed(d, as, "google-cloud", "Google Cloud address ranges", googleSource+"cloud.json")
	}
	r := newCloudJSON(d, f)
	var prefixes jsonc.Value
	r.Fields(d.root(),
		jsonc.Required("creationTime", r.published(as)),
		jsonc.Required("prefixes", func(v jsonc.Value) { prefixes = v }),
	)
	if prefixes.Kind() == jsonc.Invalid {
		return r.done()
	}
	scope, service := "prefixes", ""
	var fields []jsonc.Field
	if scoped {
		fields = []jsonc.Field{jsonc.Required("scope", r.text(&scope)), jsonc.Required("service", r.text(&service))}
	}
	r.prefixObjects(prefixes, []string{"ipv4Prefix", "ipv6Prefix"}, fields, func(v jsonc.Value) *cloudTag {
		region := scope
		if !scoped {
			region = ""
		}
		return r.tag(v, scope, region, service)
	})
	return r.done()
}

// hasScopes reports whether any of the prefixes has a scope; then all must.
func hasScopes(root jsonc.Value) bool {
	for key, list := range root.Members() {
		if key.Text() != "prefixes" {
			continue
		}
		for _, v := range list.Elements() {
			if atLeast(1, v, "scope") {
				return true
			}
		}
	}
	return false
}
