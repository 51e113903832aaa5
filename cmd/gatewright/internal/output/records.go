package output

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"gatewright/catalog/plainfile"
	"gatewright/generators/artefact"
)

// record is one line of a journal or manifest: a file, its digest and the
// generator that made it.
type record struct{ digest, generator, name string }

// Makes reports whether a generator makes files of a name: generators.Makes.
//
// A folder may come from somebody else, such as with a pull request, and its records
// with it. They name only what a generator writes, so that no run puts anything else
// into place, and removes nothing else.
type Makes func(generator, name string) bool

// standing names the records whose files are as the last run put them there, and
// synced them.
func standing(root *os.Root, old, records []record) map[string]bool {
	last := byName(old)
	stand := map[string]bool{}
	for _, r := range records {
		if last[r.name] == r && isAsRecorded(root, r) == nil {
			stand[r.name] = true
		}
	}
	return stand
}

// kept are the last run's records of other generators' files, which stay.
func kept(old, records []record, outputs []artefact.Made) []record {
	made := byName(records)
	return slices.DeleteFunc(slices.Clone(old), func(r record) bool {
		_, again := made[r.name]
		return again || slices.ContainsFunc(outputs, func(o artefact.Made) bool { return o.Generator == r.generator })
	})
}

// gone are the last run's records of files that are made no more.
func gone(old, records []record) []record {
	made := byName(records)
	return slices.DeleteFunc(slices.Clone(old), func(r record) bool {
		_, again := made[r.name]
		return again
	})
}

// Left are files that the last run left in a folder, that are still there, and that the
// outputs of this one do not make.
type Left struct {
	Gone   []string // names of those that the same generators made
	Others []string // names of those that other generators made
	Of     []string // these generators, sorted
}

// LeftIn tells what a folder holds beside the outputs, by its manifest: nothing if it
// has none. A manifest that Gatewright did not write is an error.
func LeftIn(dir plainfile.Path, root *os.Root, outputs []artefact.Made, ours Makes) (left Left, err error) {
	old, err := readRecords(root, Manifest, ours)
	if errors.Is(err, fs.ErrNotExist) {
		return left, nil
	} else if err != nil {
		return left, In(dir, err)
	}
	made := recordsOf(outputs)
	others := kept(old, made, outputs)
	for _, r := range gone(old, made) {
		_, err := root.Lstat(r.name)
		switch {
		case err != nil:
		case slices.Contains(others, r):
			left.Others, left.Of = append(left.Others, r.name), append(left.Of, r.generator)
		default:
			left.Gone = append(left.Gone, r.name)
		}
	}
	slices.Sort(left.Of)
	left.Of = slices.Compact(left.Of)
	return left, nil
}

func byName(records []record) map[string]record {
	named := make(map[string]record, len(records))
	for _, r := range records {
		named[r.name] = r
	}
	return named
}

func recordsOf(outputs []artefact.Made) []record {
	var records []record
	for _, o := range outputs {
		for _, a := range o.Artefacts {
			records = append(records, record{digest(a.Data), o.Generator, a.Name})
		}
	}
	return records
}

// isAsRecorded returns nil where a record's file holds what the record says.
func isAsRecorded(root *os.Root, r record) error {
	data, err := plainfile.Read(root, r.name, MaxFile)
	if err == nil && digest(data) != r.digest {
		return errChanged
	}
	return err
}

// Interrupted reports whether a run was killed while it wrote to a folder.
func Interrupted(root *os.Root) bool {
	_, err := root.Lstat(journalFile)
	return err == nil
}

func digest(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

func formatRecords(records []record) []byte {
	var b bytes.Buffer
	for _, r := range records {
		fmt.Fprintf(&b, "%s  %s  %s\n", r.digest, r.generator, r.name)
	}
	return b.Bytes()
}

func readRecords(root *os.Root, name string, ours Makes) ([]record, error) {
	data, err := plainfile.Read(root, name, maxRecords)
	if err != nil {
		return nil, err
	}
	return parseRecords(name, data, ours)
}

func parseRecords(name string, data []byte, ours Makes) ([]record, error) {
	var records []record
	for line := range strings.Lines(string(data)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), "  ", 3)
		if len(parts) != 3 || len(parts[0]) != 2*sha256.Size || !isFileName(parts[2]) {
			return nil, fmt.Errorf("%s is damaged; remove it, and run generate again", name)
		}
		r := record{parts[0], parts[1], parts[2]}
		if !ours(r.generator, r.name) {
			return nil, fmt.Errorf("%s: generator %q makes no file %q, so Gatewright did not write this; remove it, and run generate again", name, r.generator, r.name)
		}
		records = append(records, r)
	}
	return records, nil
}
