package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// readmeLines are the lines of a folder's README.
func readmeLines(t *testing.T, folder string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

// block is the indented lines of a folder's README from one that begins with some text.
func block(t *testing.T, folder, begins string) (lines []string) {
	t.Helper()
	for _, line := range readmeLines(t, folder) {
		inner, indented := strings.CutPrefix(line, "    ")
		switch {
		case len(lines) == 0 && !(indented && strings.HasPrefix(inner, begins)):
		case !indented:
			return lines
		default:
			lines = append(lines, inner)
		}
	}
	t.Fatalf("%s/README.md has no block that begins with %q", folder, begins)
	return nil
}

// TestReadmeSite generates and checks the README's site file with the expectations that
// it shows, and with those of the README of expectations: all of them hold.
func TestReadmeSite(t *testing.T) {
	for folder, holds := range map[string]string{"": "3 expectations hold", "generators/expect": "7 expectations hold"} {
		t.Run(folder, func(t *testing.T) { testReadmeSite(t, block(t, "", "{"), block(t, folder, `"expect"`), holds) })
	}
}

func testReadmeSite(t *testing.T, site, expect []string, holds string) {
	t.Chdir(t.TempDir())
	writeFiles(t, map[string]string{
		"gatewright.json":   strings.Join(append(site[:len(site)-1], append(expect, "}")...), "\n"),
		"my-endpoints.json": strings.Replace(ownFeed("my-endpoints", "1", "192.0.2.0/24"), `"title": "t", "endpoints"`, `"title": "t", "area": "exchange", "endpoints"`, 1),
		"mail.expect.json":  `[{ "deny": "outbound udp any:25 from clients" }]`,
	})
	if status, said := gatewright("generate", "-q"); status != exitOK {
		t.Fatal(said)
	}
	if status, said := gatewright("check"); status != exitOK || !strings.Contains(said, holds) {
		t.Errorf("status %d\n%s", status, said)
	}
}

// TestReadmeCommands runs the README's command lines in their order, in an empty
// folder. What the package installs is run by .ci/install; what touches the machine's
// own rules is not run here.
func TestReadmeCommands(t *testing.T) {
	shell := program(t)
	lines := readmeLines(t, "")
	publisher(t).endpoints = m365Sets("outlook.office.com", "outlook.office365.com")
	writeFiles(t, map[string]string{"access.log": "1700000000.000     10 10.0.0.1 TCP_DENIED/403 100 CONNECT www.example.com:443 - HIER_NONE/- text/html\n"})
	ran := 0
	for _, line := range lines {
		line, indented := strings.CutPrefix(line, "    ")
		line, _, _ = strings.Cut(line, "   ") // what it does
		word, _, _ := strings.Cut(line, " ")
		harmless := regexp.MustCompile(`^gatewright (init|generate|list|explain|check|diff|verify|fetch|usage|generators) ?|^cp |^nft (-j list|-f) `)
		if !indented || !harmless.MatchString(line) {
			continue
		}
		switch line = strings.ReplaceAll(line, "/var/log/squid/access.log", "access.log"); {
		case word == "nft": // of a ruleset that is loaded, and away from the machine's own
			line = "unshare -n sh -ec 'nft -f out/gatewright.nft; " + line + "'"
		case strings.HasPrefix(line, "gatewright verify"): // browsers take long, and are asked elsewhere
			line += " nftables iptables squid"
		case strings.HasPrefix(line, "gatewright diff"):
			line += " || [ $? = 1 ]"
		case line == "gatewright init": // a second time
			line = "rm gatewright.json && " + line
		}
		ran++
		if out, err := shell(".", line); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	if ran < 20 {
		t.Errorf("%d lines found", ran)
	}
}
