package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestCompletionIsWhole holds that every shell's script knows every command and
// every flag, and that no word needs quoting.
func TestCompletionIsWhole(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		var stdout, stderr bytes.Buffer
		if status := run([]string{"completion", shell}, nil, &stdout, &stderr); status != exitOK {
			t.Fatalf("%s: status %d\n%s", shell, status, &stderr)
		}
		script := stdout.String()
		for _, c := range commands() {
			if !strings.Contains(script, c.name) || strings.ContainsAny(c.name+c.summary, `'"\$`) {
				t.Errorf("%s: command %s is missing, or its words need quoting", shell, c.name)
			}
			flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
			if c.flags != nil {
				c.flags(&invocation{}, flags)
			}
			flags.VisitAll(func(f *pflag.Flag) {
				flag := map[string]string{"fish": "-l " + f.Name + "\n"}[shell]
				if flag == "" {
					flag = "--" + f.Name
				}
				if !strings.Contains(script, flag) {
					t.Errorf("%s: flag --%s of %s is missing", shell, f.Name, c.name)
				}
			})
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
