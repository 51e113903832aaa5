package fetch

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"gatewright/catalog/feed"
	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/output"
)

// states remember in the user's cache when each publisher was asked, and when it wants
// to be asked again. Losing them costs a request.
type states struct{ root *os.Root }

// state is of the last time that a URL was asked.
type state struct {
	Asked  time.Time `json:"asked"`
	Fresh  time.Time `json:"fresh"`            // until when the answer is to be believed
	Wait   time.Time `json:"wait"`             // until when the publisher wants to be left alone
	Latest string    `json:"latest,omitempty"` // what /version answered
	Digest string    `json:"digest,omitempty"` // of what was taken last; kept until something else is
}

// openStates opens the user's cache folder of this tool.
func openStates() (states, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return states{}, fmt.Errorf("no folder for the fetch state: %w; set HOME or XDG_CACHE_HOME", err)
	}
	dir = filepath.Join(dir, "gatewright")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return states{}, err
	}
	root, err := os.OpenRoot(dir)
	return states{root}, err
}

// cacheName names a file of the cache after a URL or a path.
func cacheName(of, ext string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(of)))[:32] + ext }

// read returns the last state; a zero one if there was none, or if the clock was set
// back since.
func (v states) read(url string, now time.Time) state {
	last := v.last(url)
	if last.Asked.After(now) {
		return state{}
	}
	return last
}

func (v states) last(url string) (last state) {
	data, err := plainfile.Read(v.root, cacheName(url, ".json"), 64<<10)
	if err != nil || json.Unmarshal(data, &last) != nil {
		return state{}
	}
	return last
}

// digest is that of what was last taken from a URL; empty if nothing was.
func (v states) digest(url string) string { return v.last(url).Digest }

func (v states) write(url string, now state) error {
	now.Digest = cmp.Or(now.Digest, v.digest(url))
	data, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return output.Replace(v.root, cacheName(url, ".json"), data, 0o600)
}

// lockFor takes the lock of a file that is to be fetched, by its absolute path.
func (v states) lockFor(file string) (unlock func(), err error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	name := cacheName(path, ".lock")
	drop, err := output.Lock(v.root, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return func() { output.RemoveLock(v.root, name, drop) }, nil
}

// tooEarly is the error for a publisher that wants to be left alone for longer.
func (v state) tooEarly(host string, now time.Time) error {
	if !now.Before(v.Wait) {
		return nil
	}
	return fmt.Errorf("%w; --force asks at once", &feed.WaitError{Host: host, Until: v.Wait, For: v.Wait.Sub(now)})
}

// hostOf is the host of a source, for messages.
func hostOf(source string) string {
	u, err := url.Parse(source)
	if err != nil {
		return source
	}
	return u.Host
}

// remember notes a visit to a publisher. A wait that it asks for is remembered too.
func (k *Keeper) remember(source string, v state, err error) error {
	now := k.Client.Now()
	var wait *feed.WaitError
	if errors.As(err, &wait) {
		return errors.Join(err, k.states.write(source, state{Asked: now, Wait: wait.Until}))
	}
	if err != nil {
		return err
	}
	v.Asked = now
	return k.states.write(source, v)
}
