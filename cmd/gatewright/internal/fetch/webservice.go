package fetch

import (
	"context"
	"path/filepath"

	"gatewright/catalog/feed"
	"gatewright/catalog/plainfile"
)

// FromWebService keeps the file like an extract of the Microsoft 365 web service.
func (k *Keeper) FromWebService(ctx context.Context, e feed.Extract, base string) (Done, error) {
	id, err := requestID()
	if err != nil {
		return Done{}, err
	}
	service := feed.WebService{Client: k.Client, Base: base, RequestID: id}
	version, now, err := k.latest(ctx, service, e)
	if err != nil {
		return Done{}, err
	}
	source := service.EndpointsSource(e)
	isCurrent := func() bool { return !k.Force && k.isFetched(source) && k.record.Revision == version.Latest }
	if !isCurrent() && !now {
		// What is fetched now is of the version that holds now.
		if err := k.mayAsk(source); err != nil {
			return Done{}, err
		}
		if version, err = k.askLatest(ctx, service, e); err != nil {
			return Done{}, err
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
			return Done{}, err
		}
	}
	data := k.data
	if !current {
		a, err := k.ask(ctx, service, source)
		if err != nil {
			return Done{}, err
		}
		data = a.Data
	}
	if k.changes {
		a, err := k.ask(ctx, service, changes)
		if err != nil {
			return Done{}, err
		}
		if _, err := feed.ReadChanges(changes, a.Data); err != nil {
			return Done{}, err
		}
		k.changeRecords = a.Data
	}
	record := feed.NewRecord(source)
	record.Instance, record.Revision = e.Instance, version.Latest
	done, err := k.replace(record, data)
	if err == nil && k.changeRecords != nil {
		err = k.states.write(changes, state{Asked: k.Client.Now(), Digest: feed.Digest(k.changeRecords)})
	}
	if err == nil {
		err = k.states.write(source, state{Asked: k.Client.Now(), Digest: done.Digest})
	}
	return done, err
}

// haveChanges reports whether the change records that are wanted are those of the
// file's record, and what this user fetched last.
func (k *Keeper) haveChanges(source string) bool {
	if !k.changes {
		return true
	}
	data, err := plainfile.Read(k.root, feed.ChangesName(filepath.Base(k.file)), feed.MaxFile)
	return err == nil && k.record.Changes == feed.Digest(data) && k.states.digest(source) == k.record.Changes
}

// latest returns the newest version of an instance, and whether it was asked for now
// or a short while ago.
func (k *Keeper) latest(ctx context.Context, service feed.WebService, e feed.Extract) (v state, askedNow bool, err error) {
	source, now := service.VersionSource(e), k.Client.Now()
	last := k.states.read(source, now)
	if !k.Force && feed.IsVersion(last.Latest) && now.Before(last.Fresh) {
		return last, false, nil
	}
	if err := k.mayAsk(source); err != nil {
		return state{}, false, err
	}
	v, err = k.askLatest(ctx, service, e)
	return v, true, err
}

// askLatest asks for the newest version of an instance.
func (k *Keeper) askLatest(ctx context.Context, service feed.WebService, e feed.Extract) (state, error) {
	now := k.Client.Now()
	latest, fresh, err := service.Latest(ctx, e)
	v := state{Asked: now, Fresh: now.Add(fresh), Latest: latest}
	return v, k.remember(service.VersionSource(e), v, err)
}

// ask asks the web service for one of its sources, unless it wants to be left alone.
func (k *Keeper) ask(ctx context.Context, service feed.WebService, source string) (feed.Answer, error) {
	if err := k.mayAsk(source); err != nil {
		return feed.Answer{}, err
	}
	a, err := service.Get(ctx, source)
	return a, k.remember(source, state{}, err)
}

// mayAsk is the error for a source whose publisher wants to be left alone.
func (k *Keeper) mayAsk(source string) error {
	if k.Force {
		return nil
	}
	now := k.Client.Now()
	return k.states.read(source, now).tooEarly(hostOf(source), now)
}
