// Package fetch keeps catalogue files up to date with their publishers. It keeps the
// fetch state in the user's cache.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/plainfile"
)

// Options are what a file is kept up to date by.
type Options struct {
	Client      *feed.Client
	WithChanges bool // keep the publisher's change records, too
	Force       bool // ask at once, and for the whole content
	MaxShrink   int  // percent of the endpoints that a file may lose
	MaxGrowth   int  // percent of the addresses of a family that it may gain

	Warnf   func(format string, args ...any)
	Doubts  func(*catalog.Catalog) error // why a catalogue is not taken, such as addresses that no public service has
	Account func(Done) error             // gives the account, before the file is written
}

// Keeper keeps one file up to date with its publisher.
type Keeper struct {
	Options
	states states
	file   string
	root   *os.Root // the file's folder
	unlock func()

	data   []byte // of the file; nil if there is none
	record feed.Record
	intact bool   // the record is the file's
	wrote  bool   // the file was replaced
	asked  string // the URL with its query; empty for the web service

	changes       bool   // the publisher's change records are wanted
	changeRecords []byte // as answered; nil if they were not asked for
}

// Keep opens and locks a file that is to be kept up to date, until it is closed. What
// stands there must be such a file, or nothing. Another run at it is output.ErrLocked.
func Keep(file string, o Options) (*Keeper, error) {
	k := &Keeper{Options: o, file: file, unlock: func() {}}
	var err error
	if k.root, err = plainfile.Named(filepath.Dir(file)).OpenFolder(); err != nil {
		return nil, err
	}
	if k.states, err = openStates(); err == nil {
		if k.unlock, err = k.states.lockFor(file); err != nil {
			k.unlock = func() {}
		}
	}
	if err == nil {
		err = k.read()
	}
	if err != nil {
		k.Close()
		return nil, err
	}
	return k, nil
}

// Close gives the file up, for others to be kept.
func (k *Keeper) Close() {
	k.unlock()
	k.root.Close()
	if k.states.root != nil {
		k.states.root.Close()
	}
}

func (k *Keeper) read() error {
	name := filepath.Base(k.file)
	if info, err := k.root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file; remove it, or name another file with -o", k.file)
	}
	data, err := plainfile.Read(k.root, name, feed.MaxFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", filepath.Dir(k.file), err)
	}
	k.data = data
	// Once fetched, change records are kept up with the file: stale ones are worth
	// nothing.
	_, missing := k.root.Lstat(feed.ChangesName(name))
	k.changes = k.WithChanges || missing == nil
	k.record, err = feed.ReadRecord(plainfile.In(filepath.Dir(k.file), name)) // which no link may stand for
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	k.intact = err == nil && data != nil && k.record.Describes(data)
	return nil
}

// Stays tells what became of the file after an error.
func (k *Keeper) Stays() string {
	switch {
	case k.wrote:
		return k.file + " is new"
	case k.data == nil:
		return "nothing was written"
	}
	return k.file + " was not changed"
}

// old reads the catalogue that the file holds; nil if there is none.
func (k *Keeper) old(as feed.Naming) (*feed.Listed, error) {
	if k.data == nil {
		return nil, nil
	}
	if k.intact {
		as = k.record.Naming()
	}
	c, err := feed.ReadListed(k.file, k.data, as)
	if err != nil {
		return nil, errors.Join(err, fmt.Errorf("%s exists and is not a catalogue; remove it, or name another file with -o", k.file))
	}
	return c, nil
}

// FromURL keeps the file like the document at a URL.
func (k *Keeper) FromURL(ctx context.Context, source string) (Done, error) {
	now, last := k.Client.Now(), k.states.read(source, k.Client.Now())
	k.asked = source
	known := !k.Force && k.isFetched(source)
	if !k.Force {
		if known && now.Before(last.Fresh) {
			return k.unchanged(last.Asked, false)
		}
		if err := last.tooEarly(hostOf(source), now); err != nil {
			return Done{}, err
		}
	}
	query := feed.Query{URL: source}
	if known {
		query.ETag, query.LastModified = k.record.ETag, k.record.LastModified
	}
	a, err := k.Client.Get(ctx, query)
	if err := k.remember(source, state{}, err); err != nil {
		return Done{}, err
	}
	fresh := state{Asked: now, Fresh: now.Add(a.Fresh)}
	if a.Unchanged {
		if err := k.states.write(source, fresh); err != nil {
			return Done{}, err
		}
		return k.unchanged(now, true)
	}
	record := feed.NewRecord(source)
	record.ETag, record.LastModified = a.ETag, a.LastModified
	done, err := k.replace(record, a.Data)
	if err != nil {
		return done, err
	}
	fresh.Digest = done.Digest
	return done, k.states.write(source, fresh)
}

// isFetched reports whether the file is what this user fetched last from a source: its
// record alone, which may come with others' files, is not believed.
func (k *Keeper) isFetched(source string) bool {
	return k.intact && k.record.IsOf(source) && k.states.digest(source) == k.record.Digest
}

// unchanged is the account of a file that stays as it is.
func (k *Keeper) unchanged(asked time.Time, now bool) (Done, error) {
	c, err := k.old(feed.Naming{})
	if err != nil {
		return Done{}, err
	}
	n := feed.NewUpdate(nil, c).Endpoints
	done := Done{
		File: k.file, Source: k.record.Source, Catalogue: c.Name, Instance: k.record.Instance,
		Revision: c.Revision, Digest: k.record.Digest, RevisionBefore: c.Revision,
		Endpoints: n, EndpointsBefore: n, Asked: asked, Now: now,
	}
	return done, k.Account(done)
}
