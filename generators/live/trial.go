package live

import (
	"errors"
	"time"
)

// A trial is a change that goes again unless it is confirmed. Its files stand in the
// machine's folder, each written as a whole:
//
//	pending    what ran before, and what is to be kept; its rename to confirmed decides
//	confirmed  the same, until what is to be kept is written
//	deadline   the trial's name and when what ran before comes back
//	outcome    the trial's name and what became of it
//	watcher    locked by the process that brings it back
const (
	pendingFile   = "pending"
	confirmedFile = "confirmed"
	deadlineFile  = "deadline"
	outcomeFile   = "outcome"
	watcherFile   = "watcher"
)

// trial is what pending holds.
type trial struct {
	Boot  string // of the system
	Name  string
	Wait  time.Duration
	Saved []saved
	Keep  []byte // what Confirm returns
}

// saved is what a backend's Comparison.Saved returned.
type saved struct {
	Generator string
	Data      []byte
}

// Outcome is what became of a trial.
type Outcome string

const (
	Waiting   Outcome = "" // for its confirmation
	Confirmed Outcome = "confirmed"
	Restored  Outcome = "restored"
	Unwatched Outcome = "unwatched" // it waits, but the process that would restore the old rules has ended
)

// ErrNoTrial says that nothing waits for confirmation.
var ErrNoTrial = errors.New("no apply waits for confirmation")

// watchInterval is how often a watcher looks; how long its start may take.
const (
	watchInterval = 50 * time.Millisecond
	watcherStart  = 20 * time.Second
)
