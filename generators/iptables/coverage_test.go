package iptables

import (
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact/artefacttest"
)

func TestCoverage(t *testing.T) {
	const (
		wide     = "the remote may be an address of our side, and without interfaces the filter cannot recognise a packet from outside that uses such an address"
		names    = "the publisher gives only names, but a packet filter sees only addresses"
		some     = "some of its names are published without addresses, but a packet filter sees only addresses"
		noFamily = "the role and the remote have no address family in common, so no flow can match"
		onSite   = "with wan set, \"any remote\" means a remote beyond wan and excludes machines of this site, such as those of role clients"
		zone     = "a trusted site is a browser setting; packet filters have no such setting"
		notSBC   = "this machine plays clients, sts, not sbc"
	)
	for _, c := range []struct {
		name     string
		settings map[string][]string
		want     map[string]string // first entry: verdict, reason
	}{
		{"default", nil, map[string]string{
			"sample/probe": "exact", "sample/screen-sharing": "exact", "sample/media": "wider: " + wide, "sample/everyone": "wider: " + wide,
			"sample/sts": "exact", "sample/many": "exact", "sample/sbc": "exact", "sample/wizard": "absent: " + names,
			"sample/loose": "narrower: " + some, "sample/six": "not applicable: " + noFamily, "sample/zone": "not applicable: " + zone,
		}},
		{"no ipset", map[string][]string{"ipset": {"no"}}, map[string]string{"sample/many": "exact", "sample/everyone": "wider: " + wide}},
		{"sides", map[string][]string{"wan": {"eth0"}, "lan": {"eth1"}}, map[string]string{"sample/everyone": "narrower: " + onSite, "sample/media": "exact"}},
		{"the side of the roles", map[string][]string{"lan": {"eth1"}}, map[string]string{"sample/everyone": "exact"}},
		{"host", map[string][]string{"place": {"host"}, "roles": {"sts", "clients"}}, map[string]string{
			"sample/probe": "exact", "sample/sts": "exact", "sample/sbc": "not applicable: " + notSBC, "sample/six": "not applicable: " + notSBC,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := generate(t, siteInput(t), c.settings)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]string{}
			for _, v := range out.Coverage {
				artefacttest.CheckCoverage(t, v)
				seen[v.Entries[0]] = strings.TrimSuffix(string(v.Verdict)+": "+v.Reason, ": ")
			}
			if len(out.Coverage) != 11 {
				t.Errorf("%d lines; want one for each of 10 rules and 1 trusted site", len(out.Coverage))
			}
			for entry, want := range c.want {
				if seen[entry] != want {
					t.Errorf("%s: got %q; want %q", entry, seen[entry], want)
				}
			}
		})
	}
}

func TestWitnesses(t *testing.T) {
	p, h := ruletest.Compile(t, siteInput(t)), readBack(t, "chains", "nft", "filter")
	out, err := generate(t, siteInput(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, v := range out.Coverage {
		for _, w := range v.Witnesses {
			n++
			seen := rule.Seen(w.Flow, rule.PacketFilter)
			if w.Backend { // the same packet, as the chain that it passes takes it
				seen.Local, seen.Remote, seen.Direction = seen.Remote, seen.Local, map[rule.Direction]rule.Direction{rule.Inbound: rule.Outbound, rule.Outbound: rule.Inbound}[seen.Direction]
			}
			if p.Decide(w.Flow).Accept() == w.Backend || h.accepts(seen) != w.Backend {
				t.Errorf("%v: %+v: the model and the file do not differ as the witness says", v.Entries, w)
			}
		}
	}
	if n == 0 {
		t.Error("no witness was looked at")
	}
}
