package main

import (
	"fmt"

	"gatewright/cmd/gatewright/internal/console"

	"github.com/spf13/pflag"
)

// version is the tool's own; it never appears in an artefact.
const version = "0.1.0"

func versionCommand() command {
	return command{
		name:    "version",
		summary: "print the version",
		usage: `gatewright version

Prints the tool's version. The version is not part of any file that it writes.
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			flags.BoolVar(&inv.json, "json", false, "print JSON")
		},
		run: printVersion,
	}
}

func printVersion(inv *invocation, args []string) error {
	if len(args) > 0 {
		return usagef("version: unexpected operand; version takes none")
	}
	if inv.json {
		return console.WriteJSON(inv.stdout, struct {
			Version    console.Version `json:"version"`
			Gatewright string          `json:"gatewright"`
		}{Gatewright: version})
	}
	_, err := fmt.Fprintln(inv.stdout, "gatewright", version)
	return err
}
