package squid

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
)

func TestGolden(t *testing.T) {
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			got := bundle(generate(t, ruletest.Compile(t, e.in), e.settings))
			artefacttest.Golden(t, e.name+".golden", got)
		})
	}
}

func TestOrderOfInputChangesNothing(t *testing.T) {
	for _, e := range examples(t) {
		one := bundle(generate(t, ruletest.Compile(t, e.in), e.settings))
		other := bundle(generate(t, ruletest.Compile(t, ruletest.Reversed(e.in)), e.settings))
		if one != other {
			t.Errorf("%s: reversed input changes the artefacts", e.name)
		}
	}
}

// TestConfigurationLoadsLast holds that each list exists before the
// configuration that names it, and that only that one has a loading command.
func TestConfigurationLoadsLast(t *testing.T) {
	for _, e := range examples(t) {
		out := generate(t, ruletest.Compile(t, e.in), e.settings)
		last := len(out.Artefacts) - 1
		for i, a := range out.Artefacts {
			if (a.Name == confName) != (i == last) || (a.Load != "") != (i == last) {
				t.Errorf("%s: artefact %d of %d is %s, loaded by %q", e.name, i+1, last+1, a.Name, a.Load)
			}
			if i < last && !strings.Contains(string(out.Artefacts[last].Data), "/"+strings.TrimPrefix(a.Name, listFolder)+"\"\n") {
				t.Errorf("%s: %s is not named by %s", e.name, a.Name, confName)
			}
		}
	}
}

func TestAccount(t *testing.T) {
	out := generate(t, ruletest.Compile(t, siteInput(t)), nil)
	want := map[string][2]int{
		"gatewright/src_clients.txt": {0, 2},
		"gatewright/src_servers.txt": {0, 2 + 16 + 64},
		confName:                     {4, 0},
	}
	for _, a := range out.Artefacts {
		if w, ok := want[a.Name]; ok && (a.Rules != w[0] || a.Elements != w[1]) {
			t.Errorf("%s: %d rules and %d elements; want %v", a.Name, a.Rules, a.Elements, w)
		}
	}
}

func TestLoadCommand(t *testing.T) {
	const reload = " && squid -k parse && squid -k reconfigure"
	for _, c := range []struct {
		dir, place string
		lists      bool
		want       string
	}{
		{"/srv/x", placeFirst, true, "install -D -m 644 -t /srv/x gatewright/*.txt gatewright.squid.conf && " +
			"{ grep -qxF 'include /srv/x/gatewright.squid.conf' /etc/squid/squid.conf || sed -i '1i include /srv/x/gatewright.squid.conf' /etc/squid/squid.conf; }" + reload},
		{"/srv/x", placeFirst, false, "install -D -m 644 -t /srv/x gatewright.squid.conf && " +
			"{ grep -qxF 'include /srv/x/gatewright.squid.conf' /etc/squid/squid.conf || sed -i '1i include /srv/x/gatewright.squid.conf' /etc/squid/squid.conf; }" + reload},
		{"/srv/x", placeConfD, true, "install -D -m 644 -t /srv/x gatewright/*.txt && install -m 644 gatewright.squid.conf /etc/squid/conf.d/gatewright.conf" + reload},
		{"/srv/x", placeConfD, false, "install -m 644 gatewright.squid.conf /etc/squid/conf.d/gatewright.conf" + reload},
	} {
		if got := loadCommand(c.dir, c.place, c.lists); got != c.want {
			t.Errorf("loadCommand(%q, %q, %t) = %q; want %q", c.dir, c.place, c.lists, got, c.want)
		}
	}
	if n := len("load: " + loadCommand("/"+strings.Repeat("d", artefact.MaxFolder-1), placeFirst, true)); n > maxComment {
		t.Errorf("the longest loading command has %d bytes and does not fit a comment of %d", n, maxComment)
	}
}

func TestNamesThatMeetAtAnApex(t *testing.T) {
	for _, c := range []struct {
		patterns                     string
		domains, apexes, expressions string
	}{
		{"a.example.com", "a.example.com", "", ""},
		{"*.example.com", ".example.com", "example.com", ""},
		{"*.example.com example.com", ".example.com", "", ""},
		{"*.b.example.com *.example.com", ".example.com", "example.com", ""},
		{"*.b.example.com b.example.com c.example.com", ".b.example.com c.example.com", "", ""},
		{"*.b.example.com *b.example.com", ".b.example.com", "", `^[^.]*b\.example\.com$`},
		{"*.example.com *.example.org example.org", ".example.com .example.org", "example.com", ""},
		{"a.*.example.com", "", "", `^a\.[^.]+\.example\.com$`},
		{"*.*.example.com", "", "", `^[^.]+(\.[^.]+)*\.[^.]+\.example\.com$`},
		{"*.x*y*.example.com", "", "", `^[^.]+(\.[^.]+)*\.x[^.]*y[^.]*\.example\.com$`},
	} {
		var patterns []netset.Pattern
		for _, text := range strings.Fields(c.patterns) {
			patterns = append(patterns, ruletest.Pattern(t, text))
		}
		n := splitNames(netset.NameSetOf(patterns...))
		if strings.Join(n.domains, " ") != c.domains || strings.Join(n.apexes, " ") != c.apexes || strings.Join(n.expressions, " ") != c.expressions {
			t.Errorf("%s: %+v; want domains %q, apexes %q, expressions %q", c.patterns, n, c.domains, c.apexes, c.expressions)
		}
	}
}

// TestNoPrefixCoversTheMappedBlock holds the lists of literals and sources free of
// prefixes that Squid reads as every IPv4 address, without losing any other.
func TestNoPrefixCoversTheMappedBlock(t *testing.T) {
	mapped := netip.MustParsePrefix("::ffff:0:0/96")
	for _, text := range []string{"::/16", "::/80", "::/1", "::ffff:0:0:0/80", "::/97", "::1", "2001:db8::/32", "10.0.0.0/8", "::fffe:0:0/96"} {
		set := ruletest.Prefixes(t, text, "192.0.2.0/24", "2001:db9::/32")
		words := listTokens(string(prefixList(set).sections[0].Tokens))
		if n := prefixList(set).elements; n != len(words) {
			t.Errorf("%s: %d elements counted, %d written", text, n, len(words))
		}
		for _, w := range words {
			if p, err := netip.ParsePrefix(w); err == nil && p.Overlaps(mapped) && p.Addr().Is6() {
				t.Errorf("%s: token %s reaches into the mapped block", text, w)
			}
		}
		if got := ruletest.Prefixes(t, words...); !got.Equal(set) {
			t.Errorf("%s: read back as %s; want %s", text, got, set)
		}
	}
}

// BenchmarkGenerate renders one rule; parsing and merging are not part of it.
func BenchmarkGenerate(b *testing.B) {
	for _, n := range []int{300, 10_000, 100_000, 1_000_000} {
		p := ruletest.Large(b, n)
		s, err := artefact.Configure(Generator{}.Options(), nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := (Generator{}).Generate(p, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
