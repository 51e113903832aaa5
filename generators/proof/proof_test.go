package proof

import "testing"

func TestTextEnds(t *testing.T) {
	r := Result{Generator: "pac", Engine: "Node", Compared: "3 requests", Disagreements: []Disagreement{{"a", "DIRECT", "x"}, {"b", "DIRECT", "y"}, {"c", "DIRECT", "z"}}}
	const want = `pac: 3 disagreements with Node: 3 requests
    a: the policy says DIRECT, the engine x
    b: the policy says DIRECT, the engine y
    and 1 more`
	if got := r.Text(2); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
