// Package change compares two sides: sites, catalogues, folders of rule files, or the
// running rules.
package change

import (
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
)

// Diff is what differs between two sites, catalogues or folders, or between a site and
// what runs. --json prints it as it is; lists are never null, but for those that may be
// missing.
type Diff struct {
	Version       console.Version `json:"version"`
	Output        string          `json:"output,omitempty"` // of the site file's, if it has several
	Opens         []string        `json:"opens"`            // what a reviewer has to see first, in words
	Old           Head            `json:"old"`
	New           Head            `json:"new"`
	Equal         bool            `json:"equal"`
	Added         []Rule          `json:"added"`   // what is newly accepted
	Removed       []Rule          `json:"removed"` // what is no longer accepted
	Routes        []Route         `json:"routes"`
	TrustedSites  Trusted         `json:"trusted_sites"`
	Entries       []Entry         `json:"entries"`
	OpenAdded     []words.Open    `json:"open_added"`
	OpenRemoved   []words.Open    `json:"open_removed"`
	OpenUnchanged []words.Open    `json:"open_unchanged"`
	Beside        []Beside        `json:"beside,omitempty"`     // of folders
	Comments      []Comment       `json:"comments,omitempty"`   // of folders
	Files         []File          `json:"files,omitempty"`      // of folders: those that are compared as text, or came or went
	Live          []Live          `json:"statements,omitempty"` // of plan and drift
	Unknown       []string        `json:"unknown,omitempty"`    // of plan and drift: why it is not known what runs
	Left          []string        `json:"left,omitempty"`       // of plan, apply and drift: what of another mode stays, and what to do

	// Check says that New is the files that stand, and Old what generate would write.
	Check bool `json:"-"`

	Closes []string `json:"-"` // "CLOSES: " texts of what newly drops the rest

	lost      []string       // "OPENS: " texts of what no longer drops the rest
	past      []string       // "SENDS: " texts of what goes past the proxy before any route
	commentAt map[string]int // in Comments, by their words
}

// New is the difference of two that differ in nothing, as far as is known.
func New() Diff {
	return Diff{
		Old: Head{Sources: []Source{}}, New: Head{Sources: []Source{}},
		Added: []Rule{}, Removed: []Rule{},
		Routes: []Route{}, TrustedSites: Trusted{[]Site{}, []Site{}}, Entries: []Entry{},
		OpenAdded: []words.Open{}, OpenRemoved: []words.Open{}, OpenUnchanged: []words.Open{},
	}
}

// Finish puts what opens most first, and notes whether there is a difference; equal
// tells whether there is none beside what folders can show.
func (r *Diff) Finish(equal bool) {
	sortWidest(r.Added)
	r.Opens = append([]string{}, r.openings()...)
	r.Equal = equal && r.Same()
}

// Same reports whether both do the same, and folders hold the same files.
func (r *Diff) Same() bool {
	return len(r.Added)+len(r.Removed)+len(r.TrustedSites.Added)+len(r.TrustedSites.Removed)+len(r.Routes)+len(r.Beside)+len(r.Comments)+len(r.Files)+len(r.Live) == 0
}

// Beside is the effect of files outside their rules.
type Beside struct {
	File string   `json:"file"`
	Name string   `json:"name"`
	Old  []string `json:"old"`
	New  []string `json:"new"`
}

// Comment is what comments say that files do not hold to be true by themselves.
type Comment struct {
	Places []string `json:"places"` // "gatewright.nft:4", in the new files unless they have none
	Old    []string `json:"old"`
	New    []string `json:"new"`
}

// File is a file that came or went, or that no generator reads and that differs.
type File struct {
	Name   string `json:"name"`   // a slash path below the folder
	Change string `json:"change"` // added, removed or changed
}

// Head is what one side is.
type Head struct {
	Name    string   `json:"name"` // as the command line names it
	Sources []Source `json:"sources"`
	Edited  []string `json:"edited,omitempty"` // files that were changed by hand since they were generated
}

// Source is a catalogue that a side is compiled from, as rule.Source has it.
type Source struct {
	Catalog  string `json:"catalog"`
	Revision string `json:"revision"`
	Digest   string `json:"digest"`
}

// Rule is what one side accepts and the other does not, for one rule or, if folders are
// compared, for the same hook points.
type Rule struct {
	Rule      rule.ID        `json:"rule,omitempty"` // rules of folders are told by their flows
	Direction rule.Direction `json:"direction"`
	Role      rule.Role      `json:"role,omitempty"`
	Place     string         `json:"place,omitempty"` // interfaces and mark, of folders
	Services  string         `json:"services"`
	Entries   []From         `json:"entries"`
	Parts     []Part         `json:"parts"`

	unbound string // the place without interfaces, if the other side names others there
}

// From is an entry that gives flows of a rule. For folders, only its id is known.
type From struct {
	ID    string `json:"id"`
	Row   string `json:"row,omitempty"`
	Title string `json:"title"`
}

// Part is flows of a rule with the same local addresses and services: their remotes.
type Part struct {
	Services  netset.ServiceSet `json:"services"`
	Local     []string          `json:"local"`               // prefixes
	Published bool              `json:"published,omitempty"` // the ports are those that outsiders use
	Elsewhere bool              `json:"elsewhere,omitempty"` // the same remotes are accepted for other local addresses or services on the other side
	Any       bool              `json:"any,omitempty"`
	But       []string          `json:"but,omitempty"` // what "any" does not include
	Names     []Name            `json:"names"`
	Prefixes  []string          `json:"prefixes"`

	WholeServices bool `json:"-"` // Services are all of the rule's

	locals, remotes netset.PrefixSet // Local and Prefixes
}

// Name is the names that a pattern matches, but for some.
type Name struct {
	Pattern string   `json:"pattern"`
	And     string   `json:"and,omitempty"` // names that this pattern matches, too
	Except  []string `json:"except,omitempty"`
	Example string   `json:"example,omitempty"`
}

// Route is requests that go another way now.
type Route struct {
	Role     rule.Role `json:"role,omitempty"`
	Place    string    `json:"place,omitempty"` // the file, of folders
	From     rule.Via  `json:"from"`
	To       rule.Via  `json:"to"`
	Services string    `json:"services"`
	Any      bool      `json:"any,omitempty"`
	Names    []Name    `json:"names"`
	Prefixes []string  `json:"prefixes"`

	byRoles bool // because the file is for machines of other roles
}

// Trusted is the sites that came into the trusted zone, and those that left it.
type Trusted struct {
	Added   []Site `json:"added"`
	Removed []Site `json:"removed"`
}

// Entry is an entry that came, went or changed.
type Entry struct {
	ID      string     `json:"id"`
	Row     string     `json:"row,omitempty"`
	Title   string     `json:"title"`
	Change  string     `json:"change"`         // added, removed or changed
	State   site.State `json:"state"`          // what became of it: of the new one, unless it was removed
	Asks    string     `json:"asks,omitempty"` // of one that came or went without a flow: what it is about
	Changes []Fact     `json:"changes,omitempty"`
}

// Fact is an attribute of an entry that changed; empty where there is none.
type Fact struct {
	Attribute string `json:"attribute"`
	Old       string `json:"old"`
	New       string `json:"new"`
}

// Site is the names of an entry, or of a file, that browsers trust.
type Site struct {
	Entry string   `json:"entry"` // the file, of folders
	Title string   `json:"title"`
	Names []string `json:"names"`
}

// Live is one thing that comes or goes where it runs.
type Live struct {
	Place string `json:"place"`
	Sign  string `json:"sign"` // "+" or "-"
	Kind  string `json:"kind"` // "element", "rule", "chain", "set", "map", "counter", "policy", "table", "file", "line"
	In    string `json:"in,omitempty"`
	Text  string `json:"text"`
}

// String says which names are meant.
func (n Name) String() string {
	text := n.Pattern
	if n.And != "" {
		text += " that " + n.And + " matches, too,"
	}
	return text + words.Except(n.Except)
}
