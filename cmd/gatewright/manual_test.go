package main

import (
	"bytes"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// manualText returns what groff shows of a page, each run of blanks as one. A warning
// of groff's fails the test.
func manualText(t *testing.T, name string) string {
	t.Helper()
	var page, stderr bytes.Buffer
	if status := run([]string{"__man", name}, nil, &page, &stderr); status != exitOK {
		t.Fatalf("%s: status %d\n%s", name, status, &stderr)
	}
	groff := exec.Command("groff", "-man", "-ww", "-Tascii", "-P-cbou", "-rHY=0", "-rLL=300n")
	groff.Stdin, groff.Stderr = &page, &stderr
	text, err := groff.Output()
	if err != nil || stderr.Len() > 0 {
		t.Errorf("%s: %v\n%s", name, err, &stderr)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// TestManual holds that the pages show every word of the help, as it stands there.
func TestManual(t *testing.T) {
	shows := func(name, page, text string) {
		t.Helper()
		if text = strings.Join(strings.Fields(text), " "); !strings.Contains(page, text) {
			t.Errorf("%s does not show %q:\n%s", name, text, page)
		}
	}
	tool := manualText(t, "gatewright")
	for block := range strings.SplitSeq(usageText(), "\n\n") {
		if strings.HasPrefix(block, "gatewright ") || strings.HasPrefix(block, "    ") {
			shows("gatewright", tool, block)
		}
	}
	shows("gatewright", tool, "EXIT STATUS 0 success; 1 a difference, or a shortfall with --strict; 2 wrong usage; 3 bad input or a failed operation. Wrong usage and bad input are refused before anything is written or changed.")
	for _, c := range commands() {
		shows("gatewright", tool, "gatewright-"+c.name+"(1) "+c.summary)
		name := "gatewright-" + c.name
		page := manualText(t, name)
		shows(name, page, "NAME "+name+" - "+c.summary+" SYNOPSIS gatewright "+c.name)
		for block := range strings.SplitSeq(c.usage, "\n\n") {
			shows(name, page, block)
		}
		c.flagSet(&invocation{}).VisitAll(func(f *pflag.Flag) {
			_, doc := pflag.UnquoteUsage(f)
			if match, _ := regexp.MatchString("--"+f.Name+" .{0,40}"+regexp.QuoteMeta(strings.Join(strings.Fields(doc), " ")), page); !match {
				t.Errorf("%s does not show --%s with %q:\n%s", name, f.Name, doc, page)
			}
		})
	}
}

func TestManualPages(t *testing.T) {
	want := "gatewright\n"
	for _, c := range commands() {
		want += "gatewright-" + c.name + "\n"
	}
	for _, c := range []struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		{nil, exitOK, want, ""},
		{[]string{"gatewright-lst"}, exitUsage, "", `gatewright: error: __man: unknown page "gatewright-lst"; expect one of ` + strings.ReplaceAll(strings.TrimSpace(want), "\n", ", ") + `; did you mean "gatewright-list"?` + "\n"},
		{[]string{"gatewright", "gatewright-list"}, exitUsage, "", "gatewright: error: __man: name one page, or none for a list\n"},
	} {
		var stdout, stderr bytes.Buffer
		status := run(append([]string{"__man"}, c.args...), nil, &stdout, &stderr)
		if status != c.status || stdout.String() != c.stdout || stderr.String() != c.stderr {
			t.Errorf("%q: status %d\n%s%s", c.args, status, &stdout, &stderr)
		}
	}
}

// TestQuotedRoff asks groff to print what it would take for requests and escapes.
func TestQuotedRoff(t *testing.T) {
	for _, line := range []string{`.SH x`, `'br`, `\fB\n[x]\(aq`, `a\`, `"x" 'y' z^~-_`, "`cmd`", `\" comment`} {
		groff := exec.Command("groff", "-ww", "-Tascii", "-P-cbou")
		groff.Stdin = strings.NewReader(quoteRoff(line) + "\n")
		out, err := groff.CombinedOutput()
		if have := strings.TrimSpace(string(out)); err != nil || have != line {
			t.Errorf("%q is shown as %q, %v", line, have, err)
		}
	}
}
