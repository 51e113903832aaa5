// Package rule is the normalized model that every generator renders: rules, the policy
// that holds them, flows, and the reference answers Decide and Route. It does not
// depend on catalogue formats or backends.
//
// Glossary, for this package and all others:
//
//   - flow: one connection attempt between our side and a remote
//   - our side, local: the addresses of the roles of the site
//   - remote: the other side of a flow
//   - role: a named group of machines on our side, such as clients
//   - binding: the addresses of a role
//   - entry: one row of a catalogue; grant: an entry that is selected, bound and answered
//   - rule: the grants of one group with the same direction, role and services
//   - policy: all rules, routes and trusted sites of a site
//   - open item: a fact that neither the publisher nor the site has given
//   - promise: the names and the prefixes of one entry are the same endpoints
//   - view: what one layer sees of a flow, by name or by address
//   - traffic set: a set of first packets as a packet filter sees them
//   - local group: addresses of our side that get the same answer
//   - verdict: how exactly an output expresses a rule
//   - counterexample: a flow for which an expectation does not hold
//   - uncovered: matched by one pattern and by none of a set of patterns
package rule

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"gatewright/catalog/netset"
)

// Direction says who opens a flow.
type Direction string

const (
	Outbound Direction = "outbound" // our side opens the flow
	Inbound  Direction = "inbound"  // the remote side opens the flow
)

// Role names who on our side takes part: a lower-case slug of at most maxRole
// characters. Roles made by ParseRole are safe in every backend's names.
type Role string

// Clients is the role of the machines that people use; the only role that is
// bound when the site says nothing.
const Clients Role = "clients"

// maxRole is the length limit of a role in characters.
const maxRole = 16

// ParseRole reads a role: a letter, then letters, digits and hyphens, all lower case.
func ParseRole(s string) (Role, error) {
	if s == "" || len(s) > maxRole || s[0] < 'a' || s[0] > 'z' || !isSlug(s) {
		return "", fmt.Errorf("bad role %q; expect a lower-case letter, then at most %d letters, digits or hyphens", s, maxRole-1)
	}
	return Role(s), nil
}

func isSlug(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

// ID identifies a rule: area slug (at most 8 characters), "in" or "out", and 9
// base-32 digits of its key's SHA-256, joined by hyphens: "exchange-in-4k2v9q0zr".
// At most 22 characters of a-z, 0-9 and hyphen, the first a letter, so that it
// fits ipset's 31 and iptables' 28 characters with prefix, family and suffix.
type ID string

// Entry says where a rule comes from. The texts are for comments and tables;
// they may hold any printable Unicode, so every backend quotes them.
type Entry struct {
	ID        string // "m365-additional/sts-federated"
	Row       string // the publisher's row or number, for display; may be empty
	Title     string
	Area      string // the publisher's service area, a slug; may be empty
	Condition string // when the publisher says it applies; may be empty
}

// Remote is the other side of a rule. Any excludes the other parts. Each part is
// minimal by itself; Unaddressed holds no pattern that Addressed covers.
type Remote struct {
	// Any accepts every remote of both families. Only a person can have said so.
	Any bool

	// AddressedPrefixes and Addressed come from entries that publish both names and
	// prefixes. They are two views of the same endpoints: a packet filter uses the
	// prefixes, and a proxy the names.
	AddressedPrefixes netset.PrefixSet
	Addressed         netset.NameSet

	// BarePrefixes come from entries that publish only prefixes.
	BarePrefixes netset.PrefixSet

	// Unaddressed comes from entries that publish only names.
	Unaddressed netset.NameSet
}

// Prefixes returns all prefixes of the remote, addressed and bare; empty for Any.
func (r Remote) Prefixes() netset.PrefixSet { return r.AddressedPrefixes.Union(r.BarePrefixes) }

// Names returns all patterns of the remote, addressed and unaddressed; empty for Any.
func (r Remote) Names() netset.NameSet { return r.Addressed.Union(r.Unaddressed) }

// Accepts reports whether the remote part of a flow is accepted: its name matches a
// pattern, or its address is in a prefix. An empty name and an invalid address are
// unknown and match nothing. Any therefore accepts a remote if its name or its address
// is known.
func (r Remote) Accepts(name string, addr netip.Addr) bool {
	if r.Any {
		return name != "" || addr.IsValid()
	}
	if name != "" && (r.Addressed.Match(name) || r.Unaddressed.Match(name)) {
		return true
	}
	return addr.IsValid() && (r.AddressedPrefixes.Contains(addr) || r.BarePrefixes.Contains(addr))
}

// Rule accepts the flows of one direction between a role and a remote on a set of
// services. Rules of a policy differ in (Group, Direction, Role, Services, OnSite).
type Rule struct {
	ID        ID
	Group     string // the area by default, or an entry's id, or empty
	Direction Direction
	Role      Role
	Remote    Remote
	OnSite    bool              // the remote stands on the site, so no flow leaves it or comes from outside
	Services  netset.ServiceSet // never empty
	Entries   []Entry           // where it comes from, sorted by id
}

// Binding gives the addresses that a role's machines have, as a filter sees them:
// after DNAT and before SNAT.
type Binding struct {
	Role Role

	// Addresses are matched with the port that the filter sees.
	Addresses netset.PrefixSet

	// Published addresses are behind DNAT: for an inbound flow the port is the
	// connection's original destination port. For outbound flows they are the same as
	// Addresses.
	Published netset.PrefixSet
}

// Local returns every address of the binding, published or not.
func (b Binding) Local() netset.PrefixSet { return b.Addresses.Union(b.Published) }

// TrustedSite is a browser zone membership; no traffic.
type TrustedSite struct {
	Entry Entry
	Names netset.NameSet // never empty
}

// Open is something that a person still has to say. Nothing is rendered for it.
type Open struct {
	Entry    Entry
	Missing  string // a fact of the entry, or one of the Missing constants
	Endpoint string // the endpoint as published, if only that one is withheld
	Why      string // what the publisher left unsaid or the site has not bound
	Ask      string // the question, in words
	Who      string // who can say it
	Links    string // pages on it that the publisher refers to, separated by spaces; may be empty
	Section  string // the object of the site file that Line belongs to
	Line     string // the exact line to write there; it has no effect until its <blanks> are filled in
}

// What an open item lacks, if it is not "services", "direction" or "role".
const (
	MissingRemote  = "remote"
	MissingBinding = "binding" // the role has no addresses at this site
	MissingValue   = "value"   // a placeholder such as <tenant>
	MissingPath    = "path"    // an endpoint with a path, which no filter sees
)

// Name is the missing fact, and the endpoint if only that one is withheld.
func (o Open) Name() string {
	if o.Endpoint != "" {
		return o.Missing + " of " + o.Endpoint
	}
	return o.Missing
}

// Source is one catalogue that the policy was built from.
type Source struct {
	Name    string // "m365-additional"
	Version string // the publisher's revision or date
	Feed    string // the feed that it is a snapshot of, as it ships with the tool; empty for others
	Digest  string // "sha256:" and 64 hex digits, of the selected entries in canonical form
}

// String names the catalogue and its version. For a snapshot it adds the command
// that\n// replaces it.
func (s Source) String() string {
	text := s.Name + " " + s.Version
	if s.Feed != "" {
		text += " (a snapshot of that day; `gatewright fetch " + s.Feed + "` replaces it)"
	}
	return text
}

// Policy is all that a generator needs. It is immutable once compiled: generators
// share it and change nothing.
type Policy struct {
	Sources      []Source  // sorted by name
	Bindings     []Binding // sorted by role
	Rules        []Rule    // any remote first, then sorted by group, direction (outbound first), role, services
	Routes       []Route   // in order of precedence; for PAC alone
	TrustedSites []TrustedSite
	Open         []Open

	DefaultRoutes bool // nobody wrote the routes
}

// Binding returns the role's binding; the zero Binding, which matches nothing, if
// the role is not bound.
func (p *Policy) Binding(r Role) Binding {
	i, bound := slices.BinarySearchFunc(p.Bindings, r, func(b Binding, r Role) int { return cmp.Compare(b.Role, r) })
	if !bound {
		return Binding{Role: r}
	}
	return p.Bindings[i]
}
