package live

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gatewright/catalog/plainfile"
	"gatewright/generators/artefact"
)

// maxInstalled is the size in bytes of the largest file that is read where it is
// installed.
const maxInstalled = 128 << 20

// installed are files where a program reads them, by their paths; nil for one that is
// not there.
type installed map[string][]byte

// installation is what a generator's files are and should be, where a program reads
// them.
type installation struct {
	generator interface {
		Name() string
		Read(artefact.Files) (artefact.Reading, error)
	}
	have, want installed
	order      []string               // of want: what others name comes before these
	names      map[string]string      // of artefacts, by path
	reload     func() (string, error) // tells the program, and returns what is to be said; nil if none needs to be told
}

// readInstalled reads the files; no link is followed to one.
func readInstalled(paths []string) (installed, error) {
	files := installed{}
	for _, path := range paths {
		data, err := readOne(path)
		if err != nil {
			return nil, err
		}
		files[path] = data
	}
	return files, nil
}

// readOne returns nil for a file that is not there.
func readOne(path string) ([]byte, error) {
	data, err := plainfile.In(filepath.Dir(path), filepath.Base(path)).Read(maxInstalled)
	if err == nil {
		return append([]byte{}, data...), nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return nil, err
}

func (i *installation) comparison() (*Comparison, error) {
	wanted, err := i.generator.Read(i.artefacts(i.want))
	if err != nil {
		return nil, err
	}
	running, err := i.generator.Read(i.artefacts(i.have))
	c := &Comparison{Place: i.generator.Name(), Unread: err, commit: i.commit}
	for _, path := range i.order {
		c.Changes = append(c.Changes, changedLines(path, i.have[path], i.want[path])...)
	}
	c.admits = func(netip.Addr, netip.AddrPort) bool { return true }
	c.readings = func() (artefact.Reading, artefact.Reading) { return running, wanted }
	return c, nil
}

// artefacts are the files that are there under the names of artefacts.
func (i *installation) artefacts(of installed) artefact.Files {
	files := artefact.Files{}
	for path, name := range i.names {
		if data := of[path]; data != nil {
			files[name] = data
		}
	}
	return files
}

// changedLines tells how a file changes: as one that comes or goes, by its lines or, if
// these are the same but for comments or their order, by its name.
func changedLines(path string, have, want []byte) (changes []Change) {
	switch {
	case bytes.Equal(have, want) && (have == nil) == (want == nil):
		return nil
	case have == nil:
		return []Change{{Sign: '+', Kind: "file", Text: path}}
	case want == nil:
		return []Change{{Sign: '-', Kind: "file", Text: path}}
	}
	counts := map[string]int{}
	for line := range strings.Lines(string(have)) {
		counts[line]--
	}
	for line := range strings.Lines(string(want)) {
		counts[line]++
	}
	for _, part := range []struct {
		sign  byte
		lines string
		more  int
	}{{'-', string(have), -1}, {'+', string(want), 1}} {
		for line := range strings.Lines(part.lines) {
			if text := strings.TrimSpace(line); counts[line]*part.more > 0 && text != "" && !isComment(text) {
				counts[line] -= part.more
				changes = append(changes, Change{Sign: part.sign, Kind: "line", In: path, Text: text})
			}
		}
	}
	if changes == nil {
		changes = []Change{{Sign: '+', Kind: "file", Text: path + ", with other comments"}}
	}
	return changes
}

func isComment(line string) bool {
	return strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//")
}

// commit puts the files where they belong and tells the program. If it does not take
// them, the old ones are put back.
func (i *installation) commit() (done Committed, err error) {
	now, err := readInstalled(i.order)
	if err != nil {
		return done, err
	}
	for path, data := range now {
		if !bytes.Equal(data, i.have[path]) || (data == nil) != (i.have[path] == nil) {
			return done, ErrChanged
		}
	}
	said, err := i.put(i.want, i.have)
	if said != "" {
		done.Said = []string{said}
	}
	return done, err
}

// put installs files in the place of others. If one cannot be, or the program does not
// take them, those that were are put back.
func (i *installation) put(want, have installed) (string, error) {
	came, err := installAll(i.order, want, have)
	said := ""
	if err == nil && i.reload != nil {
		said, err = i.reload()
	}
	if err == nil {
		return said, nil
	}
	if undo := i.putBack(i.order[:came], want, have); undo != nil {
		return "", fmt.Errorf("%w, %w: %w", err, ErrLeft, undo)
	}
	if came == len(i.order) && i.reload != nil {
		if _, undo := i.reload(); undo != nil {
			return "", fmt.Errorf("%w; the old files are back, but were not accepted either: %w", err, undo)
		}
	}
	return "", fmt.Errorf("%w; the old files are back", err)
}

// putBack installs the old files again, each of them that can be.
func (i *installation) putBack(order []string, want, have installed) (err error) {
	for _, path := range slices.Backward(order) {
		_, failed := installAll([]string{path}, have, want)
		if failed != nil && !(have[path] == nil && errors.Is(failed, fs.ErrNotExist)) {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// installAll writes the files that differ from those that stand there, in order, and
// returns how many stand as they are wanted.
func installAll(order []string, want, have installed) (came int, err error) {
	for _, path := range order {
		switch data, old := want[path], have[path]; {
		case data == nil && old == nil, data != nil && old != nil && bytes.Equal(data, old):
		case data == nil:
			err = os.Remove(path)
		default:
			err = installOne(path, data)
		}
		if err != nil {
			return came, err
		}
		came++
	}
	return came, nil
}

// installOne puts a file in the place of another one, at once, with the mode and the
// owner of that.
func installOne(path string, data []byte) error {
	root, _, err := plainfile.Named(filepath.Dir(path)).MakeFolder()
	if err != nil {
		return err
	}
	defer root.Close()
	name := filepath.Base(path)
	return plainfile.Replace(root, name, "."+name+".gatewright", data, 0o644, func(f *os.File, old fs.FileInfo) error {
		if old != nil {
			return keepAttributes(f, old)
		}
		return f.Chmod(0o644)
	})
}
