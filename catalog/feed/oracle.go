package feed

import (
	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// Oracle Cloud Infrastructure: the addresses of each region, each with one or more
// tags: OCI for customers' machines, OSN for the Oracle Services Network, and
// OBJECT_STORAGE for a part of that. Source: Oracle, "IP Address Ranges".
const oracleSource = "https://docs.oracle.com/iaas/tools/public_ip_ranges.json"

func isOracle(d document) bool { return atLeast(2, d.root(), "last_updated_timestamp", "regions") }

func readOracle(d document, as Naming) (*catalog.Catalog, error) {
	r := newCloudJSON(d, newCloudFeed(d, as, "oracle", "Oracle Cloud Infrastructure address ranges", oracleSource))
	var regions jsonc.Value
	r.Fields(d.root(),
		jsonc.Required("last_updated_timestamp", r.published(as)),
		jsonc.Required("regions", func(v jsonc.Value) { regions = v }),
	)
	if regions.Kind() == jsonc.Invalid {
		return r.done()
	}
	r.Array(regions, func(v jsonc.Value) {
		var region string
		var cidrs jsonc.Value
		ok := r.Fields(v,
			jsonc.Required("region", r.text(&region)),
			jsonc.Required("cidrs", func(v jsonc.Value) { cidrs = v }),
		)
		if ok {
			r.Array(cidrs, func(v jsonc.Value) { r.oracleCIDR(v, region) })
		}
	})
	return r.done()
}

// oracleCIDR adds a prefix to each of its tags.
func (r *cloudJSON) oracleCIDR(v jsonc.Value, region string) {
	var cidr jsonc.Value
	var tags []string
	ok := r.Fields(v,
		jsonc.Required("cidr", func(v jsonc.Value) { cidr = v }),
		jsonc.Required("tags", func(v jsonc.Value) {
			if tags, _ = r.Strings(v); len(tags) == 0 {
				r.Errorf(v, "expected at least one tag")
			}
		}),
	)
	if !ok {
		return
	}
	for _, tag := range tags {
		r.prefix(cidr, r.tag(v, tag+"."+region, region, tag))
	}
}
