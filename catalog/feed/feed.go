// Package feed reads the publishers' own endpoint lists as catalogues.
//
// A feed is recognised by its content, never by the name of its file. A fact that a
// format does not have, such as a port or a direction, is left unsaid in the entries,
// so the site must answer it.
package feed

import (
	"bytes"
	"cmp"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// Naming is what a feed's document does not say of itself. Empty fields are
// derived from the document, or have the format's default.
type Naming struct {
	Name     string // of the catalogue, a slug
	Instance string // of the Microsoft 365 web service: "Worldwide", "China"
	Revision string // the publisher's version
}

// document is a feed's file as text: UTF-8 without a byte-order mark.
type document struct {
	file string // as errors name it
	kept string // the file that it is kept in, if that is another; may be empty
	text []byte
	json *jsonc.Doc // nil if the text is not JSON

	// list is told each prefix as the document lists it, before entries put them
	// together; may be nil.
	list func(netip.Prefix)

	stage *stage // of the endpoint sets of the Microsoft 365 web service; may be nil
}

// base is the name of the document's file without its folder.
func (d document) base() string { return filepath.Base(cmp.Or(d.kept, d.file)) }

// root returns the outermost JSON value, without what programs put around an array; of
// kind Invalid if the text is not JSON.
func (d document) root() jsonc.Value {
	if d.json == nil {
		return jsonc.Value{}
	}
	root := unwrapped(d.json.Root())
	return cmp.Or(within(root, maxWrapped), root)
}

// maxWrapped is how many lists or objects programs put around a document.
const maxWrapped = 3

// within is the list of endpoint sets, of flat ones or of Azure's tags, or the only one
// of them, or the document of these, that is all that a value holds but texts and
// numbers; of kind Invalid if there is none.
func within(v jsonc.Value, depth int) jsonc.Value {
	switch first := firstObject(v); {
	case has(first, "id") && has(first, "serviceArea"), has(member(first, "properties"), "addressPrefixes"), isAzureFile(v), isFlatRow(first):
		return v
	case depth == 0:
		return jsonc.Value{}
	}
	var inner []jsonc.Value
	add := func(one jsonc.Value) {
		if one.Kind() == jsonc.Array || one.Kind() == jsonc.Object {
			inner = append(inner, one)
		}
	}
	for _, one := range v.Elements() {
		add(one)
	}
	for _, one := range v.Members() {
		add(one)
	}
	if len(inner) != 1 {
		return jsonc.Value{}
	}
	return within(inner[0], depth-1)
}

// format is one format of a publisher.
type format struct {
	name string // as messages name it: "Azure service tags"

	// recognise reports whether a document is meant in this format, by what only this
	// format has. A document that is recognised and does not read is an error.
	recognise func(document) bool
	read      func(document, Naming) (*catalog.Catalog, error)
}

// formats lists the formats in the order in which they are tried.
func formats() []format {
	return []format{
		{"Gatewright's own", isOwn, readOwn},
		{"Microsoft 365 endpoints (JSON or CSV)", isM365, readM365Sets},
		{"flat endpoints of PowerShell modules", isFlat, readFlat},
		{"Azure service tags", isAzure, readAzure},
		{"GitHub meta", isGitHub, readGitHub},
		{"Cloudflare ips", isCloudflare, readCloudflare},
		{"JSON that lists prefixes (AWS, Google, Oracle, Fastly, Atlassian and the like)", isTree, readTree},
		{"a CSV of prefixes (geofeed, Microsoft public IP space)", isTable, readTable},
		{"a plain list of prefixes or names", isList, readList},
	}
}

// Read reads a catalogue of any known format, recognised by its content: UTF-8, or
// UTF-16 with a byte-order mark. Errors are those of catalog.Read: with file, line
// and column, up to 100 at once as jsonc.Errors.
func Read(file string, data []byte, as Naming) (*catalog.Catalog, error) {
	return document{file: file}.read(data, as)
}

func (d document) read(data []byte, as Naming) (*catalog.Catalog, error) {
	var err error
	if d.text, err = jsonc.DecodeText(d.file, data); err != nil {
		return nil, err
	}
	if looksLikeJSON(d.text) {
		if d.json, err = jsonc.Parse(d.file, d.text); err != nil {
			return nil, err
		}
		if err := d.partial(); err != nil {
			return nil, err
		}
	}
	var known []string
	for _, f := range formats() {
		if f.recognise(d) {
			return f.read(d, as)
		}
		known = append(known, f.name)
	}
	return nil, d.unknown(known)
}

// unknown is the error of a document that no format recognises. A list without a good
// line, or text, says what is wrong with the first.
func (d document) unknown(known []string) error {
	root := d.root()
	if d.isSite() {
		return fileErrorf(d.file, "this is a site file, not a catalogue; name it only with --site")
	}
	unknown := &UnknownError{known: strings.Join(known, ", ")}
	err := root.Errorf("%w", unknown)
	err.File, err.Err = d.file, unknown
	var faults jsonc.Errors
	if text := firstText(root); text != "" {
		if _, _, _, asList := catalog.ParseEndpoint(text); asList != nil {
			unknown.AsList = asList
		}
		return err
	}
	if elsewhere := newCollector(d, Naming{}).elsewhere(); elsewhere != nil {
		return elsewhere
	}
	if _, asList := readList(d, Naming{}); d.json == nil && errors.As(asList, &faults) {
		err.Line, err.Col = faults[0].Line, faults[0].Col
		unknown.AsList = faults[0].Err
	}
	return err
}

// UnknownError says that a document is of no known format.
type UnknownError struct {
	known  string
	AsList error // why it is not a plain list either; may quote the file; may be nil
}

func (e *UnknownError) Error() string {
	text := "unknown kind of catalogue; expected one of: " + e.known
	if e.AsList != nil {
		text += "; as a list: " + e.AsList.Error()
	}
	return text
}

func (e *UnknownError) Unwrap() error { return e.AsList }

// looksLikeJSON reports whether the first byte that counts opens an object or an
// array, or a comment of our own documents.
func looksLikeJSON(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("[")) || bytes.HasPrefix(text, []byte("//")) || bytes.HasPrefix(text, []byte("/*"))
}
