package nftables

import (
	"strings"
	"testing"

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
	set := artefacttest.Settings
	site := ruletest.Site(t)
	return []example{
		{"empty", rule.Input{}, nil},
		{"chains", site, nil},
		{"chains-host", site, set("place=host", "roles=sts", "roles=clients")},
		{"chains-ip", site, set("table=ip filter")},
		{"chains-ip6", site, set("table=ip6 site.v6")},
		{"chains-interfaces", site, set("wan=eth0", "lan=eth2", "lan=eth1.100")},
		{"mark", site, set("mode=mark")},
		{"mark-host", site, set("mode=mark", "place=host", "roles=sts", "mark=0x80000000")},
		{"enforce-forward", site, set("mode=enforce", "place=forward", "admin=198.51.100.0/24 tcp 22,443; udp 161", "admin=2001:db8:ad::/48 tcp 22", "wan=eth0", "lan=eth1")},
		{"enforce-host", site, set("mode=enforce", "place=host", "roles=sts", "roles=clients", "admin=198.51.100.7 tcp 22")},
		{"enforce-empty", rule.Input{}, set("mode=enforce", "place=forward", "admin=none")},
		{"hostile", ruletest.Hostile(t, "192.0.2.0/24", hostileTexts()...), nil},
	}
}

// hostileTexts try to leave a comment.
func hostileTexts() []string {
	return []string{
		"\"; } accept comment \"",
		"line one\nflush ruleset\r\nline two",
		"ends in a backslash \\",
		"*/ </script> {{ .Table }} %s%d%n # ; }",
		"größer 漢字 \u202e \u2028 \x00 \x1b[2J \xff",
		strings.Repeat("long ü", 2000),
	}
}

func generate(t testing.TB, in rule.Input, raw map[string][]string) (artefact.Output, error) {
	t.Helper()
	s, err := artefact.Configure(Generator{}.Options(), raw)
	if err != nil {
		return artefact.Output{}, err
	}
	return Generator{}.Generate(ruletest.Compile(t, in), s)
}

// text is the one artefact of an output.
func text(t testing.TB, in rule.Input, raw map[string][]string) string {
	t.Helper()
	out, err := generate(t, in, raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Artefacts) != 1 {
		t.Fatalf("%d artefacts; want 1", len(out.Artefacts))
	}
	return string(out.Artefacts[0].Data)
}
