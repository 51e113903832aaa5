package site

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestEdits compares the distance with its definition.
func TestEdits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	word := func() string {
		var b strings.Builder
		for range r.IntN(7) {
			b.WriteByte("abc"[r.IntN(3)])
		}
		return b.String()
	}
	for range 2000 {
		a, b := word(), word()
		want, most := slowEdits(a, b), mostEdits(a)
		if got := edits(a, b); got != want && (got <= most || want <= most) {
			t.Fatalf("edits(%q, %q) = %d, want %d", a, b, got, want)
		}
	}
}

func slowEdits(a, b string) int {
	switch {
	case a == "" || b == "":
		return len(a) + len(b)
	case a[0] == b[0]:
		return slowEdits(a[1:], b[1:])
	}
	return 1 + min(slowEdits(a[1:], b), slowEdits(a, b[1:]), slowEdits(a[1:], b[1:]))
}

func TestNear(t *testing.T) {
	known := []string{"m365/exchange", "own/exchange", "own/exchange-hybrid", "own/hook", "own/mfa-server"}
	for id, want := range map[string]string{
		"own/mfaserver":  "did you mean own/mfa-server?",
		"own/exchagne":   "did you mean own/exchange or m365/exchange?",
		"m365/exchange1": "did you mean m365/exchange or own/exchange?",
		"hok":            "did you mean own/hook?",
		"other/hook":     "did you mean own/hook?",
		"own/printers":   "`gatewright list` shows the ids",
	} {
		if got := near(id, known, showIDs); got != want {
			t.Errorf("near(%q) = %s, want %s", id, got, want)
		}
	}
}
