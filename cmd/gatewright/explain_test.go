package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"gatewright/cmd/gatewright/internal/console"
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
		{"line that is too long", "\n" + padded(maxFlowLine) + "\n" + flow, "stdin:2: the line is 64 KiB or longer; expect one flow per line: outbound tcp HOST:PORT", exitFailed},
		{"long line after a bad one", "outbound tcp\n" + padded(maxFlowLine), "gatewright: error: stdin:1: ", exitFailed},
	} {
		var stdout, stderr bytes.Buffer
		status := run([]string{"explain", "-"}, strings.NewReader(test.stdin), &stdout, &stderr)
		if status != test.status || !strings.Contains(stderr.String(), test.want) {
			t.Errorf("%s: status %d, want %d; stderr %q, want %q", test.name, status, test.status, &stderr, test.want)
		}
	}
}

// TestManyFlows holds that stdin is read no further than to a bound.
func TestManyFlows(t *testing.T) {
	flow := "outlook.com\n"
	all, err := readFlowLines(strings.NewReader(strings.Repeat(flow, 100_000)))
	if err != nil || len(all) != 100_000 {
		t.Errorf("100000 flows: %d, %v", len(all), err)
	}
	rest := strings.NewReader(strings.Repeat(flow, 200_000))
	_, err = readFlowLines(rest)
	if want := "stdin:100001: more than 100000 flows; split them over several runs"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if rest.Len() == 0 {
		t.Error("all of stdin was read")
	}
}

// TestJSONList holds that a list that is written one by one is the JSON of the whole.
func TestJSONList(t *testing.T) {
	for want, list := range map[string][]map[string]string{
		"[]": nil,
		"[\n    {\n      \"a\": \"<b>\"\n    }\n  ]":                                  {{"a": "<b>"}},
		"[\n    {\n      \"a\": \"b\"\n    },\n    {\n      \"c\": \"d\"\n    }\n  ]": {{"a": "b"}, {"c": "d"}},
	} {
		want = "{\n  \"version\": 1,\n  \"rows\": " + want + "\n}\n"
		var got strings.Builder
		if err := console.WriteJSONList(&got, "rows", slices.Values(list)); err != nil || got.String() != want {
			t.Errorf("%q, %v; want %q", got.String(), err, want)
		}
	}
}
