//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// runSoon runs the tool, which has to end soon.
func runSoon(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	done := make(chan int, 1)
	go func() { done <- run(args, strings.NewReader(""), &out, &err) }()
	select {
	case status = <-done:
		return status, out.String(), err.String()
	case <-time.After(30 * time.Second):
		t.Fatalf("%s does not end", args)
	}
	return 0, "", ""
}

// checkout works in a folder with a site, its catalogue and its output, beside one with
// a secret.
func checkout(t *testing.T) (secret string) {
	t.Helper()
	secret = filepath.Join(t.TempDir(), "secret")
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		secret:            "SECRET\n",
		"gatewright.json": `{"catalogs": ["own.json"], "generators": ["nftables", "squid"], "output": "out"}`,
		"own.json": `{"catalog": "own", "revision": "1", "title": "t", "entries": [{"id": "e", "title": "t", "direction": "outbound",
			"role": "clients", "services": "tcp 443", "endpoints": ["192.0.2.1", "a.example.com"]}]}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if status, _, told := runSoon(t, "generate", "-q"); status != exitOK {
		t.Fatal(told)
	}
	return secret
}

// TestHostileFiles puts a link out of the folder, a named pipe and a folder into the
// place of each file that a command reads: the command says so at once, shows nothing
// of what the link leads to, and writes nothing.
func TestHostileFiles(t *testing.T) {
	const mend = "; put a regular file there, or name another"
	const mendLink = "; put the file or folder itself there, or name the target of the link"
	const readLink = " is a symbolic link; remove it, or put the file or the folder itself there"
	const inTheWay = " is in the way: it is not a regular file; remove it, "
	type wants struct{ link, pipe, folder string } // without "gatewright: error: "
	// read is what a command says of a file that it reads.
	read := func(where, name string) wants {
		return wants{where + name + readLink, where + name + " is a named pipe, not a regular file" + mend, where + name + " is a folder, not a regular file" + mend}
	}
	same := func(text string) wants { return wants{text, text, text} }
	record := read("gatewright.json:1:15: /catalogs/0: ", "own.json.fetched.json")
	for _, test := range []struct {
		name, command string
		args          string
		want          wants
	}{
		{"gatewright.json", "check", "", read("site file: ", "gatewright.json")},
		{"gatewright.json", "explain", "http://a.example.com/", read("site file: ", "gatewright.json")},
		{"own.json", "check", "", read("gatewright.json:1:15: /catalogs/0: catalogue: ", "own.json")},
		{"own.json.fetched.json", "check", "", record},
		{"out/gatewright.nft", "check", "", read("out: ", "gatewright.nft")},
		{"out/gatewright.nft", "verify", "nftables", read("out: ", "gatewright.nft")},
		{"out/gatewright.nft", "generate", "", same("out: gatewright.nft" + inTheWay + "or write elsewhere")},
		{"out/gatewright.nft", "diff", "out out", func() wants {
			w := read("out: ", "gatewright.nft")
			return wants{w.link, w.pipe, ""} // a folder without files
		}()},
		{"out/gatewright/src_clients.txt", "check", "", read("out: ", "gatewright/src_clients.txt")},
		{"out/gatewright", "generate", "", wants{"out: gatewright is in the way of gatewright/src_clients.txt: it is not a folder; remove it, or write elsewhere", "out: gatewright is in the way of gatewright/src_clients.txt: it is not a folder; remove it, or write elsewhere", ""}},
		{"out/.gatewright", "generate", "", wants{"out: .gatewright is in the way: it is not a folder; remove it, and run generate again", "out: .gatewright is in the way: it is not a folder; remove it, and run generate again", ""}},
		{"out/.gatewright/lock", "generate", "", same("out: .gatewright/lock" + inTheWay + "and run generate again")},
		{"out/.gatewright/manifest", "generate", "", read("out: ", ".gatewright/manifest")},
		{"out/.gatewright/manifest", "check", "", read("out: ", ".gatewright/manifest")},
		{"out/.gatewright/journal", "generate", "", func() wants {
			w := read("out: cannot finish an interrupted run: ", ".gatewright/journal")
			const giveUp = "; fix this and run generate again, or remove .gatewright/journal to abandon that run"
			return wants{w.link + giveUp, w.pipe + giveUp, w.folder + giveUp}
		}()},
		{"out/.gatewright/journal", "check", "", same("out: an earlier run was interrupted, so some files may be from the run before it; run generate again to finish it")},
		{"out/.gatewright/stage", "generate", "", wants{}}, // removed, and not what it leads to
		{"out", "generate", "", wants{"out: a link leads out of the working directory" + mendLink, "out is a named pipe, not a folder; name a folder", ""}},
		{"out", "check", "", wants{"out: a link leads out of the working directory" + mendLink, "out is a named pipe, not a folder; name a folder", "out/gatewright.nft is missing\nout/gatewright.squid.conf is missing"}},
		{"out", "verify", "", wants{"out: a link leads out of the working directory" + mendLink, "out is a named pipe, not a folder; name a folder", ""}},
		{"out", "diff", "out out", wants{"out: a link leads out of the working directory" + mendLink, "", ""}},
	} {
		for i, want := range []string{test.want.link, test.want.pipe, test.want.folder} {
			kind := []string{"a link", "a named pipe", "a folder"}[i]
			if want == "" && test.name != "out/.gatewright/stage" || kind == "a folder" && test.name == "out" {
				continue
			}
			secret := checkout(t)
			target := secret
			if slices.Contains([]string{"out", "out/gatewright", "out/.gatewright"}, test.name) {
				target = filepath.Dir(secret)
			}
			err := os.RemoveAll(test.name)
			switch kind {
			case "a link":
				err = errors.Join(err, os.Symlink(target, test.name))
			case "a named pipe":
				err = errors.Join(err, syscall.Mkfifo(test.name, 0o644))
			case "a folder":
				err = errors.Join(err, os.Mkdir(test.name, 0o755))
			}
			if err != nil {
				t.Fatal(err)
			}
			status, stdout, stderr := runSoon(t, append([]string{test.command, "-q"}, strings.Fields(test.args)...)...)
			if want != "" {
				want = "gatewright: error: " + want + "\n"
			}
			if stderr != want || (status == exitOK) != (want == "") {
				t.Errorf("%s with %s as %s: status %d\n     %q\nwant %q", test.command, test.name, kind, status, stderr, want)
			}
			if strings.Contains(stdout+stderr, "SECRET") {
				t.Errorf("%s with %s as %s shows what it leads to: %s", test.command, test.name, kind, stdout)
			}
			if files := tree(t, filepath.Dir(secret)); len(files) != 1 || files["secret"] != "SECRET\n" {
				t.Errorf("%s with %s as %s wrote outside: %q", test.command, test.name, kind, files)
			}
		}
	}
}

// TestHostileStage holds that finishing an interrupted run puts no link into place.
func TestHostileStage(t *testing.T) {
	secret := checkout(t)
	manifest, err := os.ReadFile("out/.gatewright/manifest")
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(os.WriteFile("out/.gatewright/journal", manifest, 0o644), os.Mkdir("out/.gatewright/stage", 0o755), os.Symlink(secret, "out/.gatewright/stage/0"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "gatewright: error: out: cannot finish an interrupted run: gatewright.nft cannot be put into place: .gatewright/stage/0 is not a regular file; fix this and run generate again, or remove .gatewright/journal to abandon that run\n"
	if status, _, told := runSoon(t, "generate", "-q"); status != exitFailed || told != want {
		t.Errorf("status %d, %q; want %q", status, told, want)
	}
	if info, err := os.Lstat("out/gatewright.nft"); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the rule file is %v, %v", info, err)
	}
}

// TestForeignCatalog holds that a site file cannot make a command show a file outside
// of its folder, as what is wrong with a catalogue would.
func TestForeignCatalog(t *testing.T) {
	secret := checkout(t)
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	up, err := filepath.Rel(wd, secret)
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(wd, "own.json") // that an absolute path leads into the folder may change at any time
	for _, name := range []string{secret, up, own, "out/../" + up, "../nowhere.json"} {
		if err := os.WriteFile("gatewright.json", []byte(`{"catalogs": ["`+name+`"]}`), 0o644); err != nil {
			t.Fatal(err)
		}
		want := `gatewright: error: gatewright.json:1:15: /catalogs/0: "` + name + `" leads out of the site file's folder; put the file there, or name all catalogues on the command line, including this one with --catalog ` + filepath.Clean(name) + "\n"
		for _, command := range [][]string{{"list"}, {"list", "--lint"}, {"generate", "-o", "out"}, {"verify", "-o", "out"}, {"diff", "gatewright.json", "gatewright.json"}} {
			if status, stdout, told := runSoon(t, command...); status != exitFailed || told != want || stdout != "" {
				t.Errorf("%v: status %d, %q\nwant %q", command, status, told, want)
			}
		}
	}
	if status, _, told := runSoon(t, "list", "--catalog", secret); status != exitFailed || !strings.Contains(told, "SECRET") {
		t.Errorf("a catalogue that the user names: status %d, %q", status, told)
	}
}

// knownFormats is how an error names what a catalogue may be.
const knownFormats = "Gatewright's own, Microsoft 365 endpoints (JSON or CSV), flat endpoints of PowerShell modules, Azure service tags, GitHub meta, Cloudflare ips, JSON that lists prefixes (AWS, Google, Oracle, Fastly, Atlassian and the like), a CSV of prefixes (geofeed, Microsoft public IP space), a plain list of prefixes or names"

// TestForeignWithinFolder holds that no command shows what stands in a file that is
// none of Gatewright's: by links that stay in the folder, hidden files that a site
// names, and foreign files in the place of its own.
func TestForeignWithinFolder(t *testing.T) {
	const link = " is a symbolic link; remove it, or put the file or the folder itself there\n"
	const inSite = "gatewright: error: gatewright.json:1:15: /catalogs/0: "
	const hidden = " is hidden, and a site file names no hidden file or folder, which may hold secrets; give it a name without a dot in front, or name all catalogues on the command line, including this one with --catalog "
	const known = "expected one of: " + knownFormats
	site := func(ref string) func() error {
		return func() error {
			return os.WriteFile("gatewright.json", []byte(`{"catalogs": ["`+ref+`"], "generators": ["nftables", "squid"], "output": "out"}`), 0o644)
		}
	}
	links := func(to, at string) func() error {
		return func() error { return errors.Join(os.RemoveAll(at), os.Symlink(to, at)) }
	}
	for _, test := range []struct {
		name    string
		prepare func() error
		command string
		want    string
	}{
		{"a link to a file of the folder", links(".git/config", "out/gatewright.nft"), "check", "gatewright: error: out: gatewright.nft" + link},
		{"a link to a folder of the folder", links(".git", "out/gatewright"), "check", "gatewright: error: out: gatewright" + link},
		{"the state", links(".git", "out/.gatewright"), "check", "gatewright: error: out: .gatewright" + link},
		{"verify", links(".git/config", "out/gatewright.nft"), "verify -q", "gatewright: error: out: gatewright.nft" + link},
		{"diff", links(".git/config", "out/extra"), "diff out out", "gatewright: error: out: extra" + link},
		{"the site file", links("out/.git/config", "gatewright.json"), "explain a.example.com", "gatewright: error: site file: gatewright.json" + link},
		{"a catalogue", links("out/.git/config", "own.json"), "explain a.example.com", inSite + "catalogue: own.json" + link},
		{"a record", links("out/.git/config", "own.json.fetched.json"), "explain a.example.com", inSite + "own.json.fetched.json" + link},
		{"a hidden catalogue", site("out/.git/config"), "explain a.example.com", inSite + `"out/.git/config"` + hidden + "out/.git/config\n"},
		{"a hidden file", site("./.env"), "list", inSite + `"./.env"` + hidden + ".env\n"},
		{"no catalogue", site("./token"), "list", "gatewright: error: token:1:1: unknown kind of catalogue; " + known + "; as a list: expected one prefix, address or FQDN a line\n"},
		{"a rule file", func() error {
			return errors.Join(os.Remove("out/gatewright.nft"), os.Link("token", "out/gatewright.nft"))
		}, "check",
			"gatewright: error: out/gatewright.nft:1: not written by Gatewright, so its content is not shown; remove it, and run generate again\n" +
				`gatewright: error: out: gatewright.nft:1: not written by Gatewright; expected "# Gatewright: nftables ruleset" and what it is; remove it, or generate the file again; what the file does is unknown` + "\n"},
		{"a list", func() error {
			return errors.Join(os.Remove("out/gatewright/src_clients.txt"), os.Link("token", "out/gatewright/src_clients.txt"))
		}, "check",
			"gatewright: error: out/gatewright/src_clients.txt:1: not written by Gatewright, so its content is not shown; remove it, and run generate again\n" +
				`gatewright: error: out: gatewright/src_clients.txt:1: not written by Gatewright; expected "# Gatewright: addresses of role clients" and what it is; remove it, or generate the file again; what the file does is unknown` + "\n"},
	} {
		checkout(t)
		err := errors.Join(os.Mkdir("out/.git", 0o755), os.WriteFile("out/.git/config", []byte("SECRET\n"), 0o644), os.WriteFile("token", []byte("SECRET=x\nSECRET: y\n"), 0o644), test.prepare())
		if err != nil {
			t.Fatal(err)
		}
		status, stdout, told := runSoon(t, strings.Fields(test.command)...)
		const bare = "gatewright: warning: own.json:2:60: \"192.0.2.1\": bare address read as /32\n"
		if strings.TrimPrefix(told, bare) != test.want || status == exitOK {
			t.Errorf("%s: status %d\n     %q\nwant %q", test.name, status, told, test.want)
		}
		if strings.Contains(stdout+told, "SECRET") {
			t.Errorf("%s: shows what is not ours: %s%s", test.name, stdout, told)
		}
	}
}

// TestDiffOfOddFolder holds that nothing of a folder is passed over.
func TestDiffOfOddFolder(t *testing.T) {
	checkout(t)
	if err := os.Symlink("gatewright.nft", "out/inner.nft"); err != nil {
		t.Fatal(err)
	}
	const link = "gatewright: error: out: inner.nft is a symbolic link; remove it, or put the file or the folder itself there\n"
	if status, _, told := runSoon(t, "diff", "out", "out"); status != exitFailed || told != link {
		t.Errorf("a link within the folder: status %d, %q; want %q", status, told, link)
	}
	if err := os.Remove("out/inner.nft"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo("out/odd", 0o644); err != nil {
		t.Fatal(err)
	}
	const want = "gatewright: error: out: odd is a named pipe, not a regular file; put a regular file there, or name another\n"
	if status, _, told := runSoon(t, "diff", "out", "out"); status != exitFailed || told != want {
		t.Errorf("a named pipe: status %d, %q; want %q", status, told, want)
	}
}

// TestNamedPipes holds that what the user names on the command line may be a pipe, and
// that a pipe is read once.
func TestNamedPipes(t *testing.T) {
	checkout(t)
	pipe := func(file string) string {
		t.Helper()
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), filepath.Base(file))
		if err := syscall.Mkfifo(name, 0o644); err != nil {
			t.Fatal(err)
		}
		go func() {
			if f, err := os.OpenFile(name, os.O_WRONLY, 0); err == nil {
				f.Write(data)
				f.Close()
			}
		}()
		return name
	}
	if err := os.WriteFile("site.json", []byte(`{"catalogs": ["own.json"], "bind": {"clients": ["10.0.0.0/8"]}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"list", "--catalog", pipe("own.json")},
		{"generate", "nftables", "-o", "-", "--site", pipe("site.json")},
		{"generate", "nftables", "-o", "-", "--site", pipe("site.json"), "--catalog", pipe("own.json")},
		{"diff", pipe("own.json"), pipe("own.json")},
		{"diff", pipe("own.json"), "own.json"},
		{"diff", pipe("site.json"), pipe("site.json")},
	} {
		if status, _, told := runSoon(t, args...); status != exitOK {
			t.Errorf("%s: status %d, %s", args, status, told)
		}
	}
	const want = "gatewright: error: catalogue: /dev/zero is over the limit of 65536 KiB\n"
	if status, _, told := runSoon(t, "list", "--catalog", "/dev/zero"); status != exitFailed || told != want {
		t.Errorf("an endless file: status %d, %q; want %q", status, told, want)
	}
}

// TestSecretsNamedBySite holds that nothing is shown of a file that a site file names
// and that does not begin like a catalogue, in whatever way it is broken; and that a
// broken catalogue is shown, as is what the user names.
func TestSecretsNamedBySite(t *testing.T) {
	const (
		plain = ": unknown kind of catalogue; expected one of: "
		list  = "; as a list: expected one prefix, address or FQDN a line\n"
		odd   = ": this file does not start like a catalogue, so its content is not shown; `gatewright list --catalog ./token` shows what is wrong\n"
	)
	for _, test := range []struct{ text, at, want, named string }{
		{"[SECRET]\nkey = 1\n", "1:2", odd, "token:1:2: /0: expected a value, found \"SECRET\"; text takes double quotes\n"},
		{"{SECRET}", "1:2", odd, "token:1:2: expected a key in double quotes, found \"SECRET\"\n"},
		{`{"password": SECRET}`, "1:14", odd, "token:1:14: /password: expected a value, found \"SECRET\"; text takes double quotes\n"},
		{`{"password": "x", "password": "SECRET"}`, "1:19", odd, "token:1:19: /password: key \"password\" was already given at 1:2; keep one of the two\n"},
		{`{"password": "x"} SECRET`, "1:19", odd, "token:1:19: expected the end of the file after the value, found \"SECRET\"\n"},
		{"// a comment\nSECRET", "2:1", odd, ""},
		{`["SECRET"]`, "", plain, ""},
		{`{"password": "SECRET"}`, "", plain, ""},
		{"SECRET\n", "1:1", plain, ""},
		{"SECRET\n192.0.2.0/24\n", "1:1", odd, ""},
		{"machine a.example.com SECRET\n192.0.2.0/24\n", "1:1", odd, ""},
		{"user,password\n192.0.2.0/24,x\nSECRET,SECRET\n", "3:1", odd, ""},
		{`{"password": "x", "status": "disabled SECRET", "ips": ["192.0.2.0/24"]}`, "1:29", odd, ""},
	} {
		checkout(t)
		err := errors.Join(os.WriteFile("token", []byte(test.text), 0o644), os.WriteFile("gatewright.json", []byte(`{"catalogs": ["./token"]}`), 0o644), os.WriteFile("empty.json", []byte("{}"), 0o644))
		if err != nil {
			t.Fatal(err)
		}
		status, stdout, told := runSoon(t, "list")
		want := strings.TrimSuffix("gatewright: error: token:"+test.at, ":") + test.want
		if test.want == plain {
			want = told[:max(0, strings.Index(told, plain))] + plain // and the formats
			if !strings.HasSuffix(told, list) {
				t.Errorf("%s: %q", test.text, told)
			}
			told = told[:min(len(told), len(want))]
		}
		if status != exitFailed || told != want || strings.Contains(stdout+told, "SECRET") {
			t.Errorf("%s: status %d\n     %q\nwant %q", test.text, status, told, want)
		}
		if _, _, told := runSoon(t, "list", "--site", "empty.json", "--catalog", "./token"); test.named != "" && told != "gatewright: error: "+test.named {
			t.Errorf("%s, named by the user:\n     %q\nwant %q", test.text, told, test.named)
		}
	}
	const broken = `{"catalog": "own", "entries": SECRET}`
	if err := os.WriteFile("token", []byte(broken), 0o644); err != nil {
		t.Fatal(err)
	}
	const want = "gatewright: error: token:1:31: /entries: expected a value, found \"SECRET\"; text takes double quotes\n"
	if _, _, told := runSoon(t, "list"); told != want {
		t.Errorf("a broken catalogue: %q, want %q", told, want)
	}
}

// TestLinksOnTheCommandLine holds that a link within the working directory, which
// somebody else may have put there, shows nothing of a file that begins in another way
// than what is asked for; of one that does, what is wrong is shown.
func TestLinksOnTheCommandLine(t *testing.T) {
	checkout(t)
	const catalogWant = "this file does not start like a catalogue, so its content is not shown; name the file that the link leads to, if it is meant\n"
	const siteWant = "this file does not start like a site file, so its content is not shown; if it is meant, name the target of the link\n"
	for _, c := range []struct{ text, args, want string }{
		{"SECRET of mine\n", "list --catalog link.json", "link.json:1:1: unknown kind of catalogue; expected one of: " + knownFormats + "; as a list: expected one prefix, address or FQDN a line\n"},
		{`{"SECRET": "hunter2"}`, "list --catalog link.json", "link.json:1:1: unknown kind of catalogue; expected one of: " + knownFormats + "; as a list: expected one prefix, address or FQDN a line\n"},
		{`{"SECRET": hunter2}`, "list --catalog link.json", "link.json:1:12: " + catalogWant},
		{`{"SECRET": hunter2}`, "diff link.json own.json", "link.json:1:12: " + catalogWant},
		{"SECRET of mine\n", "list --site link.json", "link.json:1:1: " + siteWant},
		{`{"SECRET": "hunter2"}`, "list --site link.json", "link.json:1:2: " + siteWant},
		{`{"SECRET": "hunter2"}`, "check --site link.json", "link.json:1:2: " + siteWant},
		{`{"group": "SECRET"}`, "list --site link.json", "link.json:1:11: /group: unknown value \"SECRET\"; known values: \"area\", \"entry\", \"none\"\n"},
	} {
		err := errors.Join(os.WriteFile(".env", []byte(c.text), 0o644), os.RemoveAll("link.json"), os.Symlink(".env", "link.json"))
		if err != nil {
			t.Fatal(err)
		}
		status, stdout, told := runSoon(t, strings.Fields(c.args)...)
		if want := "gatewright: error: " + c.want; status != exitFailed || stdout != "" || told != want {
			t.Errorf("%s of %s: status %d, %q%q\nwant %q", c.args, c.text, status, stdout, told, want)
		}
	}
}
