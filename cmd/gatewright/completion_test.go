package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// complete returns the words that are offered for the last of the given ones.
func completeWords(t *testing.T, words ...string) []string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(append([]string{"__complete"}, words...), nil, &stdout, &stderr); status != exitOK || stderr.Len() > 0 {
		t.Fatalf("%q: status %d\n%s", words, status, &stderr)
	}
	var offered []string
	for line := range strings.Lines(stdout.String()) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		offered = append(offered, word)
	}
	return offered
}

// TestCompletionIsWhole holds that every command and every flag is offered.
func TestCompletionIsWhole(t *testing.T) {
	names := completeWords(t, "")
	for _, c := range commands() {
		if !slices.Contains(names, c.name) {
			t.Errorf("command %s is not offered", c.name)
		}
		flags := completeWords(t, c.name, "--")
		c.flagSet(&invocation{}).VisitAll(func(f *pflag.Flag) {
			if !slices.Contains(flags, "--"+f.Name) {
				t.Errorf("flag --%s of %s is not offered", f.Name, c.name)
			}
		})
	}
}

func TestCompletedWords(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"gatewright.json": `{"catalogs": ["own.json"], "select": {"entry": ["web"]}}`,
		"own.json": `{"catalog": "own", "revision": "1", "title": "Own", "entries": [
			{"id": "web", "title": "Web $(reboot)", "endpoints": ["192.0.2.1"], "services": "tcp 443", "direction": "outbound", "role": "printers"},
			{"id": "mail", "title": "Mail", "area": "post", "endpoints": ["192.0.2.2"], "services": "tcp 25", "direction": "inbound", "role": "relays"}]}`,
		"feed.json": `{"syncToken": "1", "createDate": "2025-01-01-00-00-00", "prefixes": [
			{"ip_prefix": "3.5.140.0/22", "region": "$(reboot)", "service": "AMAZON;reboot", "network_border_group": "x"},
			{"ip_prefix": "3.5.144.0/22", "region": "eu-west-1", "service": "EC2", "network_border_group": "x"}], "ipv6_prefixes": []}`,
		"broken.json": `{"catalog": `,
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		what string
		line string
		want string
	}{
		{"the site file's catalogues", "list --entry ", "own/mail own/web"},
		{"roles of the site file's catalogues", "generate --bind ", "clients= printers= relays="},
		{"those of a flow", "explain inbound tcp 192.0.2.9 to r", "relays"},
		{"catalogues of the line", "list --catalog m365-additional --area ex", "exchange"},
		{"what is no plain word is left out", "list --catalog feed.json --region ", "eu-west-1"},
		{"what is no plain word is left out", "list --catalog feed.json --service ", "EC2"},
		{"an operand that is taken", "list rules ", ""},
		{"a generator that is named", "check nftables --strict pa", "pac"},
		{"values of a flag with =", "list --direction=in", "--direction=inbound"},
		{"a flag that takes none", "list --json ru", "rules"},
		{"a broken catalogue", "list --catalog broken.json --entry ", ""},
		{"a catalogue that is not there", "list --catalog none.json --entry ", ""},
		{"a pipe is not read", "list --catalog /dev/stdin --entry ", ""},
		{"an unknown command", "lisst --en", ""},
		{"an unknown flag", "list --lintt --entry own/w", "own/web"},
		{"a flag without words", "fetch m365 --tenant ", ""},
		{"a publisher's areas", "fetch m365 --area Sha", "SharePoint"},
		{"files", "fetch m365 -o ", ":files"},
		{"formats of check", "check --format gi", "github gitlab"},
		{"formats of diff", "diff --format ", "text markdown"},
		{"a base to compare with", "check --new ", ":files"},
		{"help of a command", "help expl", "explain"},
		{"the first operand is a generator", "usage sq", "squid"},
		{"then files", "usage squid ", ":files"},
	} {
		if have := strings.Join(completeWords(t, strings.Split(c.line, " ")...), " "); have != c.want {
			t.Errorf("%s: %q offers %q, want %q", c.what, c.line, have, c.want)
		}
	}
}

// TestHelpIsWhole holds that every command has a synopsis, an own line in the help,
// and a description of every flag that fits a terminal.
func TestHelpIsWhole(t *testing.T) {
	help := usageText()
	for _, c := range commands() {
		if !strings.HasPrefix(c.usage, "gatewright "+c.name) || !strings.Contains(help, "    "+c.name+" ") || c.summary == "" {
			t.Errorf("%s has no synopsis or no line in the help", c.name)
		}
		shown := flagHelp(c.flagSet(&invocation{}))
		if strings.Contains(shown, "[=") {
			t.Errorf("%s: the help shows a value of a flag that takes none:\n%s", c.name, shown)
		}
		for line := range strings.Lines(c.usage + help + shown) {
			if len(line) > 81 {
				t.Errorf("%s: a line of the help is too wide: %q", c.name, line)
			}
		}
		if c.flags == nil {
			continue
		}
		flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
		c.flags(&invocation{}, flags)
		flags.VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s: flag --%s has the description %q", c.name, f.Name, f.Usage)
			}
		})
	}
}
