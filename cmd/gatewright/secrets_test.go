package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestNoSecretsInErrors puts a URL with a user, a password, a query and a fragment, and
// one without its scheme, wherever a text of somebody's comes in: no message shows one
// of these.
func TestNoSecretsInErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	const own = `{"catalog": "own", "revision": "1", "title": "t", "entries": [{"id": "e", "title": "t", "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": ["a.example.com"]}]}`
	for _, url := range []string{"https://sUSER:sPW@h.example/p?sQUERY#sFRAG", "sUSER:sPW@h.example/p?sQUERY#sFRAG", "sUSER:sPW@h.example", "https://h.example?sQUERY"} {
		for _, key := range []string{"catalog", "revision", "title", "id", "direction", "role", "tcp 443", "a.example.com"} {
			secretsIn(t, url, map[string]string{"own.json": strings.Replace(own, key, url, 1)}, "list", "--catalog", "own.json")
		}
		for _, list := range []string{"192.0.2.1\nURL\n", "prefix,region\n192.0.2.0/24,x\nURL,x\n", `{"prefixes": ["192.0.2.0/24", "URL"]}`, `{"prefixes": [{"ip_prefix": "URL"}]}`, `["URL"]`, `[{"id": 1, "serviceArea": "x", "urls": ["URL"], "tcpPorts": "443"}]`, `URL`} {
			secretsIn(t, url, map[string]string{"list.txt": strings.ReplaceAll(list, "URL", url)}, "list", "--catalog", "list.txt")
		}
		for _, site := range []string{
			`{"catalogs": ["URL"]}`, `{"URL": 1}`, `{"output": "URL", "generators": ["pac"]}`, `{"generators": ["URL"]}`, `{"bind": {"clients": ["URL"]}}`, `{"bind": {"URL": ["10.0.0.0/8"]}}`,
			`{"options": {"pac": {"proxy": ["URL"]}}}`, `{"options": {"pac": {"internal": ["URL"]}}}`, `{"options": {"URL": {}}}`, `{"options": {"pac": {"URL": []}}}`,
			`{"answers": {"own/e": {"remote": ["URL"]}}}`, `{"answers": {"own/e": {"remote": {"from": "URL"}}}}`, `{"answers": {"URL": {"remote": "any"}}}`, `{"answers": {"own/e": {"services": "URL"}}}`,
			`{"values": {"tenant": "URL"}}`, `{"accept": {"URL": ["10.0.0.0/8"]}}`, `{"select": {"entry": ["URL"]}}`, `{"tolerate": {"URL": ["absent"]}}`, `{"as_of": "URL"}`,
		} {
			secretsIn(t, url, map[string]string{"own.json": own, "gatewright.json": strings.ReplaceAll(site, "URL", url)}, "generate", "-o", "out")
		}
		for _, args := range []string{
			"list --catalog URL", "list --site URL", "list --entry URL", "list --area URL", "list URL", "URL", "generate URL", "generate --bind clients=URL -o out", "generate --bind URL -o out",
			"generate --set pac.proxy=URL -o out", "generate --set URL -o out", "generate --tenant URL -o out", "explain URL.", "explain inbound URL", "explain udp URL", "explain outbound tcp a.example.com:443 from URL",
			"explain outbound tcp URL:443 to", "diff URL own.json", "diff own.json URL", "check -o URL", "verify -o URL", "verify URL", "fetch URL", "fetch URL -o f --tenant x", "fetch m365 -o f --area URL", "fetch m365 -o f --instance URL",
			"init URL", "completion URL", "list --format URL", "generate --URL",
		} {
			secretsIn(t, url, map[string]string{"own.json": own}, strings.Fields(strings.ReplaceAll(args, "URL", url))...)
		}
	}
}

// secretsIn runs the tool in a folder of these files.
func secretsIn(t *testing.T, url string, files map[string]string, args ...string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(name)
	}
	var stdout, stderr bytes.Buffer
	run(args, strings.NewReader(""), &stdout, &stderr)
	for line := range strings.Lines(stderr.String()) {
		for _, secret := range []string{"sUSER", "sPW", "sQUERY", "sFRAG"} {
			if strings.Contains(line, secret) {
				t.Errorf("%q: %s", args, line)
				break
			}
		}
	}
}

// TestLineFeedInArguments holds that an error is one line, whatever the user's own
// words hold.
func TestLineFeedInArguments(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{
		{"list", "--catalog", "a\nb.json"}, {"list", "--catalog", "a\nb"}, {"list", "--site", "a\nb"}, {"a\nb"}, {"list", "a\nb"}, {"generate", "a\nb"}, {"explain", "a\nb"}, {"diff", "a\nb", "c\nd"},
		{"check", "-o", "a\nb"}, {"verify", "-o", "a\nb"}, {"fetch", "a\nb"}, {"fetch", "m365", "-o", "a\nb/c"}, {"fetch", "m365", "-o", "f", "--area", "a\nb"}, {"init", "--site", "a\nb/c"}, {"init", "a\nb"},
		{"generate", "--bind", "a\nb"}, {"generate", "--bind", "clients=a\nb"}, {"generate", "--set", "a\nb"}, {"generate", "--set", "pac.proxy=a\nb"}, {"list", "--a\nb"}, {"list", "--entry", "a\nb"}, {"completion", "a\nb"},
	} {
		var stdout, stderr bytes.Buffer
		status := run(args, strings.NewReader(""), &stdout, &stderr)
		if errs := strings.Count(stderr.String(), "gatewright: error: "); status == exitOK || errs != 1 || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%q: status %d, %q", args, status, &stderr)
		}
	}
}

// TestPathOnce holds that an error about a file names it once.
func TestPathOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("bad.json", []byte(`{"catalog":`), 0o644); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"diff bad.json bad.json":   "bad.json:1:12: /catalog: expected a value, found the end of the file\n",
		"list --catalog bad.json":  "bad.json:1:12: /catalog: expected a value, found the end of the file\n",
		"diff none.json none.json": "catalogue: open none.json: no such file or directory\n",
		"list --catalog none.json": "catalogue: open none.json: no such file or directory\n",
		"list --site ./none.json":  "site file: open none.json: no such file or directory\n",
		"check -o bad.json":        "bad.json is a file, not a folder; name a folder\n",
	} {
		var stdout, stderr bytes.Buffer
		if run(strings.Fields(args), strings.NewReader(""), &stdout, &stderr); stderr.String() != "gatewright: error: "+want {
			t.Errorf("%s: %q, want %q", args, &stderr, want)
		}
	}
}
