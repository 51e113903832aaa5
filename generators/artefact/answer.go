package artefact

import "gatewright/catalog/rule"

// Action is what a backend does with a flow.
type Action string

const (
	Accepts    Action = "accept"      // lets it pass, or marks it for the site's own rules
	NoMatch    Action = "no match"    // nothing of ours matches it: the site's own rules decide
	Refuses    Action = "refuse"      // drops or denies it
	GoesDirect Action = "direct"      // a PAC file sends it straight out
	GoesProxy  Action = "proxy"       // a PAC file sends it to a proxy
	Trusts     Action = "trust"       // its site is in the trusted zone
	NotCarried Action = "not carried" // flows of its kind never come here
	AcceptsIf  Action = "accept if"   // lets it pass on a condition that the flow does not settle
)

// Answer is what one backend does with one flow, and why.
type Answer struct {
	Action Action `json:"action"`

	// By names what in the artefacts decides, in the backend's words: chain and sets,
	// ACLs, the answer of a PAC file. Empty where nothing of ours matches.
	By []string `json:"by,omitempty"`

	// Why says in words what By does not: what the backend sees of the flow, or why
	// nothing matches. May be empty.
	Why string `json:"why,omitempty"`

	// Rules are those by which the backend accepts, or would on the condition, in the
	// policy's order.
	Rules []rule.ID `json:"rules,omitempty"`
}

// Explainer answers for one generator, policy and settings. Every part of the
// question's flow that is known is in it; who on our side is asked is its address. It
// may be asked by several goroutines.
type Explainer func(rule.Question) Answer
