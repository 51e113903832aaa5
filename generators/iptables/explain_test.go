package iptables

import (
	"testing"

	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
)

// TestExplain holds answers that the boundary flows of the corpus do not show.
func TestExplain(t *testing.T) {
	enforce := map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"198.51.100.0/24 tcp 22"}}
	artefacttest.CheckAnswers(t, Generator{}, artefacttest.FilterPolicy(t), append(artefacttest.FilterAsked(), []artefacttest.Asked{
		{Name: "by address", Flow: "outbound tcp 52.112.0.1:443 from 10.0.0.1", Action: artefact.Accepts, By: "-d 52.112.0.0/14 -g gw_out-"},
		{Name: "published", Flow: "inbound tcp 104.211.54.99 to 192.168.7.6:8443 published 443", Action: artefact.Accepts, By: "tcp ctorigdstport 443"},
		{Name: "any remote, whatever its address", Flow: "inbound tcp a.example to 192.168.7.5:8080", Action: artefact.Accepts, By: "gw_in-rf2s1zvkg"},
		{Name: "dropped", Settings: enforce, Flow: "outbound tcp 52.112.0.1:80 from 172.16.0.1", Action: artefact.Refuses, By: "policy DROP of chain FORWARD"},
		{Name: "a tree of chains", Settings: map[string][]string{"ipset": {"no"}}, Flow: "outbound tcp 52.112.0.1:443 from 10.0.0.1", Action: artefact.Accepts, By: "-d 52.112.0.0/14"},
		{Name: "no tree of chains", Settings: map[string][]string{"ipset": {"no"}}, Flow: "outbound tcp 52.116.0.1:443 from 10.0.0.1", Action: artefact.NoMatch, Why: "decide"},
	}...))
}

func TestExplainRefusesWhatGenerateDoes(t *testing.T) {
	artefacttest.CheckRefusals(t, Generator{}, artefacttest.FilterPolicy(t), []map[string][]string{
		{"mode": {"enforce"}}, {"place": {"host"}, "roles": {"nobody"}},
	})
}
