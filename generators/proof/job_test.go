package proof

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"gatewright/catalog/rule/ruletest"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

// TestEveryGeneratorIsProved holds that verify leaves no generator out.
func TestEveryGeneratorIsProved(t *testing.T) {
	for _, g := range generators.All() {
		if !slices.ContainsFunc(provers(), func(p prover) bool { return p.generator == g.Name() }) {
			t.Errorf("there is no prover of %s; add one to provers, for a packet filter without an engine ByReading", g.Name())
		}
	}
}

// TestJobsArriveWhole holds that a box is asked about what was read, and nothing else.
func TestJobsArriveWhole(t *testing.T) {
	in := ruletest.Site(t)
	job := Job{Policy: ruletest.Compile(t, in)}
	for _, g := range generators.All() {
		settings, err := artefact.Configure(g.Options(), nil)
		if err != nil {
			t.Fatal(err)
		}
		job.Outputs = append(job.Outputs, Output{g.Name(), settings, []artefact.Artefact{{Name: "a", Data: []byte("\xff\x00\n"), Load: "load a"}}})
	}
	text, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	var got Job
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, job) {
		t.Errorf("sent %+v, got %+v", job, got)
	}
}
