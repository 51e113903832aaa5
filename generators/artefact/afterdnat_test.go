package artefact

import (
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// TestAfterDNAT holds what is lost of published addresses where no port before DNAT is
// seen: nothing is rendered by them, and a witness is one that no other rule lets in.
func TestAfterDNAT(t *testing.T) {
	const reason = "a filter behind DNAT does not see the port that a published address was asked for"
	for _, c := range []struct {
		name                 string
		addresses, published []string
		verdict              Verdict
		witness              string
	}{
		{"addresses alone", []string{"10.0.0.5"}, nil, Exact, ""},
		{"published alone", nil, []string{"10.0.0.9"}, Absent, ""},
		{"both", []string{"10.0.0.5"}, []string{"10.0.0.9"}, Narrower, "inbound tcp 192.0.2.1 to 10.0.0.9:443"},
		{"an address that is published, too", []string{"10.0.0.8/31"}, []string{"10.0.0.9"}, Narrower, "inbound tcp 192.0.2.1 to 10.0.0.9:1 published 443"},
		{"the other family's addresses", []string{"fd00::5"}, []string{"10.0.0.9"}, Absent, ""},
	} {
		p := ruletest.Compile(t, rule.Input{
			Bindings: []rule.Binding{{Role: "sts", Addresses: ruletest.Prefixes(t, c.addresses...), Published: ruletest.Prefixes(t, c.published...)}},
			Grants:   []rule.Grant{ruletest.Grant(t, "t/in", "in", rule.Inbound, "sts", "tcp 443", "192.0.2.1")},
		})
		f, r := Filter{Mode: ModeChains, Place: PlaceForward, WAN: []string{"eth0"}, LAN: []string{"eth1"}, AfterDNAT: true}, &p.Rules[0]
		got := f.Cover(NewJudge(p), r, f.Local(p))
		if got.Verdict != c.verdict || (got.Reason == reason) != (c.verdict != Exact) || (got.Remedy != "") != (c.verdict != Exact) {
			t.Errorf("%s: %+v; want %s", c.name, got, c.verdict)
		}
		if (len(got.Witnesses) == 1) != (c.verdict == Narrower) {
			t.Fatalf("%s: witnesses %v", c.name, got.Witnesses)
		}
		for _, w := range got.Witnesses {
			text := w.Flow.String()
			if text != c.witness || w.Backend || !p.Accepts(r, w.Flow) {
				t.Errorf("%s: witness %s, %+v; want %s", c.name, text, w, c.witness)
			}
		}
		f.AfterDNAT = false
		if got := f.Cover(NewJudge(p), r, f.Local(p)); got.Verdict != Exact {
			t.Errorf("%s: %s of a filter that sees the port before DNAT", c.name, got.Verdict)
		}
		if len(c.published) == 0 {
			continue
		}
		q, err := rule.ParseFlow("inbound tcp 192.0.2.1 to 10.0.0.9:443")
		if err != nil {
			t.Fatal(err)
		}
		f.AfterDNAT = true
		if a, want := f.Unmatched(p, q.Flow, nil, ""), "sees no port before DNAT, but rule "+string(r.ID)+" asks for it; the site's own rules decide"; a.Action != NoMatch || a.Why != want {
			t.Errorf("%s: %+v; want %s", c.name, a, want)
		}
	}
}

// TestSomeFilterOptions holds that a backend may have some of the options, and that
// those it lacks have their defaults.
func TestSomeFilterOptions(t *testing.T) {
	options := SomeFilterOptions("lan", "wan")
	if len(options) != 2 || options[0].Name != "wan" || options[1].Name != "lan" {
		t.Fatalf("%+v", options)
	}
	s, err := Configure(options, map[string][]string{"wan": {"eth0"}})
	if err != nil {
		t.Fatal(err)
	}
	if f, err := FilterOf(s); err != nil || f.Mode != ModeChains || f.Place != PlaceForward || len(f.WAN) != 1 {
		t.Errorf("%+v, %v", f, err)
	}
}
