package feed

import (
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// m365TenantDomains are SharePoint's domains, one for each instance, under which a
// tenant has hosts of its own.
func m365TenantDomains() []string {
	return []string{"sharepoint.com", "sharepoint.us", "sharepoint-mil.us", "sharepoint.cn", "sharepoint.de"}
}

// m365Narrowings returns which of the names hold the tenant's place, where the web
// service writes a star unless it is asked with TenantName:
//
//	*.sharepoint.com               the tenant's sites, and its OneDrive at <tenant>-my
//	*-files.sharepoint.com         likewise -my, -myfiles and what else has a suffix
//	autodiscover.*.onmicrosoft.com
//
// Where a set has *.sharepoint.us and no *-my.sharepoint.us, the former means both,
// so it always stands for both.
func m365Narrowings(names []netset.Pattern) []catalog.Narrowing {
	var all []catalog.Narrowing
	for _, n := range names {
		var hosts []string
		label, domain, _ := strings.Cut(n.String(), ".")
		switch {
		case slices.Contains(m365TenantDomains(), domain) && label == "*":
			hosts = []string{"<tenant>." + domain, "<tenant>-my." + domain}
		case slices.Contains(m365TenantDomains(), domain) && strings.HasPrefix(label, "*-"):
			hosts = []string{"<tenant>" + label[1:] + "." + domain}
		case label == "autodiscover" && strings.HasPrefix(domain, "*.") && strings.Contains(domain, ".onmicrosoft."):
			hosts = []string{"autodiscover.<tenant>" + domain[1:]}
		}
		if len(hosts) > 0 {
			all = append(all, catalog.Narrowing{Name: n, To: m365Pending(hosts)})
		}
	}
	return all
}

func m365Pending(hosts []string) []catalog.Pending {
	list := make([]catalog.Pending, len(hosts))
	for i, host := range hosts {
		list[i] = catalog.Pending{Text: host, Host: host, Placeholders: []catalog.Placeholder{{Name: "tenant", Kind: catalog.Label}}}
	}
	return list
}
