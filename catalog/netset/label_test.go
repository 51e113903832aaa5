package netset

import (
	"strings"
	"testing"
)

func TestIsHostLabel(t *testing.T) {
	for s, want := range map[string]bool{
		"contoso": true, "Contoso2": true, "2contoso": true, "a": true, "a-b--c": true, "xn--bcher-kva": true, strings.Repeat("a", 63): true,
		"": false, "-x": false, "contoso-": false, "-": false, "a_b": false, "a.b": false, "*": false, "a b": false, "bücher": false, strings.Repeat("a", 64): false,
	} {
		if have := IsHostLabel(s); have != want {
			t.Errorf("%q: %v", s, have)
		}
	}
}
