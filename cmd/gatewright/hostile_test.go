package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gatewright/generators"
	"gatewright/generators/artefact"
)

// hostileTexts are what a publisher could write into a title, a condition or a
// note. HOSTILE tells their lines.
func hostileTexts() []string {
	return []string{
		`HOSTILE "quoted" and 'quoted'`,
		`HOSTILE " accept comment "`,
		`HOSTILE \" \\ \`,
		`HOSTILE */ alert(1); /*`,
		`HOSTILE </script><script>alert(1)</script>`,
		`HOSTILE {{.Table}} {{template "x"}} {{`,
		`HOSTILE %s %d %n %%`,
		`HOSTILE ; flush ruleset ; }`,
		`HOSTILE } add rule inet filter input accept`,
		`HOSTILE # // ; REM -- COMMIT`,
		`HOSTILE $(reboot) ` + "`reboot`" + ` | reboot & ${IFS} !`,
		`HOSTILE \n \r \u000a \x0a ^ <CIDR>`,
		`HOSTILE ünïcödé 漢字 😀 ` + "\u0301\u00df",
		"HOSTILE " + strings.Repeat("x", 190),
		"HOSTILE " + strings.Repeat("漢", 60),
		`HOSTILE http_access allow all`,
		`HOSTILE -A INPUT -j ACCEPT`,
		`HOSTILE [HKEY_LOCAL_MACHINE\Software]`,
	}
}

// hostileCatalog is a catalogue with each text as title, condition and note of a
// flow by prefixes and names, of one by names alone, of a trusted site, and of what
// is open.
func hostileCatalog(t *testing.T) string {
	t.Helper()
	var entries []map[string]any
	add := func(i int, kind, text string, more map[string]any) {
		e := map[string]any{"id": fmt.Sprintf("%s-%d", kind, i), "title": text, "condition": text, "notes": []string{text}, "row": fmt.Sprint("HOSTILE", i)}
		for k, v := range more {
			e[k] = v
		}
		entries = append(entries, e)
	}
	for i, text := range hostileTexts() {
		flow := func(endpoints ...string) map[string]any {
			return map[string]any{"direction": "bidirectional", "role": "clients", "services": fmt.Sprintf("tcp %d", 1000+i), "endpoints": endpoints}
		}
		add(i, "flow", text, flow(fmt.Sprintf("192.0.2.%d", i), fmt.Sprintf("2001:db8::%x", i), fmt.Sprintf("n%d.example.com", i)))
		add(i, "names", text, flow(fmt.Sprintf("*.n%d.example.net", i)))
		add(i, "zone", text, map[string]any{"kind": "trusted-site", "endpoints": []string{fmt.Sprintf("z%d.example.org", i)}})
		open := map[string]string{"why": text, "ask": text, "who": "HOSTILE"}
		add(i, "open", text, map[string]any{"unsaid": map[string]any{"remote": open, "services": open, "direction": open, "role": open}})
	}
	data, err := json.Marshal(map[string]any{"catalog": "hostile", "revision": "1", "title": hostileTexts()[0], "entries": entries})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "hostile.json")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// hostileSettings are settings by generator under which a text could reach more
// places than by default.
func hostileSettings(generator string) [][]string {
	settings := map[string][][]string{
		"nftables": {{"nftables.mode=mark"}, {"nftables.mode=enforce", "nftables.place=forward", "nftables.admin=none"}},
		"iptables": {{"iptables.mode=mark"}, {"iptables.ipset=no"}},
		"pac":      {{"pac.proxy=proxy.example.com:8080"}},
	}
	return append(settings[generator], nil)
}

// TestHostileTexts holds that publishers' words stay in comments: in every file of
// every generator, no line holds them outside of one.
func TestHostileTexts(t *testing.T) {
	file := hostileCatalog(t)
	for _, g := range generators.All() {
		for _, options := range hostileSettings(g.Name()) {
			t.Run(strings.Join(append([]string{g.Name()}, options...), " "), func(t *testing.T) {
				files := hostileRun(t, file, g.Name(), options)
				told := 0
				for name, text := range files {
					for line := range strings.Lines(text) {
						if !strings.Contains(strings.ToUpper(line), "HOSTILE") {
							continue
						}
						told++
						if rest := outsideComments(g.Comments(), line); strings.Contains(strings.ToUpper(withoutIDs(rest)), "HOSTILE") {
							t.Errorf("%s: %q holds a publisher's words outside of what the generator's Comments says is one", name, line)
						}
					}
				}
				if told == 0 {
					t.Error("no comment names an entry")
				}
				if g.Name() == "nftables" {
					checkRuleset(t, files["gatewright.nft"])
				}
			})
		}
	}
}

func hostileRun(t *testing.T, file, generator string, options []string) map[string]string {
	t.Helper()
	t.Chdir(t.TempDir())
	args := []string{"generate", generator, "-o", "out", "--catalog", file}
	for _, o := range options {
		args = append(args, "--set", o)
	}
	var stdout, stderr bytes.Buffer
	if status := run(args, nil, &stdout, &stderr); status != exitOK {
		t.Fatalf("status %d\n%s", status, &stderr)
	}
	return tree(t, "out")
}

// withoutIDs takes out the entries' own ids, which are slugs and may stand anywhere.
func withoutIDs(line string) string {
	return regexp.MustCompile(`hostile/[a-z]+-[0-9]+|^load: .*`).ReplaceAllString(line, "")
}

// outsideComments returns what of a line its backend reads.
func outsideComments(c artefact.CommentSyntax, line string) string {
	switch {
	case c.IsLine(line):
		return ""
	case c.Beside != nil:
		return c.Beside.ReplaceAllString(line, "")
	}
	return line
}

// checkRuleset has nft read the rules in a network namespace of its own.
func checkRuleset(t *testing.T, rules string) {
	t.Helper()
	nft := exec.Command("unshare", "--map-root-user", "--net", "nft", "-c", "-f", "-")
	if os.Geteuid() == 0 {
		nft = exec.Command("unshare", "--net", "nft", "-c", "-f", "-")
	}
	nft.Stdin = strings.NewReader(rules)
	if out, err := nft.CombinedOutput(); err != nil {
		t.Errorf("nft -c: %v; this needs nftables (`make deps` installs it) and root or user namespaces\n%s", err, out)
	}
}
