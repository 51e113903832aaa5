package site

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule"
)

func question(t *testing.T, text string) rule.Question {
	t.Helper()
	q, err := rule.ParseFlow(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestCandidates asks for flows that nothing accepts.
func TestCandidates(t *testing.T) {
	for _, test := range []struct{ name, site, flow, want string }{
		{"a role without addresses", `{}`, "outbound udp 198.51.100.7:3478", "voice open (binding)"},
		{"in both directions", `{}`, "inbound udp 198.51.100.7 to sbc:3478", "voice open (binding)"},
		{"not from another role", `{}`, "outbound udp 198.51.100.7:3478 from clients", ""},
		{"from an address, which the role may have", `{}`, "outbound udp 198.51.100.7:3478 from 192.168.9.9", "voice open (binding)"},
		{"dismissed", `{"answers": {"own/names": {"dismissed": "not used"}}}`, "outbound tcp www.example.org:80 from clients", "names dismissed: not used"},
		{"excluded", `{"select": {"exclude": ["mail"]}}`, "outbound tcp mail.example.com:443", "mail not selected: excluded"},
		{"of another instance", `{}`, "outbound tcp 203.0.113.200:443", "gov not selected: instance USGovDoD"},
		{"of another direction", `{"select": {"direction": ["inbound"]}}`, "outbound tcp mail.example.com:443", "mail not selected: direction outbound"},
		{"a placeholder of one label", `{}`, "outbound tcp contoso.example.net:443", "tenant open (value of <tenant>.example.net)"},
		{"not of two", `{}`, "outbound tcp a.contoso.example.net:443", ""},
		{"a path", `{}`, "outbound tcp docs.example.net:443", "tenant open (path of docs.example.net/help)"},
		{"a path alone", `{"values": {"tenant": ["contoso"], "email_domain": ["contoso.com"]}}`, "outbound tcp docs.example.net:443", "tenant rule (path of docs.example.net/help)"},
		{"a port that is not its own", `{}`, "outbound tcp contoso.example.net:80", ""},
		{"a remote that is open, of a role that is named", `{}`, "inbound tcp 192.0.2.1 to exchange:25", "hook open if meant (remote, services, binding)"},
		{"a remote that is open, of nobody", `{}`, "inbound tcp 192.0.2.1 to :25", ""},
		{"what is accepted", `{}`, "outbound tcp mail.example.com:443", ""},
		{"an answer counts", `{"answers": {"own/hook": {"remote": ["192.0.2.0/24"]}}}`, "inbound tcp 192.0.2.1 to :25", "hook open (services, binding)"},
		{"an answer that refers", `{"answers": {"own/hook": {"remote": {"from": "own/voice"}, "services": "tcp 25"}}}`, "inbound tcp 198.51.100.1 to :25", "hook open (binding)"},
	} {
		r := build(t, test.site)
		var got []string
		for _, w := range r.Candidates(question(t, test.flow)) {
			text := strings.TrimPrefix(w.Entry.ID, "own/") + " " + string(w.State)
			if w.Why != "" {
				text += ": " + w.Why
			}
			if w.AnyRemote {
				text += " if meant"
			}
			var open []string
			for _, o := range w.Open {
				item := o.Missing
				if o.Endpoint != "" {
					item += " of " + o.Endpoint
				}
				open = append(open, item)
			}
			if len(open) > 0 {
				text += " (" + strings.Join(open, ", ") + ")"
			}
			got = append(got, text)
		}
		if text := strings.Join(got, "; "); text != test.want {
			t.Errorf("%s: %q; want %q", test.name, text, test.want)
		}
	}
}

// TestComplete asks for hosts alone, which a client opens, and with a direction.
func TestComplete(t *testing.T) {
	r := build(t, `{}`)
	for _, test := range []struct{ text, want string }{
		{"mail.example.com", "outbound tcp mail.example.com:443"},
		{"outbound mail.example.com", "outbound tcp mail.example.com:443 because of a rule"},
		{"www.example.org", "outbound tcp www.example.org:443"},
		{"http://www.example.org/", "outbound tcp http://www.example.org:80"},
		{"outbound www.example.org", "outbound tcp www.example.org:80 because of a rule"},
		{"198.51.100.7", "outbound tcp 198.51.100.7:443"},
		{"outbound 198.51.100.7", "outbound udp 198.51.100.7:3478 because of entry own/voice"},
		{"inbound 198.51.100.7", "inbound udp 198.51.100.7 to :3478 because of entry own/voice"},
		{"outbound contoso.example.net", "outbound tcp contoso.example.net:443 because of entry own/tenant"},
		{"unknown.example.com", "outbound tcp unknown.example.com:443"},
		{"unknown.example.com:25", "outbound tcp unknown.example.com:25"},
		{"inbound 192.0.2.200", "inbound tcp 192.0.2.200 to :443"},
	} {
		var got []string
		for _, c := range r.Complete(question(t, test.text)) {
			text := c.String()
			if because, _, ok := strings.Cut(c.Because, " "); ok && because == "rule" {
				text += " because of a rule"
			} else if ok {
				text += " because of " + c.Because
			}
			got = append(got, text)
		}
		if text := strings.Join(got, "; "); text != test.want {
			t.Errorf("%s: %q; want %q", test.text, text, test.want)
		}
	}
}

// TestAcceptingIsWhatDecides holds that a flow has an accepting entry exactly if the
// policy accepts it, and that each is behind a rule that does.
func TestAcceptingIsWhatDecides(t *testing.T) {
	random := rand.New(rand.NewPCG(31, 32))
	r := build(t, `{"bind": {"sbc": ["192.168.0.0/24"], "exchange": ["192.168.1.1"]}, "values": {"tenant": ["contoso"], "email_domain": ["contoso.com"]}, "paths": "host",
		"answers": {"own/hook": {"remote": {"from": ["own/mail", "own/voice"]}, "services": "tcp 25"}, "own/silent": {"dismissed": "not used"}}}`)
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	accepted := 0
	for range 5000 {
		f := question(t, fmt.Sprintf("outbound %s %s:%s from %s", pick("tcp", "udp"),
			pick("mail.example.com", "192.0.2.1", "192.0.2.129", "198.51.100.1", "www.example.org", "docs.example.net", "contoso.example.net", "203.0.113.1"),
			pick("443", "80", "3478", "25"), pick("10.0.0.1", "192.168.0.9", "192.168.1.1", "172.32.0.1"))).Flow
		if random.IntN(2) == 0 {
			f.Direction = rule.Inbound
		}
		d := r.Policy.Decide(f)
		var ids []string
		for _, e := range r.Accepting(f) {
			ids = append(ids, e.ID)
			if !slices.Contains(d.Entries, e.ID) {
				t.Fatalf("%s: %s accepts it, and is behind none of %v", f, e.ID, d)
			}
		}
		if d.Accept() {
			accepted++
		}
		if d.Accept() != (len(ids) > 0) {
			t.Fatalf("%s is accepted by %v, by the entries %v", f, d, ids)
		}
	}
	if accepted < 200 {
		t.Errorf("%d flows were accepted", accepted)
	}
}
