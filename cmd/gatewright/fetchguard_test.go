package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatewright/catalog/feed"
	"gatewright/catalog/plainfile"
)

// TestFetchLabels holds that what is fetched is of the version that its record says,
// though the version was asked a short while before for another file.
func TestFetchLabels(t *testing.T) {
	for _, args := range [][]string{nil, {"--force"}} {
		s := serve(t)
		s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
		s.version, s.endpoints = "2020090100", m365Sets("a.example.com", "b.example.com", "c.example.com", "d.example.com", "e.example.com")
		s.now = s.now.Add(10 * time.Minute)
		if done := s.want(exitOK, "version endpoints", "", append([]string{"m365", "-o", "another.json"}, args...)...); done.Revision != "2020090100" {
			t.Errorf("%v: the new content is labelled %s", args, done.Revision)
		}
		record, err := feed.ReadRecord(plainfile.Named("another.json"))
		if err != nil || record.Revision != "2020090100" {
			t.Errorf("%v: record %+v, %v", args, record, err)
		}
		if done := s.want(exitOK, "version endpoints", "", append([]string{"m365", "-o", "w.json"}, args...)...); done.Revision != "2020090100" {
			t.Errorf("%v: the first file is then labelled %s", args, done.Revision)
		}
	}
}

// TestFetchWithoutRecord holds that what a file says of itself guards it where its
// record is missing or of another file.
func TestFetchWithoutRecord(t *testing.T) {
	const want = "gatewright: error: the publisher offers version 2020-01-01, which is older than the local version 2020-06-01; if this is meant, remove the file first; f.json was not changed\n"
	for _, spoil := range []func() error{
		func() error { return os.Remove("f.json.fetched.json") },
		func() error {
			return os.WriteFile("f.json", []byte(ownFeed("own", "2020-06-01", "a.example.com", "b.example.com")), 0o644)
		},
	} {
		s := serve(t)
		s.feed = ownFeed("own", "2020-06-01", "a.example.com")
		s.want(exitOK, "feed", "", "URL/feed", "-o", "f.json")
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		s.feed = ownFeed("own", "2020-01-01", "a.example.com", "b.example.com")
		if status, _, said := s.fetch("URL/feed", "-o", "f.json"); status != exitFailed || said != want {
			t.Errorf("status %d, %q; want %q", status, said, want)
		}
	}
}

// TestFetchAhead holds that a version from the future, which would let no later one
// pass, is refused.
func TestFetchAhead(t *testing.T) {
	const mend = "which is more than a year ahead of today, 2020-08-06; if this machine's clock is right, wait for the publisher's next version; nothing was written\n"
	for revision, want := range map[string]string{
		"2021080600": "", "2021080700": "the publisher offers version 2021080700, of 2021-08-07, " + mend,
	} {
		s := serve(t)
		s.version = revision
		status, _, said := s.fetch("m365", "-o", "w.json")
		if want != "" {
			want = "gatewright: error: " + want
		}
		if said != want || (status == exitOK) != (want == "") {
			t.Errorf("%s: status %d, %q; want %q", revision, status, said, want)
		}
	}
	s := serve(t)
	s.feed = ownFeed("own", "2999-01-01", "a.example.com")
	s.want(exitFailed, "feed", "the publisher offers version 2999-01-01, of 2999-01-01, "+mend, "URL/feed", "-o", "f.json")
}

// TestFetchKeepsNoSecret holds that no query of a URL stands in a file, a report or an
// error, and that it counts all the same.
func TestFetchKeepsNoSecret(t *testing.T) {
	s := serve(t)
	s.feed, s.etag = ownFeed("own", "1", "a.example.com"), `"1"`
	done := s.want(exitOK, "feed", "", "URL/feed?token=SECRET#SECRET", "-o", "f.json")
	if done.Source != s.URL+"/feed" {
		t.Errorf("source %q", done.Source)
	}
	if again := s.want(exitOK, "feed", "", "URL/feed?token=SECRET", "-o", "f.json"); again.Changed {
		t.Error("the same URL is not known again")
	}
	s.feed, s.etag = "[", ""
	status, _, said := s.fetch("URL/feed?token=SECRET2", "-o", "f.json")
	if want := "gatewright: error: " + s.URL + "/feed:1:2: "; status != exitFailed || !strings.HasPrefix(said, want) {
		t.Errorf("status %d, %q; want %q", status, said, want)
	}
	folders := []string{".", os.Getenv("XDG_CONFIG_HOME"), os.Getenv("XDG_CACHE_HOME")}
	for _, dir := range folders {
		for name, text := range tree(t, dir) {
			if strings.Contains(name+text, "SECRET") {
				t.Errorf("%s holds the query: %s", filepath.Join(dir, name), text)
			}
		}
	}
	for args, want := range map[string]string{
		"https://me:SECRET@feeds.example.com/ -o f":     "the URL has a user or a password, which would be stored in a file; omit them",
		"https://me:SECRET@%zz/ -o f":                   "bad URL; write it as https://HOST/PATH",
		"ftp://me:SECRET@feeds.example.com/ -o f":       "the URL does not start with https://; catalogues are fetched over TLS only; with --allow-http also over http://",
		"http://feeds.example.com/?SECRET -o f":         "the URL does not start with https://; catalogues are fetched over TLS only; with --allow-http also over http://",
		"feeds.example.com/?SECRET -o f":                "unknown source; expect m365, or an https URL such as https://HOST/PATH",
		"me:SECRET@feeds.example.com -o f --allow-http": "unknown source; expect m365, or an https URL such as https://HOST/PATH",
	} {
		status, _, said := s.fetch(strings.Fields(args)...)
		if want = "gatewright: error: fetch: " + want + "\n"; status != exitUsage || said != want {
			t.Errorf("%s: status %d, %q; want %q", args, status, said, want)
		}
	}
}

// TestFetchOldRecord holds that a record of a version that kept the query is read, and
// written without it.
func TestFetchOldRecord(t *testing.T) {
	s := serve(t)
	s.feed, s.etag = ownFeed("own", "1", "a.example.com"), `"1"`
	s.want(exitOK, "feed", "", "URL/feed?a=b", "-o", "f.json")
	record, err := feed.ReadRecord(plainfile.Named("f.json"))
	if err != nil {
		t.Fatal(err)
	}
	record.Source, record.Query = s.URL+"/feed?a=b", ""
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("f.json.fetched.json", text, 0o644); err != nil {
		t.Fatal(err)
	}
	s.feed = "not asked for, as the ETag holds"
	if done := s.want(exitOK, "feed", "", "URL/feed?a=b", "-o", "f.json"); done.Changed || done.Source != s.URL+"/feed" {
		t.Errorf("%+v", done)
	}
}
