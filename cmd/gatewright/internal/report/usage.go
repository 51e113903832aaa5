package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
)

// The states of a rule.
const (
	Used       = "used"
	NeverUsed  = "never used"
	NotCounted = "not counted" // no counter of it is there
	NotCarried = "not carried" // by this backend
)

// Usage is the result of `usage`.
type Usage struct {
	Version   console.Version `json:"version"`
	Generator string          `json:"generator"`
	Rules     []UsedRule      `json:"rules"`            // those used most first
	Unknown   []UsedRule      `json:"unknown"`          // counters of rules that the site does not have, or has no longer
	Denied    []DeniedRequest `json:"denied,omitempty"` // by a proxy, the most frequent first
	Others    int             `json:"others,omitempty"` // requests that a proxy allowed by other rules than ours
	Unread    int             `json:"unread,omitempty"` // lines that tell of no request to a host

	FirstUnread error `json:"-"` // what is wrong with the first of these
	Further     int   `json:"-"` // denied requests beyond those that are told apart
}

// UsedRule is one rule and its use. Packets are those that the rule itself accepted:
// of a connection often the first alone.
type UsedRule struct {
	Rule     rule.ID  `json:"rule"`
	Entries  []string `json:"entries,omitempty"`
	State    string   `json:"state"`
	Packets  uint64   `json:"packets,omitempty"`
	Requests uint64   `json:"requests,omitempty"`
	Bytes    uint64   `json:"bytes"`
}

// DeniedRequest is requests of one kind that were denied.
type DeniedRequest struct {
	Request string   `json:"request"`
	Count   int      `json:"count"`
	Rule    rule.ID  `json:"rule,omitempty"` // that misses it by one part, or would allow it
	Misses  string   `json:"misses,omitempty"`
	Why     string   `json:"why"`
	Entries []string `json:"entries,omitempty"`
}

// Tell says what the tables do not.
func (u *Usage) Tell(c console.Console) {
	if u.Unread > 0 {
		c.Warnf("%s skipped, because they record no request to a host; the first: %v", words.Count(u.Unread, "line"), u.FirstUnread)
	}
	if u.Others > 0 {
		c.Sayf("%s allowed by rules that are not Gatewright's", words.Count(u.Others, "request"))
	}
	if u.Further > 0 {
		c.Sayf("%s more, which are not listed separately", words.Count(u.Further, "denied request"))
	}
	counted := map[string]int{}
	for _, r := range u.Rules {
		counted[r.State]++
	}
	text := fmt.Sprintf("%s: %d used, %d never used", words.Count(len(u.Rules), "rule"), counted[Used], counted[NeverUsed])
	if n := counted[NotCounted]; n > 0 {
		text += fmt.Sprintf(", %d without a counter: other rules match their packets first, or they are not loaded", n)
	}
	if n := counted[NotCarried]; n > 0 {
		text += fmt.Sprintf("; %d cannot be carried by %s", n, u.Generator)
	}
	c.Sayf("%s", text)
}

// shownDenied is how many denied requests a table shows; --json shows all.
const shownDenied = 20

// Write writes a table of the rules, and one of denied requests, to fit a width in
// characters.
func (u *Usage) Write(w io.Writer, width int) error {
	uses := console.Table{Header: []string{"RULE", "STATE", "USES", "BYTES", "ENTRIES"}, IDs: []int{0, 4}}
	for _, r := range u.Rules {
		if r.State != NotCarried {
			uses.Rows = append(uses.Rows, r.row())
		}
	}
	for _, r := range u.Unknown {
		r.State = "unknown to the site"
		uses.Rows = append(uses.Rows, r.row())
	}
	if err := uses.Write(w, width); err != nil || len(u.Denied) == 0 {
		return err
	}
	denied := console.Table{Header: []string{"DENIED", "TIMES", "NEAREST RULE", "WHY"}, IDs: []int{2}}
	for _, d := range u.Denied[:min(len(u.Denied), shownDenied)] {
		why := d.Why
		if d.Misses != "" {
			why = d.Misses + ": " + d.Why
		}
		denied.Rows = append(denied.Rows, []string{d.Request, strconv.Itoa(d.Count), string(d.Rule), why})
	}
	if more := len(u.Denied) - shownDenied; more > 0 {
		denied.Footer = fmt.Sprintf("and %d more, which --json shows\n", more)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	return denied.Write(w, width)
}

func (r UsedRule) row() []string {
	return []string{string(r.Rule), r.State, strconv.FormatUint(r.Packets+r.Requests, 10),
		strconv.FormatUint(r.Bytes, 10), strings.Join(r.Entries, "\n")}
}
