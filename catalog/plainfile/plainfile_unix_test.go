//go:build unix

package plainfile

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// folder makes a folder with one of everything that can stand in a file's place, and
// a secret beside it, and works there.
func folder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.WriteFile("secret", []byte("secret\n"), 0o644))
	check(os.MkdirAll("in/sub", 0o755))
	check(os.WriteFile("in/plain", []byte("plain\n"), 0o644))
	check(os.WriteFile("in/sub/deep", []byte("deep\n"), 0o644))
	check(os.WriteFile("in/empty", nil, 0o644))
	check(os.Symlink("sub/deep", "in/inner"))
	check(os.Symlink("sub", "in/lists"))
	check(os.Symlink("../secret", "in/outer"))
	check(os.Symlink("/etc/hostname", "in/absolute"))
	check(os.Symlink("..", "in/up"))
	check(os.Symlink("nothing", "in/dangling"))
	check(os.Symlink("loop", "in/loop"))
	check(syscall.Mkfifo("in/fifo", 0o644))
	listener, err := net.Listen("unix", "in/socket")
	check(err)
	t.Cleanup(func() { listener.Close() })
}

// outcome reads and fails the test where that takes long.
func outcome(t *testing.T, read func() ([]byte, error)) string {
	t.Helper()
	type answer struct {
		data []byte
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		data, err := read()
		done <- answer{data, err}
	}()
	select {
	case a := <-done:
		if a.err != nil {
			return a.err.Error()
		}
		return string(a.data)
	case <-time.After(10 * time.Second):
		t.Fatal("still reading after ten seconds")
	}
	return ""
}

func TestRead(t *testing.T) {
	folder(t)
	const mend = "; put a regular file there, or name another"
	const link = " is a symbolic link; remove it, or put the file or the folder itself there"
	for name, want := range map[string]string{
		"plain":          "plain\n",
		"./plain":        "plain\n",
		"sub/../plain":   "plain\n",
		"sub/deep":       "deep\n",
		"inner":          "in/inner" + link,
		"lists/deep":     "in/lists" + link,
		"empty":          "",
		"fifo":           "in/fifo is a named pipe, not a regular file" + mend,
		"socket":         "in/socket is a socket, not a regular file" + mend,
		"sub":            "in/sub is a folder, not a regular file" + mend,
		"/dev/zero":      "/dev/zero is a device, not a regular file" + mend,
		"outer":          "in/outer" + link,
		"absolute":       "in/absolute" + link,
		"up/secret":      "in/up" + link,
		"dangling":       "in/dangling" + link,
		"missing":        "open in/missing: no such file or directory",
		"loop":           "in/loop" + link,
		"plain/x":        "open in/plain/x: not a directory",
		"../secret":      "secret\n",
		"../in/plain":    "plain\n",
		"../in/outer":    "in/outer" + link,
		"../in/absolute": "in/absolute" + link,
		"/proc/version":  "", // has no length, as those that never end
	} {
		if got := outcome(t, func() ([]byte, error) { return In("in", name).Read(100) }); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if _, err := In("in", "missing").Read(1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file is %v", err)
	}
	if _, err := In("nowhere", "missing").Read(1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file of a missing folder is %v", err)
	}
}

func TestOutside(t *testing.T) {
	t.Chdir(t.TempDir())
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"a": false, "sub/a": false, "sub/../a": false, "..a": false, "..": true, "../a": true, "sub/../../a": true, "../in/a": true,
		"/etc/hostname": true, wd: true, filepath.Join(wd, "in", "a"): true,
	} {
		if got := In("in", path).Outside(); got != want {
			t.Errorf("%s: %t, want %t", path, got, want)
		}
	}
	for path, want := range map[string]string{"../a": "a", "../../a": "../a", "../..": "..", "./b/": "in/b", "": "in", "/x": "/x"} {
		if got := In("in", path).String(); got != want {
			t.Errorf("%q is %q, want %q", path, got, want)
		}
	}
}

func TestReadBelowRoot(t *testing.T) {
	folder(t)
	root, err := os.OpenRoot("in")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, want := range map[string]string{
		"plain":     "plain\n",
		"inner":     "inner is a symbolic link; remove it, or put the file or the folder itself there",
		"lists/x":   "lists is a symbolic link; remove it, or put the file or the folder itself there",
		"fifo":      "fifo is a named pipe, not a regular file; put a regular file there, or name another",
		"outer":     "outer is a symbolic link; remove it, or put the file or the folder itself there",
		"../secret": "../secret: a link leads out of in; put the file or folder itself there, or name the target of the link",
	} {
		if got := outcome(t, func() ([]byte, error) { return Read(root, name, 100) }); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestReadStream holds that what the user names may be a pipe, and a file anywhere on
// the machine, but that no relative name leads out of the working directory by a link.
func TestReadStream(t *testing.T) {
	folder(t)
	go func() {
		f, err := os.OpenFile("in/fifo", os.O_WRONLY, 0)
		if err == nil {
			f.WriteString("piped\n")
			f.Close()
		}
	}()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, want string }{
		{"in/fifo", "piped\n"},
		{"in/plain", "plain\n"},
		{"in/outer", "secret\n"}, // in the working directory
		{filepath.Join(wd, "in", "up", "secret"), "secret\n"},
		{"/dev/null", ""},
		{"in/absolute", "in/absolute: a link leads out of the working directory; put the file or folder itself there, or name the target of the link"},
		{"in/sub", "in/sub is a folder, not a regular file; put a regular file there, or name another"},
		{"in/socket", "in/socket is a socket, not a regular file; put a regular file there, or name another"},
		{"in/missing", "open in/missing: no such file or directory"},
		{"/dev/zero", "/dev/zero is over the limit of 2 KiB"},
	} {
		if got := outcome(t, func() ([]byte, error) { return Named(test.name).ReadStream(2048) }); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestBound holds that a file is read up to its bound, and that a longer one is not
// read at all.
func TestBound(t *testing.T) {
	t.Chdir(t.TempDir())
	for size, want := range map[int]string{2047: "", 2048: "", 2049: "f is over the limit of 2 KiB"} {
		text := strings.Repeat("x", size)
		if err := os.WriteFile("f", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, read := range []func(int64) ([]byte, error){Named("f").Read, Named("f").ReadStream} {
			data, err := read(2048)
			if want == "" && (err != nil || string(data) != text) || want != "" && (err == nil || err.Error() != want) {
				t.Errorf("%d bytes: %d bytes, %v; want error %q", size, len(data), err, want)
			}
		}
	}
	if err := os.Truncate("f", 1<<40); err != nil {
		t.Fatal(err)
	}
	if _, err := Named("f").Read(2048); err == nil || err.Error() != "f is over the limit of 2 KiB" {
		t.Errorf("a file of a tebibyte: %v", err)
	}
}

func TestFolders(t *testing.T) {
	folder(t)
	for name, want := range map[string]string{
		"in":          "",
		"in/sub":      "",
		"in/up":       "", // the working directory
		"in/plain":    "in/plain is a file, not a folder; name a folder",
		"in/fifo":     "in/fifo is a named pipe, not a folder; name a folder",
		"in/socket":   "in/socket is a socket, not a folder; name a folder",
		"/dev/null":   "/dev/null is a device, not a folder; name a folder",
		"in/new/deep": "",
		"in/etc":      "in/etc: a link leads out of the working directory; put the file or folder itself there, or name the target of the link",
		"in/etc/new":  "in/etc/new: a link leads out of the working directory; put the file or folder itself there, or name the target of the link",
	} {
		if _, err := os.Lstat("in/etc"); err != nil {
			if err := os.Symlink(t.TempDir(), "in/etc"); err != nil {
				t.Fatal(err)
			}
		}
		got := outcome(t, func() ([]byte, error) {
			root, _, err := Named(name).MakeFolder()
			if err == nil {
				root.Close()
			}
			return nil, err
		})
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if _, err := Named("nowhere").OpenFolder(); !errors.Is(err, fs.ErrNotExist) || err.Error() != "open nowhere: no such file or directory" {
		t.Errorf("a missing folder is %v", err)
	}
}
