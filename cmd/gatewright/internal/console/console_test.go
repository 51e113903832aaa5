package console

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

// wrapped says what it wraps.
type wrapped struct{ error }

func (w wrapped) Unwrap() error { return w.error }

// TestErrorLines holds that a line feed in what an error quotes starts no line, and
// that each of several errors has one.
func TestErrorLines(t *testing.T) {
	joined := errors.Join(errors.New("a\nb"), &fs.PathError{Op: "open", Path: "c\nd", Err: fs.ErrNotExist})
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("a\nb"), `a\u000ab`},
		{joined, "a\\u000ab\nopen c\\u000ad: file does not exist"},
		{fmt.Errorf("e\nf: %w; g\nh", joined), "e\\u000af: a\\u000ab\nopen c\\u000ad: file does not exist; g\\u000ah"},
		{fmt.Errorf("%w and %w", errors.New("a\nb"), joined), "a\\u000ab and a\\u000ab\nopen c\\u000ad: file does not exist"},
		{wrapped{joined}, "a\\u000ab\nopen c\\u000ad: file does not exist"},
		{HideQuery(joined, "https://a.example/?x"), "a\\u000ab\nopen c\\u000ad: file does not exist"},
	} {
		if got := errorText(c.err); got != c.want {
			t.Errorf("%q: %q, want %q", c.err, got, c.want)
		}
	}
}

// TestSayShowsNoSecrets holds that what is told besides errors and warnings shows none
// either.
func TestSayShowsNoSecrets(t *testing.T) {
	var out bytes.Buffer
	say := New(&out)
	say.Sayf("%s: %s of %s", "f.json", "https://me:word@a.example/b?key=value#part", "m365@2025-01-08")
	if want := "f.json: https://a.example/b of m365@2025-01-08\n"; out.String() != want {
		t.Errorf("%q, want %q", &out, want)
	}
}
