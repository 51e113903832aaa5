package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repositoryOf makes a git repository of a catalogue and a site file in fw/, with the
// branch main of one name without addresses, and returns a function that runs git in
// it.
func repositoryOf(t *testing.T) (git func(args ...string) string) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	for _, name := range []string{"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"} {
		t.Setenv(name, "tester")
	}
	git = func(args ...string) string {
		t.Helper()
		out, err := exec.Command("git", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q", "-b", "main")
	writeFiles(t, map[string]string{"fw/gatewright.json": `{"catalogs": ["own/own.json"], "generators": ["nftables"], "output": "out"}`, "fw/own/own.json": namesCatalog("a.example.com")})
	git("add", ".")
	git("commit", "-q", "-m", "one")
	return git
}

func namesCatalog(names ...string) string {
	entries := ""
	for _, name := range names {
		entries += `{"id": "` + name[:1] + `", "title": "` + name + `", "area": "` + name[:1] + `", "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": ["` + name + `"]},`
	}
	return `{"catalog": "own", "revision": "1", "title": "ours", "entries": [` + entries + `]}`
}

func writeFiles(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// gatewright runs the tool and returns its status and what it says.
func gatewright(args ...string) (status int, said string) {
	var out bytes.Buffer
	status = run(args, strings.NewReader(""), &out, &out)
	return status, out.String()
}

// checkNew generates and checks against a base.
func checkNew(t *testing.T, base string) (int, string) {
	t.Helper()
	if status, said := gatewright("generate", "-q", "--site", "fw/gatewright.json"); status != exitOK {
		t.Fatal(said)
	}
	return gatewright("check", "--site", "fw/gatewright.json", "--new", base)
}

// TestNewAgainstRevision asks for what a revision of every spelling does not have, and
// holds that nothing of the repository changes.
func TestNewAgainstRevision(t *testing.T) {
	git := repositoryOf(t)
	git("tag", "-a", "v1", "-m", "tagged")
	git("update-ref", "refs/remotes/origin/main", "main")
	writeFiles(t, map[string]string{"fw/own/own.json": namesCatalog("a.example.com", "b.example.com")})
	before := git("rev-parse", "HEAD") + git("status", "--porcelain", "--", "fw/own")
	for _, base := range []string{"main", "origin/main", "refs/heads/main", "v1", "HEAD", "HEAD@{0}", git("rev-parse", "HEAD"), git("rev-parse", "--short", "HEAD")} {
		status, said := checkNew(t, base)
		if status != exitDifferent || !strings.Contains(said, "(own/b) is absent") || strings.Contains(said, "(own/a)") {
			t.Errorf("--new %s: status %d\n%s", base, status, said)
		}
	}
	if after := git("rev-parse", "HEAD") + git("status", "--porcelain", "--", "fw/own"); after != before {
		t.Errorf("the repository changed from %q to %q", before, after)
	}
	git("commit", "-q", "-a", "-m", "two")
	if status, said := checkNew(t, "HEAD"); status != exitOK {
		t.Errorf("--new HEAD without a change: status %d\n%s", status, said)
	}
	// As in a hook, where git's own variables name the repository from its top.
	t.Setenv("GIT_DIR", ".git")
	t.Setenv("GIT_INDEX_FILE", ".git/index")
	if status, said := checkNew(t, "HEAD^"); status != exitDifferent || !strings.Contains(said, "(own/b) is absent") {
		t.Errorf("--new HEAD^ in a hook: status %d\n%s", status, said)
	}
}

// TestNewFolderAndRevision says which one is taken where a folder has a revision's
// name.
func TestNewFolderAndRevision(t *testing.T) {
	git := repositoryOf(t)
	commit := git("rev-parse", "main")
	writeFiles(t, map[string]string{
		"main/fw/gatewright.json": `{"catalogs": ["own.json"], "generators": ["nftables"]}`,
		"main/fw/own.json":        namesCatalog("b.example.com"),
	})
	status, said := checkNew(t, "main")
	if want := "gatewright: warning: --new main: this is both a folder and a git revision; the folder is used; for the revision write " + commit + "\n"; status != exitDifferent || !strings.Contains(said, want) || !strings.Contains(said, "(own/a) is absent") {
		t.Errorf("status %d\n%s", status, said)
	}
	if status, said := checkNew(t, "./main"); status != exitDifferent || strings.Contains(said, "revision") {
		t.Errorf("./main: status %d\n%s", status, said)
	}
	if status, said := checkNew(t, commit); status != exitOK {
		t.Errorf("the commit: status %d\n%s", status, said)
	}
}

// TestNewTellsWhatOpens holds that a check beside a base tells what opens though no
// expectation names it, and what an expectation that is gone would have found.
func TestNewTellsWhatOpens(t *testing.T) {
	git := repositoryOf(t)
	const site = `{"catalogs": ["own/own.json"], "bind": {"clients": ["10.20.0.0/16"]}, "generators": ["nftables"], "output": "out"%s}`
	prefixes := func(prefix string) string {
		return strings.Replace(namesCatalog("a.example.com"), `["a.example.com"]`, `["`+prefix+`"]`, 1)
	}
	writeFiles(t, map[string]string{"fw/gatewright.json": fmt.Sprintf(site, `, "expect": [{"deny": "outbound tcp 203.0.113.9:443"}]`), "fw/own/own.json": prefixes("198.51.100.0/28")})
	git("commit", "-q", "-a", "-m", "addresses")
	writeFiles(t, map[string]string{"fw/gatewright.json": fmt.Sprintf(site, ""), "fw/own/own.json": prefixes("203.0.113.0/28")})
	status, said := checkNew(t, "main")
	for _, want := range []string{
		"gatewright: warning: main expects deny outbound tcp 203.0.113.9:443, which is not expected here any more: at policy outbound tcp 203.0.113.9:443 from 10.20.0.1 passes by rule a-out-",
		"1 prefix newly accepted; 1 prefix no longer accepted", "    +     203.0.113.0/28\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("status %d\n%s\nwant %s", status, said, want)
		}
	}
	if status != exitOK {
		t.Errorf("status %d\n%s", status, said)
	}
	_, said = gatewright("check", "--site", "fw/gatewright.json", "--new", "main", "--format", "github")
	if want := "::notice file=fw/gatewright.json,line=1,col=1,title=gatewright change::"; !strings.Contains(said, want) {
		t.Errorf("%s\nwant %s", said, want)
	}
	git("commit", "-q", "-a", "-m", "others")
	if status, said := checkNew(t, "main"); status != exitOK || strings.Contains(said, "newly accepted") || strings.Contains(said, "given up") {
		t.Errorf("without a change: status %d\n%s", status, said)
	}
}

// TestNewOfAnEntryInARule holds that an entry which is rendered exactly, and joins a
// rule that is not, is nothing new, and that one which is not is.
func TestNewOfAnEntryInARule(t *testing.T) {
	git := repositoryOf(t)
	catalog := func(entries ...string) string {
		for i, endpoint := range entries {
			entries[i] = fmt.Sprintf(`{"id": "e%d", "title": "T", "area": "x", "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": [%q]}`, i, endpoint)
		}
		return `{"catalog": "own", "revision": "1", "title": "Own", "entries": [` + strings.Join(entries, ",") + `]}`
	}
	writeFiles(t, map[string]string{"fw/own/own.json": catalog("a.example.com")})
	git("commit", "-q", "-a", "-m", "one")
	writeFiles(t, map[string]string{"fw/own/own.json": catalog("a.example.com", "198.51.100.0/28")})
	if status, said := checkNew(t, "main"); status != exitOK || !strings.Contains(said, "1 prefix newly accepted") {
		t.Errorf("an exact one: status %d\n%s", status, said)
	}
	git("commit", "-q", "-a", "-m", "two")
	writeFiles(t, map[string]string{"fw/own/own.json": catalog("a.example.com", "198.51.100.0/28", "b.example.com")})
	if status, said := checkNew(t, "main"); status != exitDifferent || !strings.Contains(said, "own/e2") {
		t.Errorf("a name: status %d\n%s", status, said)
	}
}

// TestNewKeepsWhatIsSaid holds that an expectation is not given up because a catalogue
// lists more, and that one that can no longer be asked is told.
func TestNewKeepsWhatIsSaid(t *testing.T) {
	git := repositoryOf(t)
	const site = `{"catalogs": ["own/own.json"], "bind": {"clients": ["10.20.0.0/16"]%s}, "generators": ["nftables"], "output": "out", "expect": [{"only": "outbound from clients", "to": [{"from": ["own/a"]}]}%s]}`
	catalog := func(prefixes string) string {
		return strings.Replace(namesCatalog("a.example.com"), `["a.example.com"]`, `[`+prefixes+`]`, 1)
	}
	writeFiles(t, map[string]string{"fw/gatewright.json": fmt.Sprintf(site, `, "resolver": ["10.30.0.1"]`, `, {"deny": "inbound tcp 203.0.113.9 to resolver:25"}`), "fw/own/own.json": catalog(`"198.51.100.0/28"`)})
	git("commit", "-q", "-a", "-m", "addresses")
	writeFiles(t, map[string]string{"fw/own/own.json": catalog(`"198.51.100.0/28", "203.0.113.0/28"`)})
	if status, said := checkNew(t, "main"); status != exitOK || strings.Contains(said, "given up") || !strings.Contains(said, "1 prefix newly accepted") {
		t.Errorf("status %d\n%s", status, said)
	}
	writeFiles(t, map[string]string{"fw/gatewright.json": fmt.Sprintf(site, "", "")})
	if _, said := checkNew(t, "main"); !strings.Contains(said, "main expects deny inbound tcp 203.0.113.9 to resolver:25, which is not expected here any more: ") {
		t.Error(said)
	}
}

// TestNewRefused holds the messages for bases that cannot be read.
func TestNewRefused(t *testing.T) {
	git := repositoryOf(t)
	git("checkout", "-q", "-b", "link")
	if err := os.Remove("fw/own/own.json"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", "fw/own/own.json"); err != nil {
		t.Fatal(err)
	}
	git("commit", "-q", "-a", "-m", "a link")
	git("checkout", "-q", "-b", "linked-folder")
	git("mv", "fw/own", "fw/real")
	if err := os.Symlink("real", "fw/own"); err != nil {
		t.Fatal(err)
	}
	git("add", ".")
	git("commit", "-q", "-m", "a folder's link")
	git("checkout", "-q", "-b", "site-link", "main")
	git("mv", "fw/gatewright.json", "fw/other.json")
	if err := os.Symlink("other.json", "fw/gatewright.json"); err != nil {
		t.Fatal(err)
	}
	git("add", ".")
	git("commit", "-q", "-m", "the site file's link")
	git("checkout", "-q", "-b", "bad", "main")
	writeFiles(t, map[string]string{"fw/gatewright.json": "{\n  \"catalogues\": []\n}"})
	git("commit", "-q", "-a", "-m", "a bad site file")
	git("checkout", "-q", "-b", "large", "main")
	writeFiles(t, map[string]string{"fw/gatewright.json": strings.Repeat(" ", maxSite+1)})
	git("commit", "-q", "-a", "-m", "a large one")
	git("checkout", "-q", "-b", "none", "main")
	git("rm", "-q", "-r", "fw")
	git("commit", "-q", "-m", "no site file")
	git("checkout", "-q", "main")
	// What stands in the working tree by a revision's name is not the revision's.
	writeFiles(t, map[string]string{"none:fw/gatewright.json": "{}", "linked-folder:fw/own/own.json": namesCatalog("a.example.com")})
	const link = " is a symbolic link, not a regular file; compare with a revision that has a regular file there\n"
	for base, want := range map[string]struct {
		status int
		said   string
	}{
		"link":          {exitFailed, "gatewright: error: --new link: link:fw/gatewright.json:1:15: /catalogs/0: catalogue: link:fw/own/own.json" + link},
		"linked-folder": {exitFailed, "gatewright: error: --new linked-folder: linked-folder:fw/gatewright.json:1:15: /catalogs/0: catalogue: open linked-folder:fw/own/own.json: file does not exist\n"},
		"site-link":     {exitFailed, "gatewright: error: --new site-link: site-link:fw/gatewright.json" + link},
		"bad":           {exitFailed, `gatewright: error: --new bad: bad:fw/gatewright.json:2:3: /catalogues: unknown key "catalogues"; `},
		"large":         {exitFailed, "gatewright: error: --new large: large:fw/gatewright.json: over the limit of 16384 KiB\n"},
		"none":          {exitDifferent, "gatewright: warning: --new none: it has no gatewright.json, so everything counts as new\n"},
		"nowhere":       {exitUsage, `gatewright: error: --new nowhere: it is neither a folder nor a git revision here (git knows no revision of that name); fetch the revision first, as in ` + "`git fetch origin main`, or name a folder that holds an earlier site file\n"},
		"--help":        {exitUsage, `gatewright: error: --new --help: begins with a hyphen, which no revision does; for a folder of that name write ./--help` + "\n"},
		"main..bad":     {exitUsage, `--new main..bad: it is neither a folder nor a git revision here (git knows no revision of that name); fetch the revision first, as in ` + "`git fetch origin main`, or name a folder that holds an earlier site file"},
		":/one":         {exitUsage, `--new :/one: it is neither a folder nor a git revision here (git knows no revision of that name); fetch the revision first, as in ` + "`git fetch origin main`, or name a folder that holds an earlier site file"},
		"main:fw":       {exitUsage, `--new main:fw: it is neither a folder nor a git revision here (git knows no revision of that name); fetch the revision first, as in ` + "`git fetch origin main`, or name a folder that holds an earlier site file"},
		"main\n--x":     {exitUsage, `--new main\u000a--x: it is neither a folder nor a git revision here (git knows no revision of that name); fetch the revision first, as in ` + "`git fetch origin main`, or name a folder that holds an earlier site file"},
	} {
		if status, said := checkNew(t, base); status != want.status || !strings.Contains(said, want.said) {
			t.Errorf("--new %q: status %d\n%s\nwant status %d\n%s", base, status, said, want.status, want.said)
		}
	}
	t.Chdir(t.TempDir())
	writeFiles(t, map[string]string{"fw/gatewright.json": `{"generators": ["nftables"], "output": "out"}`})
	if status, said := checkNew(t, "main"); status != exitUsage || !strings.Contains(said, "(git: not a git repository") {
		t.Errorf("outside of a repository: status %d\n%s", status, said)
	}
}

// TestRevisionShowsNoForeignFile leads files of a repository to others, of which git
// would quote a line.
func TestRevisionShowsNoForeignFile(t *testing.T) {
	git := repositoryOf(t)
	writeFiles(t, map[string]string{"secret": "canary:x:0:0\n"})
	for _, file := range []string{"shallow", "packed-refs", "config", "HEAD", "refs/heads/main", "info/grafts", "objects/info/alternates"} {
		file = filepath.Join(".git", file)
		old, err := os.ReadFile(file)
		os.Remove(file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		secret, _ := filepath.Abs("secret")
		if err := os.Symlink(secret, file); err != nil {
			t.Fatal(err)
		}
		for _, base := range []string{"main", "HEAD", "origin/main"} {
			if _, said := checkNew(t, base); strings.Contains(said, "canary") {
				t.Errorf("%s, --new %s: %s", file, base, said)
			}
		}
		os.Remove(file)
		if err == nil {
			writeFiles(t, map[string]string{file: string(old)})
		}
	}
	if status, said := checkNew(t, "main"); status != exitOK {
		t.Errorf("status %d\n%s", status, said)
	}
	git("fsck")
}

// TestRevisionRunsNothing asks a repository whose configuration names a program
// wherever git knows one to, of a file whose object is missing.
func TestRevisionRunsNothing(t *testing.T) {
	git := repositoryOf(t)
	missing := git("rev-parse", "HEAD:fw/own/own.json")
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program")
	writeFiles(t, map[string]string{"program": "#!/bin/sh\necho \"$0 $*\" >>" + dir + "/ran\nexit 1\n", ".gitattributes": "* filter=x diff=x\n"})
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, map[string]string{"hooks/post-index-change": "#!/bin/sh\n" + program, "hooks/reference-transaction": "#!/bin/sh\n" + program})
	for _, hook := range []string{"hooks/post-index-change", "hooks/reference-transaction"} {
		if err := os.Chmod(hook, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if status, said := gatewright("generate", "-q", "--site", "fw/gatewright.json"); status != exitOK {
		t.Fatal(said)
	}
	for key, value := range map[string]string{
		"core.fsmonitor": program, "core.hooksPath": dir + "/hooks", "core.pager": program, "core.editor": program, "core.sshCommand": program, "core.gitProxy": program, "core.askPass": program,
		"alias.rev-parse": "!" + program, "alias.ls-tree": "!" + program, "alias.cat-file": "!" + program, "diff.external": program, "diff.x.textconv": program, "diff.x.command": program,
		"filter.x.smudge": program, "filter.x.clean": program, "filter.x.process": program, "gpg.program": program, "credential.helper": "!" + program, "pager.ls-tree": program, "pager.cat-file": program,
		"core.repositoryFormatVersion": "1", "extensions.partialClone": "origin", "remote.origin.promisor": "true", "remote.origin.uploadpack": program, "protocol.allow": "always", "protocol.ext.allow": "always",
	} {
		git("config", key, value)
	}
	for _, url := range []string{"ext::" + program, "ssh://host.invalid/x", "git://host.invalid/x", "https://host.invalid/x", dir + "/.git", "file://" + dir + "/.git", "x::" + program} {
		t.Run(url, func(t *testing.T) {
			git("config", "remote.origin.url", url)
			if err := os.RemoveAll(filepath.Join(dir, ".git", "objects", missing[:2], missing[2:])); err != nil {
				t.Fatal(err)
			}
			status, said := gatewright("check", "--site", "fw/gatewright.json", "--new", "main")
			if status != exitFailed || !strings.Contains(said, "--new main: main:fw/gatewright.json:1:15: /catalogs/0: catalogue: main:fw/own/own.json: git: ") {
				t.Errorf("status %d\n%s", status, said)
			}
			if ran, err := os.ReadFile(filepath.Join(dir, "ran")); err == nil {
				t.Errorf("ran %s", ran)
			}
		})
	}
	// The programs do run where git is asked without care.
	git("config", "remote.origin.url", "ext::"+program)
	if exec.Command("git", "cat-file", "blob", missing).Run() == nil {
		t.Error("the object exists")
	}
	if _, err := os.ReadFile("ran"); err != nil {
		t.Error("no program ran at all, so that this proves nothing")
	}
}

// TestRevisionWithinBareRepository takes no folder of a checkout for the repository,
// however much it looks like one.
func TestRevisionWithinBareRepository(t *testing.T) {
	git := repositoryOf(t)
	git("clone", "-q", "--bare", ".", "bare")
	writeFiles(t, map[string]string{"bare/gatewright.json": `{"catalogs": ["own.json"], "generators": ["nftables"], "output": "out"}`, "bare/own.json": namesCatalog("a.example.com")})
	git("-C", "bare", "update-ref", "refs/heads/evil", "main")
	gatewright("generate", "-q", "--site", "bare/gatewright.json")
	if status, said := gatewright("check", "--site", "bare/gatewright.json", "--new", "evil"); status != exitUsage {
		t.Errorf("status %d\n%s", status, said)
	}
}
