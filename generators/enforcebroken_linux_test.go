package generators

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"gatewright/generators/artefact"
)

// without returns the output with no line that holds any of the texts, and fails if
// there is none.
func without(t *testing.T, out artefact.Output, texts ...string) artefact.Output {
	t.Helper()
	for _, text := range texts {
		found := false
		var left []artefact.Artefact
		for _, a := range out.Artefacts {
			var kept []byte
			for line := range bytes.Lines(a.Data) {
				if bytes.Contains(line, []byte(text)) && line[0] != '#' {
					found = true
				} else {
					kept = append(kept, line...)
				}
			}
			a.Data = kept
			left = append(left, a)
		}
		if !found {
			t.Fatalf("no line holds %q", text)
		}
		out.Artefacts = left
	}
	return out
}

// mutant is an enforcing artefact with a fault, and the check that has to see it.
type mutant struct {
	name  string
	out   artefact.Output
	check func(*enforced, artefact.Output, time.Duration) error
}

// mutants are made of the artefacts under test, one for each thing that they let pass
// beside the policy. Each fault is in every chain and both families.
func (e *enforced) mutants(t *testing.T) []mutant {
	crossed := func(e *enforced, _ artefact.Output, wait time.Duration) error {
		var all []error
		for _, text := range e.crossingComplaints(crossings, enforcedPasses, wait) {
			all = append(all, errors.New(text))
		}
		return errors.Join(all...)
	}
	checked := func(check func(*enforced, time.Duration) error) func(*enforced, artefact.Output, time.Duration) error {
		return func(e *enforced, _ artefact.Output, wait time.Duration) error { return check(e, wait) }
	}
	unrelated := mutate(t, e.out, e.spell("established,related", "RELATED,ESTABLISHED"), e.spell("established", "ESTABLISHED"))
	all := []mutant{
		{"no path MTU errors", unrelated, checked(checkPathMTU)}, // first: the path is not known yet
		{"open", mutate(t, e.out, e.spell("policy drop", "DROP [0:0]"), e.spell("policy accept", "ACCEPT [0:0]")), crossed},
		{"no resolver", without(t, e.out, "DNS to role resolver"), crossed},
		{"no admin", without(t, e.out, "option admin"), crossed},
		{"no ICMP errors", unrelated, checked(checkRefused)},
		{"no established connections", without(t, e.out, e.spell("ct state established,related", "RELATED,ESTABLISHED")), checkReload},
	}
	if e.place == artefact.PlaceForward {
		return all
	}
	return append(all,
		mutant{"no neighbours", without(t, e.out, "neighbour discovery (RFC 4861)"), checked(checkNeighbours)},
		mutant{"no solicitations", e.withoutNeighbourMessage(t, "nd-neighbor-solicit, ", "--icmpv6-type 135 "), checked(checkNeighbours)},
		mutant{"no advertisements", e.withoutNeighbourMessage(t, ", nd-neighbor-advert", "--icmpv6-type 136 "), checked(checkNeighbours)},
		mutant{"no routers", e.withoutNeighbourMessage(t, "nd-router-solicit, nd-router-advert, ", "--icmpv6-type 133 ", "--icmpv6-type 134 "), checked(checkLink)},
		mutant{"no groups", without(t, e.out, "groups of neighbour discovery"), checked(checkLink)},
		mutant{"from elsewhere", mutate(t, e.out, e.spell("ip6 hoplimit 255 ", " -m hl --hl-eq 255"), ""), checked(checkLink)},
		mutant{"no loopback in", without(t, e.out, e.spell(`iif "lo"`, "-i lo")), checked(checkLoopback)},
		mutant{"no loopback out", without(t, e.out, e.spell(`oif "lo"`, "-o lo")), checked(checkLoopback)},
	)
}

// withoutNeighbourMessage needs an answer for the other messages of neighbour
// discovery.
func (e *enforced) withoutNeighbourMessage(t *testing.T, nft string, iptables ...string) artefact.Output {
	if e.filter.name == "nftables" {
		return mutate(t, e.out, nft, "")
	}
	out := e.out
	for _, text := range iptables {
		out = without(t, out, text)
	}
	return out
}

// spell returns what a rule looks like in the filter's language.
func (e *enforced) spell(nft, iptables string) string {
	if e.filter.name == "nftables" {
		return nft
	}
	return iptables
}

// TestBrokenEnforceIsNoticed holds that the checks of a default-deny can fail.
func TestBrokenEnforceIsNoticed(t *testing.T) {
	const wait = 500 * time.Millisecond
	forEnforced(t, func(t *testing.T, e *enforced) {
		e.serveChecks(t)
		for _, m := range e.mutants(t) {
			e.load(t, m.out)
			if err := m.check(e, m.out, wait); err == nil {
				t.Errorf("%s is not noticed", m.name)
			}
		}
	})
}
