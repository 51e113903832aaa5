package site

import (
	"slices"
	"strings"
	"testing"
)

// mergeable are suggestions of every section.
var mergeable = []Suggestion{
	{SectionPaths, `"paths": "<host, or remove this line>",`, []string{"may it?"}},
	{SectionValues, `"tenant": ["<tenant>"],`, nil},
	{SectionBind, `"sbc": ["<CIDR>"],`, []string{"which addresses?"}},
	{SectionAnswers, `"own/hook": {"remote": {"from": ["m365/exchange"]}, "services": "<tcp PORT, ...>"},`, []string{"own/hook", "remote: from where?", "services: which?"}},
}

// without takes the inserted lines and commas out of a merged text: what is left has to
// be the text as it was.
func without(merged, text string) string {
	i, j := 0, 0
	for i < len(merged) && j < len(text) {
		if merged[i] == text[j] {
			j++
		}
		i++
	}
	return text[:j]
}

// Merging keeps every byte that stands there, in order, adds each suggestion once, and
// leaves a file that reads as before.
func TestMergeKeepsWhatIsThere(t *testing.T) {
	for name, text := range map[string]string{
		"empty":             "{}",
		"empty with a note": "{ // nothing yet\n}",
		"one line":          `{ "bind": { "exchange": ["10.0.0.1"] }, "answers": {} }`,
		"trailing comma":    "{\n\t\"bind\": {\n\t\t\"exchange\": [\"10.0.0.1\"],\n\t},\n}\n",
		"comments":          "/* { */ { \"output\": \"o}ut\" // }\n /* } */ , \"bind\": { /* none */ } /* end */ } // }",
		"windows":           "\ufeff{\r\n  \"answers\": {\r\n    \"own/hook\": { \"services\": \"tcp 443\" }\r\n  }\r\n}\r\n",
		"escapes":           `{ "output": "a\"}\\", "values": { "email_domain": ["x.example"] } }`,
		"blanks":            `{ "bind": { "sbc": ["<CIDR>"] }, "paths": "<host>", "answers": { "own/hook": { "remote": "<CIDR>" } } }`,
	} {
		merged, added, err := Merge("site.json", text, mergeable)
		if err != nil || added == 0 {
			t.Errorf("%s: %d added, %v", name, added, err)
			continue
		}
		if got := without(merged, text); got != text {
			t.Errorf("%s: lost from\n%s\nin\n%s", name, text[len(got):], merged)
		}
		if _, err := Read("site.json", []byte(merged)); err != nil {
			t.Errorf("%s: %v in\n%s", name, err, merged)
		}
		for _, s := range mergeable {
			key, _, _ := strings.Cut(s.Line, ":")
			if n := strings.Count(merged, key+":"); n != 1 {
				t.Errorf("%s: %s stands %d times in\n%s", name, key, n, merged)
			}
		}
		if again, more, err := Merge("site.json", merged, mergeable); err != nil || more != 0 || again != merged {
			t.Errorf("%s: a second merge added %d, %v", name, more, err)
		}
		if strings.Contains(text, "\r\n") && strings.Count(merged, "\n") != strings.Count(merged, "\r\n") {
			t.Errorf("%s: line ends are mixed in\n%q", name, merged)
		}
	}
}

// What an answer says already is not asked again; what it lacks is.
func TestMergeCompletesAnswers(t *testing.T) {
	const text = `{ "answers": { "own/hook": { "services": "tcp 443" } } }`
	const want = `{ "answers": { "own/hook": { "services": "tcp 443",
  // remote: from where?
  "remote": {"from": ["m365/exchange"]},
} } }`
	if got, added, err := Merge("site.json", text, mergeable[3:]); got != want || added != 1 || err != nil {
		t.Errorf("%d, %v:\n%s", added, err, got)
	}
}

// What a feed says commands no pipeline that shows the file.
func TestCommentsCommandNothing(t *testing.T) {
	s := Suggestion{Section: SectionAnswers, Line: `"own/hook": {"services": "<SERVICES>"},`, Comments: []string{"##[error] own", "services: ###[group]"}}
	want := []string{"// # [error] own", "// services: # #[group]", s.Line}
	if got := s.Written(); !slices.Equal(got, want) {
		t.Errorf("written %q; want %q", got, want)
	}
	got, added, err := Merge("site.json", `{ "answers": { "own/hook": { "remote": "any" } } }`, []Suggestion{s})
	if err != nil || added != 1 || strings.Contains(got, "##") || !strings.Contains(got, "// services: # #[group]\n") {
		t.Errorf("%d, %v:\n%s", added, err, got)
	}
}

// A file that does not read is refused.
func TestMergeBadFile(t *testing.T) {
	for text, want := range map[string]string{
		`{`:                  `site.json:1:2: expected a key in double quotes, found the end of the file`,
		"\xff\xfe{\x00}\x00": "site.json: not UTF-8, so nothing can be added; save the file as UTF-8",
	} {
		if got, _, err := Merge("site.json", text, mergeable); err == nil || err.Error() != want || got != "" {
			t.Errorf("%s: %v, %q", text, err, got)
		}
	}
}
