package artefact_test

import (
	"testing"

	"gatewright/generators/artefact"
)

func TestInterface(t *testing.T) {
	const want = "; expect at most 15 letters, digits, - _ . and @"
	for _, c := range []struct{ in, err string }{
		{"eth0", ""},
		{"eth1.100", ""},
		{"br-lan", ""},
		{"", `bad interface name ""` + want},
		{"..", `bad interface name ".."` + want},
		{"eth+", `bad interface name "eth+"` + want},
		{"eth*", `bad interface name "eth*"` + want},
		{`e -j`, `bad interface name "e -j"` + want},
		{`e"`, `bad interface name "e\""` + want},
		{"ë", `bad interface name "ë"` + want},
		{"abcdefghijklmnop", `bad interface name "abcdefghijklmnop"` + want},
	} {
		text := ""
		if err := artefact.CheckInterface(c.in); err != nil {
			text = err.Error()
		}
		if text != c.err {
			t.Errorf("CheckInterface(%q): error %q; want %q", c.in, text, c.err)
		}
	}
}
