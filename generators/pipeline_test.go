package generators

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/generators/artefact"
	"gatewright/generators/engine/enginetest"
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

// way is one generator with one setting, and what and the rules of a policy
// with the same bindings that accepts nothing.
type way struct {
	generator Generator
	setting   setting
	beside    []artefact.Statement
}

// ways are the generators under every setting, in a fixed order.
func ways(t testing.TB, nothing *rule.Policy) []way {
	var all []way
	for _, g := range All() {
		for _, s := range kindSettings(g, nothing) {
			options, err := artefact.Configure(g.Options(), s.options)
			if err != nil {
				t.Fatal(err)
			}
			out, err := g.Generate(nothing, options)
			if err != nil {
				t.Fatal(err)
			}
			r, err := g.Read(artefact.FilesOf(out.Artefacts))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, way{g, s, r.Beside})
		}
	}
	return all
}

// complaints reports where the files differ from the policy, and where a catalogue has
// changed a part beside a packet filter's rules.
func (w way) complaints(p *rule.Policy) []string {
	all := conformanceComplaints(w.generator, p, w.setting, evenly(distinct(enginetest.BoundaryFlows(p), byAll(p)), 200))
	settings, _ := artefact.Configure(w.generator.Options(), w.setting.options)
	out, err := w.generator.Generate(p, settings)
	if err != nil {
		return append(all, err.Error())
	}
	if r, err := w.generator.Read(artefact.FilesOf(out.Artefacts)); err != nil || w.generator.Kind() == artefact.PacketFilter && !slices.Equal(r.Beside, w.beside) {
		all = append(all, fmt.Sprintf("%s %s: beside its rules it has %v, %v; want %v", w.generator.Name(), w.setting.name, r.Beside, err, w.beside))
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
		for _, complaint := range all[int(choice)%len(all)].complaints(p) {
			t.Error(complaint)
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
