package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// completed is a line with the cursor at its end, and what has to be offered there. One
// word alone is completed in the line.
type completed struct {
	what, line string
	offers     []string
	not        string
	prefix     string // of the word before what is offered
}

func completedLines() []completed {
	return []completed{
		{"a command", "gatewright veri", []string{"verify"}, "", ""},
		{"commands", "gatewright gener", []string{"generate", "generators"}, "verify", ""},
		{"a flag", "gatewright generate --tol --cove", []string{"--coverage"}, "", ""},
		{"a generator", "gatewright generate nf", []string{"nftables"}, "", ""},
		{"a second generator", "gatewright check nftables trust", []string{"trusted-sites"}, "", ""},
		{"a list", "gatewright list rul", []string{"rules"}, "", ""},
		{"an entry", "gatewright list --entry m365-additional/mfa-s", []string{"m365-additional/mfa-server"}, "", ""},
		{"an entry after =", "gatewright list --entry=m365-additional/mfa-s", []string{"m365-additional/mfa-server"}, "", "--entry="},
		{"entries", "gatewright list --exclude m365-additional/m", []string{"m365-additional/mfa-server", "m365-additional/mailbox-migration"}, "m365-worldwide/", ""},
		{"a role", "gatewright generate --bind exch", []string{"exchange="}, "", ""},
		{"a role of a flow", "gatewright explain outbound tcp a.example:443 from exch", []string{"exchange"}, "", ""},
		{"an option", "gatewright generate --set nftables.adm", []string{"nftables.admin="}, "", ""},
		{"an option's value", "gatewright generate --set nftables.mode=enf", []string{"nftables.mode=enforce"}, "", ""},
		{"a catalogue", "gatewright list --catalog m365-w", []string{"m365-worldwide"}, "", ""},
		{"a revision", "gatewright list --catalog m365-additional@2018", []string{"m365-additional@2018-10-23"}, "", ""},
		{"a catalogue after =", "gatewright list --catalog=m365-w", []string{"m365-worldwide"}, "", "--catalog="},
		{"options after =", "gatewright generate --set=pac.pla", []string{"direct", "proxy"}, "", "--set=pac.plain="},
		{"values right after =", "gatewright generate --set nftables.place=", []string{"forward", "host"}, "", "nftables.place="},
		{"a file", "gatewright list --catalog clo", []string{"cloud.json"}, "", ""},
		{"a file whose name has a blank", "gatewright list --site my", []string{"my site.json"}, "", ""},
		{"a tag", "gatewright list --catalog cloud.json --tag AzureBack", []string{"AzureBackup.WestEurope"}, "", ""},
		{"a region", "gatewright list --catalog cloud.json --region weste", []string{"westeurope"}, "", ""},
		{"an area", "gatewright list --area shar", []string{"sharepoint"}, "", ""},
		{"a publisher's instance", "gatewright fetch m365 --instance Chi", []string{"China"}, "", ""},
		{"a shell", "gatewright completion fi", []string{"fish"}, "", ""},
		{"an output folder", "gatewright generate -o dist", []string{"distant"}, "", ""},
	}
}

const cloudFeed = `{"changeNumber": 1, "cloud": "Public", "values": [
 {"name": "AzureBackup.WestEurope", "id": "AzureBackup.WestEurope", "properties": {"changeNumber": 1, "region": "westeurope",
  "regionId": 1, "platform": "Azure", "systemService": "AzureBackup", "addressPrefixes": ["20.1.2.0/24"], "networkFeatures": []}}]}`

// completionFolder is a working folder with each shell's script.
func completionFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"cloud.json": cloudFeed, "my site.json": "{}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "distant"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, shell := range shells() {
		var script, stderr bytes.Buffer
		if status := run([]string{"completion", shell}, nil, &script, &stderr); status != exitOK {
			t.Fatalf("%s: status %d\n%s", shell, status, &stderr)
		}
		if err := os.WriteFile(filepath.Join(dir, "gatewright."+shell), script.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func environment(dir, tool string) []string {
	return []string{"PATH=" + tool + ":" + os.Getenv("PATH"), "HOME=" + dir, "TERM=dumb", "LC_ALL=C.UTF-8", asTool}
}

// TestCompletionInFish asks fish what it offers.
func TestCompletionInFish(t *testing.T) {
	dir, tool := completionFolder(t), toolFolder(t)
	for _, c := range completedLines() {
		ask := exec.Command("fish", "--no-config", "-c", "source gatewright.fish; complete -C "+`"$argv"`, c.line)
		ask.Dir, ask.Env = dir, environment(dir, tool)
		out, err := ask.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		offered := map[string]bool{}
		for line := range strings.Lines(string(out)) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			offered[strings.TrimSuffix(strings.TrimPrefix(word, c.prefix), "/")] = true
		}
		for _, want := range c.offers {
			if !offered[want] {
				t.Errorf("%s: %q offers %q, not %s", c.what, c.line, out, want)
			}
		}
		if c.not != "" && strings.Contains(string(out), c.not) {
			t.Errorf("%s: %q offers %s:\n%s", c.what, c.line, c.not, out)
		}
	}
}

// TestCompletionAtTheKeyboard types lines in interactive shells and presses Tab.
func TestCompletionAtTheKeyboard(t *testing.T) {
	dir, tool := completionFolder(t), toolFolder(t)
	for shell, command := range map[string][]string{
		"bash": {"bash", "--norc", "--noprofile", "-i"},
		"zsh":  {"zsh", "-f", "-i"},
	} {
		t.Run(shell, func(t *testing.T) {
			k := openTerminal(t, dir, environment(dir, tool), command)
			switch shell {
			case "bash":
				k.enter("bind 'set enable-bracketed-paste off'; bind 'set page-completions off'; bind 'set show-all-if-ambiguous on'; PS1=; source gatewright.bash")
			case "zsh":
				k.enter("PROMPT= RPROMPT=; unsetopt prompt_sp prompt_cr zle_bracketed_paste; LISTMAX=1000; autoload -Uz compinit; compinit -u; source gatewright.zsh")
			}
			k.enter(`gatewright() { if [ "$1" = __complete ]; then command gatewright "$@"; else printf '<%s>' "$@"; echo; fi; }`)
			for _, c := range completedLines() {
				shown := strings.ReplaceAll(k.complete(c), "/>", ">")
				for _, want := range c.offers {
					if len(c.offers) == 1 {
						want = "<" + c.prefix + want + ">"
					}
					if !strings.Contains(shown, want) {
						t.Errorf("%s: after %q it shows %q, not %s", c.what, c.line, shown, want)
					}
				}
				if c.not != "" && strings.Contains(shown, c.not) {
					t.Errorf("%s: after %q it shows %q", c.what, c.line, shown)
				}
			}
		})
	}
}

// keyboard is an interactive shell at a terminal of its own.
type keyboard struct {
	t      *testing.T
	master *os.File
	output chan []byte
	marks  int
}

func openTerminal(t *testing.T, dir string, env, command []string) *keyboard {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var unlock, number int32
	control(t, master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	control(t, master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	size := [4]uint16{50, 300}
	control(t, master, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	shell := exec.Command(command[0], command[1:]...)
	shell.Dir, shell.Env = dir, env
	shell.Stdin, shell.Stdout, shell.Stderr = terminal, terminal, terminal
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	k := &keyboard{t: t, master: master, output: make(chan []byte, 1000)}
	go func() {
		defer close(k.output)
		for {
			chunk := make([]byte, 4096)
			n, err := master.Read(chunk)
			if err != nil {
				return
			}
			k.output <- chunk[:n]
		}
	}()
	t.Cleanup(func() {
		_ = shell.Process.Kill()
		_ = shell.Wait()
		master.Close()
	})
	return k
}

func control(t *testing.T, f *os.File, request uintptr, argument unsafe.Pointer) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(argument)); errno != 0 {
		t.Fatal(errno)
	}
}

func (k *keyboard) press(keys string) {
	k.t.Helper()
	if _, err := io.WriteString(k.master, keys); err != nil {
		k.t.Fatal(err)
	}
}

// until returns what is shown up to a text, or fails after a while.
func (k *keyboard) until(text string) string {
	k.t.Helper()
	var shown strings.Builder
	late := time.After(3 * time.Minute)
	for !strings.Contains(shown.String(), text) {
		select {
		case chunk, ok := <-k.output:
			if !ok {
				k.t.Fatalf("the shell ended; it showed %q", shown.String())
			}
			shown.Write(chunk)
		case <-late:
			k.t.Fatalf("the shell shows %q, and no %q", shown.String(), text)
		}
	}
	return shown.String()
}

// enter runs a command and waits for its end. The mark's text is made by the shell, so
// that the echo of the line is not taken for it.
func (k *keyboard) enter(command string) {
	k.t.Helper()
	k.marks++
	k.press(fmt.Sprintf("%s; echo done-$((%d+0))-here\r", command, k.marks))
	k.until(fmt.Sprintf("done-%d-here", k.marks))
}

// complete types a line and presses Tab, and a second time where there are several
// candidates. It returns what is shown, at last the words that the line has become.
func (k *keyboard) complete(c completed) string {
	k.t.Helper()
	k.marks++
	end := fmt.Sprintf("end%d", k.marks)
	k.press(c.line + "\t")
	listed := ""
	if len(c.offers) > 1 {
		k.press("\t")
		listed = k.until(c.offers[len(c.offers)-1])
	}
	k.press(" " + end + "\r")
	return listed + k.until("<"+end+">")
}
