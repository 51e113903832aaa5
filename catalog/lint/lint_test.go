package lint

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"testing"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// flow makes an entry of endpoints: "a.example.com 192.0.2.0/24".
func flow(t testing.TB, id, endpoints string) catalog.Entry {
	t.Helper()
	e := catalog.Entry{ID: id, Kind: catalog.KindFlow, Direction: catalog.Outbound, Role: "clients", Services: services(t, "tcp 443")}
	var prefixes netset.PrefixBuilder
	for _, s := range strings.Fields(endpoints) {
		prefix, name, _, err := catalog.ParseEndpoint(s)
		if err != nil {
			t.Fatal(err)
		}
		if prefix.IsEmpty() {
			e.Names = append(e.Names, name)
		}
		prefixes.AddSet(prefix)
	}
	e.Prefixes = prefixes.Build()
	return e
}

func services(t testing.TB, text string) netset.ServiceSet {
	t.Helper()
	s, err := netset.ParseServices(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func names(t testing.TB, list ...string) netset.NameSet {
	t.Helper()
	return netset.NameSetOf(flow(t, "", strings.Join(list, " ")).Names...)
}

// check is Check of what is within its bounds.
func check(in Input) []Finding {
	found, err := Check(in)
	if err != nil {
		panic(err)
	}
	return found
}

// short shows findings as "kind entry [endpoints] others", one a line.
func short(found []Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %s %v %v\n", f.Kind, f.Entry, f.Endpoints, f.Others)
	}
	return b.String()
}

func onlyRetired(found []Finding) []Finding {
	return slices.DeleteFunc(found, func(f Finding) bool { return f.Kind != Retired })
}

// long shows what findings say, one a line.
func long(found []Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %s: %s / %s\n", f.Kind, f.Entry, f.Why, f.Do)
	}
	return b.String()
}

// Every finding says why it matters and what to do.
func TestFindingsSayWhyAndWhatToDo(t *testing.T) {
	found := check(Input{
		Entries: []catalog.Entry{
			flow(t, "own/a", "*.blob.core.windows.net"), flow(t, "own/b", "24.0.0.0/8"), flow(t, "own/c", "10.1.2.0/24"),
			flow(t, "own/d", "old.example.com"), flow(t, "own/e", "old.example.com"),
		},
		Public:    map[string]bool{"own": true},
		Revisions: map[string]Revisions{"own": {Newest: revision("2", flow(t, "own/d", "new.example.com")), Older: []*catalog.Catalog{revision("1", flow(t, "own/d", "old.example.com"))}}},
	})
	want := `shared own/a: it contains blob.core.windows.net, under which anybody can get a name: Azure storage accounts (Microsoft, "Azure Private Endpoint private DNS zone values") / list the names that you use in your own catalogue and exclude this entry, or send them to a proxy that inspects requests
wide own/b: an IPv4 /8 or IPv6 /20, or wider: too wide for one service / select a narrower entry, or list the prefixes that you use in your own catalogue
reserved own/c: 10.0.0.0/8 is private (RFC 1918): no public service has such an address, but your own machines may / exclude the entry, and report it to its publisher
retired own/d: revision 2 no longer has it: a name that its publisher gives up may go to somebody else / use the newest revision, or exclude the entry
retired own/e: revision 2 no longer has it: a name that its publisher gives up may go to somebody else / use the newest revision, or exclude the entry
covered own/d: this entry contains every endpoint of the other entries: they accept no additional flow / exclude this entry if you want only the narrower ones, or else exclude those
`
	if got := long(found); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

func TestShared(t *testing.T) {
	for text, want := range map[string]string{
		"*.azureedge.net":                       "azureedge.net",
		"*cdn.azureedge.net":                    "azureedge.net",
		"cdn-*.azureedge.net":                   "azureedge.net",
		"mine.azureedge.net":                    "",
		"*.mine.azureedge.net":                  "", // below a customer's own label
		"*.windows.net":                         "blob.core.windows.net",
		"*.core.windows.net":                    "blob.core.windows.net",
		"*.blob.core.windows.net":               "blob.core.windows.net",
		"*.z13.web.core.windows.net":            "web.core.windows.net",
		"*.westeurope.cloudapp.azure.com":       "cloudapp.azure.com",
		"*.s3.eu-west-1.amazonaws.com":          "amazonaws.com",
		"*.b.s3.eu-west-1.amazonaws.com":        "",
		"*.cloudfront.net":                      "cloudfront.net",
		"*.notcloudfront.net":                   "",
		"*.chinacloudapp.cn":                    "chinacloudapp.cn",
		"*.chinacloudapi.cn":                    "blob.core.chinacloudapi.cn",
		"*.chinacloudsites.cn":                  "chinacloudsites.cn",
		"*.blob.core.chinacloudapi.cn":          "blob.core.chinacloudapi.cn",
		"*.blob.core.usgovcloudapi.net":         "blob.core.usgovcloudapi.net",
		"*.blob.core.cloudapi.de":               "blob.core.cloudapi.de",
		"*.azurewebsites.us":                    "azurewebsites.us",
		"*.usgovtrafficmanager.net":             "usgovtrafficmanager.net",
		"*.azurecloudapp.de":                    "azurecloudapp.de",
		"*.webpubsub.azure.com":                 "webpubsub.azure.com",
		"*.msappproxy.net":                      "msappproxy.net",
		"*.streaming.mediaservices.windows.net": "mediaservices.windows.net",
		"*.netlify.app":                         "netlify.app",
		"*.vercel.app":                          "vercel.app",
		"*.s3.cn-north-1.amazonaws.com.cn":      "amazonaws.com.cn",
		"*.example.com":                         "",
		"*.office.com":                          "",
	} {
		p, err := netset.ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		if d, _ := sharedBy(p, sharedDomains()); d.name != want {
			t.Errorf("%s: shared by %q, want %q", text, d.name, want)
		}
	}
	seen := map[string]bool{}
	for _, d := range sharedDomains() {
		if seen[d.name] {
			t.Errorf("%s is listed twice", d.name)
		}
		seen[d.name] = true
		p, err := netset.ParsePattern("*." + d.name)
		if err != nil || d.what == "" || d.source == "" {
			t.Errorf("%+v: %v", d, err)
		}
		if got, ok := sharedBy(p, sharedDomains()); !ok || got.name != d.name {
			t.Errorf("*.%s is shared by %q", d.name, got.name)
		}
	}
}

func TestAddresses(t *testing.T) {
	entries := []catalog.Entry{
		flow(t, "own/a", "24.0.0.0/9 24.128.0.0/9 25.0.0.0/9 2600::/20 2610::/21"),
		flow(t, "own/b", "10.0.0.0/30 172.15.255.255 172.32.0.0 192.168.1.1 fe80::1 ::1 2001:db8::/33 8.8.8.8"),
	}
	const want = `wide own/a [24.0.0.0/8 2600::/20] []
`
	if got := short(check(Input{Entries: entries})); got != want {
		t.Errorf("of a site's own catalogue\n%s\nwant\n%s", got, want)
	}
	const public = want + `reserved own/b [10.0.0.0/30] []
reserved own/b [192.168.1.1/32] []
reserved own/b [::1/128] []
reserved own/b [2001:db8::/33] []
reserved own/b [fe80::1/128] []
`
	if got := short(check(Input{Entries: entries, Public: map[string]bool{"own": true}})); got != public {
		t.Errorf("of a public one\n%s\nwant\n%s", got, public)
	}
}

// Every block of IANA's special-purpose registries, with what they say of it; the
// answer for one address inside and, where it has neighbours of another kind, beside
// it.
func TestReservedIsWhatIANASays(t *testing.T) {
	blocks := reservedBlocks()
	for address, want := range map[string]string{
		// IPv4, RFC 6890 and its successors
		"0.0.0.0": "0.0.0.0/8", "0.255.255.255": "0.0.0.0/8", "1.0.0.0": "",
		"10.0.0.0": "10.0.0.0/8", "11.0.0.0": "", "100.63.255.255": "", "100.64.0.0": "100.64.0.0/10", "100.128.0.0": "",
		"127.0.0.1": "127.0.0.0/8", "169.254.0.1": "169.254.0.0/16", "172.31.255.255": "172.16.0.0/12",
		"192.0.0.0": "192.0.0.0/29", "192.0.0.7": "192.0.0.0/29", "192.0.0.8": "192.0.0.8/32", "192.0.0.9": "", "192.0.0.10": "",
		"192.0.0.11": "192.0.0.0/24", "192.0.0.170": "192.0.0.170/31", "192.0.0.171": "192.0.0.170/31", "192.0.0.255": "192.0.0.0/24", "192.0.1.0": "",
		"192.0.2.1": "192.0.2.0/24", "192.31.196.1": "", "192.52.193.1": "", "192.88.99.2": "192.88.99.0/24", "192.168.255.255": "192.168.0.0/16",
		"192.175.48.1": "", "198.17.255.255": "", "198.18.0.0": "198.18.0.0/15", "198.19.255.255": "198.18.0.0/15", "198.51.100.1": "198.51.100.0/24",
		"203.0.113.1": "203.0.113.0/24", "223.255.255.255": "", "224.0.0.1": "224.0.0.0/4", "240.0.0.1": "240.0.0.0/4", "255.255.255.255": "255.255.255.255/32",
		// IPv6
		"::": "::/127", "::1": "::/127", "::2": "::/3", "64:ff9b::808:808": "64:ff9b::/96", "64:ff9b:1::1": "64:ff9b:1::/48", "64:ff9b:2::1": "::/3",
		"100::1": "100::/64", "100:0:0:1::1": "100:0:0:1::/64", "100:0:0:2::1": "::/3",
		"2001::1": "2001::/32", "2001:1::": "2001::/23", "2001:1::1": "", "2001:1::2": "", "2001:1::3": "", "2001:1::4": "2001::/23",
		"2001:2::1": "2001:2::/48", "2001:2:1::1": "2001::/23", "2001:3::1": "", "2001:4:112::1": "", "2001:4:113::1": "2001::/23",
		"2001:10::1": "2001:10::/28", "2001:20::1": "", "2001:30::1": "", "2001:40::1": "2001::/23", "2001:200::1": "",
		"2001:db8::1": "2001:db8::/32", "2002::1": "2002::/16", "2620:4f:8000::1": "", "2603:1000::1": "", "3fff::1": "3fff::/20", "3fff:1000::1": "",
		"4000::1": "4000::/2", "5f00::1": "5f00::/16", "a000::1": "8000::/1", "fc00::1": "fc00::/7", "fdff::1": "fc00::/7",
		"fe00::1": "8000::/1", "fe80::1": "fe80::/10", "fec0::1": "fec0::/10", "ff02::1": "ff00::/8",
	} {
		e := flow(t, "own/a", address)
		got := ""
		for _, f := range reserved(&e, blocks) {
			block, _, _ := strings.Cut(f.Why, " is ")
			got += block
		}
		if got != want {
			t.Errorf("%s is in %q, want %q", address, got, want)
		}
	}
	for _, b := range blocks {
		if b.prefix.IsEmpty() || !strings.Contains(b.what, "RFC ") {
			t.Errorf("%s: holds nothing that another block does not, or names no RFC: %s", b.name, b.what)
		}
	}
}

// revision is a state of the catalogue "own".
func revision(name string, entries ...catalog.Entry) *catalog.Catalog {
	return &catalog.Catalog{Name: "own", Revision: name, Entries: entries}
}

// What an older revision lists and the newest gave up is found, each by itself, even if
// another entry's wildcard still holds the name; what was only narrowed or moved is
// not.
func TestRetired(t *testing.T) {
	narrowed := flow(t, "own/a", "192.0.2.0/25")
	narrowed.Pending = []catalog.Pending{{Text: "<email_domain>.mobile.example.com", Host: "<email_domain>.mobile.example.com",
		Placeholders: []catalog.Placeholder{{Name: "email_domain", Kind: catalog.FQDN}}}}
	old := flow(t, "own/a", "*.mobile.example.com gone.shared.example.net moved.example.com gone.example.com 192.0.2.0/24 198.51.100.7 198.51.100.9")
	revisions := map[string]Revisions{"own": {
		Newest: revision("2", narrowed, flow(t, "own/b", "*.shared.example.net moved.example.com")),
		Older:  []*catalog.Catalog{revision("1", old)},
	}}
	other := flow(t, "other/a", "gone.example.com 198.51.100.7")
	other.Role = "servers"
	never := flow(t, "own/c", "never.example.org 203.0.113.7")
	never.Role = "sbc"
	const want = `retired own/a [gone.shared.example.net] []
retired own/a [gone.example.com] []
retired own/a [198.51.100.7/32] []
retired own/a [198.51.100.9/32] []
`
	public := map[string]bool{"own": true, "other": true, "feed": true}
	if got := short(onlyRetired(check(Input{Entries: []catalog.Entry{old, other, never}, Public: public, Revisions: revisions}))); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	const copied = `retired site/a: own, revision 2, no longer has it: a name that its publisher gives up may go to somebody else / remove it from this catalogue, or exclude the entry
retired site/a: own, revision 2, no longer has it: an address that its publisher gives up may go to somebody else / remove it from this catalogue, or exclude the entry
`
	site := flow(t, "site/a", "gone.example.com moved.example.com never.example.org 198.51.100.7 198.51.100.9 192.0.2.0/25")
	site.Role = "sbc"
	listed := flow(t, "feed/a", "198.51.100.8/31")
	if got := long(onlyRetired(check(Input{Entries: []catalog.Entry{site, listed}, Public: public, Revisions: revisions}))); got != copied {
		t.Errorf("in the site's own catalogue: %s, want %s", got, copied)
	}
	if got := short(check(Input{Entries: revisions["own"].Newest.Entries, Revisions: revisions})); got != "" {
		t.Errorf("the newest revision itself: %s", got)
	}
}

// Removed names are found in entries of any catalogue, unless a publisher lists them.
func TestRemoved(t *testing.T) {
	removals := []Removed{
		{Catalog: "feed", Version: "1", Names: names(t, "*.old.example.com"), Listed: names(t, "a.old.example.com", "*.example.net")},
		{Catalog: "feed", Version: "2", Names: names(t, "b.example.com", "c.example.net"), Listed: names(t, "a.old.example.com", "*.example.net")},
	}
	entries := []catalog.Entry{
		flow(t, "feed/a", "a.old.example.com b.old.example.com c.example.net"),
		flow(t, "own/a", "b.example.com c.example.net *.old.example.com never.example.com"),
	}
	const want = `retired feed/a [b.old.example.com] []
retired own/a [*.old.example.com] []
retired own/a [b.example.com] []
`
	entries[1].Role = "servers"
	if got := short(check(Input{Entries: entries, Removed: removals})); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

// told are the findings of one kind.
func told(kind Kind, entries ...catalog.Entry) []Finding {
	return slices.DeleteFunc(check(Input{Entries: entries}), func(f Finding) bool { return f.Kind != kind })
}

func TestCategories(t *testing.T) {
	a, b, c, d := flow(t, "own/a", "a.example.com *.example.net 192.0.2.0/24"), flow(t, "own/b", "a.example.com *.example.net b.example.com"),
		flow(t, "own/c", "192.0.2.0/24 a.example.com"), flow(t, "own/d", "b.example.com")
	a.Category, b.Category, c.Category = catalog.CategoryAllow, catalog.CategoryDefault, catalog.CategoryAllow
	const want = `categories own/a [*.example.net a.example.com] [own/b]
categories own/b [a.example.com] [own/c]
`
	if got := short(told(Categories, d, c, b, a)); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
}

// An endpoint of one category within a wider one of another is found, where both ask
// for a TCP port; the finding names both.
func TestCategoriesWithin(t *testing.T) {
	for _, test := range []struct{ a, b, servicesOfB, want, within string }{
		{"*.example.com", "a.example.com x.example.net", "tcp 443", "[a.example.com]", "a.example.com within *.example.com:"},
		{"a.example.com", "*.example.com", "tcp 443", "[a.example.com]", "a.example.com within *.example.com:"},
		{"*.example.com", "*.a.example.com", "tcp 443", "[*.a.example.com]", "*.a.example.com within *.example.com:"},
		{"a*.example.com", "ab.example.com", "tcp 443", "[ab.example.com]", "ab.example.com within a*.example.com:"},
		{"1.2.0.0/16", "1.2.3.0/24 1.2.4.0/24", "tcp 443", "[1.2.3.0/24 1.2.4.0/24]", "1.2.3.0/24 within 1.2.0.0/16:"},
		{"2001:db8:1::1", "2001:db8::/32", "tcp 443", "[2001:db8:1::1/128]", "2001:db8:1::1/128 within 2001:db8::/32:"},
		{"1.2.3.0/24 a.example.com", "1.2.3.0/24 a.example.com", "tcp 443", "[a.example.com 1.2.3.0/24]", "a PAC file uses the first route that selects one of the entries"},
		{"*.example.com 1.2.0.0/16", "a.example.com 1.2.3.0/24", "tcp 80, 400-450", "[a.example.com 1.2.3.0/24]", "a.example.com within"},
		{"*.example.com 1.2.0.0/16", "a.example.com 1.2.3.0/24", "tcp 80", "", ""},
		{"1.2.0.0/16", "1.2.3.0/24", "udp 443", "", ""},
		{"*.example.com", "example.com a.example.net", "tcp 443", "", ""},
		{"1.2.0.0/16", "1.3.0.0/16", "tcp 443", "", ""},
	} {
		a, b := flow(t, "own/a", test.a), flow(t, "own/b", test.b)
		a.Category, b.Category, b.Services = catalog.CategoryAllow, catalog.CategoryDefault, services(t, test.servicesOfB)
		found := told(Categories, a, b)
		want := ""
		if test.want != "" {
			want = "categories own/a " + test.want + " [own/b]\n"
		}
		if got := short(found); got != want || want != "" && !strings.Contains(found[0].Why, test.within) {
			t.Errorf("%s, %s: %+v, want %s within %s", test.a, test.b, found, want, test.within)
		}
		if b.Category = a.Category; len(told(Categories, a, b)) > 0 {
			t.Errorf("%s, %s: found in one category", test.a, test.b)
		}
	}
}

// A PAC file knows no UDP, so that categories do not matter there.
func TestCategoriesOfUDP(t *testing.T) {
	a, b := flow(t, "own/a", "1.2.0.0/16"), flow(t, "own/b", "1.2.3.0/24")
	a.Category, b.Category = catalog.CategoryAllow, catalog.CategoryDefault
	for ports, want := range map[string]int{"udp 443": 0, "udp 443; tcp 443": 1} {
		a.Services, b.Services = services(t, ports), services(t, ports)
		if found := told(Categories, a, b); len(found) != want {
			t.Errorf("%s: %+v, want %d", ports, found, want)
		}
	}
}

// However many entries cross, the findings are bounded, and the last says so.
func TestCategoriesAreBounded(t *testing.T) {
	for _, n := range []int{MaxPairs, MaxPairs + 1, 3000} {
		entries := []catalog.Entry{flow(t, "own/all", "10.0.0.0/9 *.example.com")}
		entries[0].Category = catalog.CategoryDefault
		for i := range n {
			e := flow(t, fmt.Sprintf("own/%04d", i), fmt.Sprintf("10.1.%d.%d", i>>8, i&255))
			e.Category = catalog.CategoryAllow
			entries = append(entries, e)
		}
		found := told(Categories, entries...)
		bounded := slices.ContainsFunc(found, func(f Finding) bool { return strings.Contains(f.Why, "only 100 pairs are reported") })
		if want := min(n, MaxPairs+1); len(found) != want || bounded != (n > MaxPairs) {
			t.Errorf("of %d pairs %d findings, want %d; told that there are more: %v", n, len(found), want, bounded)
		}
	}
}

func TestCovered(t *testing.T) {
	other := func(e catalog.Entry, change func(*catalog.Entry)) catalog.Entry { change(&e); return e }
	for _, test := range []struct {
		name    string
		entries []catalog.Entry
		want    string
	}{
		{"narrower prefixes, at the widest", []catalog.Entry{
			flow(t, "c/a", "10.0.0.0/24"), flow(t, "c/b", "10.0.0.0/16"), flow(t, "c/c", "10.0.0.0/9"), flow(t, "c/d", "11.0.0.0/24"),
		}, "covered c/c [] [c/a c/b]\n"},
		{"equal entries, at the first", []catalog.Entry{flow(t, "c/a", "10.0.0.0/24"), flow(t, "c/b", "10.0.0.0/24")}, "covered c/a [] [c/b]\n"},
		{"names by wildcards", []catalog.Entry{flow(t, "c/a", "a.example.com b.c.example.com"), flow(t, "c/b", "*.example.com")}, "covered c/b [] [c/a]\n"},
		{"names by odd wildcards", []catalog.Entry{flow(t, "c/a", "a1.example.com"), flow(t, "c/b", "a*.example.com")}, "covered c/b [] [c/a]\n"},
		{"some alone", []catalog.Entry{flow(t, "c/a", "10.0.0.0/24 192.0.2.1"), flow(t, "c/b", "10.0.0.0/9"), flow(t, "c/c", "a.example.com x.example.net"), flow(t, "c/d", "*.example.com")}, ""},
		{"both kinds of endpoints", []catalog.Entry{flow(t, "c/a", "10.0.0.0/24 a.example.com"), flow(t, "c/b", "10.0.0.0/9"), flow(t, "c/c", "10.0.0.0/9 *.example.com")}, "covered c/c [] [c/a c/b]\n"},
		{"other services", []catalog.Entry{flow(t, "c/a", "10.0.0.1"), other(flow(t, "c/b", "10.0.0.1"), func(e *catalog.Entry) { e.Services = services(t, "tcp 80") })}, ""},
		{"fewer services", []catalog.Entry{flow(t, "c/a", "10.0.0.1"), other(flow(t, "c/b", "10.0.0.1"), func(e *catalog.Entry) { e.Services = services(t, "tcp 80, 443") })}, "covered c/b [] [c/a]\n"},
		{"services unsaid", []catalog.Entry{flow(t, "c/a", "10.0.0.1"), other(flow(t, "c/b", "10.0.0.1"), func(e *catalog.Entry) { e.Services = netset.ServiceSet{} })}, ""},
		{"another direction", []catalog.Entry{flow(t, "c/a", "10.0.0.1"), other(flow(t, "c/b", "10.0.0.1"), func(e *catalog.Entry) { e.Direction = catalog.Inbound })}, ""},
		{"both directions", []catalog.Entry{flow(t, "c/a", "10.0.0.1"), other(flow(t, "c/b", "10.0.0.1"), func(e *catalog.Entry) { e.Direction = catalog.Bidirectional })}, "covered c/b [] [c/a]\n"},
		{"another role", []catalog.Entry{flow(t, "c/a", "10.0.0.1"), other(flow(t, "c/b", "10.0.0.1"), func(e *catalog.Entry) { e.Role = "sts" })}, ""},
		{"another category", []catalog.Entry{flow(t, "c/a", "10.0.0.1"), other(flow(t, "c/b", "10.0.0.1"), func(e *catalog.Entry) { e.Category = catalog.CategoryAllow })}, ""},
		{"no endpoints", []catalog.Entry{flow(t, "c/a", ""), flow(t, "c/b", "")}, ""},
	} {
		if got := short(check(Input{Entries: test.entries})); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

// Two or more entries cover another one that none of them covers alone.
func TestTogether(t *testing.T) {
	of := func(id, endpoints, ports string) catalog.Entry {
		e := flow(t, id, endpoints)
		e.Services = netset.ServiceSet{}
		if ports != "" {
			e.Services = services(t, ports)
		}
		return e
	}
	with := func(e catalog.Entry, change func(*catalog.Entry)) catalog.Entry { change(&e); return e }
	pair := []catalog.Entry{of("c/a", "10.0.0.0/24 192.0.2.1", "tcp 443"), of("c/b", "10.0.1.0/24 a.example.com", "tcp 443")}
	for _, test := range []struct {
		name  string
		entry catalog.Entry
		want  string
	}{
		{"halves", of("c/e", "10.0.0.0/23", "tcp 443"), "together c/e [] [c/a c/b]\n"},
		{"across the halves", of("c/e", "10.0.0.128/25 10.0.1.0/25", "tcp 443"), "together c/e [] [c/a c/b]\n"},
		{"names and prefixes", of("c/e", "192.0.2.1 a.example.com", "tcp 443"), "together c/e [] [c/a c/b]\n"},
		{"an address more", of("c/e", "10.0.0.0/23 10.0.2.0", "tcp 443"), ""},
		{"a name more", of("c/e", "10.0.0.0/23 b.example.com", "tcp 443"), ""},
		{"a port more", of("c/e", "10.0.0.0/23", "tcp 443, 444"), ""},
		{"services unsaid", of("c/e", "10.0.0.0/23", ""), ""},
		{"another role", with(of("c/e", "10.0.0.0/23", "tcp 443"), func(e *catalog.Entry) { e.Role = "sts" }), ""},
		{"another category", with(of("c/e", "10.0.0.0/23", "tcp 443"), func(e *catalog.Entry) { e.Category = catalog.CategoryAllow }), ""},
		{"another direction", with(of("c/e", "10.0.0.0/23", "tcp 443"), func(e *catalog.Entry) { e.Direction = catalog.Inbound }), ""},
		{"an endpoint to come", with(of("c/e", "10.0.0.0/23", "tcp 443"), func(e *catalog.Entry) { e.Pending = []catalog.Pending{{Text: "<tenant>.example.com"}} }), ""},
	} {
		if got := short(check(Input{Entries: append(slices.Clone(pair), test.entry)})); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.name, got, test.want)
		}
	}
	ports := []catalog.Entry{of("c/a", "10.0.0.0/24", "tcp 80; udp 53"), of("c/b", "10.0.0.0/25 10.1.0.1", "tcp 440-450"), of("c/c", "10.0.0.128/25 10.1.0.2", "tcp 443"), of("c/e", "10.0.0.0/24", "tcp 80, 443")}
	if got, want := short(check(Input{Entries: ports})), "together c/e [] [c/a c/b c/c]\n"; got != want {
		t.Errorf("ports apart\n got %s\nwant %s", got, want)
	}
	unsaid := []catalog.Entry{of("c/a", "10.0.0.0/24 192.0.2.1", ""), of("c/b", "10.0.1.0/24 192.0.2.2", ""), of("c/c", "10.0.0.0/23", "")}
	if got, want := short(check(Input{Entries: unsaid})), "together c/c [] [c/a c/b]\n"; got != want {
		t.Errorf("a feed of addresses\n got %s\nwant %s", got, want)
	}
	circle := []catalog.Entry{of("c/a", "10.0.0.1 10.0.0.2", "tcp 443"), of("c/b", "10.0.0.2 10.0.0.3", "tcp 443"), of("c/c", "10.0.0.3 10.0.0.1", "tcp 443")}
	if got, want := short(check(Input{Entries: circle})), "together c/c [] [c/a c/b]\n"; got != want {
		t.Errorf("each in the other two\n got %s\nwant %s", got, want)
	}
}

// What is found to be superfluous can go all at once without a flow being lost, and of
// what stays nothing more can go.
func TestNothingIsLostAndNothingLeft(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	endpoints := []string{"10.0.0.0/30", "10.0.0.0/31", "10.0.0.2/31", "10.0.0.1", "10.0.0.3", "2001:db8::/126", "2001:db8::2", "a.example.com", "*.example.com", "*.a.example.com", "b*.example.com", "ba.example.com"}
	ports := []string{"tcp 80", "tcp 443", "tcp 80, 443"}
	found := map[Kind]int{}
	for range 4000 {
		var entries []catalog.Entry
		for i := range 2 + r.IntN(6) {
			var list []string
			for range r.IntN(4) {
				list = append(list, endpoints[r.IntN(len(endpoints))])
			}
			e := flow(t, fmt.Sprintf("c/%d", i), strings.Join(list, " "))
			e.Services = services(t, ports[r.IntN(len(ports))])
			if r.IntN(8) == 0 {
				e.Direction = catalog.Bidirectional
			}
			entries = append(entries, e)
		}
		gone := map[string]bool{}
		for _, f := range check(Input{Entries: entries}) {
			ids := f.Others
			switch f.Kind {
			case Together:
				ids = []string{f.Entry}
			case Covered:
			default:
				continue
			}
			found[f.Kind]++
			for _, id := range ids {
				gone[id] = true
			}
		}
		for i, e := range entries {
			if len(e.Names)+e.Prefixes.Len() == 0 {
				continue
			}
			others := slices.DeleteFunc(slices.Clone(entries), func(o catalog.Entry) bool { return o.ID == entries[i].ID || gone[o.ID] })
			if covered := heldBy(e, others); covered != gone[e.ID] {
				t.Fatalf("%s is superfluous: %v; found to be: %v; of %+v", e.ID, covered, gone[e.ID], entries)
			}
		}
	}
	if found[Covered] < 500 || found[Together] < 100 {
		t.Errorf("only %v: too few to tell", found)
	}
}

// heldBy reports, address by address and port by port, whether others hold all that the
// entry has.
func heldBy(e catalog.Entry, others []catalog.Entry) bool {
	held := func(port uint16, holds func(o catalog.Entry) bool) bool {
		return !e.Services.Contains(netset.TCP, port) || slices.ContainsFunc(others, func(o catalog.Entry) bool {
			return o.Services.Contains(netset.TCP, port) && (o.Direction == e.Direction || o.Direction == catalog.Bidirectional) && holds(o)
		})
	}
	for _, port := range []uint16{80, 443} {
		for p := range e.Prefixes.Prefixes() {
			for a := p.Addr(); p.Contains(a); a = a.Next() {
				if !held(port, func(o catalog.Entry) bool { return o.Prefixes.Contains(a) }) {
					return false
				}
			}
		}
		for _, n := range e.Names {
			covers := func(m netset.Pattern) bool { return m.Covers(n) }
			if !held(port, func(o catalog.Entry) bool { return slices.ContainsFunc(o.Names, covers) }) {
				return false
			}
		}
	}
	return true
}

// 100,000 entries, each of which lies in one of a thousand others, which lie in one.
func BenchmarkCheck(b *testing.B) {
	entries := []catalog.Entry{flow(b, "c/all", "10.0.0.0/9")}
	for i := range 1000 {
		entries = append(entries, flow(b, fmt.Sprintf("c/region-%d", i), fmt.Sprintf("10.%d.%d.0/24", i>>8, i&255)))
		for j := range 100 {
			entries = append(entries, flow(b, fmt.Sprintf("c/tag-%d-%d", i, j), fmt.Sprintf("10.%d.%d.%d", i>>8, i&255, j)))
		}
	}
	for b.Loop() {
		if found := check(Input{Entries: entries}); len(found) != 1 || len(found[0].Others) != len(entries)-1 {
			b.Fatalf("%d findings", len(found))
		}
	}
}

// 20,000 entries in a chain, each of which its two neighbours cover together: every
// other one can go.
func BenchmarkTogether(b *testing.B) {
	var entries []catalog.Entry
	for i := range 20000 {
		entries = append(entries, flow(b, fmt.Sprintf("c/%05d", i), fmt.Sprintf("10.%d.%d.0/24 10.%d.%d.0/24", i>>8, i&255, (i+1)>>8, (i+1)&255)))
	}
	for b.Loop() {
		if found := check(Input{Entries: entries}); len(found) < len(entries)/2-1 {
			b.Fatalf("%d findings", len(found))
		}
	}
}

// 100,000 entries inside one of another category, which no port joins: every pair is
// looked at, and none is told.
func BenchmarkCategories(b *testing.B) {
	entries := []catalog.Entry{flow(b, "c/all", "10.0.0.0/9")}
	entries[0].Category, entries[0].Services = catalog.CategoryDefault, services(b, "tcp 80")
	for i := range 100000 {
		e := flow(b, fmt.Sprintf("c/%06d", i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255))
		e.Category = catalog.CategoryAllow
		entries = append(entries, e)
	}
	for b.Loop() {
		if found := check(Input{Entries: entries}); len(found) != 0 {
			b.Fatalf("%d findings", len(found))
		}
	}
}

// What Check has to spend grows as the entries where they do not overlap in both
// endpoints and ports, and at most as their square where they do; past the bound it
// says so.
func TestCheckIsBounded(t *testing.T) {
	port := func(e catalog.Entry, ports string) catalog.Entry { e.Services = services(t, ports); return e }
	shapes := []struct {
		name  string
		entry func(i int) catalog.Entry
		power float64 // that the work may grow by
	}{
		{"apart", func(i int) catalog.Entry {
			return flow(t, fmt.Sprintf("c/%05d", i), fmt.Sprintf("10.%d.%d.0/24 h%d.example.com", i>>8, i&255, i))
		}, 1},
		{"one prefix, own ports", func(i int) catalog.Entry {
			return port(flow(t, fmt.Sprintf("c/%05d", i), "10.0.0.0/9"), fmt.Sprintf("tcp %d", i+1))
		}, 1.1},
		{"nested prefixes, own ports", func(i int) catalog.Entry {
			return port(flow(t, fmt.Sprintf("c/%05d", i), fmt.Sprintf("10.%d.%d.0/24 10.0.0.0/%d", i>>8, i&255, 9+i%16)), fmt.Sprintf("tcp %d", i+1))
		}, 2},
		{"staircase of prefixes and of ports", func(i int) catalog.Entry {
			e := flow(t, fmt.Sprintf("c/%05d", i), "")
			var b netset.PrefixBuilder
			b.AddRange(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}).Next())
			b.AddRange(netip.AddrFrom4([4]byte{11, byte(i >> 8), byte(i), 0}), netip.AddrFrom4([4]byte{12, byte(i >> 8), byte(i), 0}))
			e.Prefixes = b.Build()
			return port(e, fmt.Sprintf("tcp %d-%d", i+1, i+2000))
		}, 2.1},
		{"names within names", func(i int) catalog.Entry {
			return port(flow(t, fmt.Sprintf("c/%05d", i), "*"+strings.Repeat(".a", i%40)+".example.com"), fmt.Sprintf("tcp %d-%d", i+1, i+1000))
		}, 2.1},
	}
	for _, shape := range shapes {
		var spent []float64
		for _, n := range []int{60, 120, 240} {
			var entries []catalog.Entry
			for i := range n {
				entries = append(entries, shape.entry(i))
			}
			least := sort.Search(1<<18, func(budget int) bool {
				_, err := checkWithin(Input{Entries: entries}, netset.NewBudget(budget))
				return err == nil
			})
			spent = append(spent, float64(least))
		}
		for i := 1; i < len(spent); i++ {
			if power := math.Log2(spent[i] / spent[i-1]); power > shape.power {
				t.Errorf("%s: twice the entries take 2^%.2f times the steps (%v)", shape.name, power, spent)
			}
		}
	}
	entries := []catalog.Entry{flow(t, "c/a", "a.example.com"), flow(t, "c/b", "10.0.0.0/24 10.2.0.0/24"), flow(t, "c/c", "10.0.0.0/25 10.1.0.0/24 a.example.com"), flow(t, "c/d", "10.0.0.0/8")}
	const want = `the endpoints and ports of 4 entries overlap in more than 4000000 places, above all those of c/c, c/b, c/a, so lint cannot tell what each entry adds; check fewer entries at a time, for example with --area or --entry`
	if _, err := checkWithin(Input{Entries: entries}, netset.NewBudget(3)); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
