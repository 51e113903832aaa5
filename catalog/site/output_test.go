package site

import (
	"slices"
	"testing"
)

// TestOutputs holds what an output takes from the site file, and that what it says
// leaves the file's own and the other outputs as they are, wherever "outputs" stands.
func TestOutputs(t *testing.T) {
	const outputs = `"outputs": {
		"a": {"select": {"area": ["x"], "exclude": []}, "bind": {"sts": ["10.0.0.2"]}, "options": {"pac": {"plain": "proxy"}, "squid": {"dir": "/a"}}, "generators": ["squid"], "expect": [], "tolerate": {}, "routes": [], "group": "none"},
		"b": {}
	}`
	const rest = `"select": {"area": ["y"], "tag": ["t"], "exclude": ["e"]}, "bind": {"clients": ["10.0.0.0/8"]}, "options": {"pac": {"proxy": "p:1", "plain": "direct"}},
		"generators": ["pac"], "expect": [{"allow": "a.example"}, "more.json"], "tolerate": {"pac": ["absent"]}, "routes": [{"via": "direct"}], "group": "entry", "output": "out"`
	for _, text := range []string{"{" + outputs + "," + rest + "}", "{" + rest + "," + outputs + "}"} {
		s, err := Read("s", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if have := s.OutputNames(); !slices.Equal(have, []string{"a", "b"}) {
			t.Fatal(have)
		}
		a, _ := s.For("a")
		for name, ok := range map[string]bool{
			"select.area":  slices.Equal(a.Select.Areas, []string{"x"}),
			"select.tag":   slices.Equal(a.Select.Tags, []string{"t"}),
			"exclude":      len(a.Select.Exclude) == 0,
			"bind":         len(a.Bindings) == 2,
			"pac.proxy":    slices.Equal(a.Options["pac"]["proxy"], []string{"p:1"}),
			"pac.plain":    slices.Equal(a.Options["pac"]["plain"], []string{"proxy"}),
			"squid.dir":    slices.Equal(a.Options["squid"]["dir"], []string{"/a"}),
			"generators":   slices.Equal(a.Generators, []string{"squid"}),
			"expect":       len(a.Expectations) == 0 && len(a.expectFiles) == 0,
			"tolerate":     len(a.Tolerations) == 0,
			"routes":       len(a.Routes) == 0,
			"group":        a.Group == ByNone,
			"name, output": a.Name == "a" && a.Output == "out",
		} {
			if !ok {
				t.Errorf("%s of the output: %+v", name, a)
			}
		}
		b, _ := s.For("b")
		for _, one := range []*Site{s, b} {
			if !slices.Equal(one.Select.Areas, []string{"y"}) || !slices.Equal(one.Select.Exclude, []string{"e"}) || len(one.Bindings) != 1 ||
				!slices.Equal(one.Options["pac"]["plain"], []string{"direct"}) || one.Options["squid"] != nil || len(one.Expectations) != 1 ||
				len(one.expectFiles) != 1 || len(one.Tolerations) != 1 || len(one.Routes) != 1 || one.Group != ByEntry {
				t.Errorf("what an output says changed %+v", one)
			}
		}
	}
}

func TestOutputErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"outputs": {}}`:                            `s:1:13: /outputs: no output; name one, such as "edge": {}, or remove the key`,
		`{"outputs": {"Edge": {}}}`:                  `s:1:14: /outputs/Edge: bad output name "Edge"; it is also a folder name: write a lower-case letter, then lower-case letters, digits or hyphens`,
		`{"outputs": ["edge"]}`:                      `s:1:13: /outputs: expected an object, found an array`,
		`{"outputs": {"a": {"outputs": {"b": {}}}}}`: `s:1:20: /outputs/a/outputs: unknown key "outputs"; known keys: "select", "group", "bind", "routes", "tolerate", "expect", "options", "generators"`,
		`{"outputs": {"a": {}, "a": {}}}`:            `s:1:23: /outputs/a: key "a" was already given at 1:14; keep one of the two`,
	} {
		if _, err := Read("s", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
