package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gatewright/catalog/feed"
	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/output"
)

// visits remembers in the user's cache when each publisher was asked, and when it
// wants to be asked again. Losing it costs a request.
type visits struct{ root *os.Root }

// visit is the last time that a URL was asked.
type visit struct {
	Asked  time.Time `json:"asked"`
	Fresh  time.Time `json:"fresh"`            // until when the answer is to be believed
	Wait   time.Time `json:"wait"`             // until when the publisher wants to be left alone
	Latest string    `json:"latest,omitempty"` // what /version answered
	Digest string    `json:"digest,omitempty"` // of what was taken last; kept until something else is
}

// openVisits opens the user's cache folder of this tool.
func openVisits() (visits, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return visits{}, fmt.Errorf("no folder to remember when a publisher was asked: %w; set HOME or XDG_CACHE_HOME", err)
	}
	dir = filepath.Join(dir, "gatewright")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return visits{}, err
	}
	root, err := os.OpenRoot(dir)
	return visits{root}, err
}

// cacheName names a file of the cache after a URL or a path.
func cacheName(of, ext string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(of)))[:32] + ext }

// read returns the last visit; a zero one if there was none, or if the clock was set
// back since.
func (v visits) read(url string, now time.Time) visit {
	last := v.last(url)
	if last.Asked.After(now) {
		return visit{}
	}
	return last
}

func (v visits) last(url string) (last visit) {
	data, err := plainfile.Read(v.root, cacheName(url, ".json"), 64<<10)
	if err != nil || json.Unmarshal(data, &last) != nil {
		return visit{}
	}
	return last
}

// digest is that of what was last taken from a URL; empty if nothing was.
func (v visits) digest(url string) string { return v.last(url).Digest }

func (v visits) write(url string, now visit) error {
	now.Digest = cmp.Or(now.Digest, v.digest(url))
	data, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return output.Replace(v.root, cacheName(url, ".json"), data, 0o600)
}

// lockFor takes the lock of a file that is to be fetched, by its absolute path.
func (v visits) lockFor(file string) (unlock func(), err error) {
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
func (v visit) tooEarly(host string, now time.Time) error {
	if !now.Before(v.Wait) {
		return nil
	}
	return fmt.Errorf("%w; --force asks at once", &feed.WaitError{Host: host, Until: v.Wait, For: v.Wait.Sub(now)})
}
