package artefact

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/rule"
)

// Files holds files by their path below an output folder, with slashes.
type Files map[string][]byte

// FilesOf returns the artefacts as files.
func FilesOf(artefacts []Artefact) Files {
	files := Files{}
	for _, a := range artefacts {
		files[a.Name] = a.Data
	}
	return files
}

// Reading is the effect of a generator's files once their backend has loaded them. It
// comes only from the files. It is plain data: two equal readings have the same effect.
//
// A generator's Read accepts a file only as a whole. It parses the file into the view
// of the template, renders the view again, and compares the result byte for byte,
// except for the digest. Anything else in a file is a ForeignError.
type Reading struct {
	Filters  []Filtered   // what packet filters accept, in the order of hook points
	Requests *rule.Policy // what a proxy allows; nil without a proxy's file
	Ahead    bool         // a proxy's rules stand before the site's own
	Routes   *rule.Policy // the ways of requests; nil without a PAC file
	Before   rule.Before  // what a PAC file sends direct before any of these routes
	Roles    []rule.Role  // whose machines a PAC file is for
	Zones    []Zone       // of browsers, sorted by name
	Beside   []Statement  // what has no flow of its own, in the files' order
	Comments []Comment    // whose words are the policy's or an option's, in the files' order
	Edited   []string     // files whose digest tells that they were changed by hand
	Read     []string     // every file that was read, sorted
}

// Take notes that a file was read, and whether it was changed by hand. Files are taken
// in the order of their names.
func (r *Reading) Take(file string, data []byte) {
	r.Read = append(r.Read, file)
	if !Sealed(data) {
		r.Edited = append(r.Edited, file)
	}
}

// HookPoint is a place where a packet filter accepts. Lists of interfaces are in the
// file's order; an empty list means every interface.
type HookPoint struct {
	File    string // "gatewright.nft", "gatewright.ip6tables"
	Chain   string // "gatewright_outbound", "FORWARD"
	In, Out string // interfaces, as "eth0 eth1"
	Mark    uint32 // the bit that is set on what is accepted; 0 for none
}

// Compare orders hook points by their parts.
func (p HookPoint) Compare(q HookPoint) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Chain, q.Chain),
		cmp.Compare(p.In, q.In), cmp.Compare(p.Out, q.Out), cmp.Compare(p.Mark, q.Mark))
}

// String is the hook point in words.
func (p HookPoint) String() string {
	s := p.File + ", chain " + p.Chain
	if p.In != "" {
		s += ", from " + p.In
	}
	if p.Out != "" {
		s += ", to " + p.Out
	}
	if p.Mark != 0 {
		s += fmt.Sprintf(", mark %#x", p.Mark)
	}
	return s
}

// Filtered is what a packet filter accepts at one hook point.
type Filtered struct {
	Point HookPoint
	Lines []Accepted // in the file's order
}

// Accept adds what a packet filter accepts at a hook point.
func (r *Reading) Accept(p HookPoint, a Accepted) {
	i, known := slices.BinarySearchFunc(r.Filters, p, func(f Filtered, p HookPoint) int { return f.Point.Compare(p) })
	if !known {
		r.Filters = slices.Insert(r.Filters, i, Filtered{Point: p})
	}
	r.Filters[i].Lines = append(r.Filters[i].Lines, a)
}

// Accepted is what one rule of a packet filter accepts.
type Accepted struct {
	Rule      rule.ID  // empty for what an option opens
	Labels    []string // what the file's comments say of it, without the title
	Direction rule.Direction
	Traffic   rule.TrafficSet
}

// Statement is one effect of a file that is not a rule: "table" "inet filter", "admin"
// "10.0.0.0/8 tcp 22", "proxies" "PROXY 192.0.2.3:8080".
type Statement struct {
	File, Name, Value string
}

// TitleOf begins the About of a comment that is the title of a chain, which comes and
// goes with it.
const TitleOf = "chain "

// Comment is a comment that says what no other part of the file holds to be true.
type Comment struct {
	File  string
	Line  int    // from 1
	About string // a rule's id, a route, a key; empty for the whole file
	Text  string // without the sign of a comment
}

// ForeignError says that a file holds what its generator does not write.
type ForeignError struct {
	File string // path below the folder
	Line int    // from 1; 0 where the whole file is meant
	At   int    // bytes of the line before what is wrong
	Text string // the line, as it is: who shows it escapes it
	Want string // what is expected in words; may be empty

	Untitled bool // the file does not open as its generator's do: it is somebody else's, and not shown
}

func (e *ForeignError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Untitled {
		b.WriteString(": not written by Gatewright")
	} else {
		fmt.Fprintf(&b, ": %s is not what generate writes", quoted(e.Text, e.At))
	}
	if e.Want != "" {
		b.WriteString("; expected " + e.Want)
	}
	b.WriteString("; remove it, or generate the file again")
	return b.String()
}

// FormatError says that a file is of another format than this version writes.
type FormatError struct {
	File      string
	Have, Now int
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s has format %d, but this version writes format %d; generate it again", e.File, e.Have, e.Now)
}

// quoted is what an error shows of a line: what stands around so many bytes.
func quoted(s string, at int) string {
	const before, length = 30, 120
	start, end := "", ""
	if from := min(at, len(s)) - before; len(s) > length && from > 0 {
		start, s = "…", s[from:]
	}
	if len(s) > length {
		s, end = s[:length], "…"
	}
	return strconv.Quote(start + s + end)
}
