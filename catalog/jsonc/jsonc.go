// Package jsonc reads JSON (RFC 8259) strictly from bytes, and accepts on top
// of it // and /* */ comments and one trailing comma per array or object.
//
// A document is parsed into a flat table of nodes over its own bytes: strings
// are not copied, and an offset becomes a line and a column only when an error
// is reported. [Value] walks the table and ignores what it is not asked for,
// as a reader of foreign feeds wants it; [Decoder] reads our own documents,
// where an unknown key is an error.
//
// Refused, where encoding/json is lenient: duplicate keys, invalid UTF-8 and
// halves of surrogate pairs. An escaped control character (\u0000 too) is part
// of JSON and is accepted. The package does not write JSON, does not fill
// structs and does not turn numbers into floats.
package jsonc

import (
	"bytes"
	"math"
)

// Limits of a document. Passing one is an error that names it.
const (
	MaxBytes  = 64 << 20 // size of the input in bytes; a Reader may allow more
	MaxDepth  = 64       // arrays and objects inside each other
	MaxString = 64 << 10 // bytes between the quotes of one string, as UTF-8, before unescaping
)

// maxReaderBytes keeps every offset under 31 bits, UTF-16 input included, which
// grows by half at most when it becomes UTF-8.
const maxReaderBytes = 1 << 30

// Reader parses with another size limit. The zero value is what Parse uses.
type Reader struct {
	MaxBytes int // 0 or less stands for the constant MaxBytes; at most 1 GiB is honoured
}

// Parse reads one document. See the function Parse.
func (r Reader) Parse(file string, data []byte) (*Doc, error) {
	limit := MaxBytes
	if r.MaxBytes > 0 {
		limit = min(r.MaxBytes, maxReaderBytes)
	}
	if len(data) > limit {
		return nil, fileError(file, "input of %d bytes is over the limit of %d bytes", len(data), limit)
	}
	text, err := DecodeText(file, data)
	if err != nil {
		return nil, err
	}
	p := parser{Doc: Doc{file: file, data: text}}
	p.nodes = make([]node, 0, nodeBound(text))
	if err := p.document(); err != nil {
		return nil, err
	}
	return &Doc{file: file, data: text, nodes: p.nodes}, nil
}

// Parse reads one document of at most MaxBytes: UTF-8 with or without a
// byte-order mark, or UTF-16 with one. file is only used in errors and may be
// empty. The error is a *Error at the first fault. data is kept by the Doc and
// must not be changed afterwards.
func Parse(file string, data []byte) (*Doc, error) {
	return Reader{}.Parse(file, data)
}

// Doc is a parsed document. It is immutable and may be read concurrently.
type Doc struct {
	file  string
	data  []byte
	nodes []node // in order of the text, parents first; a member is its key and then its value
}

// Root returns the document's outermost value.
func (d *Doc) Root() Value { return Value{doc: d} }

// node is one value or key. Its kind is what its first byte says.
type node struct {
	start uint32 // offset of the first byte; the bit escaped is set for a string that holds an escape
	end   uint32 // scalar: offset after the last byte; array, object: index of the node after its last descendant
}

const (
	escaped = 1 << 31       // no offset reaches it
	open    = math.MaxInt32 // above every offset and index: end of an array or object that is not closed yet
)

func (n node) offset() int { return int(n.start &^ escaped) }

// nodeBound returns a count that the nodes of data do not exceed: one for the
// root, and one for each byte that must stand before or after another node.
func nodeBound(data []byte) int {
	n := 1
	for _, separator := range []string{",", ":", "[", "{"} {
		n += bytes.Count(data, []byte(separator))
	}
	return min(n, len(data)/2+1)
}

// next returns the index of the node after i and its descendants.
func (d *Doc) next(i int) int {
	if i >= len(d.nodes) {
		return open
	}
	if k := d.kind(i); k == Array || k == Object {
		return int(d.nodes[i].end)
	}
	return i + 1
}

func (d *Doc) kind(i int) Kind { return kindOf(d.data[d.nodes[i].offset()]) }

// bytes returns a string's content or another scalar's text; nil for an array
// or object.
func (d *Doc) bytes(i int) []byte {
	n := d.nodes[i]
	switch d.kind(i) {
	case Array, Object:
		return nil
	case String:
		raw := d.data[n.offset()+1 : n.end-1 : n.end-1]
		if n.start&escaped != 0 {
			return unescape(raw)
		}
		return raw
	}
	return d.data[n.start:n.end:n.end]
}
