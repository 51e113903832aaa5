package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"gatewright/catalog/suggest"
	"gatewright/cmd/gatewright/internal/console"
)

func completionCommand() command {
	return command{
		name:    "completion",
		summary: "print a completion script for a shell",
		usage: `gatewright completion bash|zsh|fish

The script asks gatewright for the candidates. It therefore completes the
entries, roles, tags and regions of the catalogues on the command line.

    source <(gatewright completion bash)
    gatewright completion zsh > ~/.zfunc/_gatewright
    gatewright completion fish > ~/.config/fish/completions/gatewright.fish
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			flags.BoolVar(&inv.json, "json", false, "print JSON")
		},
		operands: firstOf(shells()...),
		run:      printCompletion,
	}
}

// completionScripts are the scripts by shell. Each passes the words up to the cursor to
// `gatewright __complete`, and offers files where that says so.
var completionScripts = map[string]string{
	"bash": `# bash completion for gatewright
_gatewright() {
  local IFS=$'\n' line words files=""
  # COMP_WORDS are parted at "=" and "@", too.
  local typed="${COMP_LINE:0:COMP_POINT}"
  IFS=$' \t\n' read -r -a words <<<"$typed"
  case "$typed" in
    "") words=("${COMP_WORDS[@]:0:COMP_CWORD+1}") ;;
    *[[:space:]]) words+=("") ;;
  esac
  local current="${words[${#words[@]}-1]}"
  # Readline replaces what stands after the last of its word breaks alone, which is $2.
  local head="${current%"${2-$current}"}"
  COMPREPLY=()
  while read -r line; do
    if [ "$line" = :files ]; then files=yes; continue; fi
    line="${line%%$'\t'*}"
    COMPREPLY+=("${line#"$head"}")
  done < <("${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)
  if [ -n "$files" ]; then
    compopt -o filenames
    while read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "${2-$current}")
  elif [ "${#COMPREPLY[@]}" -eq 1 ]; then
    case "${COMPREPLY[0]}" in *[=./]) compopt -o nospace ;; esac
  fi
}
complete -F _gatewright gatewright
`,
	"zsh": `#compdef gatewright
_gatewright() {
  local line word text files
  local -a whole open
  for line in "${(@f)$(${(Q)words[1]/#\~/$HOME} __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
    [[ -n $line ]] || continue
    if [[ $line == :files ]]; then files=yes; continue; fi
    word=${line%%$'\t'*}
    text=${word//:/\\:}
    [[ $line == *$'\t'* ]] && text+=":${line#*$'\t'}"
    if [[ $word == *[=./] ]]; then open+=("$text"); else whole+=("$text"); fi
  done
  (( $#whole )) && _describe -t values gatewright whole
  (( $#open )) && _describe -t values gatewright open -S ''
  [[ -n $files ]] && _files
}
if [[ ${funcstack[1]} == _gatewright ]]; then _gatewright "$@"; else compdef _gatewright gatewright; fi
`,
	"fish": `# fish completion for gatewright
function __gatewright_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            printf '%s\n' "$line"
        end
    end
end
complete -c gatewright -f -a '(__gatewright_complete)'
`,
}

func shells() []string { return []string{"bash", "zsh", "fish"} }

func printCompletion(inv *invocation, args []string) error {
	if len(args) != 1 {
		return usagef("completion: name one shell: bash, zsh or fish")
	}
	script, ok := completionScripts[args[0]]
	if !ok {
		return usagef("completion: unknown shell %q; %s", args[0], suggest.OneOf(args[0], shells()))
	}
	if inv.json {
		return console.WriteJSON(inv.stdout, struct {
			Version console.Version `json:"version"`
			Shell   string          `json:"shell"`
			Script  string          `json:"script"`
		}{Shell: args[0], Script: script})
	}
	_, err := fmt.Fprint(inv.stdout, script)
	return err
}
