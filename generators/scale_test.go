package generators

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
	"gatewright/generators/pac"
	"gatewright/generators/proof"
	"gatewright/generators/squid"
	"gatewright/generators/trustedsites"
)

// realPolicy is the policy of a publisher's file below GATEWRIGHT_DATA, every entry of
// it outbound from clients to TCP port 443.
func realPolicy(t testing.TB, pattern string, group site.Grouping) *rule.Policy {
	t.Helper()
	dir := os.Getenv("GATEWRIGHT_DATA")
	if dir == "" {
		t.Skip("GATEWRIGHT_DATA names no folder of real feeds")
	}
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	c, err := feed.Read(files[0], data, feed.Naming{Name: "real"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := site.Read("site.json", []byte(`{"answers": {"real": {"services": "tcp 443", "direction": "outbound", "role": "clients"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	s.Group = group
	result, err := site.Build(s, []*catalog.Catalog{c})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Policy.Open) > 0 {
		t.Fatalf("open: %+v", result.Policy.Open[0])
	}
	return result.Policy
}

func rendered(t testing.TB, g Generator, p *rule.Policy, given map[string][]string) (artefact.Settings, artefact.Output) {
	t.Helper()
	settings, err := artefact.Configure(g.Options(), given)
	if err != nil {
		t.Fatal(err)
	}
	out, err := g.Generate(p, settings)
	if err != nil {
		t.Fatal(err)
	}
	return settings, out
}

// Clouds' whole feeds load, and the kernel accepts what the policy accepts.
func TestScaleFiltersHoldWholeFeeds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, file string
		group      site.Grouping
	}{
		{"Azure", "cloud/azure-*.json", site.ByArea},
		{"Azure, a rule for each tag", "cloud/azure-*.json", site.ByEntry},
		{"AWS", "cloud/aws-*.json", site.ByArea},
		{"a list of 120,430 addresses", "lists/ipsum_*.txt", site.ByArea},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := realPolicy(t, test.file, test.group)
			settings, out := rendered(t, nftables.Generator{}, p, nil)
			result, err := proof.NFTables(context.Background(), p, settings, out.Artefacts)
			proved(t, result, err)
			for _, ipset := range []string{"yes", "no"} {
				settings, out := rendered(t, iptables.Generator{}, p, map[string][]string{"ipset": {ipset}})
				result, err := proof.Iptables(context.Background(), p, settings, out.Artefacts)
				proved(t, result, err)
			}
		})
	}
}

func proved(t *testing.T, r proof.Result, err error) {
	t.Helper()
	switch {
	case err != nil:
		t.Errorf("%s: %v", r.Generator, err)
	case !r.Proved():
		t.Errorf("%.2000s", r)
	default:
		t.Log(r)
	}
}

// Squid takes the whole feeds, and a list of 123,962 names, without a warning.
func TestScaleSquidHoldsWholeFeeds(t *testing.T) {
	for _, file := range []string{"cloud/azure-*.json", "lists/ipsum_*.txt", "lists/hagezi_*.txt"} {
		p := realPolicy(t, file, site.ByArea)
		_, out := rendered(t, squid.Generator{}, p, nil)
		if err := engine.ParseSquid(context.Background(), out.Artefacts, "first"); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// What a PAC file cannot hold is an error that says what one can do.
func TestScalePACRefusesWhatNoBrowserTakes(t *testing.T) {
	for _, file := range []string{"lists/ipsum_*.txt", "lists/hagezi_*.txt"} {
		p := realPolicy(t, file, site.ByArea)
		settings, err := artefact.Configure(pac.Generator{}.Options(), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = pac.Generator{}.Generate(p, settings)
		if err == nil {
			t.Errorf("%s: a PAC file of it all", file)
			continue
		}
		for _, want := range []string{"1048576 bytes", "select fewer entries", "route fewer", "name the other generators"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not say %q", file, err, want)
			}
		}
	}
	p := realPolicy(t, "cloud/azure-*.json", site.ByArea)
	_, out := rendered(t, pac.Generator{}, p, map[string][]string{"proxy": {"192.0.2.3:8080"}})
	f := rule.Flow{Direction: rule.Outbound, Protocol: netset.TCP, Port: 443}
	for prefix := range p.Rules[0].Remote.Prefixes().Prefixes() {
		f.Remote = prefix.Addr()
		break
	}
	answers, err := engine.EvaluateNode(context.Background(), out.Artefacts[0].Data, []string{"https://" + f.Remote.String() + "/", "https://192.0.2.1/"})
	if err != nil || answers[0] != "DIRECT" || answers[1] != "PROXY 192.0.2.3:8080" {
		t.Errorf("of all of Azure: %q, %v", answers, err)
	}
}

// Names by the ten thousand are trusted by keys that the file holds.
func TestScaleTrustedSites(t *testing.T) {
	const count = 120_000
	var names []netset.Pattern
	for i := range count {
		p, err := netset.ParsePattern(fmt.Sprintf("www.site%d.example", i))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, p)
	}
	p, err := rule.Compile(rule.Input{TrustedSites: []rule.TrustedSite{{Entry: rule.Entry{ID: "own/zone", Title: "Zone"}, Names: netset.NameSetOf(names...)}}})
	if err != nil {
		t.Fatal(err)
	}
	_, out := rendered(t, trustedsites.Generator{}, p, nil)
	if c := out.Coverage; len(c) != 1 || c[0].Verdict != artefact.Exact || out.Artefacts[0].Elements != count {
		t.Errorf("%d keys, coverage %+v", out.Artefacts[0].Elements, c)
	}
}
