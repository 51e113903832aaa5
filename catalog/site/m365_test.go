package site

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// webService is a document of the Microsoft 365 web service.
const webService = `[
  {"id": 1, "serviceArea": "Exchange", "urls": ["mail.example.com", "autodiscover.*.onmicrosoft.com"], "ips": ["192.0.2.0/24", "2001:db8::/32"], "tcpPorts": "443", "category": "Optimize", "required": true},
  {"id": 2, "serviceArea": "Exchange", "urls": ["smtp.example.com"], "tcpPorts": "587", "category": "Allow", "required": true},
  {"id": 12, "serviceArea": "Skype", "urls": ["*.teams.microsoft.com", "cdn.example.net"], "ips": ["198.51.100.0/24"], "tcpPorts": "443", "udpPorts": "3478", "category": "Allow"},
  {"id": 31, "serviceArea": "SharePoint", "urls": ["*.sharepoint.com", "*-files.sharepoint.com", "*.sharepointonline.com"], "tcpPorts": "443", "category": "Optimize"},
  {"id": 117, "serviceArea": "Common", "urls": ["*.yammer.com", "yammer.example.com"], "tcpPorts": "443", "category": "Default"}
]`

// buildM365 builds a site file over the additional endpoints and the document.
func buildM365(t testing.TB, file, document, instance string) *Result {
	t.Helper()
	s, err := Read("site.json", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	additional, err := catalog.Load("m365-additional")
	if err != nil {
		t.Fatal(err)
	}
	c, err := feed.Read("endpoints", []byte(document), feed.Naming{Instance: instance})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Build(s, []*catalog.Catalog{additional, c})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRowsOfTheWebService(t *testing.T) {
	for _, test := range []struct{ name, selects, want string }{
		{"a set with names and UDP is selected whole", `"entry": ["m365-worldwide/12"]`, "m365-worldwide/12 m365-worldwide/12-udp"},
		{"by its number alone", `"entry": ["12"], "area": ["skype"]`, "m365-worldwide/12 m365-worldwide/12-udp"},
		{"or one part", `"entry": ["12-udp"]`, "m365-worldwide/12-udp"},
		{"and is excluded whole", `"area": ["exchange", "skype"], "exclude": ["m365-worldwide/12"], "required_only": true`, "m365-worldwide/1 m365-worldwide/2"},
		{"required", `"required_only": true`, "m365-worldwide/1 m365-worldwide/2"},
		{"category", `"category": ["allow"]`, "m365-worldwide/12 m365-worldwide/12-udp m365-worldwide/2"},
	} {
		var got []string
		for _, o := range buildM365(t, `{ "select": {`+test.selects+`} }`, webService, "Worldwide").Outcomes {
			if len(o.Rules) > 0 {
				got = append(got, o.Entry.ID)
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %q, want %s", test.name, got, test.want)
		}
	}
}

func TestTenantNarrowsNames(t *testing.T) {
	const selects = `"select": { "entry": ["m365-worldwide/1", "m365-worldwide/31"] }`
	for values, want := range map[string]string{
		``: "mail.example.com, autodiscover.*.onmicrosoft.com; *.sharepoint.com, *.sharepointonline.com",
		`"values": { "tenant": "contoso" }, `: "mail.example.com, autodiscover.contoso.onmicrosoft.com; " +
			"contoso.sharepoint.com, contoso-files.sharepoint.com, contoso-my.sharepoint.com, *.sharepointonline.com",
		`"values": { "tenant": ["a", "b"] }, `: "mail.example.com, autodiscover.a.onmicrosoft.com, autodiscover.b.onmicrosoft.com; " +
			"a.sharepoint.com, a-files.sharepoint.com, a-my.sharepoint.com, b.sharepoint.com, b-files.sharepoint.com, b-my.sharepoint.com, *.sharepointonline.com",
	} {
		var names []string
		for _, one := range buildM365(t, `{ `+values+selects+` }`, webService, "Worldwide").Policy.Rules {
			names = append(names, one.Remote.Names().String())
		}
		if got := strings.Join(names, "; "); got != want {
			t.Errorf("%s: %s, want %s", values, got, want)
		}
	}
}

// Rows that refer to the web service take their remote from it, and nothing more.
func TestElsewhere(t *testing.T) {
	r := buildM365(t, `{ "values": { "tenant": "contoso" }, "bind": { "exchange": ["10.0.0.1"] }, "group": "entry" }`, webService, "Worldwide")
	got := map[string]string{}
	for _, s := range r.Policy.TrustedSites {
		got[s.Entry.ID] = s.Names.String()
	}
	for id, want := range map[string]string{
		"trusted-sharepoint": "contoso.sharepoint.com, contoso-files.sharepoint.com, contoso-my.sharepoint.com",
		"trusted-yammer":     "*.yammer.com",
	} {
		if got["m365-additional/"+id] != want {
			t.Errorf("%s: %s, want %s", id, got["m365-additional/"+id], want)
		}
	}
	o := outcome(t, r, "m365-additional/mailbox-migration")
	if len(o.Rules) != 1 || len(o.Open) != 0 {
		t.Fatalf("mailbox migration: rules %v, open %v", o.Rules, o.Open)
	}
	for _, one := range r.Policy.Rules {
		if one.ID == o.Rules[0] && (one.Remote.Prefixes().String() != "192.0.2.0/24, 2001:db8::/32" || one.Remote.Names().Len() != 0) {
			t.Errorf("mailbox migration: %s %s", one.Remote.Prefixes(), one.Remote.Names())
		}
	}
}

// A zone never holds the sites of all tenants: without a value it is asked for.
func TestZoneAsksForTheTenant(t *testing.T) {
	o := outcome(t, buildM365(t, `{}`, webService, "Worldwide"), "m365-additional/trusted-sharepoint")
	if o.State != IsOpen || len(o.Open) != 3 {
		t.Fatalf("%s, open %+v", o.State, o.Open)
	}
	for _, open := range o.Open {
		if open.Missing != rule.MissingValue || open.Line != `"tenant": ["<tenant>"],` {
			t.Errorf("%+v", open)
		}
	}
}

// An answer overrules where the publisher refers to, and a feed of another instance
// is not referred to.
func TestElsewhereGivesWay(t *testing.T) {
	r := buildM365(t, `{ "answers": { "m365-additional/trusted-teams": { "remote": ["teams.example.com"] } } }`, webService, "Worldwide")
	for _, s := range r.Policy.TrustedSites {
		if s.Entry.ID == "m365-additional/trusted-teams" && s.Names.String() != "teams.example.com" {
			t.Errorf("names %s", s.Names)
		}
	}
	r = buildM365(t, `{}`, webService, "China")
	if o := outcome(t, r, "m365-additional/trusted-yammer"); o.State != IsOpen {
		t.Errorf("%s", o.State)
	}
	if n := r.Notices; len(n) != 1 || !strings.HasPrefix(n[0].Text, "none of its entries is selected, because they are of instance China") {
		t.Errorf("notices %v", n)
	}
}

// Any instance of a feed is found by the feed's name, in any letter case.
func TestFromFindsTheFeed(t *testing.T) {
	for _, from := range []string{"m365/exchange", "M365/Exchange", "M365-Worldwide/EXCHANGE"} {
		r := buildM365(t, `{ "bind": { "sts-proxy": ["10.0.0.1"] }, "answers": { "m365-additional/sts-federated": { "remote": { "from": "`+from+`" } } } }`, webService, "Worldwide")
		if o := outcome(t, r, "m365-additional/sts-federated"); len(o.Rules) != 1 {
			t.Errorf("%s: %s, open %v", from, o.State, o.Open)
		}
	}
}

// What a file does not say of itself is what the site says, then what its record says.
func TestNamings(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("own.json", document)
	write("plain.feed", webService)
	write("fetched.feed", webService)
	write("fetched.feed.fetched.json", `{"source": "https://endpoints.office.com/endpoints/China", "instance": "China", "revision": "2020070800", "digest": "`+feed.Digest([]byte(webService))+`"}`)
	for _, test := range []struct{ item, want string }{
		{`"plain.feed"`, "m365-worldwide@unknown 1"},
		{`{ "file": "plain.feed", "instance": "USGovDoD" }`, "m365-usgovdod@unknown 0"},
		{`{ "file": "plain.feed", "instance": "usgovdod" }`, "m365-usgovdod@unknown 0"},
		{`{ "file": "plain.feed", "instance": "Worldwide", "name": "ours", "revision": "7" }`, "ours@7 0"},
		{`"fetched.feed"`, "m365-china@2020070800 0"},
		{`{ "file": "fetched.feed", "instance": "China", "revision": "7" }`, "m365-china@7 0"},
		{`{ "file": "fetched.feed", "instance": "Worldwide" }`, "site.json:1:17: /catalogs/0: " + filepath.Join(dir, "fetched.feed") +
			" was fetched as instance China, not Worldwide; fetch the other instance, or omit the instance"},
		{`{ "file": "own.json", "instance": "China" }`, `site.json:1:17: /catalogs/0: own.json is not a document of the Microsoft 365 web service, so it has no instance; omit the instance`},
		{`{ "file": "own.json", "name": "ours" }`, `site.json:1:17: /catalogs/0: own.json states that it is own of revision 1; omit name and revision`},
		{`{ "file": "m365-additional", "revision": "2018-10-23" }`, `site.json:1:17: /catalogs/0: m365-additional states that it is m365-additional of revision 2025-01-08; omit name and revision`},
	} {
		s, err := Read("site.json", []byte(`{ "catalogs": [ `+test.item+` ] }`))
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if catalogs, err := s.LoadCatalogs(dir); err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprintf("%s@%s %d", catalogs[0].Name, catalogs[0].Revision, len(catalogs[0].Notices))
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.item, got, test.want)
		}
	}
}

// oracleEndpoint is one name of a set, read apart from everything else here.
type oracleEndpoint struct {
	match    *regexp.Regexp
	exact    bool
	labels   int
	ports    [][2]int
	category string
}

func oracleEndpoints(t *testing.T, document []byte) (all []oracleEndpoint, hosts []string) {
	t.Helper()
	var sets []struct {
		URLs               []string
		TCPPorts, Category string
	}
	if err := json.Unmarshal(document, &sets); err != nil {
		t.Fatal(err)
	}
	for _, s := range sets {
		var ports [][2]int
		for _, one := range strings.Split(s.TCPPorts, ",") {
			first, last, ok := strings.Cut(one, "-")
			if !ok {
				last = first
			}
			a, _ := strconv.Atoi(first)
			b, _ := strconv.Atoi(last)
			ports = append(ports, [2]int{a, b})
		}
		for _, url := range s.URLs {
			text := strings.ReplaceAll(regexp.QuoteMeta(url), `\*`, "[^.]*")
			if rest, ok := strings.CutPrefix(text, `[^.]*\.`); ok {
				text = `.+\.` + rest
			}
			text = strings.ReplaceAll(text, `\.[^.]*\.`, `\.[^.]+\.`)
			all = append(all, oracleEndpoint{
				regexp.MustCompile("^(" + text + ")$"), !strings.Contains(url, "*"), strings.Count(url, "."), ports, s.Category,
			})
			name := strings.ReplaceAll(url, "*", "x")
			hosts = append(hosts, name, "y."+name, "z.y."+name, "other"+name, "not-"+name, name[strings.Index(name, ".")+1:])
		}
	}
	slices.Sort(hosts)
	return all, slices.Compact(hosts)
}

// oracleRoute is what the vendor's PAC file of type 2 means: the most specific name
// decides, Optimize and Allow go direct.
func oracleRoute(all []oracleEndpoint, host string, port int) rule.Via {
	best, via := -1, rule.Proxied
	for _, e := range all {
		open := slices.ContainsFunc(e.ports, func(p [2]int) bool { return p[0] <= port && port <= p[1] })
		if !open || !e.match.MatchString(host) {
			continue
		}
		rank := e.labels
		if e.exact {
			rank = 1_000
		}
		direct := e.category != "Default"
		if rank > best || rank == best && direct {
			best, via = rank, rule.Proxied
			if direct {
				via = rule.Direct
			}
		}
	}
	return via
}

// A more specific name of another category keeps its own route, on every port.
func TestRoutesOfTheWebService(t *testing.T) {
	documents := map[string]string{"written for the test": `[
	  {"id": 46, "serviceArea": "Common", "urls": ["*.officeapps.live.com", "*view.officeapps.live.com"], "tcpPorts": "80,443", "category": "Allow"},
	  {"id": 47, "serviceArea": "Common", "urls": ["officeapps.live.com", "*.online.officeapps.live.com", "exact.officeapps.live.com"], "tcpPorts": "443", "category": "Default"},
	  {"id": 48, "serviceArea": "Common", "urls": ["exact.officeapps.live.com", "a.*.live.com"], "tcpPorts": "443,8000-8100", "category": "Optimize"}]`}
	if folder := os.Getenv("GATEWRIGHT_DATA"); folder != "" {
		for _, name := range []string{"Worldwide_2020080600.json", "Worldwide_2018080200.json"} {
			data, err := os.ReadFile(filepath.Join(folder, "m365", name))
			if err != nil {
				t.Fatal(err)
			}
			documents[name] = string(data)
		}
	}
	for name, document := range documents {
		p := buildM365(t, `{ "select": { "area": ["common", "exchange", "sharepoint", "skype"] } }`, document, "Worldwide").Policy
		all, hosts := oracleEndpoints(t, []byte(document))
		seen := map[rule.Via]int{}
		for _, host := range hosts {
			if _, err := netset.ParseName(host); err != nil {
				t.Fatal(err)
			}
			for _, port := range []int{25, 80, 443, 587, 8000, 8080, 8101, 50000} {
				f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: uint16(port), Name: host}
				got, want := p.Route(f, rule.Clients), oracleRoute(all, host, port)
				seen[got]++
				if got != want {
					t.Errorf("%s: %s:%d goes %s, want %s", name, host, port, got, want)
				}
			}
		}
		if seen[rule.Direct] < 10 || seen[rule.Proxied] < 10 {
			t.Errorf("%s: %v; the test is too weak", name, fmt.Sprint(seen))
		}
	}
}

// TestAnswerOf2025 holds that nothing of the web service's whole answer of 2025-12-01
// waits for anybody: each of the 79 sets is in a rule, and names over UDP are names.
func TestAnswerOf2025(t *testing.T) {
	folder := os.Getenv("GATEWRIGHT_DATA")
	if folder == "" {
		return
	}
	data, err := os.ReadFile(filepath.Join(folder, "m365", "Worldwide_2025-12-01_verbatim.json"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := feed.Read("endpoints", data, feed.Naming{Instance: "Worldwide"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Build(&Site{}, []*catalog.Catalog{c})
	if err != nil || len(r.Policy.Open) > 0 || len(r.Notices) > 0 {
		t.Fatal(err, r.Policy.Open, r.Notices)
	}
	rows := map[string]bool{}
	for _, o := range r.Outcomes {
		rows[o.Entry.Row] = true
		if o.State != InRule || len(o.Rules) == 0 {
			t.Errorf("%s: %s %v", o.Entry.ID, o.State, o.Rules)
		}
	}
	if len(rows) != 79 {
		t.Errorf("%d sets", len(rows))
	}
	for flow, want := range map[rule.Flow]string{
		{Direction: rule.Outbound, Protocol: netset.UDP, Port: 123, Name: "time.windows.com"}:        "m365-worldwide/165",
		{Direction: rule.Outbound, Protocol: netset.TCP, Port: 123, Name: "time.windows.com"}:        "",
		{Direction: rule.Outbound, Protocol: netset.UDP, Port: 443, Name: "outlook.cloud.microsoft"}: "m365-worldwide/184-udp",
	} {
		var got []string
		flow.Local = netip.MustParseAddr("10.0.0.1")
		for _, e := range r.Accepting(flow) {
			got = append(got, e.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%+v: %v, want %s", flow, got, want)
		}
	}
}
