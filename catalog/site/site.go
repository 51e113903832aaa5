// Package site holds the decisions of a site: which catalogues and entries it uses,
// which addresses a role has, and how it answers what the publisher leaves unsaid. It
// turns entries into a rule.Policy, and reports what became of every entry.
package site

import (
	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
	"gatewright/catalog/plainfile"
	"gatewright/catalog/rule"
)

// Site is a site file, read and checked, with the flags of the command line laid
// over it. The zero value selects every Worldwide entry of DefaultCatalogs and
// binds the role clients to DefaultClients.
type Site struct {
	// Catalogs are names ("m365-additional@2018-10-23") or paths of files.
	Catalogs []string

	// Namings give facts about the files in Catalogs that the feeds do not give
	// themselves.
	Namings map[string]feed.Naming

	// Staging applies the change records that were fetched with a feed; AsOf may be Today.
	Staging feed.Staging

	Select Selection
	Group  Grouping

	// Bindings by role; a role that is not here is not bound, except clients.
	Bindings map[rule.Role]rule.Binding

	// Answers by entry id; or by a catalogue's name, for what its entries leave unsaid
	// and no answer of their own says.
	Answers map[string]Answer

	// Values fill placeholders: "tenant" or "email_domain" to one or more values.
	Values map[string][]string

	// PathsAsHost accepts the whole host of an endpoint that is published with a path.
	PathsAsHost bool

	// Routes for PAC files; nil stands for the default: categories optimize, allow
	// and none go direct, the rest to the proxy.
	Routes []Route

	// Tolerations are the shortfalls that --strict accepts.
	Tolerations []Toleration

	// Lint is what `check` makes of findings of lint: "error", "warning" or "off"; empty
	// stands for "warning".
	Lint string

	// Accept lists addresses that no public service should have but that are meant, by
	// an entry's id, by "<catalogue>/<area>" or by a catalogue's name.
	Accept map[string]Accepted

	// Expectations of flows, in the order of the site file and then of files beside it.
	Expectations []Expectation

	// Options by generator and option name, not yet checked by the generator.
	Options map[string]map[string][]string

	// Generators and Output are what `generate` and `check` use when the command
	// line names none: generators in order, and a folder relative to the site file.
	Generators []string
	Output     string

	// Tree is read in the place of the site file's folder, unless it is nil.
	Tree plainfile.Tree

	// Outputs are the site as each output of the site file has it; nil if there is only
	// one. Name is the name of the output; its files are in a folder of that name below
	// Output.
	Outputs []*Site
	Name    string

	// Streams hold, by path, catalogues that were read already: a pipe is read once.
	Streams map[string][]byte

	// Notices tell what was read differently from how it was written.
	Notices []catalog.Notice

	reading
}

// DefaultCatalogs are used when the site names none: the web service's endpoints, and
// those that it leaves out.
func DefaultCatalogs() []string { return []string{"m365-worldwide", "m365-additional"} }

// reading is what a site keeps of how it was read.
type reading struct {
	bytes       int             // of catalogues that this run has read
	staged      map[string]bool // the catalogues that were loaded with their change records
	places      map[place]jsonc.Value
	references  map[string]string // how the site names a catalogue that was loaded
	expectFiles []string          // that hold expectations, relative to the site file's folder
	arguments   map[place]string
	siblings    []*Site // of an output
}

// Selection says which entries are wanted, by each entry's own attributes. An
// empty list accepts every entry, except that Instances then stands for
// catalog.DefaultInstance. Directions concern flow entries alone, and Tags,
// Regions and Services entries with a tag, which only clouds' feeds have.
type Selection struct {
	Areas        []string
	Categories   []string
	Tags         []string
	Regions      []string // "none" stands for tags of no region
	Services     []string // names of a cloud's services; "none" stands for tags of no service
	Entries      []string // ids, or the part after the slash
	Directions   []string // outbound, inbound
	Instances    []string
	RequiredOnly bool
	Exclude      []string // ids, or the part after the slash
}

// Route sends the entries that match it one way in PAC files.
type Route struct {
	Areas      []string
	Categories []string // "none" stands for entries without a category
	Entries    []string
	Via        rule.Via
}

// Grouping says what separates rules in addition to direction, role and services.
type Grouping string

const (
	ByArea  Grouping = "area" // the default
	ByEntry Grouping = "entry"
	ByNone  Grouping = "none"
)

// Answer fills what a publisher leaves unsaid about an entry, or overrules what
// the catalogue inferred. Facts that the publisher states cannot be answered.
type Answer struct {
	Remote    *Remote
	Services  netset.ServiceSet // empty: not answered
	Direction catalog.Direction // empty: not answered
	Role      rule.Role         // empty: not answered

	// Dismissed is the reason why the site does not need the entry.
	Dismissed string
}

// Remote is an answered remote side: any, or names and prefixes, which are then two
// views of the same endpoints, or those of other entries, or a role of the site's own.
type Remote struct {
	Any      bool
	Names    []netset.Pattern
	Prefixes netset.PrefixSet
	From     []string  // ids of entries, or "<catalogue>/<area>", whose remotes are meant
	Role     rule.Role // whose machines are meant

	// own says that somebody of the site wrote the prefixes, so that those of a role are
	// meant to stand on the site.
	own bool
}

func (r Remote) isEmpty() bool { return !r.Any && len(r.Names) == 0 && r.Prefixes.IsEmpty() }

// DefaultClients are the addresses of the role clients when the site binds none:
// private (RFC 1918), shared (RFC 6598), link-local (RFC 3927, RFC 4291) and
// unique-local (RFC 4193) ones.
func DefaultClients() netset.PrefixSet {
	var b netset.PrefixBuilder
	for _, text := range []string{
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
		"fc00::/7", "fe80::/10",
	} {
		if p, _, err := netset.ParsePrefix(text); err == nil {
			b.Add(p)
		}
	}
	return b.Build()
}
