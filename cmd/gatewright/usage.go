package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/cmd/gatewright/internal/console"
	"gatewright/generators"
)

func usageCommand() command {
	return command{
		name:    "usage",
		summary: "show which rules are used, from counters or a proxy log",
		usage: `gatewright usage GENERATOR FILE...

Shows how often each rule of the site was used on the gateway, and which rules
were never used. FILE holds the counters of a packet filter, or a proxy's log in
Squid's native format; - is stdin. With "group": "entry" in the site file each
entry has its own rule, and so its own count. For a proxy's log it also shows
denied requests that only the port, the name or the role keeps from matching a
rule.

    nft -j list counters | gatewright usage nftables -
    (iptables-save -c; ip6tables-save -c) | gatewright usage iptables -
    gatewright usage squid /var/log/squid/access.log
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.BoolVar(&inv.json, "json", false, "print JSON")
			flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "print only the result and errors")
		},
		operands: countedThenFiles,
		run:      usage,
	}
}

func usage(inv *invocation, args []string) error {
	if len(args) == 0 {
		return usagef("usage: name one of %s, and a file", strings.Join(countedGenerators(), ", "))
	}
	g, err := generators.ByName(args[0])
	if err != nil {
		return usageError{err}
	}
	var read func(*usageCount, io.Reader) error
	var from string
	switch g := g.(type) {
	case generators.Counting:
		from, read = "the output of `"+g.CountsBy()+"`", func(u *usageCount, r io.Reader) error { return u.count(g, r) }
	case generators.Logging:
		from, read = "its log, such as "+g.Log(), func(u *usageCount, r io.Reader) error { return u.follow(g, r) }
	default:
		return usagef("usage: the output of generator %s has no counters; expect one of %s", g.Name(), strings.Join(countedGenerators(), ", "))
	}
	if len(args) == 1 {
		return usagef("usage: %s: name a file with %s, or - for stdin", g.Name(), from)
	}
	counted, err := inv.newUsage(g)
	if err != nil {
		return err
	}
	for _, name := range args[1:] {
		if err := inv.readNamed(name, func(r io.Reader) error { return read(counted, r) }); err != nil {
			return err
		}
	}
	counted.finish()
	if inv.json {
		return console.WriteJSON(inv.stdout, counted.Usage)
	}
	if err := counted.Write(inv.stdout, console.Width(inv.stdout)); err != nil {
		return err
	}
	counted.Tell(inv.console)
	return nil
}

// countedGenerators are the names of those whose backends count or log.
func countedGenerators() (names []string) {
	for _, g := range generators.All() {
		switch g.(type) {
		case generators.Counting, generators.Logging:
			names = append(names, g.Name())
		}
	}
	return names
}

// readNamed reads a file that the user names, or stdin.
func (inv *invocation) readNamed(name string, read func(io.Reader) error) error {
	if name == "-" {
		if err := read(inv.stdin); err != nil {
			return fmt.Errorf("stdin: %w", err)
		}
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := read(f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
