package jsonc

import (
	"bytes"
	"hash/maphash"
	"strings"
	"unicode/utf8"
)

// parser fills the node table of its Doc. Its methods read at pos and leave pos
// after what they read. Every error is a *Error; the node len(p.nodes) in it
// stands for the value that was expected next.
type parser struct {
	Doc
	pos   int // offset of the next byte
	depth int // arrays and objects that are open
}

func (p *parser) document() error {
	if err := p.space(); err != nil {
		return err
	}
	if err := p.value(); err != nil {
		return err
	}
	if err := p.space(); err != nil {
		return err
	}
	if p.pos < len(p.data) {
		return p.errorAt(p.pos, 0, "expected the end of the file after the value, found %s", p.found())
	}
	return nil
}

// peek returns the next byte, and 0 at the end: the text holds no NUL.
func (p *parser) peek() byte {
	if p.pos < len(p.data) {
		return p.data[p.pos]
	}
	return 0
}

// space skips white space and comments.
func (p *parser) space() error {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		case '/':
			if err := p.comment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (p *parser) comment() error {
	rest := p.data[p.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("//")):
		if end := bytes.IndexAny(rest, "\r\n"); end >= 0 {
			p.pos += end
			return nil
		}
		p.pos = len(p.data)
		return nil
	case bytes.HasPrefix(rest, []byte("/*")):
		if end := bytes.Index(rest[2:], []byte("*/")); end >= 0 {
			p.pos += 2 + end + 2
			return nil
		}
		return p.errorAt(p.pos, p.innermost(), "comment is not closed; expected */")
	}
	return p.errorAt(p.pos, p.innermost(), "a single '/' starts no comment; write // or /*")
}

// innermost returns the array or object that is open at pos, or the root.
func (p *parser) innermost() int {
	for i := len(p.nodes) - 1; i > 0; i-- {
		if p.nodes[i].end == open {
			return i
		}
	}
	return 0
}

func (p *parser) value() error {
	switch c := p.peek(); c {
	case '"':
		return p.string()
	case '{':
		return p.object()
	case '[':
		return p.array()
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return p.number()
	}
	word := p.word()
	switch string(word) {
	case "true", "false", "null":
		p.scalar(p.pos+len(word), 0)
		return nil
	}
	return p.errorAt(p.pos, len(p.nodes), "expected a value, found %s%s", p.found(), valueHint(p.data[p.pos:], word))
}

// scalar appends the node from pos to end, and moves there.
func (p *parser) scalar(end int, flag uint32) {
	p.nodes = append(p.nodes, node{start: uint32(p.pos) | flag, end: uint32(end)})
	p.pos = end
}

// push opens the array or object at pos and returns its node.
func (p *parser) push() (int, error) {
	i := len(p.nodes)
	if p.depth == MaxDepth {
		return i, p.errorAt(p.pos, i, "nesting is deeper than the limit of %d levels", MaxDepth)
	}
	p.depth++
	p.scalar(p.pos+1, 0)
	p.nodes[i].end = open
	return i, nil
}

func (p *parser) pop(i int) {
	p.depth--
	p.pos++
	p.nodes[i].end = uint32(len(p.nodes))
}

func (p *parser) array() error {
	array, err := p.push()
	if err != nil {
		return err
	}
	for {
		if err := p.space(); err != nil {
			return err
		}
		if p.peek() == ']' {
			p.pop(array)
			return nil
		}
		if err := p.value(); err != nil {
			return err
		}
		if err := p.separator(array, ']'); err != nil {
			return err
		}
	}
}

func (p *parser) object() error {
	object, err := p.push()
	if err != nil {
		return err
	}
	keys := keySet{object: object}
	for {
		if err := p.space(); err != nil {
			return err
		}
		if p.peek() == '}' {
			p.pop(object)
			return nil
		}
		if err := p.key(&keys); err != nil {
			return err
		}
		if err := p.value(); err != nil {
			return err
		}
		if err := p.separator(object, '}'); err != nil {
			return err
		}
	}
}

// separator reads the comma after an element or member, or stops before the
// closing bracket.
func (p *parser) separator(container int, closing byte) error {
	if err := p.space(); err != nil {
		return err
	}
	switch p.peek() {
	case ',':
		p.pos++
		return nil
	case closing:
		return nil
	}
	line, col := p.position(p.nodes[container].offset())
	kind := strings.TrimPrefix(p.kind(container).String(), "an ")
	return p.errorAt(p.pos, container, `expected "," or "%c" in the %s opened at %d:%d, found %s`, closing, kind, line, col, p.found())
}

// key reads a member's key and colon, and the space around the colon.
func (p *parser) key(keys *keySet) error {
	i := len(p.nodes)
	if p.peek() != '"' {
		return p.errorAt(p.pos, keys.object, "expected a key in double quotes, found %s", p.found())
	}
	if err := p.string(); err != nil {
		return err
	}
	if first := keys.add(&p.Doc, i); first >= 0 {
		line, col := p.position(p.nodes[first].offset())
		return p.errorAt(p.nodes[i].offset(), i, "key %s was already given at %d:%d; keep one of the two", Quote(string(p.bytes(i))), line, col)
	}
	if err := p.space(); err != nil {
		return err
	}
	if p.peek() != ':' {
		return p.errorAt(p.pos, i, `expected ":" after the key %s, found %s`, Quote(string(p.bytes(i))), p.found())
	}
	p.pos++
	return p.space()
}

// keySet finds duplicate keys of one object.
type keySet struct {
	object int
	count  int
	hashes map[uint64]struct{} // of all keys, once there are more than fewKeys
	seed   maphash.Seed
}

// fewKeys is how many keys are cheaper to compare than to hash.
const fewKeys = 16

// add adds the key at node i, the last of the table, and returns the node of an
// equal key before it, or -1.
func (s *keySet) add(d *Doc, i int) int {
	s.count++
	if s.count <= fewKeys {
		return s.find(d, i)
	}
	if s.hashes == nil {
		s.hashes = make(map[uint64]struct{})
		s.seed = maphash.MakeSeed()
		for k := s.object + 1; k < i; k = d.next(k + 1) {
			s.hashes[maphash.Bytes(s.seed, d.bytes(k))] = struct{}{}
		}
	}
	hash := maphash.Bytes(s.seed, d.bytes(i))
	if _, hit := s.hashes[hash]; hit {
		return s.find(d, i)
	}
	s.hashes[hash] = struct{}{}
	return -1
}

func (s *keySet) find(d *Doc, i int) int {
	key := d.bytes(i)
	for k := s.object + 1; k < i; k = d.next(k + 1) {
		if bytes.Equal(d.bytes(k), key) {
			return k
		}
	}
	return -1
}

func (p *parser) string() error {
	start, flag := p.pos, uint32(0)
	for i := start + 1; ; {
		i = stringStop(p.data, i)
		if i == len(p.data) {
			return p.errorAt(start, len(p.nodes), "string is not closed; expected a double quote")
		}
		switch c := p.data[i]; c {
		case '"':
			if size := i - start - 1; size > MaxString {
				return p.errorAt(start, len(p.nodes), "string of %d bytes is over the limit of %d bytes", size, MaxString)
			}
			p.scalar(i+1, flag)
			return nil
		case '\\':
			_, size := decodeEscape(p.data[i:])
			if size == 0 {
				return p.badEscape(i)
			}
			i, flag = i+size, escaped
		case '\n', '\r':
			return p.errorAt(i, len(p.nodes), `line break in a string; close the string or write \n`)
		default:
			return p.errorAt(i, len(p.nodes), `control character U+%04X in a string; write \u%04x`, c, c)
		}
	}
}

func (p *parser) badEscape(i int) error {
	if _, ok := codeUnit(p.data[i:]); ok {
		return p.errorAt(i, len(p.nodes), `%s is half of a surrogate pair; write both halves, as in \ud83d\ude00`, p.data[i:i+6])
	}
	r, size := utf8.DecodeRune(p.data[i+1:])
	switch {
	case size == 0:
		return p.errorAt(i, len(p.nodes), "string is not closed; it ends after a backslash")
	case r == 'u':
		return p.errorAt(i, len(p.nodes), `\u takes four hexadecimal digits`)
	}
	return p.errorAt(i, len(p.nodes), `a backslash and %q are not an escape sequence; write \\ for a backslash`, r)
}

func (p *parser) number() error {
	end, fault := scanNumber(p.data, p.pos)
	if fault == "" && end < len(p.data) && isWord(p.data[end]) {
		fault = "is not a number; text takes double quotes"
	}
	if fault != "" {
		return p.errorAt(p.pos, len(p.nodes), "%s %s", Quote(string(p.word())), fault)
	}
	p.scalar(end, 0)
	return nil
}

// scanNumber returns the end of the number at i and what is wrong with it.
// RFC 8259 section 6.
func scanNumber(b []byte, i int) (end int, fault string) {
	if b[i] == '-' {
		i++
	}
	first := i
	if i = skipDigits(b, i); i == first {
		return i, "has no digit after the minus sign"
	}
	if b[first] == '0' && i > first+1 {
		return i, "has a leading zero"
	}
	if i < len(b) && b[i] == '.' {
		first = i + 1
		if i = skipDigits(b, first); i == first {
			return i, "has no digit after the decimal point"
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		first = i
		if i = skipDigits(b, first); i == first {
			return i, "has no digit in its exponent"
		}
	}
	return i, ""
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

// word returns the run of letters, digits and signs at pos: what a person means
// as one word, right or wrong.
func (p *parser) word() []byte {
	end := p.pos
	for end < len(p.data) && isWord(p.data[end]) {
		end++
	}
	return p.data[p.pos:end]
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '_' || c == '.' || c == '+' || c == '-'
}
