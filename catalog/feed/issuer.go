package feed

import (
	"slices"
	"strings"

	"gatewright/catalog/jsonc"
)

// issuer is whose feed a document is, told by marks that no other publisher's has.
// The zero value is nobody known: shapes are common, and keys such as "syncToken" and
// "creationTime" stand in many feeds.
type issuer struct {
	name, title, source string

	parts    []string // keys that the whole document has
	byRegion string   // the service whose tags are called after their region alone
}

// issuerOf looks at the first prefix of a document and the values beside it.
func issuerOf(d document) issuer {
	root := d.root()
	prefix := firstObject(member(root, "prefixes"))
	if prefix.Kind() != jsonc.Object {
		prefix = firstObject(member(root, "ipv6_prefixes"))
	}
	service := member(prefix, "service").Text()
	switch {
	// Amazon Web Services. The service AMAZON holds the addresses of the others, too.
	// Source: AWS, "AWS IP address ranges".
	case has(root, "createDate") && (has(prefix, "network_border_group") || service == "AMAZON"):
		return issuer{
			name: "aws", title: "Amazon Web Services address ranges", source: "https://ip-ranges.amazonaws.com/ip-ranges.json",
			parts: []string{"prefixes", "ipv6_prefixes"},
		}
	// Google: the addresses of customers' machines, by scope. Its other lists say
	// nowhere that they are Google's. Source: Google, "Obtain Google IP address ranges".
	case has(root, "creationTime") && service == "Google Cloud":
		return issuer{
			name: "google-cloud", title: "Google Cloud address ranges", source: "https://www.gstatic.com/ipranges/cloud.json",
			byRegion: service,
		}
	// Oracle Cloud Infrastructure: OCI for customers' machines, OSN for the Oracle
	// Services Network, OBJECT_STORAGE for a part of that. Source: Oracle, "IP Address
	// Ranges".
	case has(root, "last_updated_timestamp") && isOracleTag(member(firstObject(member(firstObject(member(root, "regions")), "cidrs")), "tags")):
		return issuer{
			name: "oracle", title: "Oracle Cloud Infrastructure address ranges", source: "https://docs.oracle.com/iaas/tools/public_ip_ranges.json",
		}
	}
	return issuer{}
}

func isOracleTag(tags jsonc.Value) bool {
	return slices.Contains([]string{"OCI", "OSN", "OBJECT_STORAGE"}, firstObject(tags).Text())
}

// tag is the name of a tag for a service in a region. Either of the two may be empty.
func (p issuer) tag(service, region string, of labels) string {
	name := strings.Trim(service+"."+region, ".")
	if p.byRegion != "" && service == p.byRegion {
		name = region
	}
	if name == "" {
		name = of.key
	}
	if name == "" {
		name = "prefixes"
	}
	switch openedBy(of.openedBy) {
	case "inbound":
		name += ".egress"
	case "outbound":
		name += ".ingress"
	}
	return name
}
