package squid

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// seen returns what a proxy sees of a policy.
func seen(p *rule.Policy) *rule.Policy {
	q := &rule.Policy{Bindings: p.Bindings}
	for _, r := range p.Rules {
		if carried(&r) {
			r.Services = r.Services.Only(netset.TCP)
			q.Rules = append(q.Rules, r)
		}
	}
	return q
}

// readAll reads files that Generate has written.
func readAll(t testing.TB, artefacts []artefact.Artefact) artefact.Reading {
	t.Helper()
	r, err := Generator{}.Read(artefact.FilesOf(artefacts))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func difference(t *testing.T, old, new rule.Compiled) rule.Diff {
	t.Helper()
	d, err := rule.Compare(old, new)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The files allow what the policy accepts, all of it and nothing else.
func TestReadRequests(t *testing.T) {
	for _, e := range examples(t) {
		p := ruletest.Compile(t, e.in)
		got := readAll(t, generate(t, p, e.settings).Artefacts).Requests
		want := seen(p)
		if d := difference(t, rule.Compiled{Policy: want}, rule.Compiled{Policy: got}); !d.IsEmpty() {
			t.Errorf("%s: the files say %+v more and %+v less", e.name, d.Added.Rules, d.Removed.Rules)
		}
		if len(got.Rules) != len(want.Rules) {
			t.Errorf("%s: %d rules are read; want %d", e.name, len(got.Rules), len(want.Rules))
		}
		for i, r := range got.Rules {
			at := slices.IndexFunc(want.Rules, func(w rule.Rule) bool { return w.ID == r.ID })
			if at < 0 {
				t.Errorf("%s: rule %s is in no policy", e.name, r.ID)
				continue
			}
			w := want.Rules[at]
			if r.Role != w.Role || len(r.Entries) != len(w.Entries) {
				t.Errorf("%s: rule %d is read as %s of %s from %v; want %s of %s from %v", e.name, i, r.ID, r.Role, r.Entries, w.ID, w.Role, w.Entries)
				continue
			}
			one := func(r rule.Rule) rule.Compiled {
				return rule.Compiled{Policy: &rule.Policy{Bindings: p.Bindings, Rules: []rule.Rule{r}}}
			}
			if d := difference(t, one(w), one(r)); !d.IsEmpty() {
				t.Errorf("%s: rule %s is read with %+v more and %+v less", e.name, r.ID, d.Added.Rules, d.Removed.Rules)
			}
			for j := range r.Entries {
				if r.Entries[j].ID != string(commentOf(artefact.Label(w.Entries[j]))) {
					t.Errorf("%s: rule %s is from %q", e.name, r.ID, r.Entries[j].ID)
				}
			}
		}
	}
}

// A token less in a list is less that is allowed, or more where it is an exception.
func TestReadTellsEveryToken(t *testing.T) {
	tried := map[bool]int{}
	for _, e := range examples(t) {
		if e.name == "hostile" {
			continue // its rules accept the same
		}
		p := ruletest.Compile(t, e.in)
		all := generate(t, p, e.settings).Artefacts
		whole := rule.Compiled{Policy: seen(p)}
		for i, a := range all {
			for _, token := range listTokens(string(a.Data)) {
				if a.Name == confName {
					continue
				}
				isApex := strings.HasSuffix(a.Name, "_apexes.txt")
				changed := slices.Clone(all)
				changed[i].Data = []byte(strings.Replace("\n"+string(a.Data), "\n"+token+"\n", "\n", 1)[1:])
				got, err := Generator{}.Read(artefact.FilesOf(changed))
				if err != nil && isAlone(string(a.Data), token) {
					continue // no list and no rule's part of one is empty
				}
				if err != nil {
					t.Fatalf("%s without %s of %s: %v", e.name, token, path.Base(a.Name), err)
				}
				if !slices.Equal(got.Edited, []string{a.Name}) {
					t.Errorf("%s without %s of %s: %v are edited", e.name, token, path.Base(a.Name), got.Edited)
				}
				d := difference(t, whole, rule.Compiled{Policy: got.Requests})
				if tried[isApex]++; isApex != (len(d.Added.Rules) > 0) || isApex == (len(d.Removed.Rules) > 0) {
					t.Errorf("%s without %s of %s: %+v more, %+v less", e.name, token, path.Base(a.Name), d.Added.Rules, d.Removed.Rules)
				}
			}
		}
	}
	if tried[true] < 3 || tried[false] < 20 {
		t.Errorf("only %v tokens were tried", tried)
	}
}

// isAlone reports whether a token of a list stands between comments.
func isAlone(list, token string) bool {
	before, after, _ := strings.Cut("\n"+list, "\n"+token+"\n")
	return strings.HasPrefix(before[strings.LastIndex(before, "\n")+1:], "#") && (after == "" || after[0] == '#')
}

// What options say and the requests.
func TestReadBeside(t *testing.T) {
	for name, want := range map[string]string{
		"empty":         "mode allow; place first; dir /etc/squid/gatewright",
		"empty-enforce": "mode enforce; place first; dir /etc/squid/gatewright",
		"site":          "mode allow; place first; dir /etc/squid/gatewright",
		"site-conf.d":   "mode enforce; place conf.d; dir /srv/squid/lists",
	} {
		all := examples(t)
		e := all[slices.IndexFunc(all, func(e example) bool { return e.name == name })]
		r := readAll(t, generate(t, ruletest.Compile(t, e.in), e.settings).Artefacts)
		var words []string
		for _, s := range r.Beside {
			words = append(words, s.Name+" "+s.Value)
		}
		if got := strings.Join(words, "; "); got != want {
			t.Errorf("%s: %s; want %s", name, got, want)
		}
	}
}

// attack is what somebody wrote into one of the files of siteInput, and what is told.
type attack struct {
	name, file, old, new string
	line                 int
	text, want           string
}

// whole is what is wanted of a rule without lines or tokens.
const whole = "the ACLs and http_access lines of a rule below its id"

func attacks() []attack {
	const (
		conf     = confName
		mixed    = "gatewright_exchange-out-bwhkcsvak"
		lists    = "gatewright/exchange-out-bwhkcsvak"
		allow    = "http_access allow gatewright_src_clients " + mixed + "_ports " + mixed + "_literals !manager"
		anywhere = "http_access allow gatewright_src_servers gatewright_all-out-15gw0tv7a_ports !manager"
		cidr     = "a CIDR without IPv4-mapped addresses"
		apart    = "a CIDR that does not overlap another one"
		host     = "a name that is not listed twice, with a leading dot if it includes its subdomains"
		ofRule   = "an ACL of rule exchange-out-bwhkcsvak: first for ports, then for the remote"
		none     = "-"
		inOrder  = "the id of a rule, in the order of gatewright.squid.conf"
		src      = "an ACL of type src with the addresses of a role"
	)
	acl := func(part, kind string) string {
		return "acl " + mixed + "_" + part + " " + kind + ` "/etc/squid/gatewright/exchange-out-bwhkcsvak_` + part + `.txt"`
	}
	return []attack{
		{"everything allowed", conf, allow + "\n", allow + "\nhttp_access allow all\n", 32, "http_access allow all", `""`},
		{"everything allowed above", conf, "\nacl gatewright_src_clients", "\nhttp_access allow all\nacl gatewright_src_clients", 12, "http_access allow all", `"acl gatewright_src_clients src \"/etc/squid/gatewright/src_clients.txt\""`},
		{"everything allowed at the end", conf, "", "http_access allow all\n", 38, "http_access allow all", `""`},
		{"a program", conf, "", "url_rewrite_program /tmp/x\n", 38, "url_rewrite_program /tmp/x", none},
		{"a port", conf, "# skype", "http_port 0.0.0.0:13128\n# skype", 24, "http_port 0.0.0.0:13128", none},
		{"a file", conf, "", "include \"/etc/shadow\"\n", 38, `include "/etc/shadow"`, none},
		{"another role's name", conf, anywhere, strings.ReplaceAll(anywhere, "servers", "nobody"), 18, strings.ReplaceAll(anywhere, "servers", "nobody"), "the ACL of a role first"},
		{"an undefined name", conf, allow, strings.ReplaceAll(allow, "_literals", "_patterns"), 31, "…wright_exchange-out-bwhkcsvak_patterns !manager", `"…wright_exchange-out-bwhkcsvak_literals !manager"`},
		{"the manager let in", conf, allow, strings.TrimSuffix(allow, " !manager"), 31, "…xchange-out-bwhkcsvak_literals", `"…xchange-out-bwhkcsvak_literals !manager"`},
		{"an exception dropped", conf, " !" + mixed + "_apexes", "", 30, "…exchange-out-bwhkcsvak_names !manager", `"…exchange-out-bwhkcsvak_names !gatewright_exchange-out-bwhkcsvak_apexes !manager"`},
		{"ports dropped", conf, " " + mixed + "_ports " + mixed + "_literals", " " + mixed + "_literals", 31, "", ""},
		{"a line dropped", conf, allow + "\n", "", 31, "", fmt.Sprintf("%q", allow[:120]+"…")},
		{"the rule's lines dropped", conf, anywhere + "\n", "", 15, "# all-out-15gw0tv7a", whole},
		{"two tokens on a line", lists + "_names.txt", "loose.example.com\n.mixed", "loose.example.com .mixed", 5, "loose.example.com .mixed.example.com", host},
		{"a next line", lists + "_names.txt", "loose.example.com", "loose.example.com\u0085", 5, "loose.example.com\u0085", "printable ASCII"},
		{"a next line in the configuration", conf, "# sample/loose", "# \u0085http_access allow all", 21, "# \u0085http_access allow all (row 7): Title of sample/loose", "printable ASCII"},
		{"a carriage return", conf, "# sample/loose", "#\rhttp_access allow all", 21, "#\rhttp_access allow all (row 7): Title of sample/loose", "printable ASCII"},
		{"a line that Squid splits", conf, "# sample/loose", "# " + strings.Repeat("x", 8400), 21, "", "at most 2000 bytes in a line"},
		{"a comment that Generate cuts", conf, "# sample/loose", "# " + strings.Repeat("x", 1200), 21, "…" + strings.Repeat("x", 33) + " (row 7): Title of sample/loose", `"…` + strings.Repeat("x", 30) + `..."`},
		{"a list in another folder", conf, "/etc/squid/gatewright/src_clients.txt", "/tmp/src_clients.txt", 12, `acl gatewright_src_clients src "/tmp/src_clients.txt"`, `the list "/etc/squid/gatewright/src_clients.txt"`},
		{"another list", conf, acl("names", "dstdomain -n"), strings.Replace(acl("names", "dstdomain -n"), "_names.txt", "_apexes.txt", 1), 27, strings.Replace(acl("names", "dstdomain -n"), "_names.txt", "_apexes.txt", 1), `the list "/etc/squid/gatewright/exchange-out-bwhkcsvak_names.txt"`},
		{"a list by a relative path", conf, `"/etc/squid/gatewright/src_servers.txt"`, `"gatewright/src_servers.txt"`, 13, "", `the list "/etc/squid/gatewright/src_servers.txt"`},
		{"a list inline", conf, ` "/etc/squid/gatewright/src_servers.txt"`, " 0.0.0.0/0", 13, "acl gatewright_src_servers src 0.0.0.0/0", `the list "/etc/squid/gatewright/src_servers.txt"`},
		{"another type", conf, acl("names", "dstdomain -n"), acl("names", "dstdomain"), 27, acl("names", "dstdomain"), ofRule},
		{"a type that looks names up", conf, acl("literals", "dst -n"), acl("literals", "dst"), 29, acl("literals", "dst"), ofRule},
		{"a type of Squid's", conf, acl("literals", "dst -n"), acl("literals", "external"), 29, acl("literals", "external"), ofRule},
		{"an ACL twice", conf, acl("ports", "port") + "\n", acl("ports", "port") + "\n" + acl("ports", "port") + "\n", 27, acl("ports", "port"), ofRule},
		{"an ACL of another rule", conf, acl("ports", "port"), strings.Replace(acl("ports", "port"), "bwhkcsvak_ports", "bwhkcsvaa_ports", 1), 26, "", ofRule},
		{"a role twice", conf, "acl gatewright_src_clients", "acl gatewright_src_clients src \"/etc/squid/gatewright/src_clients.txt\"\nacl gatewright_src_clients", 13, `acl gatewright_src_clients src "/etc/squid/gatewright/src_clients.txt"`, "an ACL that is not defined twice"},
		{"an ACL of the site's", conf, "acl gatewright_src_clients", "acl localnet", 12, `acl localnet src "/etc/squid/gatewright/src_clients.txt"`, src},
		{"another command", conf, "squid -k parse", "true", 2, "…' /etc/squid/squid.conf; } && true && squid -k reconfigure", `"…' /etc/squid/squid.conf; } && squid -k parse && squid -k reconfigure"`},
		{"a folder that a shell reads", conf, "-t /etc/squid/gatewright ", "-t /etc/squid/$(reboot) ", 2, "", "a command with a folder such as /etc/squid/gatewright"},
		{"every address", "gatewright/src_clients.txt", "10.0.0.0/8", "0.0.0.0/0", 4, "0.0.0.0/0", cidr},
		{"a word for every address", "gatewright/src_clients.txt", "10.0.0.0/8", "all", 4, "all", cidr},
		{"host bits", "gatewright/src_clients.txt", "10.0.0.0/8", "10.0.0.1/8", 4, "10.0.0.1/8", cidr},
		{"a prefix around the mapped block", "gatewright/src_clients.txt", "fc00::/7", "::/16", 5, "::/16", cidr},
		{"a mapped address", "gatewright/src_clients.txt", "fc00::/7", "::ffff:0:0/96", 5, "::ffff:0:0/96", cidr},
		{"a file in a list", "gatewright/src_clients.txt", "10.0.0.0/8", "\"/etc/shadow\"", 4, `"/etc/shadow"`, cidr},
		{"a narrower prefix first", "gatewright/src_clients.txt", "10.0.0.0/8", "10.1.0.0/16\n10.0.0.0/8", 5, "10.0.0.0/8", apart},
		{"a comment among tokens", "gatewright/src_clients.txt", "10.0.0.0/8", "10.0.0.0/8 # all", 4, "10.0.0.0/8 # all", cidr},
		{"no token", "gatewright/src_clients.txt", "10.0.0.0/8\nfc00::/7\n", "", 4, "", ""},
		{"another title of a list", "gatewright/src_clients.txt", "addresses of role clients", "addresses of role servers", 1, untitled, `"# Gatewright: addresses of role clients" and what it is`},
		{"a name below a domain", lists + "_names.txt", "loose.example.com", "a.mixed.example.com", 5, "a.mixed.example.com", "a name that no other name covers"},
		{"a name and its domain", lists + "_names.txt", "loose.example.com", "mixed.example.com", 6, ".mixed.example.com", host},
		{"a star", lists + "_names.txt", "loose.example.com", "*.example.com", 5, "*.example.com", host},
		{"a name in capitals", lists + "_names.txt", "loose.example.com", "Loose.example.com", 5, "Loose.example.com", host},
		{"a dot at the end", lists + "_names.txt", "loose.example.com", "loose.example.com.", 5, "loose.example.com.", host},
		{"exceptions in the middle", lists + "_apexes.txt", "mixed.example.com", "a.mixed.example.com", 28, acl("apexes", "dstdomain -n"), "only exceptions that are apexes, and none between names"},
		{"a rule's tokens given to another", lists + "_literals.txt", "# skype-out-7qzfx90a1\n", "", 20, "# exchange-out-bwhkcsvak", whole},
		{"a rule that is none", lists + "_literals.txt", "# skype-out-7qzfx90a1", "# skype-out-7qzfx90a2", 6, "# skype-out-7qzfx90a2", inOrder},
		{"rules in another order", lists + "_literals.txt", "# exchange-out-bwhkcsvak\n203.0.113.0/28\n# skype-out-7qzfx90a1", "# skype-out-7qzfx90a1\n203.0.113.0/28\n# exchange-out-bwhkcsvak", 6, "# exchange-out-bwhkcsvak", inOrder},
		{"tokens of no rule", lists + "_literals.txt", "# exchange-out-bwhkcsvak\n", "", 4, "203.0.113.0/28", `"# exchange-out-bwhkcsvak"`},
		{"a prefix of two rules", lists + "_literals.txt", "203.0.113.0/28", "52.113.0.0/16", 7, "52.112.0.0/14", apart},
		{"a rule without its tokens", conf, "#\n# skype-out", "#\n# voice-out-0123456789\n#\n# skype-out", 20, "# exchange-out-bwhkcsvak", whole},
		{"a rule below its lines", conf, "acl " + mixed + "_names", "#\n# voice-out-0123456789\nacl " + mixed + "_names", 26, acl("ports", "port"), `"# voice-out-0123456789"`},
		{"a port that is none", lists + "_ports.txt", "443", "0", 4, "0", "a port, or a range of ports"},
		{"ports reversed", lists + "_ports.txt", "443", "443-80", 4, "443-80", "a port, or a range of ports"},
	}
}

// untitled stands for a first line that no error shows.
const untitled = "untitled"

// What Generate does not write is told by its file and line.
func TestReadRefuses(t *testing.T) {
	all := artefact.FilesOf(generate(t, ruletest.Compile(t, siteInput(t)), nil).Artefacts)
	for _, a := range attacks() {
		files := maps.Clone(all)
		changed := strings.Replace(string(all[a.file]), a.old, a.new, 1)
		if a.old == "" {
			changed = string(all[a.file]) + a.new
		}
		files[a.file] = []byte(changed)
		r, err := Generator{}.Read(files)
		var foreign *artefact.ForeignError
		if !errors.As(err, &foreign) || changed == string(all[a.file]) {
			t.Errorf("%s: %v, %+v", a.name, err, r)
			continue
		}
		if a.text == "" {
			a.text = foreign.Text
		}
		if a.want == "" {
			a.want = foreign.Want
		}
		if a.line == 0 {
			a.line = foreign.Line
		}
		told := a.file
		if strings.HasPrefix(a.text, "acl ") || a.want == whole {
			told = confName
		}
		text := []rune(a.text)
		if len(text) > 120 {
			text = append(text[:120], '…')
		}
		want := fmt.Sprintf("%s:%d: %q is not what generate writes; expected %s; remove it, or generate the file again", told, a.line, string(text), a.want)
		want = strings.Replace(want, "; expected -;", ";", 1)
		want = strings.Replace(want, strconv.Quote(untitled)+" is not what generate writes", "not written by Gatewright", 1)
		if err.Error() != want {
			t.Errorf("%s:\n%v; want\n%s", a.name, err, want)
		}
	}
}

// Every role is of a rule.
func TestReadRefusesARoleOfNoRule(t *testing.T) {
	all := artefact.FilesOf(generate(t, ruletest.Compile(t, siteInput(t)), nil).Artefacts)
	all[confName] = bytes.ReplaceAll(all[confName], []byte("allow gatewright_src_servers"), []byte("allow gatewright_src_clients"))
	const want = `gatewright.squid.conf:13: "acl gatewright_src_servers src \"/etc/squid/gatewright/src_servers.txt\"" is not what generate writes; ` +
		"expected the role of a rule below; remove it, or generate the file again"
	if _, err := (Generator{}).Read(all); err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
}

// Another format is told as such.
func TestReadTellsTheFormat(t *testing.T) {
	all := artefact.FilesOf(generate(t, ruletest.Compile(t, siteInput(t)), nil).Artefacts)
	for _, name := range []string{confName, "gatewright/src_clients.txt"} {
		for _, text := range []string{"; format 1", ""} {
			files := maps.Clone(all)
			files[name] = bytes.Replace(all[name], []byte("; format 4"), []byte(text), 1)
			want := name + " has format 1, but this version writes format 4; generate it again"
			if _, err := (Generator{}).Read(files); err == nil || err.Error() != want {
				t.Errorf("%q: %v; want %s", text, err, want)
			}
		}
	}
}

// FuzzRead holds that what is read has no directives and tokens but ours, as Squid
// takes them.
func FuzzRead(f *testing.F) {
	in := siteInput(f)
	for _, e := range examples(f) {
		for _, a := range generate(f, ruletest.Compile(f, e.in), e.settings).Artefacts {
			f.Add(path.Base(a.Name), a.Data)
		}
	}
	all := artefact.FilesOf(generate(f, ruletest.Compile(f, in), nil).Artefacts)
	line := regexp.MustCompile(`^(#.*|acl gatewright_[a-z0-9_-]+ (src|port|dst -n|dstdomain -n|dstdom_regex -n) "/[A-Za-z0-9_./-]+"|http_access allow( !?gatewright_[a-z0-9_-]+)+ !manager|http_access deny all)?$`)
	token := regexp.MustCompile(`^(\.?[a-z0-9_-]+(\.[a-z0-9_-]+)+|[0-9a-f.:]+(/[0-9]+)?|[0-9]+(-[0-9]+)?|\^[]\[^.+*()\\a-z0-9_-]+\$)$`)
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		files := maps.Clone(all)
		files["gatewright/"+name] = data
		if name == confName {
			files[name] = data
		}
		r, err := Generator{}.Read(files)
		if err != nil {
			return
		}
		for _, file := range r.Read {
			for _, text := range strings.FieldsFunc(string(files[file]), func(r rune) bool { return r == '\n' || r == '\r' || r == 0x85 }) {
				ours := line.MatchString(text)
				if file != confName {
					ours = strings.HasPrefix(text, "#") || token.MatchString(text)
				}
				if !ours || len(text) > 2000 {
					t.Errorf("%s: %q is read", file, text)
				}
			}
		}
	})
}

// Every pattern is read back from its expression.
func TestReadExpressions(t *testing.T) {
	for _, text := range []string{"*.example.com", "a*b.example.com", "*a.*.b*c.example.com", "www.*.example.com", "*-x.example.com", "_tcp.xn--bcher-kva.example"} {
		p := ruletest.Pattern(t, text)
		h, _, want := readExpressions([]string{expression(p)})
		if want != "" || h.names.String() != p.String() {
			t.Errorf("%s is read back as %s, %s", p, h.names, want)
		}
	}
	for _, text := range []string{"example\\.com", "^example.com$", "^.*$", "^(a|b)\\.example\\.com$", "^[^.]+\\.example\\.com$", "^exa$mple\\.com$", ""} {
		if h, _, want := readExpressions([]string{text}); want == "" {
			t.Errorf("%q is read as %s", text, h.names)
		}
	}
}
