package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatewright/cmd/gatewright/internal/change"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

// sealed is a change after which the digest is written anew, as somebody does who wants
// nothing to be told.
func sealed(change func(string) string) func(string) string {
	return func(text string) string { return string(artefact.Seal([]byte(change(text)))) }
}

// A comment that says something else than generate writes is told by its line and its
// words, though the digest is right; alike comments of several files stand together.
func TestCommentsChanged(t *testing.T) {
	dir, site := ownFolder(t)
	good := filepath.Join(dir, "out")
	for _, c := range []struct{ generator, files, old, new, want string }{
		{"nftables", "gatewright.nft", "# source: own 1", "# source: own 2", `
comments changed
  gatewright.nft:4
-     source: own 1
+     source: own 2
`},
		{"nftables", "gatewright.nft", "# mail-out-pp4n72sex: outbound, clients, tcp 443", "# mail-out-pp4n72sex: outbound, clients, tcp 22", `
comments changed
  gatewright.nft:73
-     mail-out-pp4n72sex: outbound, clients, tcp 443
+     mail-out-pp4n72sex: outbound, clients, tcp 22
`},
		{"iptables", "gatewright.iptables gatewright.ip6tables", "# source: own 1", "# open: 0 not rendered", `
comments changed
  gatewright.ip6tables:4, gatewright.iptables:4
-     source: own 1
+     open: 0 not rendered
`},
		{"pac", "proxy.pac", "  //     own/mail: Mail", "  //     own/voice: Voice", `
comments changed
  proxy.pac:16
-     own/mail: Mail
+     own/voice: Voice
`},
		{"squid", "gatewright.squid.conf", "# own/mail: Mail", "# own/mail: Approved", `
comments changed
  gatewright.squid.conf:13
-     own/mail: Mail
+     own/mail: Approved
`},
		{"trusted-sites", "trusted-sites.reg", "; own/zone: Zone", "; own/zone: Bank", `
comments changed
  trusted-sites.reg:8
-     own/zone: Zone
+     own/zone: Bank
`},
	} {
		t.Run(c.generator+"/"+strings.ReplaceAll(c.old, "/", "-"), func(t *testing.T) {
			bad := good
			for file := range strings.FieldsSeq(c.files) {
				bad = changedFolder(t, bad, file, sealed(replaced(c.old, c.new)))
			}
			stdout, stderr := runQuietly(t, exitDifferent, "diff", good, bad)
			if want := good + " -> " + bad + ": the same flows; 1 comment changed\n" + c.want; stdout != want || stderr != "" {
				t.Errorf("diff says\n%s%s; want\n%s", stdout, stderr, want)
			}
			stdout, stderr = runQuietly(t, exitDifferent, "check", "--site", site, "-o", bad)
			if !strings.Contains(stdout, c.new) || !strings.HasSuffix(stdout, c.want) || stderr != "" {
				t.Errorf("check says\n%s%s; want\n%s", stdout, stderr, c.want)
			}
		})
	}
}

// No letter of a comment of any file changes in silence.
func TestEveryCommentIsTold(t *testing.T) {
	dir, _ := ownFolder(t)
	good := filepath.Join(dir, "out")
	for _, g := range generators.All() {
		t.Run(g.Name(), func(t *testing.T) {
			r, err := g.Read(filesOf(t, good))
			if err != nil || len(r.Comments) < 2 {
				t.Fatalf("%v, comments %v; Read has to tell every comment that says what no data does, such as the labels of each rule, in Reading.Comments (artefact.Lines.Note)", err, r.Comments)
			}
			for _, file := range r.Read {
				tellsComments(t, g, filesOf(t, good), file)
			}
		})
	}
}

// tellsComments changes each comment of a file by one letter.
func tellsComments(t *testing.T, g generators.Generator, files artefact.Files, file string) {
	t.Helper()
	whole, err := g.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(files[file]), "\n")
	changed := 0
	for i, line := range lines {
		at := strings.LastIndexAny(line, "abcdefghijklmnopqrstuvwxy")
		if !g.Comments().IsLine(line) || at < 0 || strings.Contains(line, "digest: ") {
			continue
		}
		changed++
		other := slices.Clone(lines)
		other[i] = line[:at] + string(line[at]+1) + line[at+1:]
		files[file] = artefact.Seal([]byte(strings.Join(other, "")))
		read, err := g.Read(files)
		var r change.Diff
		if err == nil {
			err = r.AddReadings(whole, read)
		}
		if err == nil && r.Same() {
			t.Errorf("%s:%d: nothing tells %q from %q", file, i+1, other[i], line)
		}
	}
	if changed < 2 {
		t.Errorf("%s has only %d comments", file, changed)
	}
	files[file] = []byte(strings.Join(lines, ""))
}
