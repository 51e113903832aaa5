package generators

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
)

// requested reports whether a flow is a request that a proxy carries.
func requested(f rule.Flow) bool {
	return f.Direction == rule.Outbound && f.Protocol == netset.TCP && (f.Name != "" || !f.Remote.Unmap().IsUnspecified())
}

// unicast are the addresses to which a flow between two machines can go.
var unicast = []string{"1.0.0.0-223.255.255.255", "240.0.0.0-255.255.255.254", "1::-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}

// whole reports whether verdicts are on a flow: it can be, and keeps the publishers'
// promise.
func whole(p *rule.Policy, f rule.Flow) bool {
	return honoursPromise(p, f) && slices.ContainsFunc(unicast, func(text string) bool {
		first, last, _ := strings.Cut(text, "-")
		return netip.MustParseAddr(first).Compare(f.Remote) <= 0 && f.Remote.Compare(netip.MustParseAddr(last)) <= 0
	})
}

// TestAbsentRulesAreNotMentioned holds that an artefact says nothing of a rule that
// is absent or does not apply, and something of every other.
func TestAbsentRulesAreNotMentioned(t *testing.T) {
	generated(t, func(t *testing.T, c corpusCase, g Generator, s setting, p *rule.Policy) {
		out := generate(t, g, p, s)
		for i := range p.Rules {
			none := out.Coverage[i].Verdict == artefact.NotApplicable || out.Coverage[i].Verdict == artefact.Absent
			switch g.Kind() {
			case artefact.PacketFilter, artefact.Proxy:
				said := mentions(out, string(p.Rules[i].ID))
				if !none && g.Kind() == artefact.Proxy { // rules that share lists stand in a comment above them
					said = strings.Contains(text(artefact.Output{Artefacts: out.Artefacts}), string(p.Rules[i].ID))
				}
				if said == none {
					t.Errorf("%s %s: rule %s is %s, and is mentioned: %t", g.Name(), s.name, p.Rules[i].ID, out.Coverage[i].Verdict, none)
				}
			default:
				if mentions(out, string(p.Rules[i].ID)) {
					t.Errorf("%s %s: rule %s is mentioned", g.Name(), s.name, p.Rules[i].ID)
				}
			}
		}
		switch g.Kind() {
		case artefact.ProxyChooser:
			complain(t, strayEndpoints(t, g, p, s, out))
		case artefact.ZoneMap:
			complain(t, strayKeys(t, g, p, out))
		}
	})
}

// mentions reports whether a name or a line of an artefact, comments apart, has a word.
func mentions(out artefact.Output, word string) bool {
	for _, a := range out.Artefacts {
		if strings.Contains(a.Name, word) {
			return true
		}
		for line := range strings.Lines(string(a.Data)) {
			comment := strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") || strings.HasPrefix(line, ";")
			if !comment && strings.Contains(line, word) {
				return true
			}
		}
	}
	return false
}

// strayEndpoints returns the endpoints of a PAC file that are of no route's members of
// the roles that it serves.
func strayEndpoints(t *testing.T, g Generator, p *rule.Policy, s setting, out artefact.Output) []string {
	t.Helper()
	file, err := g.Read(artefact.FilesOf(out.Artefacts))
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]bool{}
	for _, route := range p.Routes {
		for _, m := range route.Members {
			if !slices.Contains(s.settings(t, g).List("roles"), string(m.Role)) {
				continue
			}
			for _, n := range m.Names {
				served[n.String()] = true
			}
			for n := range m.Prefixes.Prefixes() {
				served[n.String()] = true
			}
		}
	}
	var all []string
	stray := func(text string) {
		if !served[text] {
			all = append(all, "pac "+s.name+" has the endpoint "+text+" of no entry that it serves")
		}
	}
	for _, route := range file.Routes.Routes {
		for _, m := range route.Members {
			for _, n := range m.Names {
				stray(n.String())
			}
			for n := range m.Prefixes.Prefixes() {
				stray(n.String())
			}
		}
	}
	return all
}

// strayKeys returns the names that a registry file trusts by an absent site alone.
func strayKeys(t *testing.T, g Generator, p *rule.Policy, out artefact.Output) []string {
	t.Helper()
	zone, err := g.Read(artefact.FilesOf(out.Artefacts))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i, site := range p.TrustedSites {
		if out.Coverage[len(p.Rules)+i].Verdict != artefact.Absent {
			continue
		}
		for pattern := range site.Names.Patterns() {
			for _, name := range engine.BoundaryNames(pattern) {
				if zone.Trusts(name) && site.Names.Match(name) {
					all = append(all, "trusted-sites: "+site.Entry.ID+" is absent and "+name+" is trusted")
				}
			}
		}
	}
	return all
}

// honoursPromise reports whether the flow keeps what its publishers promise: where
// a rule has names and prefixes of the same endpoints, the flow's name is among
// the names exactly when its address is among the prefixes. A flow to a literal
// address has no name to compare.
func honoursPromise(p *rule.Policy, f rule.Flow) bool {
	if f.Name == "" {
		return true
	}
	for _, r := range p.Rules {
		if r.Remote.Addressed.Match(f.Name) != r.Remote.AddressedPrefixes.Contains(f.Remote) {
			return false
		}
	}
	return true
}

func TestHonoursPromise(t *testing.T) {
	p := kindSample(t)
	for _, c := range []struct {
		name, remote string
		want         bool
	}{
		{"a.example.net", "203.0.113.1", true}, {"a.example.net", "192.0.2.1", false},
		{"unlisted.invalid", "203.0.113.1", false}, {"unlisted.invalid", "192.0.2.1", true}, {"", "203.0.113.1", true},
	} {
		if honoursPromise(p, rule.Flow{Name: c.name, Remote: netip.MustParseAddr(c.remote)}) != c.want {
			t.Errorf("%q at %s: want %t", c.name, c.remote, c.want)
		}
	}
}
