package report

import (
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
)

// longSection is how many lines of what opens stay in plain sight: the widest.
const longSection = 60

// Markdown writes the report for a pull request: a summary line, what opens to any
// remote or on most ports, what else opens, and then what unfolds.
func Markdown(w io.Writer, r change.Diff) error {
	var b strings.Builder
	b.WriteString(markdownText(Headline(r)) + "\n")
	for i, line := range slices.Concat(r.Opens, r.Closes) {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString("- **" + markdownText(console.Visible(line)) + "**\n")
	}
	for _, s := range sections(r) {
		shown := 0
		if s.inSight {
			shown = min(len(s.lines), longSection)
			fmt.Fprintf(&b, "\n%s\n\n%s", markdownText(s.title), markdownBlock(s.lines[:shown]))
		}
		if rest := s.lines[shown:]; shown > 0 && len(rest) > 0 {
			fmt.Fprintf(&b, "\n<details><summary>%s more</summary>\n\n%s\n</details>\n", words.Count(len(rest), "line"), markdownBlock(rest))
		} else if len(rest) > 0 {
			fmt.Fprintf(&b, "\n<details><summary>%s</summary>\n\n%s\n</details>\n", html.EscapeString(s.title), markdownBlock(rest))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdownBlock is a code block in which lines that came and went are coloured.
func markdownBlock(lines []string) string {
	text := strings.Join(lines, "\n")
	fence := markdownFence(text)
	return fence + "diff\n" + text + "\n" + fence + "\n"
}

// markdownFence returns the fence of a code block, in which the text is no Markdown:
// longer than every run of its character in the text. CommonMark section 4.5.
func markdownFence(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence
}

// markdownText quotes text outside of code blocks: a backslash in front of every
// character that CommonMark section 2.4 lets be escaped.
func markdownText(s string) string {
	var b strings.Builder
	for _, c := range s {
		if strings.ContainsRune("\\`*_{}[]<>#+!|&~@", c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
