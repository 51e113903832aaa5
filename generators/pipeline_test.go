package generators

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/pac"
	"gatewright/generators/squid"
	"gatewright/generators/trustedsites"
)

// pipelineSite binds the usual roles, one of them published and one both ways, and
// gives every value that an endpoint can ask for.
const pipelineSite = `{
	"bind": {
		"clients": ["10.0.0.0/8", "fd00::/8"], "servers": ["192.168.0.0/24"], "exchange": {"published": ["192.168.1.10", "fd00:1::10"]},
		"sts": {"addresses": ["192.168.2.1"], "published": ["192.168.2.2"]}, "sbc": ["192.168.3.0/30"], "resolver": ["192.168.9.53"]
	},
	"values": {"tenant": "contoso", "email_domain": ["example.com", "example.org"]}, "paths": "host",
	"select": {"exclude": ["frame/a", "frame/b", "frame/c", "frame/d", "frame/e"]},
	"routes": [{"area": ["mail"], "via": "p1.example.net:1, p2.example.net:2"}, {"category": ["default"], "via": "proxy"}, {"via": "direct"}]
}`

// pipelineFrame has what the site file names, in entries that it excludes.
const pipelineFrame = `{"catalog": "frame", "revision": "1", "title": "t", "placeholders": {"tenant": "label", "email_domain": "fqdn"}, "entries": [
{"id": "a", "title": "t", "area": "mail", "category": "default", "direction": "inbound", "role": "servers", "services": "tcp 1", "endpoints": ["192.0.2.1"]},
{"id": "b", "title": "t", "direction": "inbound", "role": "exchange", "services": "tcp 1", "endpoints": ["192.0.2.1"]},
{"id": "c", "title": "t", "direction": "inbound", "role": "sts", "services": "tcp 1", "endpoints": ["192.0.2.1"]},
{"id": "d", "title": "t", "direction": "inbound", "role": "sbc", "services": "tcp 1", "endpoints": ["192.0.2.1"]},
{"id": "e", "title": "t", "direction": "outbound", "role": "clients", "services": "tcp 1", "endpoints": ["<tenant>.example.com", "<email_domain>"]}
]}`

// way is one generator with one setting, and a reader of what it writes.
type way struct {
	generator Generator
	setting   setting
	settings  artefact.Settings

	// complaints tells where what is read differs from the policy. Nothing is an
	// output of a policy with the same bindings and routes that accepts nothing.
	complaints func(w way, p *rule.Policy, out, nothing artefact.Output) []string
	nothing    artefact.Output
}

// ways are the generators under every setting that gives other text, in a fixed
// order.
func ways(t testing.TB, nothing *rule.Policy) []way {
	var all []way
	for _, g := range All() {
		check := map[string]func(way, *rule.Policy, artefact.Output, artefact.Output) []string{
			"nftables": filterTextComplaints, "iptables": filterTextComplaints, "pac": pacTextComplaints,
			"squid": squidTextComplaints, "trusted-sites": zoneTextComplaints,
		}[g.Name()]
		for _, s := range settingsOf(g, nothing) {
			if g.Name() == "pac" && s.name == "default" || s.name == "conf.d" {
				continue // without a proxy, and in conf.d, most flows have one answer
			}
			options, err := artefact.Configure(g.Options(), s.options)
			if err != nil {
				t.Fatal(err)
			}
			w := way{generator: g, setting: s, settings: options, complaints: check}
			if w.nothing, err = g.Generate(nothing, options); err != nil {
				t.Fatal(err)
			}
			all = append(all, w)
		}
	}
	return all
}

// maxCatalog keeps an execution short, in bytes.
const maxCatalog = 8 << 10

// FuzzPipeline reads any bytes as a catalogue, and renders what it says one way: its
// text is read back, and means what the policy does.
func FuzzPipeline(f *testing.F) {
	build := pipeline(f)
	nothing, err := build([]byte(`{"catalog": "c", "revision": "1", "title": "t", "entries": []}`))
	if err != nil {
		f.Fatal(err)
	}
	all := ways(f, nothing)
	for i, text := range pipelineSeeds {
		for j := range all {
			if j%len(pipelineSeeds) == i || i == 0 {
				f.Add([]byte(text), uint8(j))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, choice uint8) {
		if len(data) > maxCatalog {
			return
		}
		p, err := build(data)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\x00\x1b") {
				t.Fatalf("error %q", err)
			}
			return
		}
		w := all[int(choice)%len(all)]
		out, err := w.generator.Generate(p, w.settings)
		if err != nil {
			t.Fatalf("%s %s: %v", w.generator.Name(), w.setting.name, err)
		}
		for _, complaint := range w.complaints(w, p, out, w.nothing) {
			t.Errorf("%s %s: %s", w.generator.Name(), w.setting.name, complaint)
		}
	})
}

// TestPipelineSeeds holds that the seeds are catalogues, with rules or trusted sites.
func TestPipelineSeeds(t *testing.T) {
	build := pipeline(t)
	for _, text := range pipelineSeeds {
		if p, err := build([]byte(text)); err != nil || len(p.Rules)+len(p.TrustedSites) == 0 {
			t.Errorf("%s\nmakes %+v, %v", text, p, err)
		}
	}
}

// pipeline compiles a catalogue for pipelineSite.
func pipeline(t testing.TB) func(data []byte) (*rule.Policy, error) {
	t.Helper()
	s, err := site.Read("site.json", []byte(pipelineSite))
	if err != nil {
		t.Fatal(err)
	}
	frame, err := catalog.Read("frame.json", []byte(pipelineFrame))
	if err != nil {
		t.Fatal(err)
	}
	return func(data []byte) (*rule.Policy, error) {
		c, err := catalog.Read("c.json", data)
		if err != nil {
			return nil, err
		}
		result, err := site.Build(s, []*catalog.Catalog{frame, c})
		if err != nil {
			return nil, err
		}
		return result.Policy, nil
	}
}

// pipelineSeeds have every kind of entry; the first has all of them.
var pipelineSeeds = []string{
	`{"catalog": "c", "revision": "1", "title": "t", "placeholders": {"tenant": "label"}, "entries": [
{"id": "a", "title": "T \"x\" \\ %s", "area": "mail", "category": "optimize", "direction": "bidirectional", "role": "exchange", "services": "tcp 25,443; udp 3478-3481", "endpoints": ["192.0.2.0/24", "2001:db8::/32", "*.example.net"]},
{"id": "b", "title": "t", "category": "default", "direction": "outbound", "role": "clients", "services": "tcp 80-90", "endpoints": ["*-files.example.com", "auto.*.example.org", "www.example.com", "198.51.100.7"]},
{"id": "c", "title": "t", "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": ["<tenant>-my.sharepoint.com", "aka.ms/wizard", "10.9.0.0/16"]},
{"id": "d", "title": "t", "direction": "inbound", "role": "sts", "services": "tcp 443,49443", "endpoints": ["203.0.113.0/28"]},
{"id": "e", "title": "t", "kind": "trusted-site", "endpoints": ["*.b.example.com", "www.example.co.uk"]},
{"id": "f", "title": "t", "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": ["::/16", "198.51.100.0/24"]}
]}`,
	`{"catalog": "c", "revision": "1", "title": "t", "entries": [{"id": "a", "title": "t", "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": ["192.0.2.1"]}]}`,
	`{"catalog": "c", "revision": "1", "title": "t", "entries": [{"id": "a", "title": "t", "direction": "inbound", "role": "sbc", "services": "udp 5060-5061", "endpoints": ["192.0.2.0/25", "2001:db8::1"]}]}`,
	`{"catalog": "c", "revision": "1", "title": "t", "entries": [{"id": "a", "title": "t", "direction": "outbound", "role": "servers", "services": "tcp 1-65535", "endpoints": ["*.a.example.com", "a.example.com", "*.b.a.example.com"]}]}`,
	`{"catalog": "c", "revision": "1", "title": "t", "entries": [{"id": "a", "title": "t", "kind": "trusted-site", "endpoints": ["a.example.com"]}]}`,
}

// filterTextComplaints goes by what the files open, and by what stands in them besides.
func filterTextComplaints(w way, p *rule.Policy, out, nothing artefact.Output) []string {
	g := w.generator
	for _, s := range filterSettings(g.Name(), p) {
		if s.name != w.setting.name {
			continue
		}
		all := readingComplaints(g, p, s, out)
		is, err := g.Read(artefact.FilesOf(out.Artefacts))
		want, bad := g.Read(artefact.FilesOf(nothing.Artefacts))
		if err != nil || bad != nil || !slices.Equal(is.Beside, want.Beside) {
			all = append(all, fmt.Sprintf("beside its rules it has %v, %v; want %v, %v", is.Beside, err, want.Beside, bad))
		}
		return all
	}
	return []string{"no setting " + w.setting.name}
}

// someRequests are at most so many of a policy's requests, evenly spread.
const someRequests = 48

func requestsOf(p *rule.Policy) []rule.Flow {
	all := slices.DeleteFunc(engine.BoundaryFlows(p), func(f rule.Flow) bool {
		return f.Direction != rule.Outbound || f.Protocol != netset.TCP || f.Name == "" && f.Remote.Unmap().IsUnspecified()
	})
	step := len(all)/someRequests + 1
	var some []rule.Flow
	for i := 0; i < len(all); i += step {
		some = append(some, all[i])
	}
	return some
}

func squidTextComplaints(w way, p *rule.Policy, out, _ artefact.Output) []string {
	answer, err := squid.Generator{}.Explain(p, w.settings)
	if err != nil {
		return []string{err.Error()}
	}
	var all []string
	for _, f := range requestsOf(p) {
		if got, want := answer(rule.Question{Flow: f}).Action == artefact.Accepts, p.Decide(rule.Seen(f, rule.Proxy)).Accept(); got != want {
			all = append(all, fmt.Sprintf("it accepts %t, the policy %t: %s", got, want, flowText(f)))
		}
	}
	return all
}

// pacTextComplaints goes by a reader that renders the file again and compares it, so
// that its program is the one that the interpreters are asked about.
func pacTextComplaints(_ way, p *rule.Policy, out, _ artefact.Output) []string {
	file, err := pac.Generator{}.Read(artefact.FilesOf(out.Artefacts))
	if err != nil {
		return []string{err.Error()}
	}
	var all []string
	for _, f := range requestsOf(p) {
		got := string(file.Routes.Route(f, rule.Clients))
		if got == string(rule.Direct) || got == string(rule.Proxied) {
			got = answerOf(rule.Via(got))
		}
		if want := answerOf(route(p, f)); got != want {
			all = append(all, fmt.Sprintf("it answers %q, the policy %q: %s", got, want, flowText(f)))
		}
	}
	return all
}

func zoneTextComplaints(_ way, p *rule.Policy, out, _ artefact.Output) []string {
	zone, err := trustedsites.Generator{}.Read(artefact.FilesOf(out.Artefacts))
	if err != nil {
		return []string{err.Error()}
	}
	verdicts := map[artefact.Verdict]bool{}
	for _, c := range out.Coverage {
		verdicts[c.Verdict] = true
	}
	var all []string
	listed := trusted(p)
	for pattern := range listed.Patterns() {
		for _, name := range engine.BoundaryNames(pattern) {
			got, want := zone.Trusts(name), listed.Match(name)
			short := verdicts[artefact.Narrower] || verdicts[artefact.Absent] || verdicts[artefact.Wider]
			if got && !want && !verdicts[artefact.Wider] || want && !got && !short {
				all = append(all, fmt.Sprintf("it trusts %q: %t; the policy %t", name, got, want))
			}
		}
	}
	return all
}
