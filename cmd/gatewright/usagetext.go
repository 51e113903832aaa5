package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// tell says what the tables do not.
func (u *usageReport) tell(inv *invocation) {
	if u.Unread > 0 {
		inv.talk.warnf("%s without a request to a host; the first: %v", count(u.Unread, "line"), u.unread)
	}
	if u.Others > 0 {
		inv.talk.sayf("%s allowed by other rules than Gatewright's", count(u.Others, "request"))
	}
	if u.further > 0 {
		inv.talk.sayf("%s more, which are not told apart", count(u.further, "denied request"))
	}
	counted := map[string]int{}
	for _, r := range u.Rules {
		counted[r.State]++
	}
	text := fmt.Sprintf("%s: %d used, %d never used", count(len(u.Rules), "rule"), counted[ruleUsed], counted[ruleNeverUsed])
	if n := counted[ruleNotCounted]; n > 0 {
		text += fmt.Sprintf(", %d without a counter: other rules take their packets, or they are not loaded", n)
	}
	if n := counted[ruleNotCarried]; n > 0 {
		text += fmt.Sprintf("; %d cannot be carried by %s", n, u.Generator)
	}
	inv.talk.sayf("%s", text)
}

// shownDenied is how many denied requests a table shows; --json shows all.
const shownDenied = 20

func (u *usageReport) write(w io.Writer, width int) error {
	uses := table{header: []string{"RULE", "STATE", "USES", "BYTES", "ENTRIES"}, ids: []int{0, 4}}
	for _, r := range u.Rules {
		if r.State != ruleNotCarried {
			uses.rows = append(uses.rows, r.row())
		}
	}
	for _, r := range u.Unknown {
		r.State = "unknown to the site"
		uses.rows = append(uses.rows, r.row())
	}
	if err := uses.write(w, width); err != nil || len(u.Denied) == 0 {
		return err
	}
	denied := table{header: []string{"DENIED", "TIMES", "NEAREST RULE", "WHY"}, ids: []int{2}}
	for _, d := range u.Denied[:min(len(u.Denied), shownDenied)] {
		why := d.Why
		if d.Misses != "" {
			why = d.Misses + ": " + d.Why
		}
		denied.rows = append(denied.rows, []string{d.Request, strconv.Itoa(d.Count), string(d.Rule), why})
	}
	if more := len(u.Denied) - shownDenied; more > 0 {
		denied.footer = fmt.Sprintf("and %d more, which --json shows\n", more)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	return denied.write(w, width)
}

func (r usedRule) row() []string {
	return []string{string(r.Rule), r.State, strconv.FormatUint(r.Packets+r.Requests, 10),
		strconv.FormatUint(r.Bytes, 10), strings.Join(r.Entries, "\n")}
}
