package fetch

import (
	"cmp"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"gatewright/catalog/feed"
	"gatewright/cmd/gatewright/internal/output"
)

// replace puts a download into the file, if it is fit for that, and then its record.
func (k *Keeper) replace(record feed.Record, data []byte) (Done, error) {
	d := feed.Download{Source: record.Source, File: k.file, Data: data, As: record.Naming()}
	if day, err := http.ParseTime(record.LastModified); err == nil {
		d.Published = day.UTC().Format(time.DateOnly)
	}
	c, err := d.Read()
	if err != nil {
		return Done{}, err
	}
	for _, n := range c.Notices {
		k.Warnf("%s: %s", n.Where, feed.HideQuery(k.asked, n.Text))
	}
	old, err := k.old(record.Naming())
	if err != nil {
		return Done{}, err
	}
	if err := feed.CheckAhead(c.Revision, k.Client.Now()); err != nil {
		return Done{}, err
	}
	before := ""
	if old != nil {
		before = cmp.Or(k.ownRevision(), k.record.Revision)
		if old.Name != c.Name {
			return Done{}, fmt.Errorf("%s holds the catalogue %s, but %s offers %s; name another file with -o", k.file, old.Name, record.Source, c.Name)
		}
		if err := feed.CheckRevision(before, c.Revision); err != nil {
			return Done{}, err
		}
	}
	update := feed.NewUpdate(old, c)
	if err := update.Check(k.MaxShrink, k.MaxGrowth); err != nil {
		return Done{}, err
	}
	if err := k.Doubts(c.Catalog); err != nil {
		return Done{}, err
	}
	changed := old == nil || feed.Digest(k.data) != feed.Digest(data) || old.Revision != c.Revision
	record.Revision, record.Digest = c.Revision, feed.Digest(data)
	done := Done{
		File: k.file, Source: record.Source, Catalogue: c.Name, Instance: record.Instance, Changed: changed,
		Revision: c.Revision, Digest: record.Digest, RevisionBefore: before,
		Endpoints: update.Endpoints, EndpointsBefore: update.Before, EndpointsLost: update.Lost,
		Asked: k.Client.Now(), Now: true,
	}
	if err := k.Account(done); err != nil {
		return Done{}, err
	}
	return done, k.write(record, data)
}

// ownRevision is what the file that is there says of itself; empty if it says nothing.
func (k *Keeper) ownRevision() string {
	c, err := feed.Read(k.file, k.data, feed.Naming{Instance: k.record.Instance})
	if err != nil || !feed.IsRevision(c.Revision) {
		return ""
	}
	return c.Revision
}

// write puts the file into place and, once it is safe, its record. A run that is
// killed in between leaves a record of another file, which nobody believes.
func (k *Keeper) write(record feed.Record, data []byte) error {
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
		return fmt.Errorf("the record cannot be written, so the next fetch downloads the file again: %w", err)
	}
	return nil
}
