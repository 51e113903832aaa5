package generators

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
	"gatewright/generators/pac"
	"gatewright/generators/proof"
	"gatewright/generators/squid"
	"gatewright/generators/trustedsites"
)

// damage is what somebody did to a file. Its old text stands there once.
type damage struct {
	name     string
	old, new string
	unnoted  bool // no answer changes: only the text shows it
}

// damaged returns the artefacts with the damage.
func damaged(t *testing.T, artefacts []artefact.Artefact, d damage) []artefact.Artefact {
	t.Helper()
	found := 0
	broken := slices.Clone(artefacts)
	for i := range broken {
		found += bytes.Count(broken[i].Data, []byte(d.old))
		broken[i].Data = bytes.ReplaceAll(broken[i].Data, []byte(d.old), []byte(d.new))
	}
	if found != 1 {
		t.Fatalf("%s: %q stands in the artefacts %d times; want once", d.name, d.old, found)
	}
	return broken
}

// damagedPolicy has names, an apex, stars, prefixes of both families and port ranges.
func damagedPolicy(t *testing.T) *rule.Policy {
	t.Helper()
	route := 0
	f := caseFile{
		Claim:    "what is damaged",
		Bindings: map[string]bindingFile{"clients": {Addresses: []string{"10.0.0.0/8", "fd00::/8"}}},
		Routes:   []string{"direct", "proxy"},
		Grants: []grantFile{
			{Entry: entryFile{ID: "d/names", Area: "names"}, Direction: "outbound", Role: "clients", Names: []string{"*.example.com", "www.example.org", "login.*.example.net"}, Services: "tcp 443", Route: &route},
			{Entry: entryFile{ID: "d/prefixes", Area: "prefixes"}, Direction: "outbound", Role: "clients", Prefixes: []string{"192.0.2.0/25", "2001:db8:7::/48"}, Services: "tcp 8000-8100", Route: &route},
		},
		Trusted: []trustedFile{{Entry: entryFile{ID: "d/zone"}, Names: []string{"www.example.com", "mail.example.com", "*.office.example.org"}}},
	}
	p := f.compiled()
	if p == nil {
		t.Fatal("the policy does not compile")
	}
	return p
}

// TestDamageIsFound holds that each damage shows in the proof of its backend and, if
// it changes an answer, that the engine itself shows it and both answers are told.
func TestDamageIsFound(t *testing.T) {
	const squidAllow = "http_access allow gatewright_src_clients gatewright_prefixes-out-hcdapp763_ports gatewright_prefixes-out-hcdapp763_literals !manager\n"
	p := damagedPolicy(t)
	proofs := []struct {
		generator Generator
		setting   setting
		prove     func(context.Context, *rule.Policy, artefact.Settings, []artefact.Artefact) (proof.Result, error)
		damages   []damage
	}{
		{pac.Generator{}, pacSettings(p)[0], proof.PAC, []damage{
			{name: "a line removed", old: "www.example.org", new: ""},
			{name: "a prefix changed", old: "192.0.2.0/25", new: "192.0.2.0/24"},
			{name: "an IPv6 prefix changed", old: "2001:db8:7::/48", new: "2001:db8:7::/49"},
			{name: "a port off by one", old: "8000-8100", new: "8000-8101"},
			{name: "an apex let in", old: "for (dot = rest.indexOf('.', 1); dot > 0;", new: "for (dot = 0; dot >= 0;"},
			{name: "a star a label too deep", old: "if (more < 0 || more > 0 && globs[0] !== '*')", new: "if (more < 0)"},
			{name: "letter case kept", old: "authority = authority.substring(authority.lastIndexOf('@') + 1).toLowerCase();", new: "authority = authority.substring(authority.lastIndexOf('@') + 1);"},
			{name: "user information taken for a host", old: "authority.lastIndexOf('@') + 1", new: "0"},
			{name: "a way reversed", old: "return best < 0 ? unmatched : answers[best];", new: "return best < 0 ? answers[0] : unmatched;"},
			{name: "no program", old: "function FindProxyForURL(url, host) {", new: "function FindProxyForURL(url, host) {{"},
			{name: "a statement behind a carriage return in a comment", old: "function FindProxyForURL(url, host) {", new: "// end\rvar extra = 1;\nfunction FindProxyForURL(url, host) {", unnoted: true},
			{name: "a rule doubled", old: "'www.example.org'\n", new: "'www.example.org',\n'www.example.org'\n", unnoted: true},
		}},
		{squid.Generator{}, setting{name: "default"}, proof.Squid, []damage{
			{name: "a line removed", old: "\nwww.example.org\n", new: "\n"},
			{name: "a prefix changed", old: "192.0.2.0/25", new: "192.0.2.0/24"},
			{name: "an IPv6 prefix changed", old: "2001:db8:7::/48", new: "2001:db8:7::/49"},
			{name: "a port off by one", old: "8000-8100", new: "8000-8101"},
			{name: "clients changed", old: "10.0.0.0/8", new: "10.0.0.0/9"},
			{name: "a list that is no list", old: "\n.example.com\n", new: "\n*.example.com\n"},
			{name: "a rule taken away", old: "_literals !manager\n", new: "_ports !manager\n"},
			{name: "a rule doubled", old: squidAllow, new: squidAllow + squidAllow, unnoted: true},
		}},
		{trustedsites.Generator{}, setting{name: "default"}, proof.TrustedSites, []damage{
			{name: "a name changed", old: `\example.com\mail]`, new: `\example.com\male]`},
			{name: "a key widened", old: `\example.com\www]`, new: `\example.com]`},
			{name: "another zone", old: "\\example.com\\www]\r\n\"https\"=dword:00000002", new: "\\example.com\\www]\r\n\"https\"=dword:00000001"},
		}},
	}
	for _, one := range proofs {
		out := generate(t, one.generator, p, one.setting)
		settings := one.setting.settings(t, one.generator)
		whole, err := one.prove(t.Context(), p, settings, out.Artefacts)
		if err != nil || !whole.Proved() || whole.Asked < 10 {
			t.Fatalf("%s is not proved undamaged: %v, %v", one.generator.Name(), whole, err)
		}
		for _, d := range one.damages {
			t.Run(one.generator.Name()+"/"+strings.ReplaceAll(d.name, " ", "-"), func(t *testing.T) {
				t.Parallel()
				r, err := one.prove(t.Context(), p, settings, damaged(t, out.Artefacts, d))
				if err != nil {
					t.Fatal(err)
				}
				byText := slices.DeleteFunc(slices.Clone(r.Disagreements), func(d proof.Disagreement) bool { return !strings.Contains(d.What, ": line ") })
				byEngine := len(r.Disagreements) - len(byText)
				if len(byText) == 0 || (byEngine == 0) != d.unnoted {
					t.Errorf("%d lines and %d answers show it:\n%s", len(byText), byEngine, r)
				}
				for _, d := range r.Disagreements {
					if d.What == "" || d.Model == d.Backend {
						t.Errorf("a disagreement that says nothing: %s", d)
					}
				}
			})
		}
	}
}

// TestPACSettingsAreProved holds that a proof knows every option of the generator, and
// notices that a file was made for another value of it.
func TestPACSettingsAreProved(t *testing.T) {
	p := damagedPolicy(t)
	options := map[string][]string{
		"proxy": {pacProxy, "HTTPS proxy.example.net:443", "SOCKS5 [2001:db8::80]:1080", "SOCKS 192.0.2.80:1080"}, "plain": {"proxy"}, "local": {"10.20.0.0/16", "fd00:20::/32"},
		"internal": {"www.example.org", "*.example.net", "x*.y.*.example.com", "172.16.0.0/12"},
		"fallback": {"yes"}, "roles": {"clients"},
	}
	whole := setting{"options", options}
	out := generate(t, pac.Generator{}, p, whole)
	r, err := proof.PAC(t.Context(), p, whole.settings(t, pac.Generator{}), out.Artefacts)
	complain(t, proofComplaints(r, err))
	node := proof.Interpreters()[1]
	for option := range options {
		less := setting{"without " + option, maps.Clone(options)}
		delete(less.options, option)
		if option == "proxy" {
			less.options = map[string][]string{"local": options["local"]}
		}
		settings := less.settings(t, pac.Generator{})
		flows, err := proof.PACFlows(p, whole.settings(t, pac.Generator{}))
		if err != nil {
			t.Fatal(err)
		}
		r, err := node.PAC(t.Context(), p, settings, out.Artefacts, flows, len(flows))
		if err != nil || r.Proved() != (option == "roles") { // clients is the default
			t.Errorf("%s: %v, proved %t", less.name, err, r.Proved())
		}
	}
}

// linkedPrograms returns a folder with links to programs of this machine.
func linkedPrograms(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestProofByEngineThatCrashes holds that an engine's own fault is told as such, and
// never as a disagreement about the files.
func TestProofByEngineThatCrashes(t *testing.T) {
	p := damagedPolicy(t)
	dir := t.TempDir()
	for _, program := range []string{"pactester", "nft", "ipset", "iptables-legacy-restore", "iptables-nft-restore", "squid"} {
		if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\necho 'realloc(): invalid pointer' >&2\nkill -SEGV $$\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	for _, one := range []struct {
		generator Generator
		prove     func(context.Context, *rule.Policy, artefact.Settings, []artefact.Artefact) (proof.Result, error)
		crashed   string
	}{
		{nftables.Generator{}, proof.NFTables, "nft"},
		{iptables.Generator{}, proof.Iptables, "ipset"},
		{pac.Generator{}, proof.PAC, "pactester"},
		{squid.Generator{}, proof.Squid, "squid"},
	} {
		s := setting{name: "default"}
		out := generate(t, one.generator, p, s)
		want := one.crashed + " crashed (signal 11, segmentation fault); this is a fault of the program, not of the files; try another version of it: realloc(): invalid pointer"
		if r, err := one.prove(t.Context(), p, s.settings(t, one.generator), out.Artefacts); err == nil || err.Error() != want {
			t.Errorf("%s: %v, error %v; want %s", one.generator.Name(), r, err, want)
		}
	}
}

// TestProofWithoutEngines holds that a missing engine is an error that names its
// package, and one of several interpreters is enough.
func TestProofWithoutEngines(t *testing.T) {
	p := damagedPolicy(t)
	proxied := pacSettings(p)[0]
	out, settings := generate(t, pac.Generator{}, p, proxied), proxied.settings(t, pac.Generator{})
	only := linkedPrograms(t, "node")
	t.Setenv("PATH", only)
	if r, err := proof.PAC(t.Context(), p, settings, out.Artefacts); err != nil || !r.Proved() || r.Engine != "Node.js" {
		t.Errorf("with Node.js alone: %v, %v", r, err)
	}
	t.Setenv("PATH", t.TempDir())
	var missing *engine.MissingError
	if _, err := proof.PAC(t.Context(), p, settings, out.Artefacts); !errors.As(err, &missing) || missing.Package == "" {
		t.Errorf("without interpreters: %v", err)
	}
}

// TestProofByBrokenEngines holds that an engine which works for no file is an error,
// and no disagreement about this one.
func TestProofByBrokenEngines(t *testing.T) {
	p := damagedPolicy(t)
	broken := t.TempDir()
	for _, name := range []string{"node", "squid"} {
		if err := os.WriteFile(filepath.Join(broken, name), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", broken)
	for _, one := range []struct {
		generator Generator
		setting   setting
		prove     func(context.Context, *rule.Policy, artefact.Settings, []artefact.Artefact) (proof.Result, error)
		want      string
	}{
		{pac.Generator{}, pacSettings(p)[0], proof.PAC, "Node.js does not work here: "},
		{squid.Generator{}, setting{name: "default"}, proof.Squid, "Squid does not work here: "},
	} {
		out := generate(t, one.generator, p, one.setting)
		r, err := one.prove(t.Context(), p, one.setting.settings(t, one.generator), out.Artefacts)
		if err == nil || !strings.Contains(err.Error(), one.want) {
			t.Errorf("%s: %v, %v; want an error with %q", one.generator.Name(), r, err, one.want)
		}
	}
}
