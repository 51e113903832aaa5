package console

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzVisible holds that nothing that is written commands a terminal or a runner, that
// what is fit to be seen is left alone, and that JSON keeps its values.
func FuzzVisible(f *testing.F) {
	for _, text := range []string{"::error file=app.js,line=1::x", "a ##[set-output name=x]b", "section_start:1:a", "###[x]"} {
		f.Add(text)
	}
	f.Add("a\r\x1b[0K\u202e\u2028##vso[x]\xff\n  ::group::x\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := Visible(text)
		for line := range strings.Lines(got) {
			start := strings.TrimLeftFunc(line, unicode.IsSpace)
			name, rest, _ := strings.Cut(strings.TrimPrefix(start, "::"), "::")
			name, _, _ = strings.Cut(name, " ")
			isCommand := strings.HasPrefix(start, "::") && strings.Contains(start[2:], "::") && name != "" && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz-") == ""
			if isCommand || strings.Contains(line, "##[") || strings.ContainsFunc(line, isHidden) && !strings.Contains(line, "\ufffd") {
				t.Errorf("%q becomes %q (%q)", text, line, rest)
			}
		}
		if Visible(got) != got {
			t.Errorf("%q becomes %q, and that %q", text, got, Visible(got))
		}
		if strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Errorf("%q has other lines than %q", text, got)
		}
		if !utf8.ValidString(text) {
			return
		}
		var out bytes.Buffer
		var back string
		w := NewWriter(&out)
		if err := WriteJSON(w, text); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back != text {
			t.Errorf("%q comes back from JSON as %q, %v", text, back, err)
		}
	})
}
