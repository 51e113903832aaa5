package report

import (
	"fmt"

	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators/artefact"
)

// What the policy says of a flow.
const (
	Allowed = "allowed"
	Denied  = "denied"

	dropped = "dropped" // allowed, but not on its way; in words alone
)

// Explained is a complete flow with its answers, as `explain --json` prints it.
type Explained struct {
	Flow    string          `json:"flow"`
	Assumed string          `json:"assumed,omitempty"`
	Because string          `json:"because,omitempty"` // the rule or entry that the assumption is taken from
	Sides   []ExplainedSide `json:"sides"`

	Question rule.Question `json:"-"`
}

// ExplainedSide is a part of our side, and the answers for it. Near and the candidates
// are of what is denied.
type ExplainedSide struct {
	For       []Group          `json:"for"`
	Verdict   string           `json:"verdict"`
	Why       string           `json:"why,omitempty"` // no flow has the addresses of both sides
	Rules     []rule.Hit       `json:"rules,omitempty"`
	Entries   []ExplainedEntry `json:"entries,omitempty"`
	Near      []rule.NearRule  `json:"near,omitempty"`
	ByAddress []rule.ID        `json:"not_asked_by_address,omitempty"` // rules that go by the address, which the flow does not give
	ByName    []rule.ID        `json:"not_asked_by_name,omitempty"`
	Would     []Candidate      `json:"would_accept,omitempty"`
	Backends  []BackendAnswer  `json:"backends"`

	// Dropped says what drops a flow that the policy allows, on the way that the PAC
	// file gives; empty if nothing does.
	Dropped string `json:"dropped,omitempty"`
}

// Group is addresses of our side that roles have together; Whole tells that they are
// all that the flow may have.
type Group struct {
	Roles     []rule.Role `json:"roles"`
	Addresses []string    `json:"addresses"`
	Whole     bool        `json:"whole"`
}

// ExplainedEntry is an entry that gives a flow.
type ExplainedEntry struct {
	ID        string `json:"id"`
	Row       string `json:"row,omitempty"`
	Title     string `json:"title"`
	Condition string `json:"condition,omitempty"`
}

// Candidate is an entry that would accept a flow if it were selected, or answered.
type Candidate struct {
	Entry     string       `json:"entry"`
	State     site.State   `json:"state"`
	Why       string       `json:"why,omitempty"`
	AnyRemote bool         `json:"if_remote_is_meant,omitempty"` // its remote is open
	Open      []words.Open `json:"open,omitempty"`
}

// BackendAnswer is what one backend does with a flow, and why.
type BackendAnswer struct {
	Generator string `json:"generator"`
	artefact.Answer
}

// Passes reports whether the policy allows the flow and nothing drops it on its way.
func (s ExplainedSide) Passes() bool { return s.Verdict == Allowed && s.Dropped == "" }

// Impossible says why roles, to which no address of the remote's family is bound, have
// no part in the flow of a question; roles are not empty.
func Impossible(q rule.Question, roles []rule.Role) string {
	remote, family := q.Flow.Remote, rule.Family(q.Flow.Remote)
	if local := q.Flow.Local; local.IsValid() {
		return fmt.Sprintf("%s is %s but %s is %s, and no packet mixes the two", remote, family, local, rule.Family(local))
	}
	who, them := words.RolesHave(roles), "it"
	if len(roles) > 1 {
		them = "them"
	}
	if q.Flow.Direction == rule.Inbound {
		return fmt.Sprintf("%s no %s address here, so nothing comes to %s from %s", who, family, them, remote)
	}
	return fmt.Sprintf("%s no %s address here, so nothing goes from %s to %s, and no proxy carries %s", who, family, them, remote, q.Flow.Protocol)
}
