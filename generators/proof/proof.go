// Package proof checks that a generator's artefacts have the same meaning as the
// policy. The backend's own engine loads them, and its answers are compared with the
// model's. `gatewright verify` and the tests of the generators use it.
package proof

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gatewright/generators/engine"
)

// Disagreement is a flow, or a set of flows, on which a backend and the policy
// differ.
type Disagreement struct {
	What    string `json:"what"`    // the flow as the command line writes it, or the set in words
	Model   string `json:"policy"`  // what the policy says: "accepted", "PROXY 192.0.2.3:8080"
	Backend string `json:"backend"` // what the engine says
}

func (d Disagreement) String() string {
	return fmt.Sprintf("%s: the policy says %s, the engine %s", d.What, d.Model, d.Backend)
}

// inconclusive reports whether an engine failed for a reason that shows nothing of the
// files: it is missing or crashed, has no room, or was told to end.
func inconclusive(ctx context.Context, err error) bool {
	var missing *engine.MissingError
	var crash *engine.CrashError
	return ctx.Err() != nil || errors.As(err, &missing) || errors.As(err, &crash) || errors.Is(err, engine.ErrTooLong)
}

// Result is what one engine shows of one generator's artefacts. They are proved if
// there is no disagreement.
type Result struct {
	Generator     string
	Engine        string // with how it was asked: "nft, read back by netlink"
	Compared      string // with figures: "1204 prefixes in 33 sets", "12304 requests"
	Flows         int    // different flows, as the engine sees them, of these requests
	Asked         int    // requests that were put to the engine; 0 for a proof by sets
	Disagreements []Disagreement
}

// Proved reports whether the engine and the policy agree.
func (r Result) Proved() bool { return len(r.Disagreements) == 0 }

func (r Result) String() string { return r.Text(len(r.Disagreements)) }

// Text is the result in words, with so many disagreements at most.
func (r Result) Text(most int) string {
	if r.Proved() {
		return fmt.Sprintf("%s: proved by %s: %s", r.Generator, r.Engine, r.Compared)
	}
	lines := []string{fmt.Sprintf("%s: %s with %s: %s", r.Generator, plural(len(r.Disagreements), "disagreement", "disagreements"), r.Engine, r.Compared)}
	for _, d := range r.Disagreements[:min(most, len(r.Disagreements))] {
		lines = append(lines, "    "+d.String())
	}
	if more := len(r.Disagreements) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("    and %d more", more))
	}
	return strings.Join(lines, "\n")
}
