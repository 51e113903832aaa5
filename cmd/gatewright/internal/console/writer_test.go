package console

import (
	"bytes"
	"testing"
)

func TestWriter(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"plain", "a\tb c\n", "a\tb c\n"},
		{"no newline", "a", "a"},
		{"letters", "ünïcödé 漢字 😀 e\u0301 \u00a0|\n", "ünïcödé 漢字 😀 e\u0301 \u00a0|\n"},
		{"escape sequence", "\x1b[2J\x9b2J\n", `\u001b[2J\x9b2J` + "\n"},
		{"carriage return", "good\rbad\n", `good\u000dbad` + "\n"},
		{"delete, backspace, bell, next line", "\x7f\b\a\u0085\n", `\u007f\u0008\u0007\u0085` + "\n"},
		{"direction", "\u202e\u202a\u2066\u2069\u200e\u200f\u061c\n", `\u202e\u202a\u2066\u2069\u200e\u200f\u061c` + "\n"},
		{"lines", "a\u2028b\u2029c\n", `a\u2028b\u2029c` + "\n"},
		{"other formats", "\u200b\u200d\ufeff\u00ad\U000e0041\n", `\u200b\u200d\ufeff\u00ad\udb40\udc41` + "\n"},
		{"fillers", "a\u3164\u115f\uffa0\ufe0f\U000e0100b\n", `a\u3164\u115f\uffa0\ufe0f\udb40\udd00b` + "\n"},
		{"private and not given out", "\ue000\u0378\n", `\ue000\u0378` + "\n"},
		{"no UTF-8", "a\xff\xc3(\ufffd\n", `a\xff\xc3(` + "\ufffd\n"},
		{"command", "::error file=a::b\n", `\u003a:error file=a::b` + "\n"},
		{"command, indented", " \t\u00a0::set-output name=a::b\n", " \t\u00a0" + `\u003a:set-output name=a::b` + "\n"},
		{"command in a later line", "a\n::stop-commands::zz\n", "a\n" + `\u003a:stop-commands::zz` + "\n"},
		{"command within a line", "a ::error::b\n", "a ::error::b\n"},
		{"addresses", "::/0\n::1/128\n::ffff:192.0.2.1\n  ::1, ::2\nfe80::1\n", "::/0\n::1/128\n::ffff:192.0.2.1\n  ::1, ::2\nfe80::1\n"},
		{"old command", "a ##[error]b ##vso[task.complete]c\n", `a #\u0023[error]b #\u0023vso[task.complete]c` + "\n"},
		{"old commands, one in another", "###[##[a\n", `##\u0023[#\u0023[a` + "\n"},
		{"signs alone", "## a [b]\n#[a]\n", "## a [b]\n#[a]\n"},
		{"section", "section_start:1:a\r\x1b[0Kb\n", `section_start:1:a\u000d\u001b[0Kb` + "\n"},
	} {
		for _, size := range []int{1, 2, 3, len(test.text)} { // written in pieces
			var out bytes.Buffer
			w := NewWriter(&out)
			for rest := test.text; rest != ""; {
				n := min(size, len(rest))
				if _, err := w.Write([]byte(rest[:n])); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if err := w.Close(); err != nil || out.String() != test.want {
				t.Errorf("%s, in pieces of %d: %q, %v; want %q", test.name, size, out.String(), err, test.want)
			}
		}
	}
	w := &Writer{w: &bytes.Buffer{}, color: true}
	if got, want := w.Paint(Red, "a\x1b[0m"), "\x1b[31m"+`a\u001b[0m`+"\x1b[0m"; got != want {
		t.Errorf("painted %q, want %q", got, want)
	}
}
