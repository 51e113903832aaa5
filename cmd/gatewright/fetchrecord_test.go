package main

import (
	"os"
	"strings"
	"testing"

	"gatewright/catalog/feed"
	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/console"
)

// forge changes a file and makes its record that of the change.
func forge(t *testing.T, file, text string) {
	t.Helper()
	record, err := feed.ReadRecord(plainfile.Named(file))
	if err != nil {
		t.Fatal(err)
	}
	record.Digest = feed.Digest([]byte(text))
	if _, err := os.Stat(file + ".changes.json"); err == nil {
		record.Changes = feed.Digest([]byte("[ ]"))
		if err := os.WriteFile(file+".changes.json", []byte("[ ]"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := record.Text()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{file: []byte(text), file + ".fetched.json": data} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFetchForgedRecord holds that a file that was edited together with its record, as
// a pull request may hold it, does not pass for the publisher's.
func TestFetchForgedRecord(t *testing.T) {
	for _, force := range [][]string{nil, {"--force"}} {
		s := serve(t)
		s.want(exitOK, "version endpoints changes", "", "m365", "--changes", "-o", "w.json")
		forge(t, "w.json", strings.Replace(s.endpoints, "a.example.com", "evil.example", 1))
		asked := "endpoints changes"
		if asked = "version " + asked; force == nil {
			asked = "version endpoints changes"
		}
		done := s.want(exitDifferent, asked, "", append(force, "m365", "-o", "w.json", "--exit-code", "--max-shrink", "25")...)
		if !done.Changed || done.EndpointsLost != 1 || fileText(t, "w.json") != s.endpoints || fileText(t, "w.json.changes.json") != s.changes {
			t.Errorf("%s: m365: %+v", force, done)
		}
		s.want(exitOK, "", "", "m365", "-o", "w.json")

		s.feed, s.etag, s.cache = ownFeed("own", "1", "a.example.com"), `"1"`, "max-age=600"
		s.want(exitOK, "feed", "", "URL/feed", "-o", "f.json")
		forge(t, "f.json", ownFeed("own", "1", "evil.example"))
		done = s.want(exitDifferent, "feed", "", append(force, "URL/feed", "-o", "f.json", "--exit-code", "--max-shrink", "100")...)
		if !done.Changed || fileText(t, "f.json") != s.feed {
			t.Errorf("%s: URL: %+v", force, done)
		}
		s.want(exitOK, "", "", "URL/feed", "-o", "f.json")
	}
}

// TestFetchWithoutCache holds that what another user fetched is fetched once more, and
// is unchanged if it is the same.
func TestFetchWithoutCache(t *testing.T) {
	s := serve(t)
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json", "--exit-code")
	s.want(exitOK, "", "", "m365", "-o", "w.json")
}

// TestFetchForgedLine holds that a text of a record starts no line of its own.
func TestFetchForgedLine(t *testing.T) {
	s := serve(t)
	s.want(exitOK, "version endpoints", "", "m365", "-o", "w.json")
	record := fileText(t, "w.json.fetched.json")
	if err := os.WriteFile("w.json.fetched.json", []byte(strings.Replace(record, "2020080600", `1\ngatewright: error: forged line`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	const want = `/revision: "1\ngatewright: error: forged line" has a non-printable character; remove this record, and fetch again`
	status, _, said := s.fetch("m365", "-o", "w.json")
	if status != exitFailed || strings.Count(said, "\n") != 1 || !strings.Contains(said, want) {
		t.Errorf("status %d, %q; want %q", status, said, want)
	}
	if got, want := console.Line("%s: %v\n%d", "a\nb", os.ErrNotExist, 1), `a\u000ab: `+os.ErrNotExist.Error()+"\n1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestFetchEchoed holds that an answer that holds the query shows it in no message.
func TestFetchEchoed(t *testing.T) {
	s := serve(t)
	s.feed = "192.0.2.0/24\n/feed?token=SECRET1\n"
	status, _, said := s.fetch("URL/feed?token=SECRET1", "-o", "f.txt")
	if status != exitFailed || strings.Contains(said, "SECRET1") || !strings.Contains(said, "[query]") {
		t.Errorf("status %d, %q", status, said)
	}
}
