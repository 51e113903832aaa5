// Package plainfile reads files that somebody else may have created: in a checkout, in
// an output folder, or beside a catalogue. A link, a named pipe or a device instead of
// a regular file is refused, so it can neither disclose data of the machine nor block.
// No file is read beyond its limit. The package is not for the tool's own temporary
// files.
package plainfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Path is the path of a file or a folder, together with the folder out of which no link
// on that path may lead.
type Path struct {
	within  string // a folder; empty for an absolute path, which is followed as it is
	rest    string // below within
	outside bool
	links   bool // whether links are followed, within the folder
	tree    Tree // in the place of within
}

// Tree is a folder that is none of the machine's, such as that of an earlier revision.
type Tree interface {
	// Read is Path.Read of a slash path below the folder.
	Read(name string, limit int64) ([]byte, error)
}

// Of is the path of the same name in a tree, nil for the machine's own files. Nothing
// of it is then read but by Read.
func (p Path) Of(t Tree) Path { p.tree = t; return p }

// Named is a path as the user gives it on the command line: a relative one stays in the
// working directory, or in the folder above it that its ".." names. Links are followed
// there.
func Named(path string) Path {
	p := In(".", path)
	p.links = true
	return p
}

// In is a path that a file in the folder dir gives: a relative one is relative to dir,
// and stays in it, or in the folder above it that its ".." names. No link is read
// through, wherever it leads: the folder may hold secrets beside what was put there.
func In(dir, path string) Path {
	if filepath.IsAbs(path) {
		return Path{rest: path, outside: true}
	}
	p := Path{within: dir, rest: filepath.Clean(path)}
	const up = ".." + string(filepath.Separator)
	for p.rest == ".." || strings.HasPrefix(p.rest, up) {
		p.within, p.outside = filepath.Join(p.within, ".."), true
		p.rest = filepath.Clean(strings.TrimPrefix(p.rest+string(filepath.Separator), up))
	}
	return p
}

// Outside reports whether the path leads out of the folder that it was given in, as
// every absolute one may.
func (p Path) Outside() bool { return p.outside }

// String is the path as people see it.
func (p Path) String() string { return filepath.Join(p.within, p.rest) }

// Linked reports whether a link stands on the way to a plain file: it may be of
// somebody else's making, and the file none that the user means.
func (p Path) Linked() bool {
	if p.within == "" {
		info, err := os.Lstat(p.rest)
		target, failed := os.Stat(p.rest)
		return err == nil && failed == nil && info.Mode()&fs.ModeSymlink != 0 && target.Mode().IsRegular()
	}
	root, err := os.OpenRoot(p.within)
	if err != nil {
		return false
	}
	defer root.Close()
	_, err = unlinked{root}.Stat(p.rest)
	var link *linkError
	info, failed := root.Stat(p.rest)
	return errors.As(err, &link) && failed == nil && info.Mode().IsRegular()
}

// Regular reports whether the path is a regular file, which can be read again.
func (p Path) Regular() bool {
	info, err := os.Stat(p.String())
	return err == nil && info.Mode().IsRegular()
}

// Beside is the file whose name is that of p with a suffix.
func (p Path) Beside(suffix string) Path { p.rest += suffix; return p }

// Read returns the content of a plain file of at most limit bytes. The error is
// fs.ErrNotExist if there is none.
func (p Path) Read(limit int64) ([]byte, error) { return p.read(limit, false) }

// ReadStream is Read, and takes a pipe or a device as well, which is read to its end.
func (p Path) ReadStream(limit int64) ([]byte, error) { return p.read(limit, true) }

func (p Path) read(limit int64, stream bool) ([]byte, error) {
	if p.tree != nil {
		return p.tree.Read(filepath.ToSlash(p.rest), limit)
	}
	if p.within == "" {
		return read(anywhere{}, p.rest, p.String(), limit, stream)
	}
	root, err := os.OpenRoot(p.within)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if !p.links {
		return read(unlinked{root}, p.rest, p.String(), limit, stream)
	}
	return read(root, p.rest, p.String(), limit, stream)
}

// Read is Path.Read of a slash path below root, and reads through no link.
func Read(root *os.Root, name string, limit int64) ([]byte, error) {
	return read(unlinked{root}, filepath.FromSlash(name), name, limit, false)
}

// OpenFolder opens a folder that is there.
func (p Path) OpenFolder() (*os.Root, error) { return p.openFolder(false) }

// MakeFolder opens a folder, and makes it if it is not there. unmake removes the
// folders that it made, if they are empty.
func (p Path) MakeFolder() (folder *os.Root, unmake func(), err error) {
	missing := p.missing()
	unmake = func() {
		for _, dir := range missing {
			os.Remove(dir)
		}
	}
	if folder, err = p.openFolder(true); err != nil {
		unmake()
		return nil, nil, err
	}
	return folder, unmake, nil
}

// missing are the folders on the path that are not there, the inner ones first.
func (p Path) missing() (dirs []string) {
	for dir := p.String(); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

func (p Path) openFolder(create bool) (*os.Root, error) {
	if p.within == "" {
		return openFolder(anywhere{}, p.rest, p.String(), create)
	}
	root, err := os.OpenRoot(p.within)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return openFolder(root, p.rest, p.String(), create)
}

// openFolder first checks what is at the path: opening a named pipe would block.
func openFolder(from opener, name, show string, create bool) (*os.Root, error) {
	info, err := from.Stat(name)
	if create && errors.Is(err, fs.ErrNotExist) {
		if err = from.MkdirAll(name, 0o755); err == nil {
			info, err = from.Stat(name)
		}
	}
	if err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is %s, not a folder; name a folder", show, kind(info.Mode()))
	}
	var folder *os.Root
	if err == nil {
		folder, err = from.OpenRoot(name)
	}
	if err != nil {
		return nil, explain(from, show, err)
	}
	return folder, nil
}

// opener opens files: an *os.Root those below it, and anywhere those of the machine.
type opener interface {
	Stat(name string) (fs.FileInfo, error)
	OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error)
	OpenRoot(name string) (*os.Root, error)
	MkdirAll(name string, mode fs.FileMode) error
}

// unlinked opens files below a folder and follows no link.
type unlinked struct{ *os.Root }

func (u unlinked) Stat(name string) (fs.FileInfo, error) {
	var info fs.FileInfo
	for at := 0; at <= len(name); at++ {
		if at < len(name) && !os.IsPathSeparator(name[at]) {
			continue
		}
		var err error
		if info, err = u.Lstat(name[:at]); err != nil {
			return nil, err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return nil, &linkError{name[at:]}
		}
	}
	return info, nil
}

// OpenFile looks again after it has opened: a link may have come in between, and what
// was opened is then not what stands there without it.
func (u unlinked) OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	f, err := u.Root.OpenFile(name, flag, mode)
	if err != nil {
		return nil, err
	}
	there, err := u.Stat(name)
	opened, failed := f.Stat()
	if err == nil && failed == nil && !os.SameFile(there, opened) {
		err = &linkError{}
	}
	if err = errors.Join(err, failed); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// linkError says that a path is a link up to what is below it.
type linkError struct{ below string }

func (e *linkError) Error() string {
	return "is a symbolic link; remove it, or put the file or the folder itself there"
}

type anywhere struct{}

func (anywhere) Stat(name string) (fs.FileInfo, error)        { return os.Stat(name) }
func (anywhere) OpenRoot(name string) (*os.Root, error)       { return os.OpenRoot(name) }
func (anywhere) MkdirAll(name string, mode fs.FileMode) error { return os.MkdirAll(name, mode) }
func (anywhere) OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag, mode)
}

// read reads a file that is called show in errors. What it is has to be asked before it
// is opened, for opening a device may do something, and again of what was opened, for
// it may have been replaced in between; so it is opened without waiting.
func read(from opener, name, show string, limit int64, stream bool) ([]byte, error) {
	info, err := from.Stat(name)
	if err != nil {
		return nil, explain(from, show, err)
	}
	if err := check(info, show, stream); err != nil {
		return nil, err
	}
	flag := os.O_RDONLY
	if info.Mode().IsRegular() {
		flag |= nonblock
	}
	f, err := from.OpenFile(name, flag, 0)
	if err != nil {
		return nil, explain(from, show, err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, explain(from, show, err)
	}
	if err := check(info, show, stream); err != nil {
		return nil, err
	}
	return readBounded(f, info, show, limit, stream)
}

// readBounded reads no further than a plain file is long: the system's own files that
// have no length, such as those of /proc, may never end.
func readBounded(f *os.File, info fs.FileInfo, show string, limit int64, stream bool) ([]byte, error) {
	tooLong := fmt.Errorf("%s is over the limit of %d KiB", show, limit>>10)
	if info.Mode().IsRegular() && info.Size() > limit {
		return nil, tooLong
	}
	var data []byte
	var err error
	if stream {
		data, err = io.ReadAll(io.LimitReader(f, limit+1))
	} else {
		data = make([]byte, info.Size()) // and no more, as growing would take
		var n int
		if n, err = io.ReadFull(f, data); errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			err = nil
		}
		data = data[:n]
	}
	switch {
	case err != nil:
		return nil, explain(nil, show, err)
	case int64(len(data)) > limit:
		return nil, tooLong
	}
	return data, nil
}

// check refuses everything except a regular file. For a stream it refuses only
// folders\n// and sockets.
func check(info fs.FileInfo, show string, stream bool) error {
	mode := info.Mode()
	if mode.IsRegular() || stream && !mode.IsDir() && mode&fs.ModeSocket == 0 {
		return nil
	}
	return fmt.Errorf("%s is %s, not a regular file; put a regular file there, or name another", show, kind(mode))
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	}
	return "a device"
}

// explain names the file of an error as people know it.
func explain(from opener, show string, err error) error {
	var link *linkError
	if errors.As(err, &link) {
		return fmt.Errorf("%s %w", strings.TrimSuffix(show, link.below), link)
	}
	var path *fs.PathError
	if !errors.As(err, &path) {
		return fmt.Errorf("%s: %w", show, err)
	}
	if u, ok := from.(unlinked); ok {
		from = u.Root
	}
	if root, ok := from.(*os.Root); ok && leadsOut(root, err) {
		return fmt.Errorf("%s: a link leads out of %s; put the file or folder itself there, or name the target of the link", show, folderName(root))
	}
	return &fs.PathError{Op: "open", Path: show, Err: path.Err}
}

// leadsOut reports whether an error is that of a Root for a path that leaves it, which
// package os does not export.
func leadsOut(root *os.Root, err error) bool {
	_, out := root.Lstat("..")
	return errors.Is(err, errors.Unwrap(out))
}

func folderName(root *os.Root) string {
	if root.Name() == "." {
		return "the working directory"
	}
	return filepath.Clean(root.Name())
}
