package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/rule"
	"gatewright/catalog/suggest"
	"gatewright/generators"
)

func completionCommand() command {
	return command{
		name:    "completion",
		summary: "print a completion script for a shell",
		usage: `gatewright completion bash|zsh|fish

    source <(gatewright completion bash)
    gatewright completion zsh > ~/.zfunc/_gatewright
    gatewright completion fish > ~/.config/fish/completions/gatewright.fish
`,
		run: complete,
	}
}

func complete(inv *invocation, args []string) error {
	if len(args) != 1 {
		return usagef("completion: name one shell: bash, zsh or fish")
	}
	switch args[0] {
	case "bash":
		return completeBash(inv.stdout)
	case "zsh":
		return completeZsh(inv.stdout)
	case "fish":
		return completeFish(inv.stdout)
	}
	return usagef("completion: unknown shell %q; %s", args[0], suggest.OneOf(args[0], shells()))
}

func shells() []string { return []string{"bash", "zsh", "fish"} }

// completions returns, by command, the flags and operands that may follow it.
func completions() (names []string, words map[string][]string) {
	words = map[string][]string{}
	for _, c := range commands() {
		names = append(names, c.name)
		flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
		if c.flags != nil {
			c.flags(&invocation{}, flags)
		}
		flags.VisitAll(func(f *pflag.Flag) { words[c.name] = append(words[c.name], "--"+f.Name) })
		switch c.name {
		case "generate", "check", "verify", "generators":
			for _, g := range generators.All() {
				words[c.name] = append(words[c.name], g.Name())
			}
		case "list":
			words[c.name] = append(words[c.name], lists()...)
		case "fetch":
			words[c.name] = append(words[c.name], "m365")
		case "explain":
			words[c.name] = append(words[c.name], string(rule.Outbound), string(rule.Inbound), "tcp", "udp", "from", "to", "published")
		case "completion":
			words[c.name] = append(words[c.name], "bash", "zsh", "fish")
		}
	}
	return names, words
}

func completeBash(w io.Writer) error {
	names, words := completions()
	var cases strings.Builder
	for _, name := range names {
		fmt.Fprintf(&cases, "    %s) words=\"%s\" ;;\n", name, strings.Join(words[name], " "))
	}
	_, err := fmt.Fprintf(w, `_gatewright() {
  local words="" current="${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="%s"
  else
    case "${COMP_WORDS[1]}" in
%s    esac
  fi
  case "${COMP_WORDS[COMP_CWORD-1]}" in
    -o|--output|--site|--catalog) words="" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [ "${#COMPREPLY[@]}" -eq 0 ] && [ "$COMP_CWORD" -gt 1 ]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _gatewright gatewright
`, strings.Join(names, " "), cases.String())
	return err
}

func completeZsh(w io.Writer) error {
	names, words := completions()
	var cases strings.Builder
	for _, name := range names {
		fmt.Fprintf(&cases, "    %s) compadd -- %s; _files ;;\n", name, strings.Join(words[name], " "))
	}
	_, err := fmt.Fprintf(w, `#compdef gatewright
if (( CURRENT == 2 )); then
  compadd -- %s
else
  case "${words[2]}" in
%s  esac
fi
`, strings.Join(names, " "), cases.String())
	return err
}

func completeFish(w io.Writer) error {
	names, words := completions()
	for _, c := range commands() {
		if _, err := fmt.Fprintf(w, "complete -c gatewright -n __fish_use_subcommand -f -a %s -d '%s'\n", c.name, c.summary); err != nil {
			return err
		}
	}
	for _, name := range names {
		for _, word := range words[name] {
			arg := "-a " + word
			if flag, ok := strings.CutPrefix(word, "--"); ok {
				arg = "-l " + flag
			}
			if _, err := fmt.Fprintf(w, "complete -c gatewright -n '__fish_seen_subcommand_from %s' %s\n", name, arg); err != nil {
				return err
			}
		}
	}
	return nil
}
