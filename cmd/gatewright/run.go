package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"gatewright/catalog/suggest"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/generators/live"
)

// Exit statuses.
const (
	exitOK        = 0
	exitDifferent = 1 // a difference, or a shortfall under --strict
	exitUsage     = 2
	exitFailed    = 3 // bad input or a failed operation
)

// command is one sub-command.
type command struct {
	name    string
	summary string // one line for the list of commands
	usage   string // synopsis, what it does, an example
	flags   func(*invocation, *pflag.FlagSet)

	// operands returns the candidates for the next operand, for completion; nil if
	// there are none.
	operands func(inv *invocation, before []string) []candidate

	run func(*invocation, []string) error
}

// commands returns the sub-commands in the order in which help lists them.
func commands() []command {
	return []command{initCommand(), generateCommand(), listCommand(), explainCommand(), checkCommand(), diffCommand(), verifyCommand(), planCommand(), applyCommand(), confirmCommand(), driftCommand(), fetchCommand(), usageCommand(), generatorsCommand(), schemaCommand(), versionCommand(), completionCommand()}
}

// invocation is one run of the tool: its streams and its flags.
type invocation struct {
	stdin    io.Reader
	stdout   *console.Writer
	console  console.Console
	site     siteFlags
	output   string
	json     bool
	strict   bool
	full     bool // --coverage
	all      bool
	lintOnly bool // --lint
	unboxed  bool
	timeout  time.Duration // of one proof
	format   string
	netns    string
	dryRun   bool
	bounds   live.Bounds
	confirm  time.Duration
	base     string           // --new
	found    *report.Findings // of check
}

// usageError is a mistake in how the tool was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errDifferent ends a run with exitDifferent; the difference is already reported.
var errDifferent = errors.New("different")

// run is the whole tool: it returns the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	inv := &invocation{stdin: stdin, stdout: console.NewWriter(stdout), console: console.New(stderr)}
	status := inv.command(args)
	told := inv.stdout.Err() != nil && status == exitFailed
	if err := inv.stdout.Close(); err != nil && !told {
		status = inv.status(err)
	}
	inv.console.Close()
	return status
}

// command runs the command that the arguments name.
func (inv *invocation) command(args []string) int {
	if len(args) == 0 {
		fmt.Fprint(inv.console, usageText())
		return exitUsage
	}
	if args[0] == "-h" || args[0] == "--help" || args[0] == "help" && len(args) == 1 {
		fmt.Fprint(inv.stdout, usageText())
		return exitOK
	}
	if args[0] == "help" {
		args = []string{args[1], "--help"}
	}
	if args[0] == "--version" {
		args[0] = "version"
	}
	switch args[0] {
	case completeName:
		inv.complete(args[1:])
		return exitOK
	case manualName:
		return inv.status(inv.manual(args[1:]))
	}
	for _, c := range append(commands(), watchCommand()) {
		if c.name == args[0] {
			return inv.status(inv.call(c, args[1:]))
		}
	}
	return inv.status(usagef("unknown command %q; %s", args[0], suggest.OneOf(args[0], commandNames())))
}

func (inv *invocation) call(c command, args []string) error {
	flags := c.flagSet(inv)
	err := flags.Parse(args)
	if errors.Is(err, pflag.ErrHelp) || flags.Changed("help") {
		fmt.Fprintf(inv.stdout, "%s\nFlags:\n%s", c.usage, flagHelp(flags))
		return nil
	}
	if err != nil {
		return usagef("%s: %w%s; `gatewright %s --help` shows the flags", c.name, err, nearestFlag(flags, err), c.name)
	}
	if name := emptyFlag(flags); name != "" {
		return usagef("%s: --%s has no value; give one, or leave it out", c.name, name)
	}
	return oneValue(flags, c.run(inv, flags.Args()))
}

// oneValue adds a hint to an error about a flag's value that contains a comma: several
// values need the flag several times.
func oneValue(flags *pflag.FlagSet, err error) error {
	if err == nil || errors.Is(err, errDifferent) {
		return err
	}
	about := ""
	flags.Visit(func(f *pflag.Flag) {
		list, ok := f.Value.(pflag.SliceValue)
		if !ok {
			return
		}
		for _, value := range list.GetSlice() {
			if _, after, ok := strings.Cut(value, "="); ok {
				value = after
			}
			if strings.Contains(value, ",") && strings.Contains(err.Error(), value) {
				about = f.Name
			}
		}
	})
	if about == "" {
		return err
	}
	return fmt.Errorf("%w; commas do not separate values here; give --%s once for each value", err, about)
}

// emptyFlag returns the name of a flag that was given the empty text, as an unset
// shell variable does.
func emptyFlag(flags *pflag.FlagSet) (name string) {
	flags.Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if slices.Contains(values, "") {
			name = f.Name
		}
	})
	return name
}

// status prints an error and returns its exit status.
func (inv *invocation) status(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errDifferent):
		return exitDifferent
	case errors.As(err, &usage):
		inv.console.Errorf("%v", err)
		return exitUsage
	}
	inv.console.Errorf("%v", err)
	return exitFailed
}

func commandNames() []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}

func usageText() string {
	var b strings.Builder
	b.WriteString(`gatewright makes firewall and proxy rules from catalogues of service endpoints.

    gatewright init              write a site file with blanks for open items
    gatewright generate -o out   write rule files for the default catalogues
    gatewright list              show entries and what became of each
    gatewright check -o out      check that the files are up to date, for CI

Commands:
`)
	for _, c := range commands() {
		fmt.Fprintf(&b, "    %-12s %s\n", c.name, c.summary)
	}
	b.WriteString(`
` + "`gatewright COMMAND --help`" + ` shows the flags of a command.

Exit status: 0 success; 1 a difference, or a shortfall with --strict; 2 wrong
usage; 3 bad input or a failed operation. Wrong usage and bad input are refused
before anything is written or changed.
`)
	return b.String()
}
