package feed

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatewright/catalog/plainfile"
)

func TestRecordRoundTrip(t *testing.T) {
	file := filepath.Join(t.TempDir(), "worldwide.json")
	if _, err := ReadRecord(plainfile.Named(file)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no record: error %v", err)
	}
	want := Record{
		Source: "https://feeds.example.com/a", Query: Digest([]byte("b=<c>&d")), Instance: "China", Revision: "2020080600", Digest: Digest([]byte("data")),
		ETag: `W/"1"`, LastModified: "Thu, 02 Aug 2018 00:00:00 GMT", Changes: Digest(nil),
	}
	text, err := want.Text()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(RecordName(file), text, 0o644); err != nil {
		t.Fatal(err)
	}
	have, err := ReadRecord(plainfile.Named(file))
	if err != nil || have != want {
		t.Errorf("read %+v, %v; want %+v", have, err, want)
	}
	if !have.Describes([]byte("data")) || have.Describes([]byte("Data")) {
		t.Error("a record describes other content than its own")
	}
}

func TestDamagedRecord(t *testing.T) {
	for text, want := range map[string]string{
		``:                              ".fetched.json:1:1: empty input; expected a JSON value; remove this record, and fetch again",
		`{"source": "s", "digest": 1}`:  `.fetched.json:1:27: /digest: expected a string, found a number; remove this record, and fetch again`,
		`{"source": "s"}`:               `missing required key "digest"`,
		`{"source": "s", "digest": "d"`: "found the end of the file",
	} {
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(RecordName(file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadRecord(plainfile.Named(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}
