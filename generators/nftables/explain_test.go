package nftables

import (
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// TestExplain holds answers that the boundary flows of the corpus do not show.
func TestExplain(t *testing.T) {
	in := ruletest.Site(t)
	in.Grants = append(in.Grants,
		ruletest.Grant(t, "sample/inside", "", rule.Outbound, "clients", "tcp 2222", "192.168.7.0/24"),
		ruletest.Grant(t, "sample/resolve", "", rule.Outbound, "clients", "tcp 2223", "192.0.2.53"))
	p := ruletest.Compile(t, in)
	enforce := map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"198.51.100.0/24 tcp 22"}}
	for _, test := range []struct {
		name     string
		settings map[string][]string
		flow     string
		action   artefact.Action
		by, why  string // that the answer holds
	}{
		{"by address", nil, "outbound tcp 52.112.0.1:443 from 10.0.0.1", artefact.Accepts, "ip daddr @gatewright_skype-out-", ""},
		{"by address though named", nil, "outbound tcp a.example=52.112.0.1:443 from 10.0.0.1", artefact.Accepts, "tcp dport 443", "sees only the address 52.112.0.1"},
		{"published", nil, "inbound tcp 104.211.54.99 to 192.168.7.6:8443 published 443", artefact.Accepts, "ct original proto-dst @", ""},
		{"not published", nil, "inbound tcp 104.211.54.99 to 192.168.7.5:8443 published 443", artefact.NoMatch, "", "the site's own rules decide"},
		{"the other side", nil, "inbound tcp 10.0.0.1 to 192.168.7.9:2222", artefact.Accepts, "chain gatewright_outbound", ""},
		{"the other side told apart", map[string][]string{"wan": {"eth0"}}, "inbound tcp 10.0.0.1 to 192.168.7.9:2222", artefact.NoMatch, "", "decide"},
		{"a name with addresses", nil, "outbound tcp a.mixed.example.com:443 from 10.0.0.1", artefact.Unknown, "", "sees no name, but the addresses of rule exchange-out-"},
		{"a name without", nil, "outbound tcp loose.example.com:443 from 10.0.0.1", artefact.Unknown, "", "ask for loose.example.com=ADDRESS"},
		{"a name without, and no address matters", nil, "outbound tcp domains.live.com:80 from 10.0.0.1", artefact.Unknown, "", "has no prefix of it; others go by addresses"},
		{"a name from elsewhere", nil, "outbound tcp a.mixed.example.com:443 from 172.16.0.1", artefact.NoMatch, "", "decide"},
		{"any remote, whatever its address", nil, "inbound tcp a.example to 192.168.7.5:8080", artefact.Accepts, "ip daddr @gatewright_role_sts_direct", ""},
		{"marked", map[string][]string{"mode": {"mark"}, "mark": {"0x20"}}, "outbound tcp 52.112.0.1:443 from 10.0.0.1", artefact.Accepts, "mark 0x20 is set", ""},
		{"not marked", map[string][]string{"mode": {"mark"}}, "outbound tcp 52.112.0.1:80 from 172.16.0.1", artefact.NoMatch, "", "no mark is set"},
		{"dropped", enforce, "outbound tcp 52.112.0.1:80 from 172.16.0.1", artefact.Refuses, "policy drop of chain forward", ""},
		{"administrators", enforce, "inbound tcp 198.51.100.7 to 172.16.0.1:22", artefact.Accepts, "option admin", ""},
		{"DNS", enforce, "outbound udp 192.168.9.53:53 from 10.0.0.1", artefact.Accepts, "DNS to role resolver", ""},
		{"another machine", map[string][]string{"place": {"host"}, "roles": {"sts"}}, "outbound tcp 52.112.0.1:443 from 10.0.0.1", artefact.NotCarried, "", "this machine plays sts"},
		{"the other family", map[string][]string{"table": {"ip6 filter"}}, "outbound tcp 52.112.0.1:443 from 10.0.0.1", artefact.NoMatch, "", "table ip6 filter sees no flows of ip"},
	} {
		settings, err := artefact.Configure(Generator{}.Options(), test.settings)
		if err != nil {
			t.Fatal(err)
		}
		explain, err := Generator{}.Explain(p, settings)
		if err != nil {
			t.Fatal(err)
		}
		q, err := rule.ParseFlow(test.flow)
		if err != nil {
			t.Fatal(err)
		}
		a := explain(q.Flow)
		if by := strings.Join(a.By, "; "); a.Action != test.action || !strings.Contains(by, test.by) || !strings.Contains(a.Why, test.why) {
			t.Errorf("%s: the answer is %+v; want %s by %q, because %q", test.name, a, test.action, test.by, test.why)
		}
	}
}

func TestExplainRefusesWhatGenerateDoes(t *testing.T) {
	p := ruletest.Compile(t, ruletest.Site(t))
	for _, raw := range []map[string][]string{{"mode": {"enforce"}}, {"place": {"host"}, "roles": {"nobody"}}} {
		settings, err := artefact.Configure(Generator{}.Options(), raw)
		if err != nil {
			t.Fatal(err)
		}
		_, want := Generator{}.Generate(p, settings)
		if _, err := (Generator{}).Explain(p, settings); err == nil || want == nil || err.Error() != want.Error() {
			t.Errorf("%v: %v; want %v", raw, err, want)
		}
	}
}
