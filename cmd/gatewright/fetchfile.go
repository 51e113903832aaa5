package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/output"
)

// keeper keeps one file up to date with its publisher.
type keeper struct {
	*fetchFlags
	client  *feed.Client
	console console.Console
	visits  visits
	file    string
	root    *os.Root // the file's folder
	unlock  func()

	data   []byte // of the file; nil if there is none
	record feed.Record
	intact bool   // the record is the file's
	wrote  bool   // the file was replaced
	asked  string // the URL with its query; empty for the web service

	changes       bool   // the publisher's change records are wanted
	changeRecords []byte // as answered; nil if they were not asked for

	account func(fetched) error // gives the account before the file is written
}

// keep opens and locks a file that is to be kept up to date. What stands there must be
// such a file, or nothing.
func keep(file string, f *fetchFlags, client *feed.Client, say console.Console) (*keeper, error) {
	k := &keeper{fetchFlags: f, client: client, console: say, file: file, unlock: func() {}}
	var err error
	if k.root, err = plainfile.Named(filepath.Dir(file)).OpenFolder(); err != nil {
		return nil, err
	}
	if k.visits, err = openVisits(); err == nil {
		if k.unlock, err = k.visits.lockFor(file); err != nil {
			k.unlock = func() {}
		}
	}
	if err == nil {
		err = k.read()
	}
	if err != nil {
		k.close()
		return nil, err
	}
	return k, nil
}

func (k *keeper) close() {
	k.unlock()
	k.root.Close()
	if k.visits.root != nil {
		k.visits.root.Close()
	}
}

func (k *keeper) read() error {
	name := filepath.Base(k.file)
	if info, err := k.root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is in the way: it is no plain file; remove it, or write elsewhere", k.file)
	}
	data, err := plainfile.Read(k.root, name, feed.MaxFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", filepath.Dir(k.file), err)
	}
	k.data = data
	// Once fetched, change records are kept up with the file: stale ones are worth nothing.
	_, missing := k.root.Lstat(feed.ChangesName(name))
	k.changes = k.withChanges || missing == nil
	k.record, err = feed.ReadRecord(plainfile.In(filepath.Dir(k.file), name)) // which no link may stand for
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	k.intact = err == nil && data != nil && k.record.Describes(data)
	return nil
}

// stays tells what became of the file after an error.
func (k *keeper) stays() string {
	switch {
	case k.wrote:
		return k.file + " is new"
	case k.data == nil:
		return "nothing was written"
	}
	return k.file + " is as it was"
}

// old reads the catalogue that stands in the file; nil if there is none.
func (k *keeper) old(as feed.Naming) (*feed.Listed, error) {
	if k.data == nil {
		return nil, nil
	}
	if k.intact {
		as = k.record.Naming()
	}
	c, err := feed.ReadListed(k.file, k.data, as)
	if err != nil {
		return nil, errors.Join(err, fmt.Errorf("%s is there and is no catalogue; remove it, or name another file", k.file))
	}
	return c, nil
}

// fromURL keeps the file like the document at a URL.
func (k *keeper) fromURL(ctx context.Context, source string) (fetched, error) {
	now, last := k.client.Now(), k.visits.read(source, k.client.Now())
	k.asked = source
	known := !k.force && k.isFetched(source)
	if !k.force {
		if known && now.Before(last.Fresh) {
			return k.unchanged(last.Asked, false)
		}
		if err := last.tooEarly(hostOf(source), now); err != nil {
			return fetched{}, err
		}
	}
	query := feed.Query{URL: source}
	if known {
		query.ETag, query.LastModified = k.record.ETag, k.record.LastModified
	}
	a, err := k.client.Get(ctx, query)
	if err := k.remember(source, visit{}, err); err != nil {
		return fetched{}, err
	}
	fresh := visit{Asked: now, Fresh: now.Add(a.Fresh)}
	if a.Unchanged {
		if err := k.visits.write(source, fresh); err != nil {
			return fetched{}, err
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
	return done, k.visits.write(source, fresh)
}

// isFetched reports whether the file is what this user fetched last from a source: its
// record alone, which may come with others' files, is not believed.
func (k *keeper) isFetched(source string) bool {
	return k.intact && k.record.IsOf(source) && k.visits.digest(source) == k.record.Digest
}

// fromWebService keeps the file like an extract of the Microsoft 365 web service.
func (k *keeper) fromWebService(ctx context.Context, e feed.Extract, base string) (fetched, error) {
	id, err := requestID()
	if err != nil {
		return fetched{}, err
	}
	service := feed.WebService{Client: k.client, Base: base, RequestID: id}
	version, now, err := k.latest(ctx, service, e)
	if err != nil {
		return fetched{}, err
	}
	source := service.EndpointsSource(e)
	isCurrent := func() bool { return !k.force && k.isFetched(source) && k.record.Revision == version.Latest }
	if !isCurrent() && !now {
		// What is fetched now is of the version that holds now.
		if err := k.mayAsk(source); err != nil {
			return fetched{}, err
		}
		if version, err = k.askLatest(ctx, service, e); err != nil {
			return fetched{}, err
		}
		now = true
	}
	current := isCurrent()
	changes := service.ChangesSource(e)
	if current && k.haveChanges(changes) {
		return k.unchanged(version.Asked, now)
	}
	if k.record.Instance == e.Instance {
		if err := feed.CheckRevision(k.record.Revision, version.Latest); err != nil {
			return fetched{}, err
		}
	}
	data := k.data
	if !current {
		a, err := k.ask(ctx, service, source)
		if err != nil {
			return fetched{}, err
		}
		data = a.Data
	}
	if k.changes {
		a, err := k.ask(ctx, service, changes)
		if err != nil {
			return fetched{}, err
		}
		if _, err := feed.ReadChanges(changes, a.Data); err != nil {
			return fetched{}, err
		}
		k.changeRecords = a.Data
	}
	record := feed.NewRecord(source)
	record.Instance, record.Revision = e.Instance, version.Latest
	done, err := k.replace(record, data)
	if err == nil && k.changeRecords != nil {
		err = k.visits.write(changes, visit{Asked: k.client.Now(), Digest: feed.Digest(k.changeRecords)})
	}
	if err == nil {
		err = k.visits.write(source, visit{Asked: k.client.Now(), Digest: done.Digest})
	}
	return done, err
}

// haveChanges reports whether the change records that are wanted are those of the
// file's record, and what this user fetched last.
func (k *keeper) haveChanges(source string) bool {
	if !k.changes {
		return true
	}
	data, err := plainfile.Read(k.root, feed.ChangesName(filepath.Base(k.file)), feed.MaxFile)
	return err == nil && k.record.Changes == feed.Digest(data) && k.visits.digest(source) == k.record.Changes
}

// latest returns the newest version of an instance, and whether it was asked for now
// or a short while ago.
func (k *keeper) latest(ctx context.Context, service feed.WebService, e feed.Extract) (v visit, askedNow bool, err error) {
	source, now := service.VersionSource(e), k.client.Now()
	last := k.visits.read(source, now)
	if !k.force && feed.IsVersion(last.Latest) && now.Before(last.Fresh) {
		return last, false, nil
	}
	if err := k.mayAsk(source); err != nil {
		return visit{}, false, err
	}
	v, err = k.askLatest(ctx, service, e)
	return v, true, err
}

// askLatest asks for the newest version of an instance.
func (k *keeper) askLatest(ctx context.Context, service feed.WebService, e feed.Extract) (visit, error) {
	now := k.client.Now()
	latest, fresh, err := service.Latest(ctx, e)
	v := visit{Asked: now, Fresh: now.Add(fresh), Latest: latest}
	return v, k.remember(service.VersionSource(e), v, err)
}

// ask asks the web service for one of its sources, unless it wants to be left alone.
func (k *keeper) ask(ctx context.Context, service feed.WebService, source string) (feed.Answer, error) {
	if err := k.mayAsk(source); err != nil {
		return feed.Answer{}, err
	}
	a, err := service.Get(ctx, source)
	return a, k.remember(source, visit{}, err)
}

// mayAsk is the error for a source whose publisher wants to be left alone.
func (k *keeper) mayAsk(source string) error {
	if k.force {
		return nil
	}
	now := k.client.Now()
	return k.visits.read(source, now).tooEarly(hostOf(source), now)
}

// replace puts a download into the file, if it is fit for that, and then its record.
func (k *keeper) replace(record feed.Record, data []byte) (fetched, error) {
	d := feed.Download{Source: record.Source, File: k.file, Data: data, As: record.Naming()}
	if day, err := http.ParseTime(record.LastModified); err == nil {
		d.Published = day.UTC().Format(time.DateOnly)
	}
	c, err := d.Read()
	if err != nil {
		return fetched{}, err
	}
	for _, n := range c.Notices {
		k.console.Warnf("%s: %s", n.Where, feed.HideQuery(k.asked, n.Text))
	}
	old, err := k.old(record.Naming())
	if err != nil {
		return fetched{}, err
	}
	if err := feed.CheckAhead(c.Revision, k.client.Now()); err != nil {
		return fetched{}, err
	}
	before := ""
	if old != nil {
		before = cmp.Or(k.ownRevision(), k.record.Revision)
		if old.Name != c.Name {
			return fetched{}, fmt.Errorf("%s holds the catalogue %s, and %s offers %s; name another file", k.file, old.Name, record.Source, c.Name)
		}
		if err := feed.CheckRevision(before, c.Revision); err != nil {
			return fetched{}, err
		}
	}
	update := feed.NewUpdate(old, c)
	if err := update.Check(k.maxShrink, k.maxGrowth); err != nil {
		return fetched{}, err
	}
	if err := k.doubts(c.Catalog); err != nil {
		return fetched{}, err
	}
	changed := old == nil || feed.Digest(k.data) != feed.Digest(data) || old.Revision != c.Revision
	record.Revision, record.Digest = c.Revision, feed.Digest(data)
	done := fetched{
		File: k.file, Source: record.Source, Catalogue: c.Name, Instance: record.Instance, Changed: changed,
		Revision: c.Revision, Digest: record.Digest, RevisionBefore: before,
		Endpoints: update.Endpoints, EndpointsBefore: update.Before, EndpointsLost: update.Lost,
		Asked: k.client.Now(), Now: true,
	}
	if err := k.account(done); err != nil {
		return fetched{}, err
	}
	return done, k.write(record, data)
}

// doubts refuses addresses that no public service has, unless the site accepts them.
func (k *keeper) doubts(c *catalog.Catalog) error {
	s, _, err := k.site.read()
	if err != nil {
		return err
	}
	entries := make([]*catalog.Entry, len(c.Entries))
	for i := range c.Entries {
		entries[i] = &c.Entries[i]
	}
	return errors.Join(s.Doubts(c, entries)...)
}

// ownRevision is what the file that is there says of itself; empty if it says nothing.
func (k *keeper) ownRevision() string {
	c, err := feed.Read(k.file, k.data, feed.Naming{Instance: k.record.Instance})
	if err != nil || !feed.IsRevision(c.Revision) {
		return ""
	}
	return c.Revision
}

// write puts the file into place and, once it is safe, its record. A run that is
// killed in between leaves a record of another file, which nobody believes.
func (k *keeper) write(record feed.Record, data []byte) error {
	name := filepath.Base(k.file)
	if feed.Digest(k.data) != record.Digest || k.data == nil {
		if err := output.Replace(k.root, name, data, 0o644); err != nil {
			return err
		}
		k.wrote = true
	}
	if k.changeRecords != nil {
		record.Changes = feed.Digest(k.changeRecords)
		if err := output.Replace(k.root, feed.ChangesName(name), k.changeRecords, 0o644); err != nil {
			return err
		}
	}
	text, err := record.Text()
	if err != nil {
		return err
	}
	if err := output.Replace(k.root, feed.RecordName(name), text, 0o644); err != nil {
		return fmt.Errorf("the record cannot be written, so that the file is fetched again the next time: %w", err)
	}
	return nil
}

// unchanged is the account of a file that stays as it is.
func (k *keeper) unchanged(asked time.Time, now bool) (fetched, error) {
	c, err := k.old(feed.Naming{})
	if err != nil {
		return fetched{}, err
	}
	n := feed.NewUpdate(nil, c).Endpoints
	done := fetched{
		File: k.file, Source: k.record.Source, Catalogue: c.Name, Instance: k.record.Instance,
		Revision: c.Revision, Digest: k.record.Digest, RevisionBefore: c.Revision,
		Endpoints: n, EndpointsBefore: n, Asked: asked, Now: now,
	}
	return done, k.account(done)
}
