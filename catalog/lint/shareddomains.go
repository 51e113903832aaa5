package lint

import "slices"

// sharedDomain is a domain under which the customers of a provider get names.
type sharedDomain struct {
	name   string
	levels int    // labels that the provider may put between a customer's and the name: a region, a service
	what   string // what customers get
	source string
}

// Sources of the list. Each says that customers choose, or are given, names there.
const (
	// https://publicsuffix.org/list, version of 2023-02-09: the domain, or names below it
	publicList = "the Public Suffix List, private domains"

	// https://learn.microsoft.com/azure/security/fundamentals/azure-domains
	azureList = `Microsoft, "Reference list of Azure domains"`

	// https://learn.microsoft.com/azure/private-link/private-endpoint-dns, which has the
	// public names beside the private ones, by cloud
	azurePrivate = `Microsoft, "Azure Private Endpoint private DNS zone values"`

	// https://github.com/Azure/go-autorest, autorest/azure/environments.go
	azureClouds = "Microsoft, Azure SDK for Go: environments of the national clouds"

	// https://github.com/microsoft/ApplicationInsights-dotnet: RoleNameContainer
	azureSites = "Microsoft, Application Insights for .NET: host names of web sites"

	// of Microsoft Entra application proxy, and of mobile services of Azure in China
	azureDocs = "Microsoft, documentation of the service"

	// https://developers.cloudflare.com/dns/zone-setups/partial-setup
	cloudflare = `Cloudflare, "Partial (CNAME) setup"`

	// https://cloud.google.com/storage/docs/request-endpoints
	google = `Google, "Cloud Storage: request endpoints"`
)

// sharedDomains are those that endpoint lists name, and their like.
func sharedDomains() []sharedDomain {
	return slices.Concat(azureStorage(), azureDomains(), nationalAzureDomains(), deliveryDomains(), hostingDomains())
}

// azureStorage are the services of storage accounts, in every cloud.
func azureStorage() []sharedDomain {
	var domains []sharedDomain
	for _, core := range []string{"core.windows.net", "core.usgovcloudapi.net", "core.chinacloudapi.cn", "core.cloudapi.de"} {
		source := azurePrivate
		if core == "core.cloudapi.de" {
			source = azureClouds
		}
		for _, service := range []string{"blob", "dfs", "file", "queue", "table", "web"} {
			domains = append(domains, sharedDomain{service + "." + core, 1, "Azure storage accounts", source})
		}
	}
	return domains
}

// azureDomains are those of the public cloud.
func azureDomains() []sharedDomain {
	return []sharedDomain{
		{"azureedge.net", 0, "Azure CDN endpoints", azureList},
		{"azurefd.net", 1, "Azure Front Door endpoints", azureList},
		{"cloudapp.net", 0, "Azure cloud services", publicList},
		{"cloudapp.azure.com", 1, "Azure virtual machines", azureList},
		{"azurewebsites.net", 1, "Azure App Service sites", publicList},
		{"azurestaticapps.net", 1, "Azure static web apps", publicList},
		{"azurecontainer.io", 1, "Azure container instances", publicList},
		{"azure-api.net", 0, "Azure API Management gateways", azureList},
		{"azure-mobile.net", 0, "Azure mobile services", publicList},
		{"trafficmanager.net", 0, "Azure Traffic Manager profiles, which point wherever their owner says", azureList},
		{"servicebus.windows.net", 0, "Azure Service Bus namespaces", azureList},
		{"msecnd.net", 1, "endpoints of the former Azure CDN", azureList},
		{"mediaservices.windows.net", 1, "accounts of the former Azure Media Services", azureList},
		{"media.azure.net", 1, "accounts of the former Azure Media Services", azurePrivate},
		{"database.windows.net", 1, "Azure SQL servers", azureList},
		{"database.azure.com", 1, "Azure databases for MySQL, PostgreSQL and MariaDB", azurePrivate},
		{"documents.azure.com", 1, "Azure Cosmos DB accounts", azureList},
		{"cosmos.azure.com", 1, "Azure Cosmos DB accounts", azureList},
		{"redis.cache.windows.net", 0, "Azure caches for Redis", azurePrivate},
		{"kusto.windows.net", 1, "Azure Data Explorer clusters", azurePrivate},
		{"search.windows.net", 0, "Azure search services", azurePrivate},
		{"azuresynapse.net", 1, "Azure Synapse workspaces", azurePrivate},
		{"azuredatabricks.net", 1, "Azure Databricks workspaces", azurePrivate},
		{"azurehdinsight.net", 0, "Azure HDInsight clusters", azurePrivate},
		{"batch.azure.com", 1, "Azure Batch accounts", azurePrivate},
		{"vault.azure.net", 0, "Azure key vaults", azureList},
		{"azurecr.io", 1, "Azure container registries", azureList},
		{"azmk8s.io", 2, "Azure Kubernetes clusters", azureList},
		{"azconfig.io", 0, "Azure configuration stores", azurePrivate},
		{"eventgrid.azure.net", 1, "Azure Event Grid topics", azurePrivate},
		{"azure-devices.net", 0, "Azure IoT hubs", azurePrivate},
		{"cognitiveservices.azure.com", 0, "Azure AI resources", azurePrivate},
		{"openai.azure.com", 0, "Azure AI resources", azurePrivate},
		{"service.signalr.net", 0, "Azure SignalR services", azurePrivate},
		{"webpubsub.azure.com", 0, "Azure Web PubSub services", azurePrivate},
		{"msappproxy.net", 0, "applications that any tenant publishes by Microsoft Entra application proxy", azureDocs},
	}
}

// nationalAzureDomains are the same of the clouds of the United States' government, of
// China, and of Germany, which was closed in 2021.
func nationalAzureDomains() []sharedDomain {
	return []sharedDomain{
		{"usgovcloudapp.net", 0, "Azure cloud services", azureClouds},
		{"cloudapp.usgovcloudapi.net", 1, "Azure virtual machines", azureClouds},
		{"usgovtrafficmanager.net", 0, "Azure Traffic Manager profiles, which point wherever their owner says", azureClouds},
		{"azurewebsites.us", 1, "Azure App Service sites", azurePrivate},
		{"azure-api.us", 0, "Azure API Management gateways", azureClouds},
		{"servicebus.usgovcloudapi.net", 0, "Azure Service Bus namespaces", azureClouds},
		{"database.usgovcloudapi.net", 1, "Azure databases", azureClouds},
		{"documents.azure.us", 0, "Azure Cosmos DB accounts", azureClouds},
		{"redis.cache.usgovcloudapi.net", 0, "Azure caches for Redis", azurePrivate},
		{"search.windows.us", 0, "Azure search services", azurePrivate},
		{"vault.usgovcloudapi.net", 0, "Azure key vaults", azureClouds},
		{"azurecr.us", 1, "Azure container registries", azureClouds},
		{"azure-devices.us", 0, "Azure IoT hubs", azurePrivate},
		{"cognitiveservices.azure.us", 0, "Azure AI resources", azurePrivate},
		{"chinacloudapp.cn", 0, "Azure cloud services", azureClouds},
		{"cloudapp.chinacloudapi.cn", 1, "Azure virtual machines", azureClouds},
		{"trafficmanager.cn", 0, "Azure Traffic Manager profiles, which point wherever their owner says", azureClouds},
		{"chinacloudsites.cn", 1, "Azure App Service sites", azurePrivate},
		{"azure-mobile.cn", 0, "Azure mobile services", azureDocs},
		{"azure-api.cn", 0, "Azure API Management gateways", azureClouds},
		{"servicebus.chinacloudapi.cn", 0, "Azure Service Bus namespaces", azureClouds},
		{"database.chinacloudapi.cn", 1, "Azure databases", azureClouds},
		{"documents.azure.cn", 0, "Azure Cosmos DB accounts", azureClouds},
		{"redis.cache.chinacloudapi.cn", 0, "Azure caches for Redis", azurePrivate},
		{"vault.azure.cn", 0, "Azure key vaults", azureClouds},
		{"azurecr.cn", 1, "Azure container registries", azureClouds},
		{"azure-devices.cn", 0, "Azure IoT hubs", azurePrivate},
		{"service.signalr.azure.cn", 0, "Azure SignalR services", azurePrivate},
		{"azurecloudapp.de", 0, "Azure cloud services", azureClouds},
		{"cloudapp.microsoftazure.de", 1, "Azure virtual machines", azureClouds},
		{"azuretrafficmanager.de", 0, "Azure Traffic Manager profiles, which point wherever their owner says", azureClouds},
		{"azurewebsites.de", 1, "Azure App Service sites", azureSites},
		{"servicebus.cloudapi.de", 0, "Azure Service Bus namespaces", azureClouds},
		{"database.cloudapi.de", 1, "Azure databases", azureClouds},
		{"documents.microsoftazure.de", 0, "Azure Cosmos DB accounts", azureClouds},
		{"vault.microsoftazure.de", 0, "Azure key vaults", azureClouds},
	}
}

// deliveryDomains are those of content delivery networks.
func deliveryDomains() []sharedDomain {
	return []sharedDomain{
		{"cloudfront.net", 0, "CloudFront distributions", publicList},
		{"awsglobalaccelerator.com", 0, "AWS accelerators", publicList},
		{"akamai.net", 1, "names of Akamai's customers", publicList},
		{"akamaiedge.net", 1, "names of Akamai's customers", publicList},
		{"akamaihd.net", 1, "names of Akamai's customers", publicList},
		{"akamaiorigin.net", 0, "names of Akamai's customers", publicList},
		{"akamaized.net", 0, "names of Akamai's customers", publicList},
		{"akadns.net", 0, "names of Akamai's customers, which point wherever their owner says", publicList},
		{"edgekey.net", 0, "names of Akamai's customers", publicList},
		{"edgesuite.net", 0, "names of Akamai's customers", publicList},
		{"fastly.net", 2, "names of Fastly's customers", publicList},
		{"fastlylb.net", 1, "names of Fastly's customers", publicList},
		{"edgecompute.app", 0, "applications at Fastly", publicList},
		{"cdn.cloudflare.net", 0, "names of Cloudflare's customers", cloudflare},
		{"cdn77.org", 1, "names of CDN77's customers", publicList},
		{"cdn77.net", 1, "names of CDN77's customers", publicList},
		{"cdn77-ssl.net", 0, "names of CDN77's customers", publicList},
		{"digitaloceanspaces.com", 1, "DigitalOcean Spaces", publicList},
	}
}

// hostingDomains are those of other clouds and of hosts of sites and applications.
func hostingDomains() []sharedDomain {
	return []sharedDomain{
		{"amazonaws.com", 2, "machines, buckets and gateways on AWS", publicList},
		{"amazonaws.com.cn", 2, "machines, buckets and gateways on AWS", publicList},
		{"elasticbeanstalk.com", 1, "Elastic Beanstalk environments", publicList},
		{"appspot.com", 1, "App Engine applications", publicList},
		{"run.app", 1, "Cloud Run services", publicList},
		{"cloudfunctions.net", 0, "Cloud Functions", publicList},
		{"web.app", 0, "Firebase sites", publicList},
		{"firebaseapp.com", 0, "Firebase sites", publicList},
		{"blogspot.com", 0, "blogs at Blogger", publicList},
		{"translate.goog", 0, "any site, as Google Translate shows it", publicList},
		{"storage.googleapis.com", 0, "Cloud Storage buckets", google},
		{"workers.dev", 1, "Cloudflare Workers", publicList},
		{"pages.dev", 1, "Cloudflare Pages", publicList},
		{"r2.dev", 0, "Cloudflare R2 buckets", publicList},
		{"trycloudflare.com", 0, "Cloudflare tunnels", publicList},
		{"ngrok.io", 1, "ngrok tunnels", publicList},
		{"github.io", 0, "GitHub Pages of any account", publicList},
		{"githubusercontent.com", 0, "files of any GitHub account", publicList},
		{"gitlab.io", 0, "GitLab Pages of any account", publicList},
		{"bitbucket.io", 0, "sites of any Bitbucket account", publicList},
		{"readthedocs.io", 0, "documentation of any project", publicList},
		{"herokuapp.com", 0, "Heroku applications", publicList},
		{"netlify.app", 0, "Netlify sites", publicList},
		{"vercel.app", 0, "Vercel deployments", publicList},
		{"vercel.dev", 0, "Vercel deployments", publicList},
		{"now.sh", 0, "Vercel deployments", publicList},
		{"onrender.com", 0, "Render services", publicList},
		{"fly.dev", 0, "Fly.io applications", publicList},
		{"deno.dev", 0, "Deno deployments", publicList},
		{"glitch.me", 0, "Glitch projects", publicList},
		{"repl.co", 1, "Replit projects", publicList},
		{"ondigitalocean.app", 0, "DigitalOcean applications", publicList},
		{"customer-oci.com", 2, "applications on Oracle's cloud", publicList},
		{"supabase.co", 0, "Supabase projects", publicList},
		{"myshopify.com", 0, "Shopify shops", publicList},
		{"wixsite.com", 0, "Wix sites", publicList},
		{"wpenginepowered.com", 0, "WP Engine sites", publicList},
	}
}
