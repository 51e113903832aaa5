// Package catalog holds what publishers say about the endpoints of their
// services: entries, the strict reader of our own document format, and the
// catalogues that ship with the tool.
//
// It decides nothing about a site. Package site decides which entries are used, which
// addresses a role has, and how open facts are answered.
package catalog

import "gatewright/catalog/netset"

// Kind says what an entry asks for.
type Kind string

const (
	KindFlow        Kind = "flow"         // traffic between a role and remote endpoints
	KindTrustedSite Kind = "trusted-site" // membership in a browser's zone; no traffic
)

// Direction says who opens the flows of an entry; empty where the publisher does
// not say, or contradicts itself.
type Direction string

const (
	Outbound      Direction = "outbound"
	Inbound       Direction = "inbound"
	Bidirectional Direction = "bidirectional"
)

// Category is the publisher's class of an entry, lower case; empty if it has none.
type Category string

const (
	CategoryOptimize Category = "optimize"
	CategoryAllow    Category = "allow"
	CategoryDefault  Category = "default"
)

// DefaultInstance is the instance of entries that name none, and the one that is
// selected when the site names none.
const DefaultInstance = "Worldwide"

// Fact names a fact of an entry that can be unsaid or inferred.
type Fact string

const (
	FactRemote    Fact = "remote"
	FactServices  Fact = "services"
	FactDirection Fact = "direction"
	FactRole      Fact = "role"
	FactArea      Fact = "area" // can be inferred, and is never unsaid
)

// Entry is one row of a catalogue, or one part of a row that holds several.
// Texts are free of control characters; they are not quoted for any backend.
type Entry struct {
	ID        string // "<catalogue>/<slug>", stable across revisions
	Row       string // the publisher's row or number, for display
	Title     string
	Kind      Kind
	Area      string // slug of the publisher's service area; may be empty
	Type      string // the publisher's own classification, in a few words; may be empty
	Tag       string // the name by which a cloud's feed lists its prefixes: "Storage.WestEurope"; empty outside such feeds
	Region    string // the cloud's region that the tag is of: "westeurope"; empty if it is of none
	Service   string // the cloud's service that the tag is of: "AzureStorage"; empty if it is of none
	Category  Category
	Required  bool
	Instances []string // sorted; empty in feeds that know no instances
	Direction Direction
	Role      string // local role, a slug; empty where the publisher names none and none is inferred

	// Names and Prefixes are the remote endpoints that a rule can hold as they are.
	Names    []netset.Pattern // in the document's order, each once
	Prefixes netset.PrefixSet

	// RemoteRole is set, and no endpoint, where the remote is machines of the site's own.
	RemoteRole string

	// Narrowings are of names that hold a place for a value of the site's own. A name
	// is as published until the site gives the value.
	Narrowings []Narrowing

	// Pending endpoints are held as published until the site says how to read them.
	Pending []Pending

	Services netset.ServiceSet

	// Unsaid lists facts that the publisher leaves out, with what to ask; in the
	// order remote, services, direction, role.
	Unsaid []Unsaid

	// Inferred lists facts that are our reading and not the publisher's words.
	Inferred []Inference

	Condition string   // when it applies, in a few words; may be empty
	Notes     []string // what else the publisher asks for (cookies, authentication)
	Links     []string // pages that the publisher refers to for more
	Source    string   // where the publisher says it: a URL or a document's title
	Date      string   // YYYY-MM-DD of that source
}

// Pending is an endpoint that names a path or holds placeholders.
type Pending struct {
	Text         string        // as published, the host in lower case: "aka.ms/hybridwizard", "<email_domain>.outlookmobile.com"
	Host         string        // without the path; placeholders still in it
	Path         string        // with its leading slash; empty if none
	Placeholders []Placeholder // those in Host, in order, each once
}

// Narrowing gives the names that replace a name once the site gives values for their
// placeholders: those of "<tenant>.sharepoint.com" for "*.sharepoint.com".
type Narrowing struct {
	Name netset.Pattern
	To   []Pending
}

// Unsaid is a fact that the publisher leaves out.
type Unsaid struct {
	Fact Fact
	Why  string // what the source says instead, in a few words: "published elsewhere: the Import Service's own documentation"
	Ask  string // the question to the person who can answer it
	Who  string // who can answer: "this site", "the publisher's page ..."

	// From names entries whose remote is the likely answer ("m365/exchange"); may be
	// empty.
	From []string

	// Elsewhere is set where the publisher says that another catalogue has the remote,
	// which is then taken from there.
	Elsewhere *Elsewhere

	// WholeFeed is set where no entry of the feed says the fact, so that it is asked
	// once, for the catalogue.
	WholeFeed bool

	// NeverAny is set where "any" would be a plain mistake, so it is not offered.
	NeverAny bool
}

// Elsewhere is a part of what other entries publish: their addresses, or those of
// their names that lie at or under some domains.
type Elsewhere struct {
	From  []string // as Unsaid.From; never empty
	Under []string // domains; empty for the addresses
}

// Inference marks a fact as our reading.
type Inference struct {
	Fact   string // one of the Fact constants
	Reason string
}

// Catalog is one catalogue document, read and checked.
type Catalog struct {
	Name     string // slug: "m365-additional"
	Feed     string // the feed that it is an instance of, by which references find it too: "m365" of "m365-worldwide"; empty for our own documents
	Revision string // the publisher's revision or version: "2025-01-08"
	Snapshot string // the day that a document of the feed is a snapshot of, YYYY-MM-DD; empty for others
	Title    string
	Source   string
	Notices  []Notice // what was normalized while reading
	Entries  []Entry  // in the document's order

	// Published is set for what a publisher offers to anybody, in contrast to a document
	// that the site writes itself: it can only mean addresses of public services.
	Published bool
}

// Notice tells of something that was read differently from how it was written.
type Notice struct {
	Where string // file:line:col
	Text  string
}
