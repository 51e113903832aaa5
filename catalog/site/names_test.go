package site

import "testing"

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
