package jsonc

import "iter"

// Keys yields the keys of a document that is an object, and the kinds of their values,
// without reading what the values hold: to tell what a document is, before it is
// parsed. It ends at the first fault that it comes upon.
func Keys(data []byte) iter.Seq2[string, Kind] {
	return func(yield func(string, Kind) bool) {
		text, err := DecodeText("", data)
		if err != nil {
			return
		}
		p := parser{Doc: Doc{data: text}}
		if p.space() != nil || p.peek() != '{' {
			return
		}
		for p.pos++; p.space() == nil && p.peek() == '"'; p.pos++ {
			first := len(p.nodes)
			if p.string() != nil || p.space() != nil || p.peek() != ':' {
				return
			}
			key := Value{&p.Doc, int32(first)}.Text()
			p.pos++
			if p.space() != nil {
				return
			}
			if kind := kindOf(p.peek()); kind == Invalid || !yield(key, kind) {
				return
			}
			if !p.skip() || p.peek() != ',' {
				return
			}
		}
	}
}

// kindOf returns the kind of the value that starts with a character.
func kindOf(c byte) Kind {
	switch c {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return Number
	}
	return Invalid
}

// skip moves to the comma or bracket after a value.
func (p *parser) skip() bool {
	for depth := 0; p.pos < len(p.data); p.pos++ {
		switch p.data[p.pos] {
		case '"':
			if !p.skipString() {
				return false
			}
		case '/':
			if p.comment() != nil {
				return false
			}
			p.pos--
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return true
			}
		case ',':
			if depth == 0 {
				return true
			}
		}
	}
	return false
}

// skipString moves to the quote that ends a string.
func (p *parser) skipString() bool {
	for p.pos++; p.pos < len(p.data); p.pos += 2 {
		p.pos = stringStop(p.data, p.pos)
		if p.pos < len(p.data) && p.data[p.pos] != '\\' {
			return p.data[p.pos] == '"'
		}
	}
	return false
}
