package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// publisher stands in for the publisher's web service, by its own name: through a
// proxy, and with a certificate that the tool's environment trusts.
func publisher(t *testing.T) *webService {
	t.Helper()
	const host = "endpoints.office.com"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(s.answer))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != host+":443" {
			t.Errorf("%s was asked", r.Host)
		}
		tunnel(t, w, server.Listener.Addr().String())
	}))
	t.Cleanup(proxy.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	writeFiles(t, map[string]string{ca: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))})
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("NO_PROXY", "")
	t.Setenv("SSL_CERT_FILE", ca)
	return s
}

const (
	// recordOptions is a hook that keeps the push options, as GitLab takes them.
	recordOptions = "#!/bin/sh\necho \"$GIT_PUSH_OPTION_0\" >\"$ASKED/create\"\nprintf '%b' \"${GIT_PUSH_OPTION_1#merge_request.description=}\" >\"$ASKED/body\"\n"

	// recordRequest stands in for GitHub's gh: it keeps the body, and makes a second pull
	// request of a branch no more than GitHub does.
	recordRequest = "#!/bin/sh\nfor a; do file=$a; done\n[ \"$2\" = edit ] || mkdir \"$ASKED/made\" || exit 1\necho \"$1 $2\" >\"$ASKED/create\"\ncp \"$file\" \"$ASKED/body\"\n"
)

// TestScheduledRecipes runs the shell lines of the scheduled recipes in a clone of a
// repository, as its publisher's feed changes day by day.
func TestScheduledRecipes(t *testing.T) {
	shell := program(t)
	source, err := filepath.Abs(filepath.Join(repository, "examples", "ci"))
	if err != nil {
		t.Fatal(err)
	}
	for recipe, want := range map[string][2]string{
		"scheduled.yml":        {"pr create\n", "pr edit\n"},
		"gitlab-scheduled.yml": {"merge_request.create\n", "merge_request.create\n"},
	} {
		t.Run(recipe, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(source, recipe))
			if err != nil {
				t.Fatal(err)
			}
			lines := recipeLines(string(text))
			if len(lines) < 8 || lines[0] != "gatewright fetch m365 -o m365-worldwide.json" || strings.Count(string(text), "\n") > 40 {
				t.Fatalf("the recipe is more than a screen, or its lines are not found: %q", lines)
			}
			s := publisher(t)
			d := scheduledDays{T: t, shell: shell, script: strings.Join(lines, "\n"), asked: t.TempDir()}
			d.repository(source)

			if out, err := d.run(); err != nil || d.branch() != "" {
				t.Errorf("on a day without a change: %v, branch %q\n%s", err, d.branch(), out)
			}
			s.version, s.endpoints = "2020080700", m365Sets("a.example.com", "b.example.com", "c.example.com", "d.example.com", "new.example.com")
			d.proposes(want[0], "+     new.example.com")
			s.version, s.endpoints = "2020080800", m365Sets("a.example.com", "b.example.com", "c.example.com", "d.example.com", "new.example.com", "newer.example.com")
			d.script = strings.Replace(d.script, "\ngatewright verify\n", "\n", 1) // it takes long, and ran
			d.proposes(want[1], "+     newer.example.com")

			before := d.branch()
			s.version, s.endpoints = "2020080900", m365Sets("a.example.com", "b.example.com", "c.example.com", "d.example.com", "www.example.com")
			if out, err := d.run(); err == nil || !strings.Contains(out, "proxied https://www.example.com/") {
				t.Errorf("what breaks an expectation passes: %v\n%s", err, out)
			}
			if d.branch() != before {
				t.Error("what breaks an expectation was pushed")
			}
		})
	}
}

// scheduledDays is a repository with a recipe that runs once a day, in a clone of its
// own.
type scheduledDays struct {
	*testing.T
	shell         func(dir, line string) (string, error)
	script, asked string
}

func (d scheduledDays) do(line string) string {
	d.Helper()
	out, err := d.shell(".", line)
	if err != nil {
		d.Fatalf("%s: %v\n%s", line, err, out)
	}
	return strings.TrimSpace(out)
}

// repository makes origin.git of the example's site file and of what it gives today.
func (d scheduledDays) repository(source string) {
	d.Helper()
	d.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	d.Setenv("ASKED", d.asked)
	writeFiles(d.T, map[string]string{"origin.git/hooks/post-receive": recordOptions, "bin/gh": recordRequest})
	d.do("chmod +x origin.git/hooks/post-receive bin/gh && git init -q --bare -b main origin.git && git -C origin.git config receive.advertisePushOptions true")
	d.do("git clone -q origin.git first 2>&1 && cp " + source + "/gatewright.json first && cd first && gatewright fetch m365 -q -o m365-worldwide.json && gatewright generate -q && git add . && git -c user.name=me -c user.email=me commit -q -m one && git push -q origin HEAD:main && rm ../first -r")
}

// run runs the recipe in a new clone, detached and shallow as those of CI are.
func (d scheduledDays) run() (string, error) {
	d.Helper()
	d.do("rm -rf day && git clone -q --depth 1 file://$PWD/origin.git day && git -C day switch -q --detach && rm -rf $XDG_CACHE_HOME/gatewright")
	return d.shell("day", "PATH=$PWD/../bin:$PATH\n"+d.script)
}

// branch is the commit that stands for review, if there is one.
func (d scheduledDays) branch() string {
	return d.do("git -C origin.git for-each-ref --format='%(objectname)' refs/heads/rules-of-today")
}

// proposes runs the recipe, which is to ask for a review with a text.
func (d scheduledDays) proposes(create, text string) {
	d.Helper()
	if out, err := d.run(); err != nil {
		d.Errorf("%v\n%s", err, out)
		return
	}
	if got := fileText(d.T, filepath.Join(d.asked, "create")); got != create {
		d.Errorf("asked for %q, want %q", got, create)
	}
	if body := fileText(d.T, filepath.Join(d.asked, "body")); !strings.Contains(body, text+"\n") || !strings.HasPrefix(body, "out -\\> gatewright.json: ") {
		d.Errorf("the body lacks %q:\n%s", text, body)
	}
	d.do("rm -rf review && git clone -q -b rules-of-today origin.git review && cd review && gatewright check && [ \"$(git log --format=%s)\" = \"Generate the rules of today\none\" ]")
}
