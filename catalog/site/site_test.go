package site

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog"
	"gatewright/catalog/rule"
)

// document is the catalogue of the tests below.
const document = `{
  "catalog": "own", "revision": "1", "title": "own", "placeholders": { "tenant": "label", "email_domain": "fqdn" },
  "entries": [
    { "id": "mail", "row": "1", "title": "Mail", "area": "mail", "category": "optimize", "required": true,
      "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": [ "mail.example.com", "192.0.2.0/25" ] },
    { "id": "mail-too", "title": "Mail, too", "area": "mail", "category": "default", "condition": "old clients",
      "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": [ "192.0.2.128/25" ] },
    { "id": "voice", "title": "Voice", "area": "voice", "category": "allow",
      "direction": "bidirectional", "role": "sbc", "services": "udp 3478-3481", "endpoints": [ "198.51.100.0/24" ] },
    { "id": "tenant", "title": "Tenant", "area": "mail",
      "direction": "outbound", "role": "clients", "services": "tcp 443",
      "endpoints": [ "<tenant>.example.net", "<tenant>-<email_domain>", "docs.example.net/help" ] },
    { "id": "names", "title": "Names", "area": "web",
      "direction": "outbound", "role": "clients", "services": "tcp 80", "endpoints": [ "*.example.org" ] },
    { "id": "hook", "title": "Hook", "area": "web", "direction": "inbound", "role": "exchange",
      "unsaid": {
        "remote": { "why": "not published", "ask": "from where?", "who": "the publisher", "from": [ "own/mail", "own/voice" ] },
        "services": { "why": "not published" } } },
    { "id": "silent", "title": "Silent", "unsaid": {
        "remote": { "why": "no remote" }, "services": { "why": "no services" },
        "direction": { "why": "no direction" }, "role": { "why": "no role" } } },
    { "id": "guessed", "title": "Guessed", "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": [ "203.0.113.1" ],
      "inferred": { "remote": "a guess", "services": "a guess", "direction": "a guess", "role": "a guess" } },
    { "id": "zone", "title": "Zone", "kind": "trusted-site", "endpoints": [ "zone.example.com", "*.zone.example.com" ] },
    { "id": "open-zone", "title": "Open zone", "kind": "trusted-site", "unsaid": { "remote": { "why": "not published" } } },
    { "id": "gov", "title": "Gov", "area": "mail", "instance": [ "USGovDoD" ],
      "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": [ "203.0.113.128/25" ] },
  ],
}`

func ownCatalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Read("own.json", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// build builds a site file over the catalogue of the tests.
func build(t testing.TB, file string) *Result {
	t.Helper()
	s, err := Read("site.json", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Build(s, []*catalog.Catalog{ownCatalog(t)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func outcome(t testing.TB, r *Result, id string) Outcome {
	t.Helper()
	for _, o := range r.Outcomes {
		if o.Entry.ID == id {
			return o
		}
	}
	t.Fatalf("no outcome of %s", id)
	return Outcome{}
}

// inRules returns the slugs of the entries that are in rules, sorted.
func inRules(r *Result) []string {
	var ids []string
	for _, o := range r.Outcomes {
		if len(o.Rules) > 0 {
			ids = append(ids, strings.TrimPrefix(o.Entry.ID, "own/"))
		}
	}
	return ids
}

// rulesText shows rules as "direction role names | prefixes | services (entries)".
func rulesText(p *rule.Policy) []string {
	var all []string
	for _, r := range p.Rules {
		remote := r.Remote.Names().String() + " | " + r.Remote.Prefixes().String()
		if r.Remote.Any {
			remote = "any"
		}
		var ids []string
		for _, e := range r.Entries {
			ids = append(ids, strings.TrimPrefix(e.ID, "own/"))
		}
		all = append(all, strings.Join([]string{string(r.Direction), string(r.Role), remote, r.Services.String(), "(" + strings.Join(ids, " ") + ")"}, " "))
	}
	return all
}

func TestSelection(t *testing.T) {
	for _, test := range []struct{ name, selects, want string }{
		{"everything Worldwide", `{}`, "guessed mail mail-too names"},
		{"an area", `{ "area": [ "mail" ] }`, "mail mail-too"},
		{"two areas", `{ "area": [ "mail", "web" ] }`, "mail mail-too names"},
		{"a category", `{ "category": [ "optimize" ] }`, "mail"},
		{"no category", `{ "category": [ "none" ] }`, "guessed names"},
		{"entries, with and without their catalogue", `{ "entry": [ "own/mail", "names" ] }`, "mail names"},
		{"an area and an entry of another", `{ "area": [ "mail" ], "entry": [ "names" ] }`, ""},
		{"outbound", `{ "direction": [ "outbound" ] }`, "guessed mail mail-too names"},
		{"inbound", `{ "direction": [ "inbound" ] }`, ""},
		{"another instance alone", `{ "instance": [ "USGovDoD" ] }`, "gov"},
		{"both instances", `{ "instance": [ "USGovDoD", "Worldwide" ], "area": [ "mail" ] }`, "gov mail mail-too"},
		{"required", `{ "required_only": true }`, "mail"},
		{"without some", `{ "exclude": [ "own/mail", "guessed" ] }`, "mail-too names"},
		{"excluded and named", `{ "entry": [ "mail", "names" ], "exclude": [ "mail" ] }`, "names"},
	} {
		if got := strings.Join(inRules(build(t, `{ "select": `+test.selects+` }`)), " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// An entry that is named and yet left out is told of, and why.
func TestNamedButNotSelected(t *testing.T) {
	for _, test := range []struct{ selects, want string }{
		{`{ "entry": [ "gov" ] }`, "own/gov: named by a flag or the site file, but not selected: instance USGovDoD"},
		{`{ "entry": [ "mail" ], "area": [ "web" ] }`, "own/mail: named by a flag or the site file, but not selected: area mail"},
		{`{ "entry": [ "mail" ], "direction": [ "inbound" ] }`, "own/mail: named by a flag or the site file, but not selected: direction outbound"},
		{`{ "entry": [ "names" ], "required_only": true }`, "own/names: named by a flag or the site file, but not selected: not required"},
		{`{ "entry": [ "silent" ], "category": [ "allow" ] }`, "own/silent: named by a flag or the site file, but not selected: category none"},
	} {
		notices := build(t, `{ "select": `+test.selects+` }`).Notices
		notices = slices.DeleteFunc(notices, func(n catalog.Notice) bool { return strings.Contains(n.Where, ".json:") })
		if len(notices) != 1 || notices[0].Where+": "+notices[0].Text != test.want {
			t.Errorf("%s: told %v, want %s", test.selects, notices, test.want)
		}
	}
}

func TestGrouping(t *testing.T) {
	const bind = `"bind": { "clients": [ "10.0.0.0/8" ] }, "select": { "entry": [ "mail", "mail-too", "guessed" ] }`
	for _, test := range []struct {
		group string
		want  []string // the groups and entries of the rules
	}{
		{"", []string{" guessed", "mail mail mail-too"}},
		{`"group": "area", `, []string{" guessed", "mail mail mail-too"}},
		{`"group": "entry", `, []string{"own/guessed guessed", "own/mail mail", "own/mail-too mail-too"}},
		{`"group": "none", `, []string{" guessed mail mail-too"}},
	} {
		var got []string
		for _, r := range build(t, `{ `+test.group+bind+` }`).Policy.Rules {
			text := r.Group
			for _, e := range r.Entries {
				text += " " + strings.TrimPrefix(e.ID, "own/")
			}
			got = append(got, text)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.group, got, test.want)
		}
	}
}

func TestBindings(t *testing.T) {
	r := build(t, `{ "bind": { "sbc": { "addresses": [ "10.0.0.5" ], "published": [ "10.0.0.6/31", "10.0.0.8" ] } } }`)
	b := r.Policy.Binding("sbc")
	if b.Addresses.String() != "10.0.0.5" || b.Published.String() != "10.0.0.6/31, 10.0.0.8" {
		t.Errorf("sbc is bound to %v and %v", b.Addresses, b.Published)
	}
	if clients := r.Policy.Binding(rule.Clients).Addresses; !clients.Equal(DefaultClients()) || clients.Len() != 7 {
		t.Errorf("clients are bound to %v", clients)
	}
	if o := outcome(t, r, "own/voice"); len(o.Rules) != 2 || o.State != InRule {
		t.Errorf("a bidirectional entry is in rules %v", o.Rules)
	}
	clients := build(t, `{ "bind": { "clients": [ "10.1.0.0/16" ] } }`).Policy.Binding(rule.Clients)
	if clients.Local().String() != "10.1.0.0/16" {
		t.Errorf("a site's clients are %v", clients.Local())
	}
	for _, role := range []rule.Role{"exchange", "sts", "servers"} {
		if !r.Policy.Binding(role).Local().IsEmpty() {
			t.Errorf("role %s is bound without the site's word", role)
		}
	}
}

// Host bits in a binding make it wider than what may be meant, so they are told of;
// a bare address is what it looks like.
func TestBindingNotices(t *testing.T) {
	s, err := Read("site.json", []byte(`{ "bind": { "sbc": [ "10.0.0.5", "10.1.2.3/24", "::ffff:10.0.0.9/128", "2001:db8::/32" ] } }`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range s.Notices {
		got = append(got, n.Where+": "+n.Text)
	}
	want := []string{
		`site.json:1:34: "10.1.2.3/24": host bits dropped: 10.1.2.3/24 is read as 10.1.2.0/24`,
		`site.json:1:49: "::ffff:10.0.0.9/128": IPv4-mapped ::ffff:10.0.0.9/128 written as 10.0.0.9/32`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// Addresses that no site's machines have so many of are told of; they are most often a
// slip in the length of a prefix.
func TestWideBindings(t *testing.T) {
	for _, c := range []struct{ addresses, want string }{
		{`"0.0.0.0/1"`, "role exchange is bound to 0.0.0.0/1, half of IPv4"},
		{`"64.0.0.0/3", "64.0.0.0/7"`, "role exchange is bound to 64.0.0.0/3, 1/8 of IPv4"},
		{`"12.0.0.0/8"`, ""},
		{`"12.0.0.0/8", "13.0.0.0/8"`, "role exchange is bound to 12.0.0.0/7, 1/128 of IPv4"},
		{`"8000::/1"`, "role exchange is bound to 8000::/1, half of IPv6"},
		{`"2a00::/19"`, "role exchange is bound to 2a00::/19, wider than a /20"},
		{`"2a00::/20", "fc00::/7", "fe80::/10", "10.0.0.0/8"`, ""},
		{`"fc00::/6"`, "role exchange is bound to fc00::/6, 1/64 of IPv6"},
	} {
		want := ""
		if c.want != "" {
			want = "site.json:2:1: " + c.want + "; bind it to the addresses that its machines have"
		}
		for _, binding := range []string{`[` + c.addresses + `]`, `{"published": [` + c.addresses + `]}`} {
			s, err := Read("site.json", []byte("{ \"bind\": { \"exchange\":\n"+binding+" } }"))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, n := range s.Notices {
				got += n.Where + ": " + n.Text
			}
			if got != want {
				t.Errorf("%s: told %q, want %q", binding, got, want)
			}
		}
	}
}

func TestValuesAndPaths(t *testing.T) {
	for _, test := range []struct {
		name, site string
		names      string   // of the entry own/tenant in its rule
		open       []string // what is missing of which endpoint
	}{
		{"nothing said", `{}`, "", []string{"path of docs.example.net/help", "value of <tenant>-<email_domain>", "value of <tenant>.example.net"}},
		{"one value", `{ "values": { "tenant": "contoso" } }`, "contoso.example.net",
			[]string{"path of docs.example.net/help", "value of <tenant>-<email_domain>"}},
		{"several values and the whole host", `{ "values": { "tenant": [ "a", "b" ], "email_domain": [ "Example.COM", "example.org." ] }, "paths": "host" }`,
			"a-example.com, b-example.com, a.example.net, b.example.net, docs.example.net, a-example.org, b-example.org", nil},
		{"the host alone", `{ "paths": "host" }`, "docs.example.net", []string{"value of <tenant>-<email_domain>", "value of <tenant>.example.net"}},
	} {
		r := build(t, strings.Replace(test.site, "{", `{ "select": { "entry": [ "tenant" ] },`, 1))
		names := ""
		for _, one := range r.Policy.Rules {
			names += one.Remote.Names().String()
		}
		var open []string
		for _, o := range r.Policy.Open {
			open = append(open, o.Missing+" of "+o.Endpoint)
		}
		if names != test.names || !slices.Equal(open, test.open) {
			t.Errorf("%s: names %q, open %q; want %q, %q", test.name, names, open, test.names, test.open)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		name, site string
		want       []string // rules
		open       string   // what is missing, of the selected entries
	}{
		{"a list", `"select": { "entry": [ "hook" ] }, "bind": { "exchange": [ "10.0.0.1" ] }, "answers": { "own/hook": { "remote": [ "203.0.113.0/24", "hook.example.com" ], "services": "tcp 443" } }`,
			[]string{"inbound exchange hook.example.com | 203.0.113.0/24 tcp 443 (hook)"}, ""},
		{"any", `"select": { "entry": [ "hook" ] }, "bind": { "exchange": [ "10.0.0.1" ] }, "answers": { "own/hook": { "remote": "any", "services": "tcp 443" } }`,
			[]string{"inbound exchange any tcp 443 (hook)"}, ""},
		{"from an entry, whose id comes before an area of that name", `"select": { "entry": [ "hook" ] }, "bind": { "exchange": [ "10.0.0.1" ] }, "answers": { "own/hook": { "remote": { "from": "own/mail" }, "services": "tcp 443" } }`,
			[]string{"inbound exchange mail.example.com | 192.0.2.0/25 tcp 443 (hook)"}, ""},
		{"from an area and an entry", `"select": { "entry": [ "hook" ] }, "bind": { "exchange": [ "10.0.0.1" ] }, "answers": { "own/hook": { "remote": { "from": [ "own/web", "own/voice" ] }, "services": "tcp 443" } }`,
			[]string{"inbound exchange *.example.org | 198.51.100.0/24 tcp 443 (hook)"}, ""},
		{"half an answer", `"select": { "entry": [ "hook" ] }, "bind": { "exchange": [ "10.0.0.1" ] }, "answers": { "own/hook": { "services": "tcp 443" } }`,
			nil, "remote"},
		{"an unbound role", `"select": { "entry": [ "hook" ] }, "answers": { "own/hook": { "services": "tcp 443", "remote": "any" } }`,
			nil, "binding"},
		{"everything of a silent entry", `"select": { "entry": [ "silent" ] }, "answers": { "own/silent": { "services": "udp 53", "remote": [ "192.0.2.1" ], "direction": "outbound", "role": "clients" } }`,
			[]string{"outbound clients  | 192.0.2.1 udp 53 (silent)"}, ""},
		{"a silent entry", `"select": { "entry": [ "silent" ] }`, nil, "direction remote role services"},
		{"over what is inferred", `"select": { "entry": [ "guessed" ] }, "bind": { "sbc": [ "10.0.0.1" ] }, "answers": { "own/guessed": { "services": "udp 53", "remote": [ "192.0.2.1" ], "direction": "inbound", "role": "sbc" } }`,
			[]string{"inbound sbc  | 192.0.2.1 udp 53 (guessed)"}, ""},
		{"dismissed", `"select": { "entry": [ "guessed", "silent" ] }, "answers": { "own/guessed": { "dismissed": "no" }, "own/silent": { "dismissed": "no" } }`, nil, ""},
	} {
		r := build(t, `{ `+test.site+` }`)
		if got := rulesText(r.Policy); !slices.Equal(got, test.want) {
			t.Errorf("%s: rules %q, want %q", test.name, got, test.want)
		}
		var open []string
		for _, o := range r.Policy.Open {
			open = append(open, o.Missing)
		}
		if got := strings.Join(open, " "); got != test.open {
			t.Errorf("%s: open is %q, want %q", test.name, got, test.open)
		}
	}
}

// What an answer takes from several entries does not become one endpoint with two
// sights: the names of one are not those of the prefixes of another.
func TestFromKeepsEntriesApart(t *testing.T) {
	r := build(t, `{ "select": { "entry": [ "silent" ] }, "routes": [ { "via": "direct" } ],
		"answers": { "own/silent": { "remote": { "from": [ "own/names", "own/zone", "own/voice", "own/mail" ] }, "services": "tcp 443", "direction": "outbound", "role": "clients" } } }`)
	remote := r.Policy.Rules[0].Remote
	for _, one := range []struct{ part, got, want string }{
		{"names without addresses", remote.Unaddressed.String(), "zone.example.com, *.zone.example.com, *.example.org"},
		{"prefixes without names", remote.BarePrefixes.String(), "198.51.100.0/24"},
		{"names with addresses", remote.Addressed.String(), "mail.example.com"},
		{"their prefixes", remote.AddressedPrefixes.String(), "192.0.2.0/25"},
	} {
		if one.got != one.want {
			t.Errorf("%s: %s, want %s", one.part, one.got, one.want)
		}
	}
	if members := r.Policy.Routes[0].Members; len(members) != 4 {
		t.Errorf("the route has %d members of one entry, want 4: %+v", len(members), members)
	}
}

// "from" loses no endpoint that is still to be filled in.
func TestFromKeepsWhatIsOpen(t *testing.T) {
	const site = `{ "select": { "entry": [ "hook" ] }, "bind": { "exchange": [ "10.0.0.1" ] }%s,
		"answers": { "own/hook": { "remote": { "from": "own/tenant" }, "services": "tcp 443" } } }`
	r := build(t, strings.Replace(site, "%s", "", 1))
	if o := outcome(t, r, "own/hook"); o.State != IsOpen || len(o.Open) != 3 {
		t.Errorf("%s, open is %+v", o.State, o.Open)
	}
	r = build(t, strings.Replace(site, "%s", `, "values": { "tenant": "contoso" }`, 1))
	if o := outcome(t, r, "own/hook"); o.State != InRule || len(o.Open) != 2 {
		t.Errorf("%s, open is %+v", o.State, o.Open)
	}
	if got := rulesText(r.Policy); !slices.Equal(got, []string{"inbound exchange contoso.example.net |  tcp 443 (hook)"}) {
		t.Errorf("rules %q", got)
	}
}

func TestTrustedSites(t *testing.T) {
	r := build(t, `{ "answers": { "own/open-zone": { "remote": { "from": "own/mail" } } } }`)
	var got []string
	for _, s := range r.Policy.TrustedSites {
		got = append(got, s.Entry.ID+": "+s.Names.String())
	}
	want := []string{"own/open-zone: mail.example.com", "own/zone: zone.example.com, *.zone.example.com"}
	if !slices.Equal(got, want) {
		t.Errorf("trusted sites %q, want %q", got, want)
	}
	if o := outcome(t, build(t, `{}`), "own/open-zone"); o.State != IsOpen || len(o.Open) != 1 || o.Open[0].Line != `"own/open-zone": {"remote": ["<FQDN>"]},` {
		t.Errorf("%s, open is %+v", o.State, o.Open)
	}
}

func TestOpenItems(t *testing.T) {
	r := build(t, `{ "select": { "entry": [ "hook", "silent", "voice" ] } }`)
	want := []rule.Open{
		{Missing: "binding", Why: "role exchange is bound to no addresses here", Ask: "which addresses do the machines of role exchange have, as the packet filter sees them?", Who: "this site", Section: "bind", Line: `"exchange": ["<CIDR>"],`},
		{Missing: "remote", Why: "not published", Ask: "from where?", Who: "the publisher", Section: "answers", Line: `"own/hook": {"remote": {"from": ["own/mail", "own/voice"]}, "services": "<tcp PORT, ...>"},`},
		{Missing: "services", Why: "not published", Who: "this site", Section: "answers", Line: `"own/hook": {"remote": {"from": ["own/mail", "own/voice"]}, "services": "<tcp PORT, ...>"},`},
		{Missing: "direction", Why: "no direction", Who: "this site", Section: "answers"},
		{Missing: "remote", Why: "no remote", Who: "this site", Section: "answers"},
		{Missing: "role", Why: "no role", Who: "this site", Section: "answers"},
		{Missing: "services", Why: "no services", Who: "this site", Section: "answers"},
		{Missing: "binding", Why: "role sbc is bound to no addresses here", Ask: "which addresses do the machines of role sbc have, as the packet filter sees them?", Who: "this site", Section: "bind", Line: `"sbc": ["<CIDR>"],`},
	}
	if len(r.Policy.Open) != len(want) {
		t.Fatalf("%d open items, want %d", len(r.Policy.Open), len(want))
	}
	for i, o := range r.Policy.Open {
		o.Entry = rule.Entry{}
		if want[i].Line == "" {
			want[i].Line = `"own/silent": {"remote": ["<CIDR or FQDN>"], "services": "<tcp PORT, ...>", "direction": "<outbound, inbound or bidirectional>", "role": "<role>"},`
		}
		if o != want[i] {
			t.Errorf("open item %d is\n%+v, want\n%+v", i, o, want[i])
		}
	}
}

func TestRoutes(t *testing.T) {
	members := func(file string) []string {
		var all []string
		for _, route := range build(t, file).Policy.Routes {
			text := string(route.Via) + ":"
			for _, m := range route.Members {
				text += " " + strings.TrimPrefix(m.Entry, "own/")
			}
			all = append(all, text)
		}
		return all
	}
	for _, test := range []struct {
		name, site string
		want       []string
	}{
		{"by default", `{}`, []string{"direct: guessed mail names", "proxy: mail-too"}},
		{"none", `{ "routes": [] }`, nil},
		{"the first that matches", `{ "routes": [ { "entry": [ "names", "own/mail" ], "via": "proxy" }, { "area": [ "mail" ], "via": "direct" }, { "via": "p.example.com:8080" } ] }`,
			[]string{"proxy: mail names", "direct: mail-too", "p.example.com:8080: guessed"}},
		{"an area in another letter case", `{ "routes": [ { "area": [ "MAIL" ], "category": [ "default" ], "via": "direct" } ] }`, []string{"direct: mail-too"}},
		{"area and category", `{ "routes": [ { "area": [ "mail" ], "category": [ "default" ], "via": "direct" } ] }`, []string{"direct: mail-too"}},
	} {
		if got := members(test.site); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// A site that names another site's things is a site with a mistake: see the tables
// of bad site files beside the command. Here: what a caller in Go gets.
func TestBuildRefuses(t *testing.T) {
	if _, err := Build(&Site{}, []*catalog.Catalog{ownCatalog(t), ownCatalog(t)}); err == nil || err.Error() != "catalogue own is loaded twice, in revisions 1 and 1; name only one of them" {
		t.Errorf("the same catalogue twice: %v", err)
	}
	s := &Site{Select: Selection{Entries: []string{"nothing"}}, Values: map[string][]string{"name": {"x"}}}
	_, err := Build(s, []*catalog.Catalog{ownCatalog(t)})
	want := "no entry \"nothing\" in the loaded catalogues; `gatewright list` shows the ids\nno placeholder of the loaded catalogues uses the value \"name\""
	if err == nil || err.Error() != want {
		t.Errorf("without a file: %v, want %s", err, want)
	}
}

// A digest is of what is selected, and of nothing else.
func TestSources(t *testing.T) {
	digest := func(file string) string { return build(t, file).Policy.Sources[0].Digest }
	all := digest(`{}`)
	if len(all) != len("sha256:")+64 || digest(`{ "bind": { "sbc": [ "10.0.0.1" ] }, "paths": "host" }`) != all {
		t.Errorf("the digest %s changes with what is bound", all)
	}
	if digest(`{ "select": { "exclude": [ "mail" ] } }`) == all {
		t.Error("the digest does not change with what is selected")
	}
}

func TestLoadCatalogs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "own.json")
	if err := os.WriteFile(file, []byte(document), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		refs []string
		want string // names and revisions, or the error
	}{
		{nil, "m365-worldwide@2025-12-01 m365-additional@2025-01-08"},
		{[]string{"m365-additional@2018-10-23", "own.json"}, "m365-additional@2018-10-23 own@1"},
		{[]string{"./own.json"}, "own@1"},
		{[]string{"own.json", "./own.json"}, `"own.json" and "./own.json" both hold the catalogue own; name only one of them`},
		{[]string{file}, `"` + file + `" leads out of the site file's folder; put the file there, or name all catalogues on the command line, including this one with --catalog ` + file},
		{[]string{"nowhere.json"}, "catalogue: open " + filepath.Join(dir, "nowhere.json") + ": no such file or directory"},
	} {
		catalogs, err := (&Site{Catalogs: test.refs}).LoadCatalogs(dir)
		var got []string
		for _, c := range catalogs {
			got = append(got, c.Name+"@"+c.Revision)
		}
		if err != nil {
			got = []string{err.Error()}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q: %q, want %q", test.refs, got, test.want)
		}
	}
}
