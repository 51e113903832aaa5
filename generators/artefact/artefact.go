// Package artefact holds the inputs and outputs of generators: options, artefacts and
// coverage. It depends only on the model, so generators need not import the package
// that lists them.
package artefact

import (
	"fmt"
	"strings"

	"gatewright/catalog/rule"
)

// Kind is what a generator's backend is. It says which part of a Reading its files
// fill, which options it shares with others of its kind, and by what it is proved.
type Kind string

const (
	PacketFilter Kind = "packet filter"     // Reading.Filters, against Policy.Decide by address
	Proxy        Kind = "proxy"             // Reading.Requests, against Policy.Decide by name or literal
	ProxyChooser Kind = "proxy auto-config" // Reading.Routes, against Policy.Route
	ZoneMap      Kind = "browser zones"     // Reading.Zones, against the policy's trusted sites
)

// Artefact is one generated file.
type Artefact struct {
	// Name is the file's path below the output folder, with slashes.
	Name string

	// Data is the whole file. Text ends in one newline.
	Data []byte

	// Load is the command that loads the file, as its header shows it; empty for a
	// file that another artefact refers to.
	Load string

	// Rules and Elements count what the file says, for the account: rules of the
	// policy, and prefixes or patterns in its sets.
	Rules, Elements int
}

// Output is what a generator makes from a policy. Artefacts are in the order in which
// they must be loaded. Coverage has one line for every rule and then for every trusted
// site, in the policy's order.
type Output struct {
	Artefacts []Artefact
	Coverage  []Coverage
	Assumes   string // the assumption behind every verdict, as one clause; may be empty
}

// Made is the output of one generator, and what it was made with.
type Made struct {
	Generator string // its name
	Kind      Kind
	Settings  Settings
	Output
}

// Verdict says how well a backend renders a rule.
type Verdict string

const (
	// Exact: for every whole flow that honours the publisher's promise (where an
	// entry gives names and prefixes, a flow's name is listed exactly when its
	// address is), the backend's answer to what it sees equals the model's.
	Exact Verdict = "exact"

	// Narrower: some flow that the model accepts is not accepted.
	Narrower Verdict = "narrower"

	// Wider: some flow that the model does not accept is accepted.
	Wider Verdict = "wider"

	// NotApplicable: nothing of the rule is of a kind that the backend carries.
	NotApplicable Verdict = "not applicable"

	// Absent: the backend should carry the rule and renders nothing of it.
	Absent Verdict = "absent"
)

// Coverage is one generator's verdict on one rule or trusted site. Wider outranks
// Narrower; both witnesses are kept.
type Coverage struct {
	Rule    rule.ID // empty for a trusted site
	Entries []string
	Verdict Verdict
	Reason  string // empty for Exact
	Remedy  string // what the site can do about it; empty for Exact and NotApplicable

	// Witnesses are flows on which backend and model differ; at least one for
	// Narrower and Wider, none for the others.
	Witnesses []Witness
}

// FallsShort reports whether the backend should render the rule exactly, and does not.
func (c Coverage) FallsShort() bool { return c.Verdict != Exact && c.Verdict != NotApplicable }

// Add says more of why the rule is not rendered exactly, and what helps.
func (c *Coverage) Add(reason, remedy string) {
	c.Reason = strings.TrimPrefix(c.Reason+"; "+reason, "; ")
	c.Remedy = strings.TrimPrefix(c.Remedy+"; "+remedy, "; ")
}

// Name is the rule with its entries, or the entries of a trusted site.
func (c Coverage) Name() string {
	entries := strings.Join(c.Entries, ", ")
	if c.Rule == "" {
		return entries
	}
	return fmt.Sprintf("%s (%s)", c.Rule, entries)
}

// Witness is a flow on which a backend and the model differ.
type Witness struct {
	Flow    rule.Flow
	Backend bool // whether the backend accepts it; the model says the opposite
}
