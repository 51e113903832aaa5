package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
)

// tell says what the tables do not.
func (u *usageReport) tell(inv *invocation) {
	if u.Unread > 0 {
		inv.console.Warnf("%s without a request to a host; the first: %v", words.Count(u.Unread, "line"), u.unread)
	}
	if u.Others > 0 {
		inv.console.Sayf("%s allowed by other rules than Gatewright's", words.Count(u.Others, "request"))
	}
	if u.further > 0 {
		inv.console.Sayf("%s more, which are not told apart", words.Count(u.further, "denied request"))
	}
	counted := map[string]int{}
	for _, r := range u.Rules {
		counted[r.State]++
	}
	text := fmt.Sprintf("%s: %d used, %d never used", words.Count(len(u.Rules), "rule"), counted[ruleUsed], counted[ruleNeverUsed])
	if n := counted[ruleNotCounted]; n > 0 {
		text += fmt.Sprintf(", %d without a counter: other rules take their packets, or they are not loaded", n)
	}
	if n := counted[ruleNotCarried]; n > 0 {
		text += fmt.Sprintf("; %d cannot be carried by %s", n, u.Generator)
	}
	inv.console.Sayf("%s", text)
}

// shownDenied is how many denied requests a table shows; --json shows all.
const shownDenied = 20

func (u *usageReport) write(w io.Writer, width int) error {
	uses := console.Table{Header: []string{"RULE", "STATE", "USES", "BYTES", "ENTRIES"}, IDs: []int{0, 4}}
	for _, r := range u.Rules {
		if r.State != ruleNotCarried {
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

func (r usedRule) row() []string {
	return []string{string(r.Rule), r.State, strconv.FormatUint(r.Packets+r.Requests, 10),
		strconv.FormatUint(r.Bytes, 10), strings.Join(r.Entries, "\n")}
}
