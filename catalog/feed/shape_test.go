package feed

import (
	"strings"
	"testing"
)

// shapeText shows a catalogue's name and title, an entry a line with its direction if
// it has one, and its notices.
func shapeText(file, text string) string {
	c, err := Read(file, []byte(text), Naming{})
	if err != nil {
		return err.Error()
	}
	lines := []string{c.Name + " | " + c.Feed + " | " + c.Title}
	for _, e := range c.Entries {
		line := strings.TrimPrefix(e.ID, c.Name+"/") + ": " + e.Prefixes.String()
		for _, n := range e.Names {
			line = strings.TrimRight(line, " ") + " " + n.String()
		}
		if e.Direction != "" {
			line += " " + string(e.Direction)
		}
		lines = append(lines, line)
	}
	for _, n := range c.Notices {
		lines = append(lines, "! "+n.Text)
	}
	return strings.Join(lines, "\n")
}

// TestShapes holds that lists of prefixes are read whole in whatever common shape they
// come, and that nobody is named as their publisher but by marks of its own.
func TestShapes(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"both families in an object", "both.json", `{"syncToken": "1", "creationTime": "2026-06-13T00:00:00", "prefixes": [
			{"ipv4Prefix": "20.1.0.0/16", "ipv6Prefix": "2a05:d07f:8000::/40", "service": "Edge", "scope": "west-2"}, {"ipv4Prefix": "20.2.0.0/16", "service": "Edge", "scope": "west-2"}]}`,
			"both |  | List both.json\nEdge.west-2: 20.1.0.0/16, 20.2.0.0/16, 2a05:d07f:8000::/40"},
		{"both families by other words", "x.json", `{"list": [{"addr": "20.1.0.0/16", "prefix-v6": "2a05:d07f:8000::/40"}, {"ip_prefix": "20.2.0.0/16", "network": "2a05:d07f::/40"}, {"v4": "20.3.0.0/16", "v6": ""}]}`,
			"x |  | List x.json\nlist: 20.1.0.0/16, 20.2.0.0/15, 2a05:d07f::/40, 2a05:d07f:8000::/40"},
		{"both families in a text", "x.json", `{"list": [{"cidr": "20.1.0.0/16, 2a05:d07f::/40"}]}`, "x |  | List x.json\nlist: 20.1.0.0/16, 2a05:d07f::/40"},
		{"both families in Amazon's", "aws2.json", `{"syncToken": "1", "createDate": "2026-06-13-00-00-00", "prefixes": [
			{"ip_prefix": "20.1.0.0/16", "region": "GLOBAL", "service": "AMAZON", "network_border_group": "GLOBAL", "ipv6_prefix": "2a05:d07f:8000::/40"}], "ipv6_prefixes": []}`,
			"aws | aws | Amazon Web Services address ranges\nAMAZON.GLOBAL: 20.1.0.0/16, 2a05:d07f:8000::/40"},
		{"both families as lists", "x.json", `{"ranges": [{"name": "east", "ipv4": ["20.1.0.0/16", "20.2.0.0/16"], "ipv6": ["2a05:d07f:8000::/40"]}]}`,
			"x |  | List x.json\neast: 20.1.0.0/16, 20.2.0.0/16, 2a05:d07f:8000::/40"},
		{"Amazon's shape without its marks", "own-cloud.json", `{"syncToken": "1", "createDate": "2026-06-13", "prefixes": [{"ip_prefix": "20.1.0.0/16", "region": "west", "service": "EDGE"}], "ipv6_prefixes": []}`,
			"own-cloud |  | List own-cloud.json\nEDGE.west: 20.1.0.0/16"},
		{"a crawler", "gptbot.json", `{"creationTime": "2026-01-02T11:00:00.000000", "prefixes": [{"ipv4Prefix": "20.1.0.0/28"}]}`,
			"gptbot |  | List gptbot.json\nprefixes: 20.1.0.0/28"},
		{"a list of names and addresses of GitHub's kind", "x.json", `{"hooks": ["20.1.0.0/28"], "web": ["20.2.0.0/28"], "api": [], "git": []}`,
			"x |  | List x.json\nhooks: 20.1.0.0/28\nweb: 20.2.0.0/28\n! no key of the file says that it holds endpoints; all lists are read: \"hooks\", \"web\"; remove those that are not meant"},
		{"GitHub's by PowerShell", "x.json", `{"ssh_key_fingerprints": {}, "hooks": "20.1.0.0/28", "web": {"value": ["20.2.0.0/28"], "Count": 1}}`,
			"github | github | GitHub addresses and names\nhooks: 20.1.0.0/28\nweb: 20.2.0.0/28"},
		{"another service in Google's", "x.json", `{"creationTime": "2026-01-01", "prefixes": [{"ipv4Prefix": "20.1.0.0/28", "service": "Google Cloud", "scope": "eu"}, {"ipv4Prefix": "20.2.0.0/28", "service": "Other", "scope": "eu"}]}`,
			"google-cloud | google-cloud | Google Cloud address ranges\neu: 20.1.0.0/28\nOther.eu: 20.2.0.0/28"},
		{"a result of Cloudflare's kind", "x.json", `{"result": {"ipv4_cidrs": ["20.1.0.0/28"], "ipv6_cidrs": ["2a05:d07f::/40"]}}`,
			"x |  | List x.json\nresult.ipv4_cidrs: 20.1.0.0/28\nresult.ipv6_cidrs: 2a05:d07f::/40"},
		{"regions of Oracle's kind", "x.json", `{"last_updated_timestamp": "2026-01-02", "regions": [{"region": "r", "cidrs": [{"cidr": "20.1.0.0/28", "tags": ["OURS", "ALL"]}]}]}`,
			"x |  | List x.json\nOURS.r: 20.1.0.0/28\nALL.r: 20.1.0.0/28"},
		{"products, regions and directions", "atlassian.json", `{"creationDate": "2026-06-17T04:08:46", "syncToken": 17, "items": [
			{"network": "20.1.0.0", "mask_len": 24, "cidr": "20.1.0.0/24", "region": ["global", "east"], "product": ["b", "j"], "direction": ["egress", "ingress"], "perimeter": "commercial"},
			{"cidr": "20.2.0.0/28", "region": ["west"], "product": ["crawler"], "direction": ["egress"]},
			{"cidr": "20.3.0.0/28", "region": ["west"], "product": ["crawler"], "direction": ["ingress"]}]}`,
			"atlassian |  | List atlassian.json\nb.global: 20.1.0.0/24 bidirectional\nb.east: 20.1.0.0/24 bidirectional\nj.global: 20.1.0.0/24 bidirectional\nj.east: 20.1.0.0/24 bidirectional\n" +
				"crawler.west.egress: 20.2.0.0/28 inbound\ncrawler.west.ingress: 20.3.0.0/28 outbound"},
		{"lists by key", "cloudfront.json", `{"CLOUDFRONT_GLOBAL_IP_LIST": ["120.52.22.96/27"], "CLOUDFRONT_REGIONAL_EDGE_IP_LIST": ["13.113.196.64/26"]}`,
			"cloudfront |  | List cloudfront.json\nCLOUDFRONT_GLOBAL_IP_LIST: 120.52.22.96/27\nCLOUDFRONT_REGIONAL_EDGE_IP_LIST: 13.113.196.64/26"},
		{"lists in cells", "cells.json", `{"us_cell_1": {"ip_ranges": ["20.1.0.0/24"]}, "eu_cell_1": {"ip_ranges": ["20.2.0.0/24", "2a05:d07f::/40"]}}`,
			"cells |  | List cells.json\nus_cell_1.ip_ranges: 20.1.0.0/24\neu_cell_1.ip_ranges: 20.2.0.0/24, 2a05:d07f::/40"},
		{"other lists beside", "x.json", `{"contacts": ["noc.example.com"], "ips": ["20.1.0.0/24"]}`,
			"x |  | List x.json\nips: 20.1.0.0/24\n! no prefix was found under contacts; ignored"},
		{"an array", "a.json", `["120.52.22.96/27", "20.1.0.1", "www.example.com", "2a05:d07f::/40"]`,
			"a |  | List a.json\nprefixes: 20.1.0.1, 120.52.22.96/27, 2a05:d07f::/40\nnames: www.example.com"},
		{"an array of names", "a.json", `["www.example.com", "*.example.net"]`, "a |  | List a.json\nnames: www.example.com *.example.net"},
		{"numbers beside", "a.json", `{"media": {"ip": ["20.1.0.0/24"], "ports": {"udp": [5004, 9000]}, "flags": [true]}}`, "a |  | List a.json\nmedia: 20.1.0.0/24"},
		{"an array that PowerShell put into an object", "a.json", `{"value": ["120.52.22.96/27"], "Count": 1}`, "a |  | List a.json\nprefixes: 120.52.22.96/27"},
		{"objects in an array", "a.json", `[{"ip": "20.1.0.1"}, {"ip": "20.1.0.3", "location": "Paris"}]`, "a |  | List a.json\nprefixes: 20.1.0.1\nParis: 20.1.0.3"},
		{"keys in capitals", "a.json", `{"Prefixes": [{"IpPrefix": "20.1.0.0/16", "Region": "West Europe", "Service": null}]}`, "a |  | List a.json\nWest-Europe: 20.1.0.0/16"},
		{"a time of another kind", "a.json", `{"createDate": "yesterday", "ips": ["20.1.0.0/16"]}`,
			"a |  | List a.json\nips: 20.1.0.0/16\n! \"yesterday\" is not a time of publication, which starts with a day as YYYY-MM-DD; ignored"},
		{"a region that does not print", "a.json", `{"ips": [{"cidr": "20.1.0.0/16", "region": "we\u0007st"}]}`,
			"a |  | List a.json\nwe-st: 20.1.0.0/16\n! region \"we\\ast\" is shown as \"we st\""},

		{"countries", "country.csv", "20.1.0.0/24,AU\n20.2.0.0/24,CN\n20.3.0.0/24,AU\n", "country |  | List country.csv\nAU: 20.1.0.0/24, 20.3.0.0/24\nCN: 20.2.0.0/24"},
		{"hosts", "ip-host.csv", "20.96.0.0/14,www.example.com\n20.1.0.2/31,www.example.com\n", "ip-host |  | List ip-host.csv\nwww.example.com: 20.1.0.2/31, 20.96.0.0/14"},
		{"addresses of a monitor", "monitor.csv", "20.1.0.10,robot\n20.1.0.11,robot\n", "monitor |  | List monitor.csv\nrobot: 20.1.0.10/31"},
		{"a geofeed", "g.csv", "# ours\n20.1.0.0/24,DE,DE-BE,Berlin,\n2a05:d07f::/40,,,,\n20.2.0.0/24,US\n", "g |  | List g.csv\nDE: 20.1.0.0/24\nprefixes: 2a05:d07f::/40\nUS: 20.2.0.0/24"},
		{"a geofeed whose first row is a prefix alone", "g.csv", "20.2.0.0/24\n20.1.0.0/24,DE\n", "g |  | List g.csv\nprefixes: 20.2.0.0/24\nDE: 20.1.0.0/24"},
		{"a header of another's", "h.csv", "host,network,note\na,20.1.0.0/24,x\nb,20.2.0.0/24,\"y, z\"\n", "h |  | List h.csv\na: 20.1.0.0/24\nb: 20.2.0.0/24"},
		{"several in a field", "h.csv", "service,prefixes\nmail,\"20.1.0.0/24, 20.2.0.0/24\"\nweb,20.3.0.0/24 2a05::/40\n", "h |  | List h.csv\nmail: 20.1.0.0/24, 20.2.0.0/24\nweb: 20.3.0.0/24, 2a05::/40"},
		{"several in a field of each family", "h.csv", "v4,v6,of\n20.1.0.0/24;20.2.0.0/24,2a05::/40 2a06::/40,x\n", "h |  | List h.csv\nx: 20.1.0.0/24, 20.2.0.0/24, 2a05::/40, 2a06::/40"},
		{"several in a field without a header", "h.csv", "20.1.0.0/24 20.2.0.0/24,x\n", "h |  | List h.csv\nx: 20.1.0.0/24, 20.2.0.0/24"},
		{"several addresses in a field", "h.csv", "ip,of\n20.1.0.0/24,x\n20.2.0.0 20.2.0.255,y\n", `h.csv:3:1: "20.2.0.0 20.2.0.255" is several addresses in one field; write prefixes there, such as "192.0.2.1/32 192.0.2.8/29", or one address a row`},
		{"an address and its mask in a field", "h.csv", "ip,of\n20.2.0.0 255.255.0.0,y\n", `h.csv:2:1: "20.2.0.0 255.255.0.0" is several addresses in one field; write prefixes there, such as "192.0.2.1/32 192.0.2.8/29", or one address a row`},
		{"a header of Microsoft's and other types", "h.csv", "Prefix,Type\n20.1.0.0/24,Edge\n", "h |  | List h.csv\nEdge: 20.1.0.0/24"},
		{"words like Microsoft's", "h.csv", "Prefix,Type\n20.1.0.0/24,MSFT Teams\n", "h |  | List h.csv\nMSFT-Teams: 20.1.0.0/24"},
		{"Microsoft's type among others", "h.csv", "Prefix,Type\n20.1.0.0/24,MSFT Public IP Address Block\n20.2.0.0/24,Ours\n", "h |  | List h.csv\nMSFT-Public-IP-Address-Block: 20.1.0.0/24\nOurs: 20.2.0.0/24"},
		{"Microsoft's own type", "h.csv", "Prefix,Type\n20.1.0.0/24, MSFT Public IP Address Block\n",
			"microsoft-public-ip | microsoft-public-ip | Microsoft public IP space\nMSFT-Public-IP-Address-Block: 20.1.0.0/24"},

		{"Azure's tags by the CLI", "t.json", `{"changeNumber": "63", "cloud": "Public", "nextLink": null, "values": [
			{"name": "S.West", "serviceTagChangeNumber": null, "properties": {"addressPrefixes": ["20.1.0.0/25", "2603:1020::/48"], "changeNumber": "7", "region": "west", "systemService": "S"}},
			{"name": "S", "properties": {"addressPrefixes": ["20.1.0.0/25"], "region": null, "systemService": null}}]}`,
			"azure-public | azure | Azure service tags, Public\nS.West: 20.1.0.0/25, 2603:1020::/48\nS: 20.1.0.0/25"},
		{"Azure's tags by PowerShell", "t.json", `{"Name": "Public", "ChangeNumber": "63", "Cloud": "Public", "Values": [{"Name": "S", "Properties": {"Region": "", "AddressPrefixes": "20.1.0.0/25"}}]}`,
			"azure-public | azure | Azure service tags, Public\nS: 20.1.0.0/25"},
		{"Azure's tags alone", "t.json", `[{"name": "S", "properties": {"addressPrefixes": ["20.1.0.0/25"], "region": "West Europe"}}]`,
			"azure | azure | Azure service tags\nS: 20.1.0.0/25"},
		{"Azure's tags in a list of the REST interface", "t.json", `{"value": [{"name": "S", "properties": {"addressPrefixes": ["20.1.0.0/25"]}}], "nextLink": ""}`,
			"azure | azure | Azure service tags\nS: 20.1.0.0/25"},
		{"Azure's tags within lists", "t.json", `[{"value": [{"changeNumber": 1, "cloud": "Public", "values": [{"name": "S", "properties": {"addressPrefixes": "20.1.0.0/25 20.2.0.0/25"}}]}], "Count": 1}]`,
			"azure-public | azure | Azure service tags, Public\nS: 20.1.0.0/25, 20.2.0.0/25"},
		{"one of Azure's tags", "t.json", `{"name": "S", "properties": {"addressPrefixes": ["20.1.0.0/25"]}}`, "azure | azure | Azure service tags\nS: 20.1.0.0/25"},
		{"a list of Azure's that PowerShell cut off", "t.json", `{"changeNumber": 1, "cloud": "Public", "values": [{"name": "S", "properties": {"addressPrefixes": "System.Object[]"}}]}`,
			"t.json:1:99: /values/0/properties/addressPrefixes: PowerShell cut this off; write the file with ConvertTo-Json -Depth 10"},
		{"a key of other letters", "x.json", `{"日本": ["20.1.0.0/25"]}`, "x |  | List x.json\nu65e5-u672c: 20.1.0.0/25"},
		{"an odd name of a tag", "t.json", `{"changeNumber": 1, "cloud": "Public", "values": [{"name": "Azure Café/1", "properties": {"addressPrefixes": ["20.1.0.0/25"]}}]}`,
			"azure-public | azure | Azure service tags, Public\nAzure-Caf--1: 20.1.0.0/25"},
	} {
		if have := shapeText(c.file, c.text); have != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, have, c.want)
		}
	}
}

// TestM365Forms holds that an endpoint set is read alike in whichever way a program
// wrote the web service's answer, and that a row's odd words cost the feed nothing.
func TestM365Forms(t *testing.T) {
	const set = "1 | 1 | Exchange Online | exchange | optimize | true | outbound | clients | outlook.office.com | 192.0.2.0/31 | tcp 80, 443 | reachable by ExpressRoute |  | "
	row := func(category, required, rest string) string {
		return `{"serviceArea": "Exchange", "serviceAreaDisplayName": "Exchange Online", "expressRoute": true, "category": ` + category + `, "required": ` + required + rest + `}`
	}
	const lists = `, "id": 1, "urls": ["outlook.office.com"], "ips": ["192.0.2.0/31"], "tcpPorts": "80,443"`
	plain := row(`"Optimize"`, `true`, lists)
	for _, c := range []struct{ name, text, want string }{
		{"as answered", "[" + plain + "]", set},
		{"alone", plain, set},
		{"within an object", `{"value": [` + plain + `], "Count": 1}`, set},
		{"within a list", "[[" + plain + "]]", set},
		{"within a list of such an object", `[{"value": [` + plain + `], "Count": 1}]`, set},
		{"alone within an object", `{"value": ` + plain + `, "Count": 1}`, set},
		{"under another key", `{"endpoints": [` + plain + `], "version": "2025"}`, set},
		{"objects in a list", "[" + strings.Replace(plain, `["192.0.2.0/31"]`, `[{"value": "192.0.2.0/31"}]`, 1) + "]", "f:1:188: /0/ips/0: expected a text, found an object"},
		{"an area of other letters", "[" + strings.Replace(plain, `"Exchange"`, `"日本"`, 1) + "]", strings.Replace(set, "| exchange |", "|  |", 1) + "\nf:1:18: service area \"日本\" has no letter from a to z, so the row has no area"},
		{"lists within objects", "[" + row(`"Optimize"`, `true`, `, "id": 1, "urls": {"value": ["outlook.office.com"], "Count": 1}, "ips": {"value": ["192.0.2.0/31"], "Count": 1}, "tcpPorts": "80,443"`) + "]", set},
		{"texts for numbers, truth and lists of one", "[" + row(`"Optimize"`, `"True"`, `, "id": "1", "urls": "outlook.office.com", "ips": "192.0.2.0/31", "tcpPorts": "80,443", "udpPorts": null`) + "]", set},
		{"lists as one text", "[" + row(`"Optimize"`, `true`, `, "id": 1, "urls": "outlook.office.com outlook.office.com", "ips": "192.0.2.0 192.0.2.1", "tcpPorts": "80, 443"`) + "]", set},
		{"ports as numbers", "[" + row(`"Optimize"`, `true`, `, "id": 1, "urls": ["outlook.office.com"], "ips": ["192.0.2.0/31"], "tcpPorts": [80, 443]`) + "]", set},
		{"one port as a number", "[" + row(`"Optimize"`, `true`, `, "id": 1, "urls": ["outlook.office.com"], "ips": ["192.0.2.0/31"], "tcpPorts": 443`) + "]", strings.Replace(set, "80, 443", "443", 1)},
		{"keys in capitals", "[" + strings.NewReplacer(`"id"`, `"Id"`, `"urls"`, `"Urls"`, `"ips"`, `"IPs"`, `"serviceArea"`, `"ServiceArea"`, `"tcpPorts"`, `"TcpPorts"`, `"category"`, `"Category"`, `"required"`, `"Required"`).Replace(plain) + "]", set},
		{"words in capitals", "[" + row(`"OPTIMIZE"`, `"TRUE"`, lists) + "]", set},

		{"no category", "[" + strings.Replace(plain, `"category": "Optimize", `, "", 1) + "]", strings.Replace(set, "optimize", "default", 1) + "\nf:1:2: category \"\" is none of Optimize, Allow and Default; read as Default"},
		{"another category", "[" + row(`"Premium"`, `true`, lists) + "]", strings.Replace(set, "optimize", "default", 1) + "\nf:1:109: category \"Premium\" is none of Optimize, Allow and Default; read as Default"},
		{"an odd area", "[" + strings.Replace(plain, `"Exchange"`, `"Exchange & more"`, 1) + "]", strings.Replace(set, "| exchange |", "| exchange-more |", 1) + "\nf:1:18: service area \"Exchange & more\" is read as exchange-more"},
		{"no area", "[" + strings.Replace(plain, `"serviceArea": "Exchange", `, "", 1) + "]", strings.Replace(set, "| exchange |", "|  |", 1) + "\nf:1:2: no service area is said; the row is of none"},
		{"an odd display name", "[" + strings.Replace(plain, `"Exchange Online"`, `"Exchange\u202e Online\u0007"`, 1) + "]",
			set + "\nf:1:56: serviceAreaDisplayName \"Exchange\\u202e Online\\a\" is shown as \"Exchange Online\""},
		{"a long display name", "[" + strings.Replace(plain, `"Exchange Online"`, `"`+strings.Repeat("é", 150)+`"`, 1) + "]",
			strings.Replace(set, "Exchange Online", strings.Repeat("é", 100), 1) + "\nf:1:56: serviceAreaDisplayName \"" + strings.Repeat("é", 80) + "\"… is shown as \"" + strings.Repeat("é", 80) + "\"…"},
	} {
		if have := catalogText(t, c.text); have != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, have, c.want)
		}
	}
}

// TestM365UDP holds that the row says which endpoints UDP ports are of: the addresses
// where there are any, and else the names.
func TestM365UDP(t *testing.T) {
	for _, c := range []struct{ name, row, want string }{
		{"names alone", `"urls": ["time.example.com"], "udpPorts": "123"`, "7: time.example.com udp 123"},
		{"names over both", `"urls": ["a.example.com"], "udpPorts": "443", "tcpPorts": "443"`, "7: a.example.com tcp 443\n7-udp: a.example.com udp 443"},
		{"names and addresses over both", `"urls": ["a.example.com"], "ips": ["192.0.2.0/24"], "udpPorts": "443", "tcpPorts": "443"`, "7: a.example.com 192.0.2.0/24 tcp 443\n7-udp: 192.0.2.0/24 udp 443"},
		{"names and addresses over UDP alone", `"urls": ["a.example.com"], "ips": ["192.0.2.0/24"], "udpPorts": "443"`, "7: a.example.com 192.0.2.0/24 udp 443"},
		{"addresses over both", `"ips": ["192.0.2.0/24"], "udpPorts": "443", "tcpPorts": "443"`, "7: 192.0.2.0/24 tcp 443; udp 443"},
	} {
		have, err := Read("f", []byte(`[{"id": 7, "serviceArea": "MEM", "category": "Default", `+c.row+`}]`), Naming{Instance: "Worldwide"})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var lines []string
		for _, e := range have.Entries {
			words := []string{strings.TrimPrefix(e.ID, "m365-worldwide/") + ":"}
			for _, n := range e.Names {
				words = append(words, n.String())
			}
			if !e.Prefixes.IsEmpty() {
				words = append(words, e.Prefixes.String())
			}
			lines = append(lines, strings.Join(append(words, e.Services.String()), " "))
			if len(e.Unsaid) > 0 || e.Area != "mem" {
				t.Errorf("%s: %+v", c.name, e)
			}
		}
		if text := strings.Join(lines, "\n"); text != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, text, c.want)
		}
	}
}
