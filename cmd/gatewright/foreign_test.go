package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/pflag"

	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

// foreign is what somebody writes into one of the files of a folder, and how it is
// told: the line that stands there is text, escaped.
type foreign struct {
	name, file string
	change     func(text string) string
	text       string
}

func appended(more string) func(string) string {
	return func(text string) string { return text + more }
}

func replaced(old, new string) func(string) string {
	return func(text string) string { return strings.Replace(text, old, new, 1) }
}

// foreigns are attacks on who lets an engine, or a person, read the files.
func foreigns() []foreign {
	const (
		escape = "const run = this.constructor.constructor('return process')().mainModule.require('child_process').execSync;"
		filler = 1100
	)
	long := "#" + strings.Repeat("x", filler) + "destroy mine"
	return []foreign{
		{"a program behind the PAC file", "proxy.pac", appended(escape + "\n"), escape},
		{"a program behind JavaScript's end of a line in a comment", "proxy.pac", replaced("// source: ", "// source: \u2028evil();//"), `\u2028evil();//`},
		{"a program behind a carriage return", "proxy.pac", replaced("// source: ", "// source: \revil();//"), `\revil();//`},
		{"another answer in the program", "proxy.pac", replaced("  return gatewright(", "  return 'PROXY evil:1' || gatewright("), "  return 'PROXY evil:1' || gatewright("},
		{"a rewriting program", "gatewright.squid.conf", appended("url_rewrite_program /bin/sh -c id\n"), "url_rewrite_program /bin/sh -c id"},
		{"a port that listens", "gatewright.squid.conf", appended("http_port 0.0.0.0:13128\n"), "http_port 0.0.0.0:13128"},
		{"a file that Squid includes", "gatewright.squid.conf", appended("include \"/etc/shadow\"\n"), `include \"/etc/shadow\"`},
		{"everything allowed", "gatewright.squid.conf", appended("http_access allow all\n"), "http_access allow all"},
		{"an undefined name", "gatewright.squid.conf", replaced("http_access allow gatewright_src_clients", "http_access allow gatewright_src_nobody"), "http_access allow gatewright_src_nobody"},
		{"a next line", "gatewright.squid.conf", replaced("# source: ", "# source: \u0085http_access allow all "), `\u0085http_access allow all`},
		{"a list of another folder", "gatewright.squid.conf", replaced("/etc/squid/gatewright/src_clients.txt", "/tmp/src_clients.txt"), "/tmp/src_clients.txt"},
		{"two tokens on a line of a list", "gatewright/src_clients.txt", replaced("10.0.0.0/8\n", "10.0.0.0/8 0.0.0.0/0\n"), "10.0.0.0/8 0.0.0.0/0"},
		{"a file that nft includes", "gatewright.nft", appended("include \"/etc/shadow\"\n"), `include \"/etc/shadow\"`},
		{"another table behind a set", "gatewright.nft", appended("add set inet filter gatewright_x { type ipv4_addr; } ; add table ip evil1\n"), "add table ip evil1"},
		{"another table behind the end of a list", "gatewright.nft", replaced("\n}\n", "\n}; add table ip evil2\n"), "}; add table ip evil2"},
		{"a set destroyed behind a long comment", "gatewright.ipset", appended(long + "\n"), "#xxx"},
		{"another set", "gatewright.ipset", appended("create mine hash:net\n"), "create mine hash:net"},
		{"a program in the kernel", "gatewright.iptables", replaced("\nCOMMIT\n", "\n-A gatewright_outbound -m bpf --bytecode \"1,6 0 0 1\" -j ACCEPT\nCOMMIT\n"), "-m bpf --bytecode"},
		{"a queue", "gatewright.ip6tables", replaced("\nCOMMIT\n", "\n-A gatewright_outbound -j NFQUEUE\nCOMMIT\n"), "-A gatewright_outbound -j NFQUEUE"},
		{"another key", "trusted-sites.reg", appended("[HKEY_LOCAL_MACHINE\\Software\\Microsoft\\Windows\\CurrentVersion\\Run]\r\n"), `[HKEY_LOCAL_MACHINE\\Software\\Microsoft`},
		{"a cursor that moves", "trusted-sites.reg", replaced("; source: ", "; source: \x1b[2J"), `\x1b[2J`},
		{"text that runs backwards", "gatewright.nft", replaced("# source: ", "# source: \u202e"), `\u202e`},
		{"a runner's command", "gatewright.nft", appended("::error file=a::b\n"), "::error file=a::b"},
	}
}

// ownFolder is what generate makes of a site with something for every generator.
func ownFolder(t *testing.T) (dir, site string) {
	t.Helper()
	dir = t.TempDir()
	site = filepath.Join(dir, "gatewright.json")
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("own.json", `{"catalog": "own", "revision": "1", "title": "Own", "entries": [
		{"id": "mail", "title": "Mail", "area": "mail", "category": "optimize", "direction": "outbound", "role": "clients",
		 "services": "tcp 443", "endpoints": ["mail.example.com", "192.0.2.0/25", "2001:db8:1::/48"]},
		{"id": "voice", "title": "Voice", "area": "voice", "direction": "outbound", "role": "clients",
		 "services": "tcp 5061; udp 3478", "endpoints": ["198.51.100.0/24", "*.voice.example.com"]},
		{"id": "zone", "title": "Zone", "kind": "trusted-site", "endpoints": ["www.zone.example"]}]}`)
	write("gatewright.json", `{"catalogs": ["./own.json"], "output": "out", "bind": {"clients": ["10.0.0.0/8", "fd00::/8"]},
		"options": {"pac": {"proxy": ["proxy.example.com:8080"]}}}`)
	runQuietly(t, 0, "generate", "-q", "--site", site)
	return dir, site
}

// runQuietly runs the tool, which has to end with a status, and returns what it said.
func runQuietly(t *testing.T, status int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	if got := run(args, nil, &out, &talk); got != status {
		t.Errorf("%v: status %d; want %d\n%s%s", args, got, status, out.String(), talk.String())
	}
	return out.String(), talk.String()
}

// changedFolder is a copy of a folder with one file changed.
func changedFolder(t *testing.T, from, file string, change func(string) string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "changed")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(to, filepath.FromSlash(file))
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := change(string(data))
	if text == string(data) {
		t.Fatalf("nothing is changed in %s:\n%s", file, text)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return to
}

// standIns puts programs into PATH that note that they were started.
func standIns(t *testing.T) (started func() bool) {
	t.Helper()
	dir := t.TempDir()
	mark := filepath.Join(dir, "started")
	for _, name := range []string{"nft", "ipset", "iptables", "ip6tables", "iptables-restore", "ip6tables-restore", "iptables-save", "squid", "node", "pactester", "chromium", "firefox-esr", "ip", "unshare"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n: > "+mark+"\nexit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return func() bool {
		_, err := os.Stat(mark)
		return err == nil
	}
}

// What generate does not write ends diff and verify before an engine starts, and check
// shows it as text.
func TestForeignFiles(t *testing.T) {
	dir, site := ownFolder(t)
	good := filepath.Join(dir, "out")
	started := standIns(t)
	for _, f := range foreigns() {
		t.Run(strings.ReplaceAll(f.name, " ", "-"), func(t *testing.T) {
			bad := changedFolder(t, good, f.file, f.change)
			for _, args := range [][]string{
				{"diff", good, bad}, {"diff", bad, good}, {"diff", bad, good, "--json"}, {"diff", bad, good, "--format", "markdown"},
				{"verify", "--site", site, "-o", bad}, {"verify", "--site", site, "-o", bad, "--unboxed"}, {"verify", "--site", site, "-o", bad, "--json"},
			} {
				stdout, stderr := runQuietly(t, exitFailed, args...)
				told := strings.HasPrefix(stderr, "gatewright: error: "+bad+": "+f.file+":") || f.file == "gatewright/src_clients.txt"
				if stdout != "" || !told || !strings.Contains(stderr, f.text) || !strings.Contains(stderr, " is not what generate writes; ") || !strings.HasSuffix(stderr, "; remove it, or generate the file again\n") {
					t.Errorf("%v: it says\n%s%s; want one error about %s with %s", args, stdout, stderr, f.file, f.text)
				}
				checkShown(t, stderr)
			}
			stdout, stderr := runQuietly(t, exitDifferent, "check", "--site", site, "-o", bad)
			if !strings.Contains(stderr, "; what the file does is unknown\n") || !strings.Contains(stdout, "--- "+filepath.Join(bad, f.file)+"\n") {
				t.Errorf("check says\n%s%s", stdout, stderr)
			}
			checkShown(t, stdout+stderr)
			runQuietly(t, exitDifferent, "check", "-q", "--site", site, "-o", bad)
		})
	}
	if started() {
		t.Error("an engine was started")
	}
	if _, stderr := runQuietly(t, exitFailed, "verify", "nftables", "--site", site, "--unboxed"); !started() && runtime.GOOS == "linux" {
		t.Errorf("no stand-in is ever started: %s", stderr)
	}
}

// checkShown holds that a text moves no cursor and shows nothing of the machine.
func checkShown(t *testing.T, text string) {
	t.Helper()
	if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsGraphic(r) }); i >= 0 {
		t.Errorf("%q is shown", text[i:min(len(text), i+20)])
	}
	if strings.Contains(text, "root:") {
		t.Errorf("a file of the machine is shown:\n%s", text)
	}
}

// A value changed by hand is read, told, and shown as what it opens, and as nothing
// else.
func TestValuesChangedByHand(t *testing.T) {
	dir, site := ownFolder(t)
	good := filepath.Join(dir, "out")
	for _, c := range []struct {
		name, file, old, new string
		want                 string // below the headline
	}{
		{"a prefix of nftables", "gatewright.nft", "\t192.0.2.0/25", "\t192.0.2.0/24", `
newly accepted: 1 prefix in 1 rule
+ outbound, tcp 443, gatewright.nft, chain gatewright_outbound
    for local 10.0.0.0/8:
+     192.0.2.128/25
    from own/mail: Mail
`},
		{"a port of nftables", "gatewright.nft", "tcp dport 443 goto", "tcp dport 444 goto", `
newly accepted: 1 prefix in 1 rule
+ outbound, tcp 444, gatewright.nft, chain gatewright_outbound
    for local 10.0.0.0/8:
+     192.0.2.0/25
    from own/mail: Mail

no longer accepted: 1 prefix in 1 rule
- outbound, tcp 443, gatewright.nft, chain gatewright_outbound
    for local 10.0.0.0/8:
-     192.0.2.0/25
    from own/mail: Mail
`},
		{"a prefix of ip6tables", "gatewright.ip6tables", " 2001:db8:1::/48", " 2001:db8::/46", `
newly accepted: 2 prefixes in 1 rule
+ outbound, tcp 443, gatewright.ip6tables, chain gatewright_outbound
    for local fd00::/8:
+     2001:db8::/48
+     2001:db8:2::/47
    from own/mail: Mail
`},
		{"a port of iptables", "gatewright.iptables", "--dport 3478", "--dport 3478:3479", `
newly accepted: 1 prefix in 1 rule
+ outbound, udp 3479, gatewright.iptables, chain gatewright_outbound
    for local 10.0.0.0/8:
+     198.51.100.0/24
    from own/voice: Voice
`},
		{"a prefix of Squid", "gatewright/mail-out-pp4n72sex_literals.txt", "192.0.2.0/25", "192.0.2.0/24", `
newly accepted: 1 prefix in 1 rule
+ mail-out-pp4n72sex: outbound, clients, tcp 443, gatewright.squid.conf
    for local 10.0.0.0/8 fd00::/8:
+     192.0.2.128/25
    from own/mail: Mail
`},
		{"a name of Squid", "gatewright/mail-out-pp4n72sex_names.txt", "mail.example.com", "mail.example.com\n.evil.example", `
newly accepted: 2 names in 1 rule
+ mail-out-pp4n72sex: outbound, clients, tcp 443, gatewright.squid.conf
    for local 10.0.0.0/8 fd00::/8:
+     evil.example
+     *.evil.example
    from own/mail: Mail
`},
		{"a prefix of the PAC file", "proxy.pac", "'192.0.2.0/25'", "'192.0.2.0/24'", `
changed routes in PAC files
  PROXY proxy.example.com:8080 -> direct: proxy.pac, tcp 443
      192.0.2.128/25
`},
		{"a port of the PAC file", "proxy.pac", "'5061'", "'5062'", `
changed routes in PAC files
  PROXY proxy.example.com:8080 -> direct: proxy.pac, tcp 5062
      *.voice.example.com
      198.51.100.0/24
  direct -> PROXY proxy.example.com:8080: proxy.pac, tcp 5061
      *.voice.example.com
      198.51.100.0/24
`},
		{"a route of the PAC file", "proxy.pac", "answers.push('DIRECT')", "answers.push('SOCKS other.example.com:1080')", `
changed routes in PAC files
  direct -> SOCKS other.example.com:1080: proxy.pac, tcp 443
      mail.example.com
      192.0.2.0/25
      2001:db8:1::/48
  direct -> SOCKS other.example.com:1080: proxy.pac, tcp 5061
      *.voice.example.com
      198.51.100.0/24
`},
		{"the proxy of the PAC file", "proxy.pac", "unmatched = 'PROXY proxy.example.com:8080'", "unmatched = 'PROXY evil.example:8080'", `SENDS: every remote without its own route to PROXY evil.example:8080 instead of PROXY proxy.example.com:8080 (proxy.pac, tcp 1-65535)

changed routes in PAC files
  PROXY proxy.example.com:8080 -> PROXY evil.example:8080: proxy.pac, tcp 1-65535
      every remote without its own route
`},
		{"a key of a zone", "trusted-sites.reg", `\zone.example\www]`, `\zone.example\login]`, `
trusted sites
+ trusted-sites.reg: login.zone.example
- trusted-sites.reg: www.zone.example
`},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			bad := changedFolder(t, good, c.file, replaced(c.old, c.new))
			stdout, stderr := runQuietly(t, exitDifferent, "diff", good, bad)
			_, body, _ := strings.Cut(stdout, "\n")
			want := c.want + "\nchanged by hand since they were generated, and used as they are\n  " + bad + "/" + c.file + "\n"
			if body != want || stderr != "" {
				t.Errorf("diff says\n%s%s; want\n%s", body, stderr, want)
			}
			stdout, stderr = runQuietly(t, exitDifferent, "check", "--site", site, "-o", bad)
			if want := "gatewright: warning: " + filepath.Join(bad, c.file) + " was changed by hand since it was generated\n"; stderr != want {
				t.Errorf("check says %s; want %s", stderr, want)
			}
			if !strings.Contains(stdout, " against what generate would write: ") {
				t.Errorf("check does not tell what is opened:\n%s", stdout)
			}
		})
	}
}

// Files of another format are told as such. The old ones of diff are made anew by the
// site file that is at hand.
func TestOtherFormats(t *testing.T) {
	dir, site := ownFolder(t)
	t.Chdir(t.TempDir()) // where no site file is
	good := filepath.Join(dir, "out")
	for _, g := range generators.All() {
		t.Run(g.Name(), func(t *testing.T) {
			var file string
			r, err := g.Read(filesOf(t, good))
			if err != nil || len(r.Read) == 0 {
				t.Fatal(err)
			}
			file = r.Read[0]
			earlier := changedFolder(t, good, file, func(text string) string { return formatNumber.ReplaceAllString(text, "") })
			changed := changedFolder(t, good, file, appended("extra"))
			if _, err := g.Read(filesOf(t, earlier)); err == nil {
				t.Fatalf("%s reads %s without the number of its format: such a file is of format 1, so a new generator starts at format 2", g.Name(), file)
			}
			told := file + " has format 1, but this version writes format "
			for _, args := range [][]string{
				{"diff", earlier, good}, {"diff", good, earlier}, {"diff", good, earlier, "--site", site}, {"verify", "--site", site, "-o", earlier},
			} {
				stdout, stderr := runQuietly(t, exitFailed, args...)
				if stdout != "" || !strings.HasPrefix(stderr, "gatewright: error: "+earlier+": "+told) || !strings.Contains(stderr, "; generate it again") {
					t.Errorf("%v: %s%s", args, stdout, stderr)
				}
			}
			stdout, stderr := runQuietly(t, 0, "diff", earlier, good, "--site", site)
			if !strings.Contains(stdout, ": no difference\n") || !strings.Contains(stderr, "gatewright: warning: "+earlier+": "+file+" has the old format 1; it is replaced by what "+site+" makes in format ") {
				t.Errorf("diff with the site file: %s%s", stdout, stderr)
			}
			runQuietly(t, exitFailed, "diff", earlier, changed, "--site", site)
			stdout, stderr = runQuietly(t, exitDifferent, "check", "--site", site, "-o", earlier)
			if !strings.Contains(stderr, "gatewright: error: "+earlier+": "+told) || strings.Contains(stderr, "unknown") || !strings.Contains(stdout, "; format ") {
				t.Errorf("check: %s%s", stdout, stderr)
			}
		})
	}
}

var formatNumber = regexp.MustCompile("; format [0-9]+")

func filesOf(t *testing.T, dir string) artefact.Files {
	t.Helper()
	f, err := readFolder(plainfile.Named(dir))
	if err != nil {
		t.Fatal(err)
	}
	return f.files
}

// Files that no generator knows are compared as text, and reach no engine.
func TestUnknownFiles(t *testing.T) {
	dir, site := ownFolder(t)
	good := filepath.Join(dir, "out")
	other := changedFolder(t, good, "proxy.pac", replaced("// source: ", "// source: "+"x"))
	for name, text := range map[string]string{"own.nft": "flush ruleset\n", "gatewright/own.txt": "0.0.0.0/0\n"} {
		if err := os.WriteFile(filepath.Join(other, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stdout, _ := runQuietly(t, exitDifferent, "diff", good, other)
	const want = "\nfiles that were added or removed, or differ as text\n+ gatewright/own.txt: added\n+ own.nft: added\n"
	if !strings.Contains(stdout, want) {
		t.Errorf("diff says\n%s; want\n%s", stdout, want)
	}
	p := production{dir: other, folder: plainfile.Named(other)}
	inv := &invocation{stdout: console.NewWriter(io.Discard), console: console.New(io.Discard)}
	inv.site.register(pflag.NewFlagSet("verify", pflag.ContinueOnError))
	inv.site.file = site
	made, err := inv.produce([]string{"squid"})
	if err != nil {
		t.Fatal(err)
	}
	p.outputs = made.outputs
	if err := inv.takeFiles(&p); err != nil {
		t.Fatal(err)
	}
	for _, a := range p.artefacts() {
		if strings.Contains(a.Name, "own.txt") {
			t.Errorf("an engine gets %s", a.Name)
		}
	}
}
