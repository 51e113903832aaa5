package site

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog"
	"gatewright/catalog/rule"
)

// ruleTexts says each rule in words, and whether its remote is on the site.
func ruleTexts(r *Result) []string {
	var texts []string
	for _, one := range r.Policy.Rules {
		text := fmt.Sprintf("%s %s %s", one.Direction, one.Role, one.Remote.Prefixes())
		if one.OnSite {
			text += " on site"
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// A remote stands on the site where the site says it is a role, or writes addresses
// that a role has; what a publisher lists never does.
func TestRemoteOnSite(t *testing.T) {
	const hook = `"select": { "entry": ["hook"] }, `
	for _, test := range []struct{ name, site, want string }{
		{"a role", hook + `"bind": { "exchange": ["10.9.0.1"], "mailer": ["10.8.0.0/30"] },
			"answers": { "own/hook": { "remote": { "role": "mailer" }, "services": "tcp 25" } }`,
			"inbound exchange 10.8.0.0/30 on site"},
		{"a role behind a DNAT", hook + `"bind": { "exchange": ["10.9.0.1"], "mailer": { "published": ["192.0.2.7"], "addresses": ["10.8.0.1"] } },
			"answers": { "own/hook": { "remote": { "role": "mailer" }, "services": "tcp 25" } }`,
			"inbound exchange 10.8.0.1, 192.0.2.7 on site"},
		{"addresses of the clients that nobody binds", hook + `"bind": { "exchange": ["203.0.113.1"] },
			"answers": { "own/hook": { "remote": ["10.1.7.7"], "services": "tcp 25" } }`,
			"inbound exchange 10.1.7.7 on site"},
		{"addresses of no role", hook + `"bind": { "clients": ["10.0.0.0/16"], "exchange": ["203.0.113.1"] },
			"answers": { "own/hook": { "remote": ["10.1.7.7"], "services": "tcp 25" } }`,
			"inbound exchange 10.1.7.7"},
		{"addresses of both", hook + `"bind": { "clients": ["10.0.0.0/16"], "exchange": ["203.0.113.1"] },
			"answers": { "own/hook": { "remote": ["10.0.0.0/15"], "services": "tcp 25" } }`,
			"inbound exchange 10.0.0.0/16 on site; inbound exchange 10.1.0.0/16"},
		{"any", hook + `"bind": { "exchange": ["10.9.0.1"] },
			"answers": { "own/hook": { "remote": "any", "services": "tcp 25" } }`,
			"inbound exchange "},
		{"what the site's own catalogue lists", `"select": { "entry": ["guessed"] }, "bind": { "clients": ["203.0.113.0/24"] }`,
			"outbound clients 203.0.113.1 on site"},
	} {
		if got := strings.Join(ruleTexts(build(t, "{"+test.site+"}")), "; "); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// A feed's addresses stay outside, even if a role has them.
func TestFeedIsNotOnSite(t *testing.T) {
	r := buildM365(t, `{ "select": { "entry": ["m365-worldwide/1"] }, "bind": { "clients": ["192.0.2.0/24"] } }`, webService, "Worldwide")
	if got := strings.Join(ruleTexts(r), "; "); strings.Contains(got, "on site") {
		t.Error(got)
	}
}

// A role as remote that is not bound is asked for, and nothing is rendered.
func TestRemoteRoleUnbound(t *testing.T) {
	r := build(t, `{ "select": { "entry": ["hook"] }, "bind": { "exchange": ["10.9.0.1"] },
		"answers": { "own/hook": { "remote": { "role": "clients" }, "services": "tcp 25" }, "own/voice": { "dismissed": "none" } } }`)
	if got := strings.Join(ruleTexts(r), "; "); !strings.Contains(got, "on site") {
		t.Errorf("clients are always bound: %s", got)
	}
	additional := func(file string) *Result {
		t.Helper()
		c, err1 := catalog.Load("m365-additional@2018-10-23")
		s, err2 := Read("site.json", []byte(file))
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		r, err := Build(s, []*catalog.Catalog{c})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r = additional(`{ "bind": { "sts": ["10.1.2.10"] } }`)
	o := outcome(t, r, "m365-additional/entra-connect-sso")
	if len(o.Rules) != 0 || len(o.Open) != 1 || o.Open[0].Missing != rule.MissingBinding || o.Open[0].Line != `"connect": ["<CIDR>"],` {
		t.Errorf("%v %+v", o.Rules, o.Open)
	}
	r = additional(`{ "bind": { "sts": ["10.1.2.10"], "sts-proxy": ["10.1.2.20"], "connect": ["10.1.7.7"] } }`)
	want := "inbound sts 10.1.7.7 on site; inbound sts-proxy 10.1.7.7 on site"
	if got := strings.Join(slices.DeleteFunc(ruleTexts(r), func(s string) bool { return !strings.Contains(s, " sts") }), "; "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The proxy alone is open to everybody, not the server behind it; and a role that is
// our reading is the site's to say.
func TestTwoMachines(t *testing.T) {
	c, err := catalog.Load("m365-additional@2018-10-23")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Read("site.json", []byte(`{ "select": { "entry": ["entra-connect-sso", "entra-connect-sso-proxy", "sts-federated", "exchange-hybrid-proxy-authentication"] },
		"bind": { "sts": ["10.1.2.10"], "sts-proxy": ["10.1.2.20"], "connect": ["10.1.7.7"] },
		"answers": { "m365-additional/sts-federated": { "remote": "any" },
			"m365-additional/exchange-hybrid-proxy-authentication": { "remote": ["198.51.100.0/24"], "services": "tcp 444", "role": "sts-proxy" } } }`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Build(s, []*catalog.Catalog{c})
	if err != nil {
		t.Fatal(err)
	}
	for flow, want := range map[string]bool{
		"inbound tcp 203.0.113.66 to 10.1.2.10:443": false,
		"inbound tcp 203.0.113.66 to 10.1.2.20:443": true,
		"inbound tcp 10.1.7.7 to 10.1.2.10:443":     true,
		"inbound tcp 10.1.7.7 to 10.1.2.20:80":      true,
		"inbound tcp 10.1.7.8 to 10.1.2.10:443":     false,
		"inbound tcp 198.51.100.1 to 10.1.2.20:444": true,
		"inbound tcp 198.51.100.1 to 10.1.2.10:444": false,
	} {
		q, err := rule.ParseFlow(flow)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Policy.Decide(q.Flow).Accept(); got != want {
			t.Errorf("%s: %v", flow, got)
		}
	}
}
