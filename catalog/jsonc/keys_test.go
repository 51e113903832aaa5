package jsonc

import (
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": 1, "b": {"c": [1, {"d": 2}], "e": "}"}, "f": [",\"]"]}`: "a a number, b an object, f an array",
		"\ufeff// x\n{ /* } */ \"a\" /**/ : // ,\n null, \"b\":true,}": "a null, b true or false",
		`{"a\u0062": "\\", "c": "\"", "d": 1}`:                         "ab a string, c a string, d a number",
		"{\"a\": \"\x01\", \"b\": 1}":                                  "a a string",
		`{"a": "x`:                                                     "a a string",
		`{"a": [1, 2`:                                                  "a an array",
		`{"a": /* x`:                                                   "",
		`{"a" 1, "b": 2}`:                                              "",
		`{"a": 1 "b": 2}`:                                              "a a number",
		`{"a": ?, "b": 2}`:                                             "",
		`{}`:                                                           "",
		`[{"a": 1}]`:                                                   "",
		`"a"`:                                                          "",
		"":                                                             "",
		"{\"a\": 1, \"\xff\"":                                          "",
	} {
		var got []string
		for key, kind := range Keys([]byte(text)) {
			got = append(got, key+" "+kind.String())
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("Keys(%q) = %q, want %q", text, got, want)
		}
	}
	for key := range Keys([]byte(`{"a": 1, "b": 2}`)) {
		if key != "a" {
			t.Errorf("%s after the end", key)
		}
		break
	}
}

// Of what parses, Keys tells what Parse does; of what does not, it never panics.
func FuzzKeys(f *testing.F) {
	for _, text := range []string{`{"a": 1, "b": {"c": []},}`, `{"a": "\"", /* "x": */ "b": [1, "]"]}`, `{"a": "x`, `{"\ud800": 1}`, `{"a": 1e5 // x`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got []string
		for key, kind := range Keys(data) {
			got = append(got, key+" "+kind.String())
		}
		doc, err := Parse("", data)
		if err != nil {
			return
		}
		var want []string
		for key, value := range doc.Root().Members() {
			want = append(want, key.Text()+" "+value.Kind().String())
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("Keys(%q) = %q, want %q", data, got, want)
		}
	})
}
