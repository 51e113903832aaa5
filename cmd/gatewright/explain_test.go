package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestExplainReadsStdin holds what a text file does not show: a byte-order mark, and
// lines of any length.
func TestExplainReadsStdin(t *testing.T) {
	t.Chdir(t.TempDir())
	const flow = "outbound tcp 52.112.0.5:443 from clients"
	padded := func(length int) string { return flow + strings.Repeat(" ", length-len(flow)) }
	for _, test := range []struct {
		name, stdin, want string
		status            int
	}{
		{"byte-order mark", "\ufeff" + flow + "\r\n", "", exitOK},
		{"byte-order mark and comment", "\ufeff# users\n" + flow, "", exitOK},
		{"byte-order mark amid", flow + "\n\ufeff" + flow, "stdin:2: ", exitFailed},
		{"longest line", padded(maxFlowLine - 1), "", exitOK},
		{"line that is too long", "\n" + padded(maxFlowLine) + "\n" + flow, "stdin:2: the line has 64 KiB or more; expect one flow a line: outbound tcp HOST:PORT", exitFailed},
		{"long line after a bad one", "outbound tcp\n" + padded(maxFlowLine), "gatewright: error: stdin:1: ", exitFailed},
	} {
		var stdout, stderr bytes.Buffer
		status := run([]string{"explain", "-"}, strings.NewReader(test.stdin), &stdout, &stderr)
		if status != test.status || !strings.Contains(stderr.String(), test.want) {
			t.Errorf("%s: status %d, want %d; stderr %q, want %q", test.name, status, test.status, &stderr, test.want)
		}
	}
}
