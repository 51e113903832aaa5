package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatewright/catalog/feed"
	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/console"
)

func TestFetchForced(t *testing.T) {
	s := serve(t)
	s.tick = time.Millisecond
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
	if done := s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json", "--force"); done.Changed || !done.Now || strings.Contains(done.Text(s.now), "ago") {
		t.Errorf("%+v: %s", done, done.Text(s.now))
	}
	if done := s.want(exitOK, "", "", "m365", "-o", "w.json"); done.Now || !strings.Contains(done.Text(s.now), "ago (--force fetches again)") {
		t.Errorf("%+v: %s", done, done.Text(s.now))
	}
}

func TestFetchKeepsModes(t *testing.T) {
	s := serve(t)
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
	for _, mode := range []os.FileMode{0o600, 0o664, 0o440} {
		for _, name := range []string{"w.json", "w.json.fetched.json"} {
			if err := os.Chmod(name, mode); err != nil {
				t.Fatal(err)
			}
		}
		s.endpoints += "\n"
		s.now = s.now.Add(time.Hour)
		s.version = fmt.Sprint("20200901", s.now.Hour())
		if done := s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json"); !done.Changed {
			t.Errorf("%v: the file was not replaced", mode)
		}
		for _, name := range []string{"w.json", "w.json.fetched.json"} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: mode %v, %v; want %v", name, info.Mode(), err, mode)
			}
		}
	}
}

// TestFetchRecordIsNoLink holds that nothing is shown of a file that a link in the
// place of the record leads to.
func TestFetchRecordIsNoLink(t *testing.T) {
	s := serve(t)
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
	writeFiles(t, map[string]string{"secret": "canary:x:0:0\n"})
	if err := errors.Join(os.Remove("w.json.fetched.json"), os.Symlink("secret", "w.json.fetched.json")); err != nil {
		t.Fatal(err)
	}
	s.want(exitFailed, "", "w.json.fetched.json", "m365", "-o", "w.json")
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	status, said := gatewright("fetch", "https://127.0.0.1:1/", "-o", filepath.Join(dir, "w.json"))
	if status != exitFailed || strings.Contains(said, "canary") || !strings.Contains(said, "link") {
		t.Errorf("status %d\n%s", status, said)
	}
}

func TestFetchTarget(t *testing.T) {
	s := serve(t)
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("gatewright.json", `{"output": "out"}`)
	s.want(exitFailed, "version endpoints", "gatewright.json exists and is not a catalogue; remove it, or name another file with -o", "m365", "-o", "gatewright.json")
	write("real.json", s.endpoints)
	if err := os.Symlink("real.json", "link.json"); err != nil {
		t.Fatal(err)
	}
	s.endpoints += "\n"
	s.want(exitFailed, "", "link.json is not a regular file; remove it, or name another file with -o", "m365", "-o", "link.json")
	s.want(exitFailed, "", "no/such", "m365", "-o", "no/such/w.json")
	write("w.json", s.endpoints)
	write("w.json.fetched.json", "{")
	s.want(exitFailed, "", "w.json.fetched.json:1:2", "m365", "-o", "w.json")
}

func TestFetchKilled(t *testing.T) {
	s := serve(t)
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
	s.version, s.endpoints = "2020090100", m365Sets("a.example.com", "b.example.com", "c.example.com", "d.example.com", "e.example.com")
	for name, text := range map[string]string{"w.json": s.endpoints, ".w.json.new": "half of an", ".w.json.fetched.json.new": "{"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.now = s.now.Add(time.Hour)
	s.version = "2020070800"
	s.want(exitFailed, "version", "the publisher offers version 2020070800, which is older than the local version 2020080600; if this is meant, remove the file first", "m365", "-o", "w.json")
	s.version = "2020090100"
	s.now = s.now.Add(time.Hour)
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
	record, err := feed.ReadRecord(plainfile.Named("w.json"))
	if err != nil || record.Revision != "2020090100" || !record.Describes([]byte(fileText(t, "w.json"))) {
		t.Errorf("%+v, %v", record, err)
	}
	s.now = s.now.Add(time.Hour)
	s.version, s.endpoints = "2020100100", s.endpoints+"\n"
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
	if stale, _ := filepath.Glob(".*.new"); len(stale) > 0 {
		t.Errorf("%q are left", stale)
	}
}

func TestFetchConcurrently(t *testing.T) {
	s := serve(t)
	inside := false
	s.before = func(path string) {
		if path != "endpoints" || inside {
			return
		}
		inside = true
		status, _, talk := (&webService{Server: s.Server, t: t, now: s.now}).fetch("m365", "-o", "./w.json")
		if status != exitFailed || !strings.Contains(talk, "another run is writing here") {
			t.Errorf("the second run: status %d, %q", status, talk)
		}
		status, _, talk = (&webService{Server: s.Server, t: t, now: s.now}).fetch("m365", "-o", "other.json")
		if status != exitOK {
			t.Errorf("for another file: status %d, %q", status, talk)
		}
	}
	if status, _, talk := s.fetch("m365", "-o", "w.json"); status != exitOK || !inside {
		t.Errorf("the first run: status %d, %q", status, talk)
	}
	locks, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "gatewright", "*.lock"))
	if err != nil || len(locks) > 0 {
		t.Errorf("locks stay: %q, %v", locks, err)
	}
}

// TestFetchFullOutput holds that nothing is written where the account cannot be given.
func TestFetchFullOutput(t *testing.T) {
	s := serve(t)
	s.feed = ownFeed("own", "1", "a.example.com")
	for _, source := range []string{"m365", s.URL + "/feed"} {
		var stderr bytes.Buffer
		inv := &invocation{stdout: console.NewWriter(fullDevice{}), console: console.New(&stderr)}
		c := fetchCommand()
		f := &fetchFlags{}
		c.flags = f.register
		c.run = func(inv *invocation, args []string) error { return fetchCatalog(inv, f, args, s.client(), s.URL) }
		status := inv.status(inv.call(c, []string{source, "-o", "own.json", "--json"}))
		const want = "gatewright: error: write: no space left on device; nothing was written\n"
		if files := tree(t, "."); status != exitFailed || stderr.String() != want || len(files) > 0 {
			t.Errorf("%s: status %d, %q, files %v", source, status, &stderr, files)
		}
	}
}

func TestFetchNotices(t *testing.T) {
	s := serve(t)
	s.feed = "20.1.1.7/24\n20.1.3.0/24\n20.1.5.0/24\n20.1.7.0/24\n"
	s.want(exitOK, "feed", `warning: `+s.URL+`/feed:1:1: "20.1.1.7/24": host bits dropped: 20.1.1.7/24 is read as 20.1.1.0/24`, "URL/feed", "-o", "edge.txt")
	if _, _, said := s.fetch("URL/feed", "-o", "quiet.txt", "-q"); said != "" {
		t.Errorf("--quiet says %q", said)
	}
	before := fileText(t, "edge.txt")
	s.feed = "20.1.1.0/24\n20.1.3.0/24\n20.1.5.0/2"
	const cut = "/feed: the last line has no line end; if the file was cut short, download it again"
	s.want(exitFailed, "feed", cut, "URL/feed", "-o", "edge.txt")
	s.want(exitFailed, "feed", "3 endpoints are listed, 4 were listed before, a loss of more than the 20 % that --max-shrink allows; if this is meant, use --max-shrink 25; edge.txt was not changed",
		"URL/feed", "-o", "edge.txt")
	if fileText(t, "edge.txt") != before {
		t.Error("the cut list is kept")
	}
	s.want(exitFailed, "feed", "the addresses of IPv4 would grow by 104857500 %, but --max-growth allows only 100 %; if this is meant, use --max-growth 104857500", "URL/feed", "-o", "edge.txt", "--max-shrink", "25")
	s.want(exitFailed, "feed", `error: edge/prefixes: 0.0.0.0/2 is wider than /8: no public service has such addresses; exclude the entry and report it to its publisher; if they are meant, write "accept": {"edge/prefixes": ["0.0.0.0/2"]} in the site file; edge.txt was not changed`,
		"URL/feed", "-o", "edge.txt", "--max-shrink", "25", "--max-growth", "200000000")
	if fileText(t, "edge.txt") != before {
		t.Error("the wide list is kept")
	}
	if err := os.WriteFile("gatewright.json", []byte(`{"accept": {"edge/prefixes": ["0.0.0.0/2"]}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if done := s.want(exitOK, "feed", cut, "URL/feed", "-o", "edge.txt", "--max-shrink", "25", "--max-growth", "200000000"); done.Endpoints != 3 || done.EndpointsBefore != 4 || done.EndpointsLost != 0 {
		t.Errorf("%+v", done)
	}
}
