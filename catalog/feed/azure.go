package feed

import (
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// Azure service tags: the weekly "Azure IP Ranges and Service Tags" download, one file
// for each cloud, and what the REST interface, the CLI and PowerShell answer, which may
// be the array of tags alone. Source: Microsoft, "Virtual network service tags".
const azureSource = "https://www.microsoft.com/download/details.aspx?id=56519"

func isAzure(d document) bool {
	return isAzureFile(d.root()) || has(member(firstObject(d.root()), "properties"), "addressPrefixes")
}

func isAzureFile(v jsonc.Value) bool { return atLeast(2, v, "changeNumber", "cloud", "values") }

func readAzure(d document, as Naming) (*catalog.Catalog, error) {
	f := newPublished(d, as, "azure", "Azure service tags", azureSource)
	values := d.root()
	if isAzureFile(values) {
		f.Fields(d.root(),
			jsonc.Required("changeNumber", func(v jsonc.Value) {
				if text, ok := f.scalar(v); ok && text != "" && as.Revision == "" && catalog.IsWord(text) {
					f.Revision = text
				}
			}),
			jsonc.Required("cloud", func(v jsonc.Value) { f.azureCloud(v, as) }),
			jsonc.Required("values", func(v jsonc.Value) { values = v }),
		)
	}
	if !isAzureFile(values) {
		for v := range elements(values) {
			f.azureTag(v)
		}
	}
	return f.finish()
}

// azureCloud names the catalogue by its cloud: "Public" is azure-public, and
// "AzureGovernment" azure-government.
func (f *cloudFeed) azureCloud(v jsonc.Value, as Naming) {
	cloud, ok := f.String(v)
	name := "azure-" + strings.TrimPrefix(strings.ToLower(cloud), "azure")
	switch {
	case !ok:
	case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || name == "azure-" || len(name) > catalog.MaxSlug:
		f.Errorf(v, `bad cloud %s; expected a name such as "Public"`, jsonc.Quote(cloud))
	default:
		f.Title += ", " + cloud
		if as.Name == "" {
			f.Name = name
		}
	}
}

func (f *cloudFeed) azureTag(v jsonc.Value) {
	var name, region, service string
	var prefixes jsonc.Value
	text := func(to *string) func(jsonc.Value) {
		return func(v jsonc.Value) { *to, _ = f.scalar(v) }
	}
	ok := f.Fields(v,
		jsonc.Required("name", text(&name)),
		jsonc.Required("properties", func(v jsonc.Value) {
			if v.Kind() == jsonc.String {
				f.scalar(v) // tells what PowerShell cut off
				return
			}
			f.Fields(v,
				jsonc.Optional("region", text(&region)),
				jsonc.Optional("systemService", text(&service)),
				jsonc.Required("addressPrefixes", func(v jsonc.Value) { prefixes = v }),
			)
		}),
	)
	if ok {
		f.prefixes(prefixes, f.tag(v, name, region, service))
	}
}
