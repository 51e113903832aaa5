package feed

import (
	"slices"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// Amazon Web Services: one tag for each service in a region. The service AMAZON holds
// every address, those of the other services too. Source: AWS, "AWS IP address ranges".
const awsSource = "https://ip-ranges.amazonaws.com/ip-ranges.json"

func isAWS(d document) bool { return atLeast(2, d.root(), "createDate", "prefixes", "ipv6_prefixes") }

func readAWS(d document, as Naming) (*catalog.Catalog, error) {
	r := newCloudJSON(d, newCloudFeed(d, as, "aws", "Amazon Web Services address ranges", awsSource))
	var v4, v6 jsonc.Value
	r.Fields(d.root(),
		jsonc.Required("createDate", r.published(as)),
		jsonc.Required("prefixes", func(v jsonc.Value) { v4 = v }),
		jsonc.Required("ipv6_prefixes", func(v jsonc.Value) { v6 = v }),
	)
	var region, service string
	fields := []jsonc.Field{jsonc.Required("region", r.text(&region)), jsonc.Required("service", r.text(&service))}
	tag := func(v jsonc.Value) *cloudTag { return r.tag(v, service+"."+region, region, service) }
	for _, list := range []struct {
		v   jsonc.Value
		key string
	}{{v4, "ip_prefix"}, {v6, "ipv6_prefix"}} {
		if list.v.Kind() != jsonc.Invalid {
			r.prefixObjects(list.v, []string{list.key}, slices.Clone(fields), tag)
		}
	}
	return r.done()
}
