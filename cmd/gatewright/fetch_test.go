package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatewright/catalog/feed"
	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/fetch"
)

// webService is a server on loopback that answers as the Microsoft 365 endpoints web
// service does, and any feed at /feed; what it answers can be changed at will.
type webService struct {
	*httptest.Server
	t *testing.T

	version, endpoints, changes string
	feed                        string
	etag, cache, modified       string
	status                      map[string]int // by the first part of the path
	before                      func(path string)

	asked []string // the first parts of the paths
	ids   map[string]bool
	now   time.Time
	tick  time.Duration // by which each look at the clock moves it on
}

func serve(t *testing.T) *webService {
	t.Helper()
	for _, name := range []string{"XDG_CONFIG_HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, t.TempDir())
	}
	t.Chdir(t.TempDir())
	s := &webService{
		t: t, version: "2020080600", endpoints: m365Sets("a.example.com", "b.example.com", "c.example.com", "d.example.com"), changes: "[]",
		status: map[string]int{}, ids: map[string]bool{}, now: time.Date(2020, 8, 6, 12, 0, 0, 0, time.UTC),
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.answer))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *webService) answer(w http.ResponseWriter, r *http.Request) {
	path, _, _ := strings.Cut(r.URL.Path[1:], "/")
	s.asked = append(s.asked, path)
	if s.before != nil {
		s.before(path)
	}
	if path != "feed" {
		s.ids[r.URL.Query().Get("ClientRequestId")] = true
	}
	if s.status[path] != 0 {
		w.WriteHeader(s.status[path])
		return
	}
	switch path {
	case "version":
		fmt.Fprintf(w, `{"instance": %q, "latest": %q}`, filepath.Base(r.URL.Path), s.version)
	case "endpoints":
		io.WriteString(w, s.endpoints)
	case "changes":
		io.WriteString(w, s.changes)
	case "feed":
		w.Header().Set("ETag", s.etag)
		w.Header().Set("Cache-Control", s.cache)
		w.Header().Set("Last-Modified", s.modified)
		if s.etag != "" && r.Header.Get("If-None-Match") == s.etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, s.feed)
	}
}

// m365Sets is an answer of the web service with one set of these names.
func m365Sets(names ...string) string {
	urls, _ := json.Marshal(names)
	return fmt.Sprintf(`[{"id": 1, "serviceArea": "Exchange", "serviceAreaDisplayName": "Exchange Online", "urls": %s,
		"tcpPorts": "443", "expressRoute": true, "category": "Optimize", "required": true}]`, urls)
}

// ownFeed is a document of our own with these names.
func ownFeed(name, revision string, names ...string) string {
	endpoints, _ := json.Marshal(names)
	return fmt.Sprintf(`{"catalog": %q, "revision": %q, "title": "t", "entries": [{"id": "e", "title": "t", "endpoints": %s,
		"services": "tcp 443", "direction": "outbound", "role": "clients"}]}`, name, revision, endpoints)
}

func (s *webService) client() *feed.Client {
	c := feed.NewClient(func(string, ...any) {})
	c.Roots = x509.NewCertPool()
	c.Roots.AddCert(s.Certificate())
	c.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	c.Now = func() time.Time { s.now = s.now.Add(s.tick); return s.now }
	c.Sleep = func(context.Context, time.Duration) error { return nil }
	return c
}

// fetch runs the command and returns its exit status, its account and its errors.
func (s *webService) fetch(args ...string) (status int, done fetch.Done, talk string) {
	s.t.Helper()
	for i, arg := range args {
		args[i] = strings.Replace(arg, "URL", s.URL, 1)
	}
	s.asked = nil
	var stdout, stderr bytes.Buffer
	inv := &invocation{stdout: console.NewWriter(&stdout), console: console.New(&stderr)}
	c := fetchCommand()
	f := &fetchFlags{}
	c.flags = f.register
	c.run = func(inv *invocation, args []string) error { return fetchCatalog(inv, f, args, s.client(), s.URL) }
	status = inv.status(inv.call(c, append(args, "--json")))
	if stdout.Len() > 0 {
		if err := json.Unmarshal(stdout.Bytes(), &done); err != nil {
			s.t.Fatal(err)
		}
	}
	return status, done, stderr.String()
}

// want holds the outcome of a run: its status, what was asked, and part of what was
// said.
func (s *webService) want(status int, asked, talk string, args ...string) fetch.Done {
	s.t.Helper()
	have, done, said := s.fetch(args...)
	if have != status || strings.Join(s.asked, " ") != asked || !strings.Contains(said, talk) {
		s.t.Errorf("%s: status %d, asked %q, said %q; want %d, %q, %q", args, have, s.asked, said, status, asked, talk)
	}
	return done
}

func fileText(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestFetchWebService(t *testing.T) {
	s := serve(t)
	done := s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
	if !done.Changed || done.Catalogue != "m365-worldwide" || done.Revision != "2020080600" || done.Endpoints != 4 || !done.Now {
		t.Errorf("the first run: %+v", done)
	}
	if fileText(t, "w.json") != s.endpoints {
		t.Error("the file is not what was answered")
	}
	record, err := feed.ReadRecord(plainfile.Named("w.json"))
	want := feed.Record{Source: s.URL + "/endpoints/Worldwide", Instance: "Worldwide", Revision: "2020080600", Digest: feed.Digest([]byte(s.endpoints))}
	if err != nil || record != want {
		t.Errorf("record %+v, %v; want %+v", record, err, want)
	}

	s.now = s.now.Add(20 * time.Minute)
	if done = s.want(exitOK, "", "", "m365", "-o", "w.json"); done.Changed || done.Now || s.now.Sub(done.Asked) != 20*time.Minute {
		t.Errorf("within the hour: %+v", done)
	}
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json", "--force")
	s.want(exitOK, "version endpoints", "", "m365", "-o", "another.json")
	s.now = s.now.Add(time.Hour)
	if done = s.want(exitOK, "version", "", "m365", "-o", "w.json"); done.Changed || !done.Now {
		t.Errorf("after the hour: %+v", done)
	}

	s.now = s.now.Add(time.Hour)
	s.version, s.endpoints = "2020090100", m365Sets("a.example.com", "b.example.com", "c.example.com", "d.example.com", "e.example.com")
	done = s.want(exitDifferent, "version endpoints", "", "m365", "-o", "w.json", "--exit-code")
	if !done.Changed || done.RevisionBefore != "2020080600" || done.Endpoints != 5 || done.EndpointsBefore != 4 || done.EndpointsLost != 0 {
		t.Errorf("a new version: %+v", done)
	}
	s.want(exitOK, "", "", "m365", "-o", "w.json", "--exit-code")
	if s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json", "--area", "exchange"); fileText(t, "w.json") != s.endpoints {
		t.Error("another extract of the same version is not downloaded")
	}
	if len(s.ids) != 1 {
		t.Errorf("ClientRequestIds %v; want one", s.ids)
	}
	left, err := filepath.Glob("*")
	hidden, _ := filepath.Glob(".*")
	if err != nil || !slices.Equal(left, []string{"another.json", "another.json.fetched.json", "w.json", "w.json.fetched.json"}) || len(hidden) > 0 {
		t.Errorf("left in the folder: %q, %q", left, hidden)
	}
}

// TestFetchForced holds that a run that asked says so, though the clock has moved on.
// TestFetchKeepsModes holds that who may read a file is not widened, and not narrowed
// by the umask, when it is replaced. TestFetchedIsLoaded holds that a fetched file
// names its instance and version.
func TestFetchedIsLoaded(t *testing.T) {
	s := serve(t)
	s.want(exitOK, "version endpoints", "", "m365", "--instance", "china", "-o", "c.json")
	var stdout, stderr bytes.Buffer
	if status := run([]string{"generate", "nftables", "--catalog", "c.json", "--instance", "China", "-q"}, nil, &stdout, &stderr); status != exitOK || !strings.Contains(stdout.String(), "source: m365-china 2020080600\n") {
		t.Errorf("status %d\n%s\n%.300s", status, &stderr, &stdout)
	}
}

// TestFetchRefuses holds that the old file stays, whatever the publisher offers.
func TestFetchRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*webService)
		args  []string
		asked string
		talk  string
	}{
		{"an older version", func(s *webService) { s.version = "2020070800" }, nil, "version", "offers version 2020070800, which is older than the local version 2020080600"},
		{"an empty list", func(s *webService) { s.endpoints = "[]" }, nil, "version endpoints", "endpoints/Worldwide"},
		{"sets without endpoints", func(s *webService) { s.endpoints = strings.Replace(m365Sets(), `"urls": null,`, "", 1) }, nil, "version endpoints", "lists no endpoint"},
		{"a shrunk list", func(s *webService) { s.endpoints = m365Sets("a.example.com", "b.example.com", "c.example.com") }, nil, "version endpoints",
			"1 of 4 endpoints are gone, more than the 20 % that --max-shrink allows"},
		{"no loss at all", func(s *webService) { s.endpoints = m365Sets("a.example.com", "b.example.com", "c.example.com") }, []string{"--max-shrink", "0"}, "version endpoints", "more than the 0 %"},
		{"half a document", func(s *webService) { s.endpoints = s.endpoints[:60] }, nil, "version endpoints", "string is not closed"},
		{"a web page", func(s *webService) { s.endpoints = "<html>Log in</html>" }, nil, "version endpoints", "the answer is a web page, not a feed; a captive portal or a proxy may have answered instead of the publisher"},
		{"nothing", func(s *webService) { s.endpoints = "" }, nil, "version endpoints", "empty input"},
		{"another feed", func(s *webService) { s.endpoints = ownFeed("own", "9", "a.example.com") }, nil, "version endpoints", "w.json holds the catalogue m365-worldwide"},
		{"a wildcard for everything", func(s *webService) { s.endpoints = m365Sets("*") }, nil, "version endpoints", "/0/urls/0"},
		{"no version", func(s *webService) { s.version = "soon" }, nil, "version", "a version of ten digits"},
		{"a failing /version", func(s *webService) { s.status["version"] = 500 }, nil, "version version version version", "status 500"},
		{"a failing /endpoints", func(s *webService) { s.status["endpoints"] = 503 }, nil, "version endpoints endpoints endpoints endpoints", "status 503"},
		{"a missing /endpoints", func(s *webService) { s.status["endpoints"] = 404 }, nil, "version endpoints", "status 404 Not Found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t)
			s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
			before, record := fileText(t, "w.json"), fileText(t, "w.json.fetched.json")
			s.now = s.now.Add(time.Hour)
			s.version = "2020090100"
			c.spoil(s)
			s.want(exitFailed, c.asked, c.talk, append([]string{"m365", "-o", "w.json"}, c.args...)...)
			s.want(exitFailed, c.asked, "w.json was not changed", append([]string{"m365", "-o", "w.json"}, c.args...)...)
			if fileText(t, "w.json") != before || fileText(t, "w.json.fetched.json") != record {
				t.Error("the file or its record changed")
			}
		})
	}
}

func TestFetchAllowedShrink(t *testing.T) {
	s := serve(t)
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
	s.version, s.endpoints = "2020090100", m365Sets("a.example.com")
	s.want(exitFailed, "version endpoints", "3 of 4", "m365", "-o", "w.json", "--force", "--max-shrink", "74")
	if done := s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json", "--force", "--max-shrink", "75"); done.EndpointsLost != 3 {
		t.Errorf("%+v", done)
	}
}

// TestFetchLimited holds that a publisher that limits us is left alone for as long.
func TestFetchLimited(t *testing.T) {
	s := serve(t)
	s.status["endpoints"] = 429
	s.want(exitFailed, "version endpoints", "fetch again in 1h0m0s, after 2020-08-06 13:00:00 UTC", "m365", "-o", "w.json")
	s.status["endpoints"] = 0
	s.now = s.now.Add(10 * time.Minute)
	s.want(exitFailed, "", "fetch again in 50m0s, after 2020-08-06 13:00:00 UTC; --force asks at once", "m365", "-o", "w.json")
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json", "--force")

	s.status["feed"] = 429
	s.want(exitFailed, "feed", "fetch again in 1h0m0s", "URL/feed", "-o", "f.json")
	s.want(exitFailed, "", "nothing was written", "URL/feed", "-o", "f.json")
	s.status["feed"], s.feed = 0, ownFeed("own", "1", "a.example.com")
	s.now = s.now.Add(time.Hour)
	s.want(exitOK, "feed", "", "URL/feed", "-o", "f.json")
}

func TestFetchURL(t *testing.T) {
	s := serve(t)
	s.feed, s.etag = ownFeed("own", "1", "a.example.com"), `"1"`
	if done := s.want(exitOK, "feed", "", "URL/feed", "-o", "f.json"); !done.Changed || done.Catalogue != "own" || done.Revision != "1" {
		t.Errorf("%+v", done)
	}
	s.feed = "not asked for, as the ETag holds"
	if done := s.want(exitOK, "feed", "", "URL/feed", "-o", "f.json"); done.Changed {
		t.Errorf("%+v", done)
	}
	s.feed, s.etag, s.cache = ownFeed("own", "2", "a.example.com"), `"2"`, "max-age=600"
	if done := s.want(exitOK, "feed", "", "URL/feed", "-o", "f.json"); !done.Changed || done.RevisionBefore != "1" {
		t.Errorf("%+v", done)
	}
	s.want(exitOK, "", "", "URL/feed", "-o", "f.json")
	s.want(exitOK, "feed", "", "URL/feed", "-o", "f.json", "--force")
	s.now = s.now.Add(10 * time.Minute)
	s.feed, s.etag = ownFeed("own", "1", "a.example.com"), `"3"`
	s.want(exitFailed, "feed", "offers version 1, which is older than the local version 2", "URL/feed", "-o", "f.json")
	s.want(exitFailed, "feed", "f.json was not changed", "URL/feed", "-o", "f.json")
	s.feed = ownFeed("other", "3", "a.example.com")
	s.want(exitFailed, "feed", "f.json holds the catalogue own", "URL/feed", "-o", "f.json")

	// A file that was changed by hand is not what the ETag stands for.
	s.feed, s.etag = ownFeed("own", "2", "a.example.com"), `"2"`
	if err := os.WriteFile("f.json", []byte(ownFeed("own", "2", "b.example.com")), 0o644); err != nil {
		t.Fatal(err)
	}
	s.want(exitOK, "feed", "", "URL/feed", "-o", "f.json", "--max-shrink", "100")
	if fileText(t, "f.json") != s.feed {
		t.Error("a file that was changed by hand stays")
	}
}

func TestFetchUsage(t *testing.T) {
	s := serve(t)
	for _, c := range []struct{ args, talk string }{
		{"", "name one source: m365, or an https URL"},
		{"m365 m365 -o f", "name one source"},
		{"aws -o f", `unknown source "aws"`},
		{"m365", "fetch: no file given; name one with -o; its record is written beside it"},
		{"m365 -o -", "fetch: no file given; name one with -o; its record is written beside it"},
		{"m365 -o f --instance Germany", "the publisher closed the instance Germany in 2021; use Worldwide"},
		{"m365 -o f --max-shrink 101", "expect 0 to 100 percent"},
		{"m365 -o f --max-shrink -1", "expect 0 to 100 percent"},
		{"http://feeds.example.com/ -o f", "fetch: the URL does not start with https://; catalogues are fetched over TLS only; with --allow-http also over http://"},
		{"URL/feed -o f --tenant contoso", "fetch: --instance, --area, --tenant and --changes apply only to the source m365; omit them for a URL"},
		{"m365 -o f --insecure", "unknown flag"},
	} {
		s.want(exitUsage, "", c.talk, strings.Fields(c.args)...)
	}
}

// TestFetchEnvironment runs the tool as people do: it trusts the CA of SSL_CERT_FILE
// and goes through the proxy of HTTPS_PROXY.
func TestFetchEnvironment(t *testing.T) {
	shell := program(t)
	s := serve(t)
	s.feed = ownFeed("own", "1", "a.example.com")
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.Host)
		tunnel(t, w, s.Listener.Addr().String())
	}))
	defer proxy.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("NO_PROXY", "")
	t.Setenv("SSL_CERT_FILE", ca)
	if out, err := shell(".", "gatewright fetch https://example.com/feed -o f.json"); err != nil || out != "f.json: own 1, 1 endpoint\n" {
		t.Errorf("%v\n%s", err, out)
	}
	if !slices.Equal(asked, []string{"CONNECT example.com:443"}) || fileText(t, "f.json") != s.feed {
		t.Errorf("the proxy was asked %q", asked)
	}
}

// tunnel joins a proxy's client with a server.
func tunnel(t *testing.T, w http.ResponseWriter, server string) {
	near, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	far, err := net.Dial("tcp", server)
	if err != nil {
		t.Error(err)
		return
	}
	io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
	var both sync.WaitGroup
	both.Go(func() { io.Copy(far, near); far.Close() })
	both.Go(func() { io.Copy(near, far); near.Close() })
	both.Wait()
}

// TestFetchChanges holds that change records are fetched along, kept up once they are
// there, and applied when the site asks for that and they are the file's.
func TestFetchChanges(t *testing.T) {
	s := serve(t)
	s.changes = `[{"id": 1, "endpointSetId": 1, "disposition": "change", "version": "2020080600", "impact": "AddedUrl",
		"add": {"effectiveDate": "29990101", "urls": ["d.example.com"]}},
		{"id": 2, "endpointSetId": 1, "disposition": "change", "version": "2020080600", "impact": "RemovedIpOrUrl", "remove": {"urls": ["old.example.com"]}}]`
	squid := func(args ...string) (int, string, string) {
		var stdout, stderr bytes.Buffer
		status := run(append([]string{"generate", "squid", "--catalog", "w.json", "-o", "out"}, args...), nil, &stdout, &stderr)
		var text strings.Builder
		files, _ := filepath.Glob("out/*/*")
		for _, file := range files {
			text.WriteString(fileText(t, file))
		}
		return status, text.String(), stderr.String()
	}
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
	if status, _, talk := squid("--as-of", "today"); status != exitFailed || !strings.Contains(talk, `"w.json" has no change records beside it`) {
		t.Errorf("without change records: %d, %s", status, talk)
	}
	s.want(exitOK, "changes", "", "m365", "--changes", "-o", "w.json")
	s.want(exitOK, "", "", "m365", "--changes", "-o", "w.json")
	for _, c := range []struct {
		args    string
		d, old  bool
		account string
	}{
		{"", true, false, ""},
		{"--as-of 2999-01-01", true, false, ""},
		{"--as-of today", false, false, "w.json: set 1: d.example.com is left out: it becomes live on 2999-01-01"},
		{"--as-of 2020-08-20 --keep-removed 30d", false, true, "w.json: set 1: old.example.com is kept until 2020-09-05: version 2020080600 removed it"},
		{"--keep-removed 30d", true, true, "old.example.com is kept until 2020-09-05"},
		{"--as-of 2020-09-05 --keep-removed 30d", false, false, ""},
	} {
		status, text, talk := squid(strings.Fields(c.args)...)
		if status != exitOK || strings.Contains(text, "\nd.example.com\n") != c.d ||
			strings.Contains(text, "old.example.com") != c.old || !strings.Contains(talk, c.account) {
			t.Errorf("%s: status %d\n%s\n%s", c.args, status, text, talk)
		}
	}

	s.now = s.now.Add(time.Hour)
	s.version = "2020090100"
	s.want(exitOK, "version endpoints changes", "", "m365", "-o", "w.json")
	s.now = s.now.Add(time.Hour)
	s.version, s.changes = "2020100100", `[{"id": 1}]`
	s.want(exitFailed, "version endpoints changes", `/0: missing required key "version"`, "m365", "-o", "w.json")
	if err := os.WriteFile("w.json.changes.json", []byte("[]"), 0o644); err != nil {
		t.Fatal(err)
	}
	if status, _, talk := squid("--as-of", "today"); status != exitFailed || !strings.Contains(talk, "w.json.changes.json is not what was fetched with w.json") {
		t.Errorf("with others' change records: %d, %s", status, talk)
	}
	if status, _, talk := squid("--as-of", "soon"); status != exitUsage || !strings.Contains(talk, `--as-of: bad day "soon"; write it as YYYY-MM-DD, or "today"`) {
		t.Errorf("a bad day: %d, %s", status, talk)
	}
	if status, _, talk := squid("--keep-removed", "30"); status != exitUsage || !strings.Contains(talk, "write it as 30d") {
		t.Errorf("bad days: %d, %s", status, talk)
	}
	var stdout, stderr bytes.Buffer
	if status := run([]string{"list", "--as-of", "today", "--catalog", "m365-additional"}, nil, &stdout, &stderr); status != exitFailed || !strings.Contains(stderr.String(), "as_of and keep_removed need change records, but no catalogue has any; get them with `gatewright fetch m365 --changes -o FILE`") {
		t.Errorf("our own catalogue: %d, %s", status, &stderr)
	}
}

// TestFetchList holds that a plain list is named after the file, and dated by its
// publisher's server.
func TestFetchList(t *testing.T) {
	s := serve(t)
	s.feed, s.modified = "192.0.2.0/24\n198.51.100.0/24\n", "Thu, 06 Aug 2020 10:00:00 GMT"
	if done := s.want(exitOK, "feed", "", "URL/feed", "-o", "edge.txt"); done.Catalogue != "edge" || done.Revision != "2020-08-06" || done.Endpoints != 2 {
		t.Errorf("%+v", done)
	}
	s.feed, s.modified = s.feed+"203.0.113.0/24\n", "Fri, 07 Aug 2020 10:00:00 GMT"
	if done := s.want(exitOK, "feed", "", "URL/feed", "-o", "edge.txt"); !done.Changed || done.Revision != "2020-08-07" || done.RevisionBefore != "2020-08-06" {
		t.Errorf("%+v", done)
	}
	s.modified = "Wed, 05 Aug 2020 10:00:00 GMT"
	s.want(exitFailed, "feed", "offers version 2020-08-05, which is older than the local version 2020-08-07", "URL/feed", "-o", "edge.txt")
	s.feed = "192.0.2.0/24\nnot a prefix\n"
	s.want(exitFailed, "feed", "/feed:2", "URL/feed", "-o", "edge.txt")
}

// TestFetchNotices holds that what was read differently from how it is written is told,
// also of what is refused, and that a cut list does not pass for a wide one.
// TestFetchRealFeeds fetches every feed that GATEWRIGHT_DATA has, twice.
func TestFetchRealFeeds(t *testing.T) {
	data := os.Getenv("GATEWRIGHT_DATA")
	if data == "" {
		return
	}
	files, err := filepath.Glob(filepath.Join(data, "cloud", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no feeds in", data, err)
	}
	s := serve(t)
	s.now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // after all of them
	for _, file := range files {
		s.feed = fileText(t, file)
		name := filepath.Base(file)
		if done := s.want(exitOK, "feed", "", "URL/feed/"+name, "-o", name); !done.Changed || done.Endpoints == 0 {
			t.Errorf("%s: %+v", name, done)
		}
		if done := s.want(exitOK, "feed", "", "URL/feed/"+name, "-o", name); done.Changed || done.EndpointsLost != 0 {
			t.Errorf("%s again: %+v", name, done)
		}
	}
	for _, version := range []string{"2020070800", "2020080600", "2021010400"} {
		s.now = s.now.Add(time.Hour)
		s.version, s.endpoints = version, fileText(t, filepath.Join(data, "m365", "Worldwide_"+version+".json"))
		if done := s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json"); !done.Changed || done.Revision != version {
			t.Errorf("%s: %+v", version, done)
		}
	}
}
