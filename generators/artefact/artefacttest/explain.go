package artefacttest

import (
	"strings"
	"testing"
	"unicode"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// Explained is a generator as far as the checks of its answers need it.
type Explained interface {
	Options() []artefact.Option
	Generate(*rule.Policy, artefact.Settings) (artefact.Output, error)
	Explain(*rule.Policy, artefact.Settings) (artefact.Explainer, error)
}

// Asked is a flow that a generator is asked about, and what its answer holds.
type Asked struct {
	Name     string
	Settings map[string][]string
	Flow     string
	Action   artefact.Action
	By, Why  string
}

// CheckAnswers asks a generator about flows.
func CheckAnswers(t *testing.T, g Explained, p *rule.Policy, asked []Asked) {
	t.Helper()
	for _, test := range asked {
		settings, err := artefact.Configure(g.Options(), test.Settings)
		if err != nil {
			t.Fatal(err)
		}
		explain, err := g.Explain(p, settings)
		if err != nil {
			t.Fatal(err)
		}
		q, err := rule.ParseFlow(test.Flow)
		if err != nil {
			t.Fatal(err)
		}
		a := explain(q)
		if by := strings.Join(a.By, "; "); a.Action != test.Action || !strings.Contains(by, test.By) || !strings.Contains(a.Why, test.Why) {
			t.Errorf("%s: the answer is %+v; want %s by %q, because %q", test.Name, a, test.Action, test.By, test.Why)
		}
	}
}

// CheckRefusals holds that Explain refuses the settings that Generate refuses, by the
// same error.
func CheckRefusals(t *testing.T, g Explained, p *rule.Policy, refused []map[string][]string) {
	t.Helper()
	for _, raw := range refused {
		settings, err := artefact.Configure(g.Options(), raw)
		if err != nil {
			t.Fatal(err)
		}
		_, want := g.Generate(p, settings)
		if _, err := g.Explain(p, settings); err == nil || want == nil || err.Error() != want.Error() {
			t.Errorf("%v: %v; want %v", raw, err, want)
		}
	}
}

// FilterPolicy is what packet filters are asked about: ruletest.Site, with a role's
// addresses among a rule's remotes.
func FilterPolicy(t *testing.T) *rule.Policy {
	t.Helper()
	in := ruletest.Site(t)
	in.Grants = append(in.Grants,
		ruletest.Grant(t, "sample/inside", "", rule.Outbound, "clients", "tcp 2222", "192.168.7.0/24"),
		ruletest.Grant(t, "sample/resolve", "", rule.Outbound, "clients", "tcp 2223", "192.0.2.53"))
	return ruletest.Compile(t, in)
}

// FilterAsked are flows about which all packet filters say the same of FilterPolicy.
func FilterAsked() []Asked {
	enforce := map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"198.51.100.0/24 tcp 22"}}
	return []Asked{
		{"by address though named", nil, "outbound tcp a.example=52.112.0.1:443 from 10.0.0.1", artefact.Accepts, "tcp dport 443", "sees only the address 52.112.0.1"},
		{"not published", nil, "inbound tcp 104.211.54.99 to 192.168.7.5:8443 published 443", artefact.NoMatch, "", "the site's own rules decide"},
		{"the other side", nil, "inbound tcp 10.0.0.1 to 192.168.7.9:2222", artefact.Accepts, "chain gatewright_outbound", ""},
		{"the other side told apart", map[string][]string{"wan": {"eth0"}}, "inbound tcp 10.0.0.1 to 192.168.7.9:2222", artefact.NoMatch, "", "decide"},
		{"a name with addresses", nil, "outbound tcp a.mixed.example.com:443 from 10.0.0.1", artefact.AcceptsIf, "", "the name resolves to an address in "},
		{"a name without", nil, "outbound tcp loose.example.com:443 from 10.0.0.1", artefact.AcceptsIf, "", "the name resolves to an address in "},
		{"a name without, and no address matters", nil, "outbound tcp domains.live.com:80 from 10.0.0.1", artefact.AcceptsIf, "", "has no prefix for it"},
		{"a name from elsewhere", nil, "outbound tcp a.mixed.example.com:443 from 172.16.0.1", artefact.NoMatch, "", "decide"},
		{"of another family", nil, "outbound tcp [2603:1063::1]:443 from 192.168.8.1", artefact.NoMatch, "", "our side is IPv4 but the remote is IPv6, and no packet mixes the two"},
		{"of another family by a name", enforce, "outbound tcp a.example=52.112.0.1:443 from fd00::1", artefact.NoMatch, "", "our side is IPv6 but the remote is IPv4, and no packet mixes the two"},
		{"of another family to the other side", nil, "inbound tcp [2603:1006::1] to 192.168.7.6:443", artefact.NoMatch, "", "our side is IPv4 but the remote is IPv6, and no packet mixes the two"},
		{"marked", map[string][]string{"mode": {"mark"}, "mark": {"0x20"}}, "outbound tcp 52.112.0.1:443 from 10.0.0.1", artefact.Accepts, "mark 0x20 is set", ""},
		{"not marked", map[string][]string{"mode": {"mark"}}, "outbound tcp 52.112.0.1:80 from 172.16.0.1", artefact.NoMatch, "", "no mark is set"},
		{"administrators", enforce, "inbound tcp 198.51.100.7 to 172.16.0.1:22", artefact.Accepts, "option admin", ""},
		{"DNS", enforce, "outbound udp 192.168.9.53:53 from 10.0.0.1", artefact.Accepts, "DNS to role resolver", ""},
		{"another machine", map[string][]string{"place": {"host"}, "roles": {"sts"}}, "outbound tcp 52.112.0.1:443 from 10.0.0.1", artefact.NotCarried, "", "this machine plays sts"},
	}
}

// CheckRefusal holds that a value is refused if and only if it should be, by an error
// of one line.
func CheckRefusal(t testing.TB, value string, err error, want bool) {
	t.Helper()
	if (err != nil) != want {
		t.Errorf("%q: error %v; refused %t", value, err, want)
	}
	if err != nil && strings.ContainsFunc(err.Error(), unicode.IsControl) {
		t.Errorf("%q: error %q", value, err)
	}
}
