package main

import "fmt"

// version is the tool's own; it never appears in an artefact.
const version = "0.1.0"

func versionCommand() command {
	return command{
		name:    "version",
		summary: "print the version",
		usage:   "gatewright version\n",
		run: func(inv *invocation, args []string) error {
			if len(args) > 0 {
				return usagef("version takes no arguments")
			}
			_, err := fmt.Fprintln(inv.stdout, "gatewright", version)
			return err
		},
	}
}
