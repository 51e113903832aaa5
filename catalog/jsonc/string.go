package jsonc

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// stringStop returns the offset of the first quote, backslash or control
// character at or after i, or len(b). It looks at eight bytes at a time: in each
// test the lowest flag bit that is set belongs to the first byte that has the
// property; higher ones may be wrong.
func stringStop(b []byte, i int) int {
	const (
		ones  = 0x0101010101010101
		flags = 0x80 * ones
	)
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		quote, slash := x^('"'*ones), x^('\\'*ones)
		stop := (x-0x20*ones)&^x | (quote-ones)&^quote | (slash-ones)&^slash
		if stop &= flags; stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
	}
	for i < len(b) && b[i] >= 0x20 && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// unescape returns the content of a string whose escapes were found valid.
func unescape(raw []byte) []byte {
	text := make([]byte, 0, len(raw))
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(text, raw...)
		}
		r, size := decodeEscape(raw[i:])
		text = utf8.AppendRune(append(text, raw[:i]...), r)
		raw = raw[i+size:]
	}
}

// decodeEscape reads the escape that b starts with and says how many bytes it
// takes: 0 if it is none, or half of a surrogate pair. RFC 8259 section 7.
func decodeEscape(b []byte) (r rune, size int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch b[1] {
	case '"', '\\', '/':
		return rune(b[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	unit, ok := codeUnit(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(unit) {
		return unit, 6
	}
	low, _ := codeUnit(b[6:])
	if r := utf16.DecodeRune(unit, low); r != utf8.RuneError {
		return r, 12
	}
	return 0, 0
}

// codeUnit reads a \uXXXX escape at the start of b.
func codeUnit(b []byte) (unit rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}
