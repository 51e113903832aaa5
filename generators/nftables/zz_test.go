package nftables

import (
	"os"
	"testing"

	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

func TestZZ(t *testing.T) {
	p := ruletest.Compile(t, ruletest.Site(t))
	for i, raw := range []map[string][]string{nil, {"mode": {"mark"}}, {"mode": {"enforce"}, "place": {"forward"}, "admin": {"198.51.100.0/24 tcp 22,80"}, "wan": {"eth0", "eth2"}, "lan": {"eth1"}}, {"mode": {"enforce"}, "place": {"host"}, "roles": {"sts", "clients"}, "admin": {"none"}}} {
		s, err := artefact.Configure(Generator{}.Options(), raw)
		if err != nil {
			t.Fatal(err)
		}
		out, err := Generator{}.Generate(p, s)
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile("/tmp/gw/nft/out"+string(rune('0'+i))+".nft", out.Artefacts[0].Data, 0o644)
		r, err := Generator{}.Read(artefact.Files{fileName: out.Artefacts[0].Data})
		if err != nil {
			t.Error(err)
		}
		t.Logf("%+v", r.Beside)
	}
}
