package change

import (
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
	OpenAdded     []rule.Open     `json:"open_added"`
	OpenRemoved   []rule.Open     `json:"open_removed"`
	OpenUnchanged []rule.Open     `json:"open_unchanged"`
	Beside        []Beside        `json:"beside,omitempty"`     // of folders
	Comments      []Comment       `json:"comments,omitempty"`   // of folders
	Files         []File          `json:"files,omitempty"`      // of folders: those that are compared as text, or came or went
	Live          []Live          `json:"statements,omitempty"` // of plan and drift
	Unknown       []string        `json:"unknown,omitempty"`    // of plan and drift: why it is not known what runs

	Closes []string `json:"-"` // "CLOSES: " texts of what newly drops the rest

	lost      []string       // "OPENS: " texts of what no longer drops the rest
	commentAt map[string]int // in Comments, by their words
}

// New is the difference of two that differ in nothing, as far as is known.
func New() Diff {
	return Diff{
		Old: Head{Sources: []Source{}}, New: Head{Sources: []Source{}},
		Added: []Rule{}, Removed: []Rule{},
		Routes: []Route{}, TrustedSites: Trusted{[]Site{}, []Site{}}, Entries: []Entry{},
		OpenAdded: []rule.Open{}, OpenRemoved: []rule.Open{}, OpenUnchanged: []rule.Open{},
	}
}

// Finish puts what opens most first, and notes whether there is a difference; equal tells
// whether there is none beside what folders can show.
func (r *Diff) Finish(equal bool) {
	sortWidest(r.Added)
	r.Opens = append([]string{}, r.openings()...)
	r.Equal = equal && r.Same()
}

// Same reports whether both do the same, and folders hold the same files.
func (r *Diff) Same() bool {
	return len(r.Added)+len(r.Removed)+len(r.TrustedSites.Added)+len(r.TrustedSites.Removed)+len(r.Routes)+len(r.Beside)+len(r.Comments)+len(r.Files)+len(r.Live) == 0
}

// Beside is what files do beside their rules.
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

type File struct {
	Name   string `json:"name"`
	Change string `json:"change"`
}

type Head struct {
	Name    string   `json:"name"`
	Sources []Source `json:"sources"`
	Edited  []string `json:"edited,omitempty"` // files that were changed by hand since they were generated
}

type Source struct {
	Catalog  string `json:"catalog"`
	Revision string `json:"revision"`
	Digest   string `json:"digest"`
}

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

type From struct {
	ID    string `json:"id"`
	Row   string `json:"row,omitempty"`
	Title string `json:"title"`
}

type Part struct {
	Services  string   `json:"services"`
	Local     []string `json:"local"`
	Published bool     `json:"published,omitempty"`
	Elsewhere bool     `json:"elsewhere,omitempty"` // the same remotes are accepted for other local addresses or services on the other side
	Any       bool     `json:"any,omitempty"`
	But       []string `json:"but,omitempty"` // what "any" does not include
	Names     []Name   `json:"names"`
	Prefixes  []string `json:"prefixes"`

	WholeServices bool `json:"-"` // Services are all of the rule's
}

type Name struct {
	Pattern string   `json:"pattern"`
	And     string   `json:"and,omitempty"` // names that this pattern matches, too
	Except  []string `json:"except,omitempty"`
	Example string   `json:"example,omitempty"`
}

type Route struct {
	Role     rule.Role `json:"role,omitempty"`
	Place    string    `json:"place,omitempty"` // the file, of folders
	From     rule.Via  `json:"from"`
	To       rule.Via  `json:"to"`
	Services string    `json:"services"`
	Any      bool      `json:"any,omitempty"`
	Names    []Name    `json:"names"`
	Prefixes []string  `json:"prefixes"`
}

type Trusted struct {
	Added   []Site `json:"added"`
	Removed []Site `json:"removed"`
}

type Entry struct {
	ID      string     `json:"id"`
	Row     string     `json:"row,omitempty"`
	Title   string     `json:"title"`
	Change  string     `json:"change"`         // added, removed or changed
	State   site.State `json:"state"`          // what became of it: of the new one, unless it was removed
	Asks    string     `json:"asks,omitempty"` // of one that came or went without a flow: what it is about
	Changes []Fact     `json:"changes,omitempty"`
}

type Fact struct {
	Attribute string `json:"attribute"`
	Old       string `json:"old"`
	New       string `json:"new"`
}

type Site struct {
	Entry string   `json:"entry"`
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

func (n Name) String() string {
	text := n.Pattern
	if n.And != "" {
		text += " that " + n.And + " matches, too,"
	}
	return text + words.Except(n.Except)
}
