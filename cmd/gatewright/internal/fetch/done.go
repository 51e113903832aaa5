package fetch

import (
	"fmt"
	"strings"
	"time"

	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
)

// Done is the account of a run.
type Done struct {
	Version   console.Version `json:"version"`
	File      string          `json:"file"`
	Source    string          `json:"source"`
	Catalogue string          `json:"catalogue"`
	Instance  string          `json:"instance,omitempty"`
	Changed   bool            `json:"changed"`
	Revision  string          `json:"revision"`
	Digest    string          `json:"digest"`

	RevisionBefore  string `json:"revision_before,omitempty"`
	Endpoints       int    `json:"endpoints"`
	EndpointsBefore int    `json:"endpoints_before"`
	EndpointsLost   int    `json:"endpoints_lost"`

	// Asked is when the publisher was asked last; not Now says that this was before.
	Asked time.Time `json:"asked"`
	Now   bool      `json:"asked_now"`
}

// Text is the account in a line; now says how long ago the publisher was asked.
func (f Done) Text(now time.Time) string {
	what := strings.TrimSpace(f.Catalogue+" "+f.Revision) + ", " + words.Count(f.Endpoints, "endpoint")
	switch {
	case !f.Changed && !f.Now:
		return fmt.Sprintf("%s: unchanged: %s; the publisher was asked %s ago (--force fetches again)", f.File, what, now.Sub(f.Asked).Round(time.Second))
	case !f.Changed:
		return fmt.Sprintf("%s: unchanged: %s", f.File, what)
	case f.EndpointsBefore == 0:
		return fmt.Sprintf("%s: %s", f.File, what)
	}
	return fmt.Sprintf("%s: %s; before: %s, %s, %d of them gone",
		f.File, what, f.RevisionBefore, words.Count(f.EndpointsBefore, "endpoint"), f.EndpointsLost)
}
