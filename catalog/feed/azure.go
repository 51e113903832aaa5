package feed

import (
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// Azure service tags: the weekly "Azure IP Ranges and Service Tags" download, one file
// for each cloud. Source: Microsoft, "Virtual network service tags".
const azureSource = "https://www.microsoft.com/download/details.aspx?id=56519"

func isAzure(d document) bool { return atLeast(2, d.root(), "changeNumber", "cloud", "values") }

func readAzure(d document, as Naming) (*catalog.Catalog, error) {
	r := newCloudJSON(d, newCloudFeed(d, as, "azure", "Azure service tags", azureSource))
	var values jsonc.Value
	r.Fields(d.root(),
		jsonc.Required("changeNumber", func(v jsonc.Value) {
			if v.Kind() != jsonc.Number || !catalog.IsWord(v.Text()) {
				r.Errorf(v, "expected the number of the publisher's change, found %v", v.Kind())
			} else if as.Revision == "" {
				r.Revision = v.Text()
			}
		}),
		jsonc.Required("cloud", func(v jsonc.Value) { r.azureCloud(v, as) }),
		jsonc.Required("values", func(v jsonc.Value) { values = v }),
	)
	if values.Kind() != jsonc.Invalid {
		r.Array(values, r.azureTag)
	}
	return r.done()
}

// azureCloud names the catalogue by its cloud: "Public" is azure-public, and
// "AzureGovernment" azure-government.
func (r *cloudJSON) azureCloud(v jsonc.Value, as Naming) {
	cloud, ok := r.String(v)
	name := "azure-" + strings.TrimPrefix(strings.ToLower(cloud), "azure")
	switch {
	case !ok:
	case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || name == "azure-" || len(name) > catalog.MaxSlug:
		r.Errorf(v, `bad cloud %s; expected a name such as "Public"`, jsonc.Quote(cloud))
	default:
		r.Title += ", " + cloud
		if as.Name == "" {
			r.Name = name
		}
	}
}

func (r *cloudJSON) azureTag(v jsonc.Value) {
	var name, region, service string
	var prefixes jsonc.Value
	ok := r.Fields(v,
		jsonc.Required("name", r.text(&name)),
		jsonc.Required("properties", func(v jsonc.Value) {
			r.Fields(v,
				jsonc.Optional("region", r.text(&region)),
				jsonc.Optional("systemService", r.text(&service)),
				jsonc.Required("addressPrefixes", func(v jsonc.Value) { prefixes = v }),
			)
		}),
	)
	if ok {
		r.prefixes(prefixes, r.tag(v, name, region, service))
	}
}
