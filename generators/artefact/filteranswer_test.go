package artefact

import (
	"testing"

	"gatewright/catalog/rule"
)

func TestUnseen(t *testing.T) {
	for _, test := range []struct {
		known, open []rule.ID
		want        string
	}{
		{[]rule.ID{"a"}, nil, "sees no name, and rule a has no prefix of it"},
		{[]rule.ID{"a", "b"}, nil, "sees no name, and rules a, b have no prefix of it"},
		{[]rule.ID{"a", "b"}, []rule.ID{"c"}, "sees no name, and rules a, b have no prefix of it; others go by addresses"},
		{[]rule.ID{"a", "b"}, []rule.ID{"b"}, "sees no name, but the addresses of rule b"},
		{nil, []rule.ID{"c"}, "sees no name, only addresses"},
	} {
		if got := unseen(test.known, test.open); got != test.want {
			t.Errorf("known %v, open %v: %q; want %q", test.known, test.open, got, test.want)
		}
	}
}
