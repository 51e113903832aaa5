package squid

import (
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
)

// example is one policy with settings; the golden file has its name.
type example struct {
	name     string
	in       rule.Input
	settings map[string][]string
}

func examples(t testing.TB) []example {
	return []example{
		{"empty", rule.Input{}, nil},
		{"empty-enforce", rule.Input{}, artefacttest.Settings("mode=enforce")},
		{"names", namesInput(t), nil},
		{"site", siteInput(t), nil},
		{"site-conf.d", siteInput(t), artefacttest.Settings("place=conf.d", "mode=enforce", "dir=/srv/squid/lists")},
		{"hostile", ruletest.Hostile(t, "www.example.com", hostileTexts()...), nil},
	}
}

// namesInput has every form of pattern, and those that meet at an apex.
func namesInput(t testing.TB) rule.Input {
	return rule.Input{
		Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}},
		Grants: []rule.Grant{ruletest.Grant(t, "sample/names", "names", rule.Outbound, "clients", "tcp 443",
			"exact.example.com",
			"*.alone.example", "*.apart.example", "*.further.example",
			"*.with.example", "with.example",
			"*.below.wide.example", "*.wide.example", "wide.example",
			"*.one.glob.example", "*e.glob.example",
			"autodiscover.*.example.org",
			"*-files.example.org",
			"*.a*.deep.example.org",
			"_tcp.example.net", "xn--bcher-kva.example.net",
		)},
	}
}

// siteInput has every shape of rule: names, literals of both families, both, any
// remote, rules of several roles, and rules that a proxy does not carry.
func siteInput(t testing.TB) rule.Input {
	return rule.Input{
		Sources: []rule.Source{{Name: "sample", Version: "2025-01-08", Digest: "sha256:0123"}},
		Bindings: []rule.Binding{
			{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8", "fc00::/7")},
			{Role: "servers", Addresses: ruletest.Prefixes(t, "192.168.7.5"), Published: ruletest.Prefixes(t, "192.168.7.6", "::/16")},
			{Role: "sts", Addresses: ruletest.Prefixes(t, "192.168.8.1")},
		},
		Grants: []rule.Grant{
			ruletest.Grant(t, "sample/sharing", "skype", rule.Outbound, "clients", "tcp 443", "52.112.0.0/14", "2603:1063::/38", "::/80"),
			ruletest.Grant(t, "sample/wizard", "exchange", rule.Outbound, "servers", "tcp 80,443,8000-8100; udp 53", "domains.live.com"),
			ruletest.Grant(t, "sample/mixed", "exchange", rule.Outbound, "clients", "tcp 443", "203.0.113.0/28", "*.mixed.example.com"),
			ruletest.Grant(t, "sample/loose", "exchange", rule.Outbound, "clients", "tcp 443", "loose.example.com"),
			ruletest.Grant(t, "sample/anywhere", "", rule.Outbound, "servers", "tcp 49443", "any"),
			ruletest.Grant(t, "sample/media", "skype", rule.Outbound, "clients", "udp 3478", "13.107.64.0/18"),
			ruletest.Grant(t, "sample/inbound", "identity", rule.Inbound, "sts", "tcp 443", "104.211.54.99"),
		},
		TrustedSites: []rule.TrustedSite{{Entry: rule.Entry{ID: "sample/zone"}, Names: netset.NameSetOf(ruletest.Pattern(t, "*.example.com"))}},
		Open:         []rule.Open{{Entry: rule.Entry{ID: "sample/pstn"}, Missing: rule.MissingRemote, Why: "published elsewhere"}},
	}
}

// hostileTexts try to leave a comment.
func hostileTexts() []string {
	return []string{
		"a\nhttp_access allow all\r\nhttp_access allow all",
		`"; acl gatewright_x src all`,
		"ends in a backslash \\",
		"*/ </script> {{ .Rules }} %s%d%n # ; } '",
		"größer 漢字 \u202e \u2028 \x00 \x1b[2J \xff",
		strings.Repeat("long ü", 2000),
	}
}

func generate(t testing.TB, p *rule.Policy, raw map[string][]string) artefact.Output {
	t.Helper()
	s, err := artefact.Configure(Generator{}.Options(), raw)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Generator{}.Generate(p, s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// bundle is all artefacts of an output in one text.
func bundle(out artefact.Output) string {
	var b strings.Builder
	for _, a := range out.Artefacts {
		b.WriteString("-- " + a.Name + " --\n")
		b.Write(a.Data)
	}
	return b.String()
}
