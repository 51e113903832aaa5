package console

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestTableLosesNothing holds that a table fits its width, where that is possible,
// and holds every character of every cell in order.
func TestTableLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	words := []string{"a", "to", "rule", "m365-additional/exchange-hybrid-proxy-authentication", "ü漢字", "<-", "[2001:db8::/32]", "x\ny"}
	for range 300 {
		tab := Table{Header: []string{"ROW", "ENTRY", "WHAT"}}
		for range 1 + r.IntN(5) {
			row := make([]string, 3)
			for i := range row {
				for range r.IntN(6) {
					row[i] += words[r.IntN(len(words))] + " "
				}
			}
			tab.Rows = append(tab.Rows, row)
		}
		width := 40 + r.IntN(100)
		var b strings.Builder
		if err := tab.Write(&b, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > width {
				t.Fatalf("a line of a table of width %d is wider: %q", width, line)
			}
		}
		for _, row := range tab.Rows {
			for i, cell := range row {
				wrapped := Wrap(cell, tab.widths(width)[i])
				if got, want := strings.Join(wrapped, ""), cell; squeeze(got) != squeeze(want) {
					t.Fatalf("cell %q became %q", want, wrapped)
				}
			}
		}
	}
}

// squeeze takes out all space.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

// TestIdsStayWhole holds that a column of ids is never broken, however narrow the
// table is, and that without a limit every row with short text is one line.
func TestIdsStayWhole(t *testing.T) {
	const id = "m365-additional/exchange-hybrid-proxy-authentication"
	tab := Table{Header: []string{"ENTRY", "WHY"}, IDs: []int{0}, Rows: [][]string{{id, strings.Repeat("reason ", 10)}}}
	for _, width := range []int{0, 40, 60, 100} {
		var b strings.Builder
		if err := tab.Write(&b, width); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), id) {
			t.Errorf("width %d breaks the id:\n%s", width, &b)
		}
		if lines := strings.Count(b.String(), "\n"); width == 0 && lines != 2 {
			t.Errorf("without a limit %d lines, want 2:\n%s", lines, &b)
		}
	}
	long := Table{Header: []string{"ENTRY", "WHY"}, IDs: []int{0}, Rows: [][]string{{id, strings.Repeat("reason ", 100)}}}
	if got := long.widths(0)[1]; got != textWidth {
		t.Errorf("without a limit long text is %d wide, want %d", got, textWidth)
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 5, []string{""}},
		{"one two", 7, []string{"one two"}},
		{"one two", 6, []string{"one", "two"}},
		{"a longword b", 4, []string{"a", "long", "word", "b"}},
		{"über\nalles", 9, []string{"über", "alles"}},
		{"\xff\xff\xff", 2, []string{"\ufffd\ufffd", "\ufffd"}},
	} {
		if got := Wrap(test.text, test.width); !slices.Equal(got, test.want) {
			t.Errorf("wrap(%q, %d) = %q, want %q", test.text, test.width, got, test.want)
		}
	}
}
