package nftables

import (
	"strings"
	"testing"

	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact/artefacttest"
)

func TestCoverage(t *testing.T) {
	const (
		names    = "the publisher gives names alone and a packet filter sees only addresses"
		some     = "some of its names are published without addresses and a packet filter sees only addresses"
		oneHalf  = "table ip filter sees one address family, and the rule has flows of the other"
		otherOne = "table ip6 filter sees one address family, and the rule has flows of the other"
		zone     = "a trusted site is a browser setting, which a packet filter knows nothing of"
		notSBC   = "this machine plays clients, sts, not sbc"
	)
	for _, c := range []struct {
		name     string
		settings map[string][]string
		want     map[string]string // first entry: verdict, reason
	}{
		{"inet", nil, map[string]string{
			"sample/probe": "exact", "sample/screen-sharing": "exact", "sample/media": "exact", "sample/everyone": "exact",
			"sample/sts": "exact", "sample/sbc": "exact", "sample/wizard": "absent: " + names, "sample/loose": "narrower: " + some,
			"sample/six":  "not applicable: the role and the remote have no address family in common, so no flow can match",
			"sample/zone": "not applicable: " + zone,
		}},
		{"ip", map[string][]string{"table": {"ip filter"}}, map[string]string{
			"sample/probe": "narrower: " + oneHalf, "sample/screen-sharing": "narrower: " + oneHalf, "sample/everyone": "narrower: " + oneHalf,
			"sample/sbc": "exact", "sample/wizard": "absent: " + names, "sample/loose": "narrower: " + some, "sample/zone": "not applicable: " + zone,
		}},
		{"ip6", map[string][]string{"table": {"ip6 filter"}}, map[string]string{
			"sample/probe": "narrower: " + otherOne, "sample/sbc": "absent: " + otherOne, "sample/loose": "absent: " + some + "; " + otherOne,
		}},
		{"host", map[string][]string{"place": {"host"}, "roles": {"sts", "clients"}}, map[string]string{
			"sample/probe": "exact", "sample/sts": "exact", "sample/sbc": "not applicable: " + notSBC, "sample/six": "not applicable: " + notSBC,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := generate(t, ruletest.Site(t), c.settings)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]string{}
			for _, v := range out.Coverage {
				artefacttest.CheckCoverage(t, v)
				seen[v.Entries[0]] = strings.TrimSuffix(string(v.Verdict)+": "+v.Reason, ": ")
			}
			if len(out.Coverage) != 10 {
				t.Errorf("%d lines; want one for each of 9 rules and 1 trusted site", len(out.Coverage))
			}
			for entry, want := range c.want {
				if seen[entry] != want {
					t.Errorf("%s: got %q; want %q", entry, seen[entry], want)
				}
			}
		})
	}
}
