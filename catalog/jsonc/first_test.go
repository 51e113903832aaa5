package jsonc

import "testing"

func TestFirst(t *testing.T) {
	for text, want := range map[string]struct {
		first string
		isKey bool
	}{
		`{ "$schema": "x", "allow": "y"`:       {"allow", true},
		`{"$schema": "x"}`:                     {"$schema", true},
		`{"$schema": 5, "a": "x", "b": 1`:      {"$schema", true},
		"// a\n /* b */ [ { \"allow\" : \"x\"": {"allow", true},
		`["192.0.2.0/24"]`:                     {"192.0.2.0/24", false},
		`[[{"a": 1}]]`:                         {"a", true},
		`{"secret" = 1}`:                       {},
		`password: x`:                          {},
		`{} "a": 1`:                            {},
		`"a`:                                   {"a", false},
		``:                                     {},
	} {
		if first, isKey := First([]byte(text)); first != want.first || isKey != want.isKey {
			t.Errorf("%q: %q, %t; want %q, %t", text, first, isKey, want.first, want.isKey)
		}
	}
}
