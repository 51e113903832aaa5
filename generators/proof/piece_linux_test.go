package proof

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/nftables"
	"gatewright/generators/nftables/kernel"
)

// TestPiecesHoldTheSame holds that a ruleset in pieces is read back like the whole, and
// that an element which overlaps one of another piece is told, and a set that is not
// emptied before.
func TestPiecesHoldTheSame(t *testing.T) {
	settings, err := artefact.Configure(nftables.Generator{}.Options(), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := ruletest.Large(t, 5000)
	out, err := nftables.Generator{}.Generate(p, settings)
	if err != nil {
		t.Fatal(err)
	}
	text := out.Artefacts[0].Data
	load := func(text []byte, load func(*engine.Machine, []byte, string, strays) (kernel.Held, []Disagreement, error)) (kernel.Held, []Disagreement) {
		m, err := engine.NewMachine(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		rs, overlaps, err := load(m, text, "inet filter", straysOf(p))
		if err != nil {
			t.Fatal(err)
		}
		return rs, overlaps
	}
	whole, _ := load(text, loadNFT)
	pieces, overlaps := load(text, loadInPieces)
	if !reflect.DeepEqual(whole, pieces) || len(overlaps) > 0 {
		t.Errorf("in pieces %+v, whole %+v, overlaps %v", pieces, whole, overlaps)
	}
	wide := strings.Replace(string(text), "\n\t\t\t20.39.14.0/24,\n", "\n\t\t\t20.0.0.0/23,\n", 1)
	if _, overlaps := load([]byte(wide), loadInPieces); len(overlaps) == 0 {
		t.Error("an element that covers one of another piece is not told")
	}
	unflushed := regexp.MustCompile(`(?m)^delete set .*\n`).ReplaceAll(text, nil)
	if _, wrong := load(unflushed, loadInPieces); len(wrong) != 1 || wrong[0].Model != "emptied before it is filled" {
		t.Errorf("a large set that is not emptied: %v", wrong)
	}
}
