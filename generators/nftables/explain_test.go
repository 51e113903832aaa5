package nftables

import (
	"testing"

	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
)

// TestExplain holds answers that the boundary flows of the corpus do not show.
func TestExplain(t *testing.T) {
	enforce := map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"198.51.100.0/24 tcp 22"}}
	artefacttest.CheckAnswers(t, Generator{}, artefacttest.FilterPolicy(t), append(artefacttest.FilterAsked(), []artefacttest.Asked{
		{Name: "by address", Flow: "outbound tcp 52.112.0.1:443 from 10.0.0.1", Action: artefact.Accepts, By: "ip daddr vmap @gatewright_outbound_4"},
		{Name: "published", Flow: "inbound tcp 104.211.54.99 to 192.168.7.6:8443 published 443", Action: artefact.Accepts, By: "ct original proto-dst @"},
		{Name: "any remote, whatever its address", Flow: "inbound tcp a.example to 192.168.7.5:8080", Action: artefact.Accepts, By: "ip daddr @gatewright_role_sts_direct"},
		{Name: "dropped", Settings: enforce, Flow: "outbound tcp 52.112.0.1:80 from 172.16.0.1", Action: artefact.Refuses, By: "policy drop of chain forward"},
		{Name: "the other family", Settings: map[string][]string{"table": {"ip6 filter"}}, Flow: "outbound tcp 52.112.0.1:443 from 10.0.0.1", Action: artefact.NoMatch, Why: "table ip6 filter sees no flows of ip"},
	}...))
}

func TestExplainRefusesWhatGenerateDoes(t *testing.T) {
	artefacttest.CheckRefusals(t, Generator{}, artefacttest.FilterPolicy(t), []map[string][]string{
		{"mode": {"enforce"}}, {"place": {"host"}, "roles": {"nobody"}},
	})
}
