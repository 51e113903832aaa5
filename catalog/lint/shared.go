package lint

import (
	"fmt"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// sharedDomain is a domain under which the customers of a provider get names.
type sharedDomain struct {
	name   string
	levels int    // labels that the provider may put between a customer's and the name: a region, a service
	what   string // what customers get
	source string
}

// sharedDomains are those that endpoint lists name. Each source documents that
// customers choose, or are given, names there.
func sharedDomains() []sharedDomain {
	const (
		akamai     = "Akamai, \"Edge hostnames\""
		amazon     = "AWS, \"AWS service endpoints\""
		azure      = "Microsoft, Azure documentation of the service"
		storage    = "Microsoft, \"Storage account overview: storage account endpoints\""
		cloudflare = "Cloudflare, documentation of the service"
		fastly     = "Fastly, \"TLS service options\""
		google     = "Google, documentation of the service"
		publicList = "the Public Suffix List, private domains"
	)
	return []sharedDomain{
		{"azureedge.net", 0, "Azure CDN endpoints", azure},
		{"azurefd.net", 1, "Azure Front Door endpoints", azure},
		{"cloudapp.net", 0, "Azure cloud services", azure},
		{"cloudapp.azure.com", 1, "Azure virtual machines", azure},
		{"azurewebsites.net", 1, "Azure App Service sites", azure},
		{"azurestaticapps.net", 1, "Azure static web apps", azure},
		{"azurecontainer.io", 1, "Azure container instances", azure},
		{"azure-api.net", 0, "Azure API Management gateways", azure},
		{"trafficmanager.net", 0, "Azure Traffic Manager profiles, which point wherever their owner says", azure},
		{"blob.core.windows.net", 1, "Azure storage accounts", storage},
		{"dfs.core.windows.net", 1, "Azure storage accounts", storage},
		{"file.core.windows.net", 1, "Azure storage accounts", storage},
		{"queue.core.windows.net", 1, "Azure storage accounts", storage},
		{"table.core.windows.net", 1, "Azure storage accounts", storage},
		{"web.core.windows.net", 1, "web sites of Azure storage accounts", storage},
		{"servicebus.windows.net", 0, "Azure Service Bus namespaces", azure},
		{"database.windows.net", 0, "Azure SQL servers", azure},
		{"vault.azure.net", 0, "Azure key vaults", azure},
		{"msecnd.net", 1, "endpoints of the former Azure CDN", azure},
		{"amazonaws.com", 2, "machines, buckets and gateways on AWS", amazon},
		{"cloudfront.net", 0, "CloudFront distributions", amazon},
		{"elasticbeanstalk.com", 1, "Elastic Beanstalk environments", amazon},
		{"awsglobalaccelerator.com", 0, "AWS accelerators", amazon},
		{"akamai.net", 1, "names of Akamai's customers", akamai},
		{"akamaiedge.net", 1, "names of Akamai's customers", akamai},
		{"akamaihd.net", 1, "names of Akamai's customers", akamai},
		{"akamaized.net", 0, "names of Akamai's customers", akamai},
		{"akadns.net", 0, "names of Akamai's customers, which point wherever their owner says", akamai},
		{"edgekey.net", 0, "names of Akamai's customers", akamai},
		{"edgesuite.net", 0, "names of Akamai's customers", akamai},
		{"fastly.net", 2, "names of Fastly's customers", fastly},
		{"fastlylb.net", 1, "names of Fastly's customers", fastly},
		{"appspot.com", 1, "App Engine applications", google},
		{"run.app", 1, "Cloud Run services", google},
		{"cloudfunctions.net", 0, "Cloud Functions", google},
		{"web.app", 0, "Firebase sites", google},
		{"firebaseapp.com", 0, "Firebase sites", google},
		{"storage.googleapis.com", 0, "Cloud Storage buckets", google},
		{"workers.dev", 1, "Cloudflare Workers", cloudflare},
		{"pages.dev", 1, "Cloudflare Pages", cloudflare},
		{"r2.dev", 0, "Cloudflare R2 buckets", cloudflare},
		{"cdn.cloudflare.net", 0, "names of Cloudflare's customers", cloudflare},
		{"github.io", 0, "GitHub Pages of any account", publicList},
		{"githubusercontent.com", 0, "files of any GitHub account", publicList},
		{"herokuapp.com", 0, "Heroku applications", publicList},
	}
}

// shared finds wildcards that hold whatever a provider's customers set up.
func shared(e *catalog.Entry, domains []sharedDomain) []Finding {
	var found []Finding
	for _, n := range e.Names {
		d, ok := sharedBy(n, domains)
		if !ok {
			continue
		}
		found = append(found, Finding{
			Kind: Shared, Entry: e.ID, Endpoints: []string{n.String()},
			Why: fmt.Sprintf("it holds %s, where anybody can get a name: %s (%s)", d.name, d.what, d.source),
			Do:  "list the names that are used in a catalogue of the site's own and exclude this entry, or send them to a proxy that looks further",
		})
	}
	return found
}

// sharedBy returns the shared domain of which the pattern's stars may be a customer's
// own label.
func sharedBy(p netset.Pattern, domains []sharedDomain) (sharedDomain, bool) {
	text := p.String()
	star := strings.LastIndexByte(text, '*')
	if star < 0 {
		return sharedDomain{}, false
	}
	_, tail, _ := strings.Cut(text[star:], ".") // what no star can change
	for _, d := range domains {
		if tail == d.name || strings.HasSuffix(d.name, "."+tail) {
			return d, true
		}
		if between, ok := strings.CutSuffix(tail, "."+d.name); ok && 1+strings.Count(between, ".") <= d.levels {
			return d, true
		}
	}
	return sharedDomain{}, false
}
