package report

import (
	"bytes"
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/words"
)

// outsideFences returns the lines of Markdown that are in no fenced code block, by
// the rules of CommonMark section 4.5.
func outsideFences(t *testing.T, text string) []string {
	t.Helper()
	var outside []string
	fence := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		bare := strings.TrimLeft(line, " ")
		run := len(bare) - len(strings.TrimLeft(bare, "`"))
		switch {
		case fence == "" && run >= 3:
			fence = bare[:run]
		case fence != "" && len(line)-len(bare) <= 3 && run >= len(fence) && strings.Trim(bare, "` ") == "":
			fence = ""
		case fence == "":
			outside = append(outside, line)
		}
	}
	if fence != "" {
		t.Errorf("a code block does not end:\n%s", text)
	}
	return outside
}

// What a publisher writes stays inside of code blocks.
func TestHostileTitlesCannotBreakMarkdown(t *testing.T) {
	for _, title := range []string{
		"```", "`````", "``` </details> ```", "</summary></details><script>x</script>", "@everyone #1 http://evil.example", "[x](javascript:y)", "~~~",
		"    ```", "- [ ] task", "| a | b |", "\\```",
	} {
		r := change.Diff{
			Old: change.Head{Name: "evil `a` <b>"}, New: change.Head{Name: "new"},
			Added:   []change.Rule{{Rule: "a-out-1", Entries: []change.From{{ID: "own/a", Row: title, Title: title}}, Parts: []change.Part{{WholeServices: true}}}},
			Entries: []change.Entry{{ID: "own/a", Title: title, Change: "changed", Changes: []change.Fact{{Attribute: "title", Old: title, New: title + title + title + title + strings.Repeat("x", 50)}}}},
		}
		r.OpenAdded = words.OpenItems([]rule.Open{{Entry: rule.Entry{ID: "own/a"}, Missing: "path", Endpoint: title, Why: title}})
		var b bytes.Buffer
		if err := Markdown(&b, r); err != nil {
			t.Fatal(err)
		}
		if strings.Count(b.String(), strings.TrimSpace(title)) < 3 {
			t.Errorf("%q is not told:\n%s", title, b.String())
		}
		for _, line := range outsideFences(t, b.String())[1:] {
			ours := line == "" || line == "newly accepted: 0 prefixes in 1 rule" || line == "</details>" || strings.HasPrefix(line, "<details><summary>") && strings.Count(line, "<") == 3
			if !ours || strings.Contains(line, "evil") {
				t.Errorf("%q: %q stands outside of the code blocks", title, line)
			}
		}
		if head := outsideFences(t, b.String())[0]; strings.Contains(head, " <b>") || strings.Contains(head, " `a`") {
			t.Errorf("the summary line is not quoted: %q", head)
		}
	}
}
