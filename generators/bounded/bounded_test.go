package bounded

import (
	"io"
	"os"
	"strings"
	"testing"
)

// TestBuffer holds that the beginning is kept, however it is written, and that what
// reads from a file, as a program's output is read, goes by the bound, too.
func TestBuffer(t *testing.T) {
	file := t.TempDir() + "/said"
	if err := os.WriteFile(file, []byte(strings.Repeat("x", 1<<20)), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stopped := 0
	b := Buffer{Limit: 5, Stop: func() { stopped++ }}
	for _, text := range []string{"ab", "c", ""} {
		if n, err := b.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	if b.String() != "abc" || b.Full() || stopped > 0 {
		t.Errorf("%q, full %t, stopped %d times", b.String(), b.Full(), stopped)
	}
	if n, err := io.Copy(&b, f); n != 1<<20 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if string(b.Bytes()) != "abcxx" || !b.Full() || stopped == 0 {
		t.Errorf("%q, full %t, stopped %d times", b.Bytes(), b.Full(), stopped)
	}
}

// TestTail holds that the end is kept, however it is written.
func TestTail(t *testing.T) {
	for want, writes := range map[string][]string{
		"abc":   {"ab", "", "c"},
		"bcdef": {"abc", "def"},
		"56789": {"0123456789"},
		"89xyz": {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "x", "y", "z"},
		"":      nil,
	} {
		tail := Tail{Limit: 5}
		for _, text := range writes {
			if n, err := tail.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("%q: %d, %v", text, n, err)
			}
		}
		if tail.String() != want {
			t.Errorf("%q: %q is kept; want %q", writes, tail.String(), want)
		}
	}
}
