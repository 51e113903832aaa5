package jsonc

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// IsPlain reports whether a character prints, with a shape of its own. The others are
// controls and separators, and what Unicode calls default ignorable: marks of
// direction, fillers such as U+3164, variation selectors.
func IsPlain(r rune) bool {
	if r < utf8.RuneSelf {
		return ' ' <= r && r <= '~'
	}
	return unicode.IsPrint(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// IsPlainText reports whether a text is of plain characters alone.
func IsPlainText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !IsPlain(r) })
}

// DecodeText returns data as UTF-8 without a byte-order mark, free of invalid sequences
// and of NUL; it may be a part of data. Parse does it by itself. RFC 8259 section 8.1
// asks for UTF-8; UTF-16 with a mark is what PowerShell and Notepad write.
func DecodeText(file string, data []byte) ([]byte, error) {
	text, err := toUTF8(file, data)
	if err != nil {
		return nil, err
	}
	d := Doc{file: file, data: text}
	if len(text) == 0 {
		return nil, d.errorAt(0, 0, "empty input; expected a JSON value")
	}
	if !utf8.Valid(text) {
		i := invalidUTF8(text)
		return nil, d.errorAt(i, 0, "byte 0x%02x is not valid UTF-8; save the file as UTF-8", text[i])
	}
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return nil, d.errorAt(i, 0, "NUL character; a text file holds none")
	}
	return text, nil
}

func toUTF8(file string, data []byte) ([]byte, error) {
	switch head := data[:min(len(data), 4)]; {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return data[3:], nil
	case string(head) == "\xff\xfe\x00\x00", string(head) == "\x00\x00\xfe\xff":
		return nil, fileError(file, "text is UTF-32; save the file as UTF-8")
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return fromUTF16(file, data[2:], binary.LittleEndian)
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return fromUTF16(file, data[2:], binary.BigEndian)
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return nil, fileError(file, "this is gzip and no text; unpack it first, with gunzip")
	case bytes.IndexByte(head, 0) >= 0:
		return nil, fileError(file, "NUL in the first bytes: this looks like UTF-16 without a byte-order mark; save the file as UTF-8")
	}
	return data, nil
}

func fromUTF16(file string, data []byte, order binary.ByteOrder) ([]byte, error) {
	text := make([]byte, 0, len(data)/2+len(data)/8)
	for len(data) >= 2 {
		r, size := rune(order.Uint16(data)), 2
		if utf16.IsSurrogate(r) && len(data) >= 4 {
			r, size = utf16.DecodeRune(r, rune(order.Uint16(data[2:]))), 4
		}
		if utf16.IsSurrogate(r) || size == 4 && r == utf8.RuneError {
			d := Doc{file: file, data: text}
			return nil, d.errorAt(len(text), 0, "half of a surrogate pair is not valid UTF-16; save the file as UTF-8")
		}
		text = utf8.AppendRune(text, r)
		data = data[size:]
	}
	if len(data) > 0 {
		d := Doc{file: file, data: text}
		return nil, d.errorAt(len(text), 0, "UTF-16 text ends inside a character; save the file as UTF-8")
	}
	return text, nil
}

// invalidUTF8 returns the offset of the first byte of text that is no part of a
// valid sequence; text holds one.
func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(text)
}

// position returns the line and column of an offset, both counted from 1, the
// column in characters. A line ends with LF, CR LF or CR.
func (d *Doc) position(offset int) (line, col int) {
	before := d.data[:offset]
	line = 1 + bytes.Count(before, []byte("\n"))
	start := bytes.LastIndexByte(before, '\n') + 1
	if bytes.IndexByte(before, '\r') >= 0 {
		line += bytes.Count(before, []byte("\r")) - bytes.Count(before, []byte("\r\n"))
		start = max(start, bytes.LastIndexByte(before, '\r')+1)
	}
	return line, 1 + utf8.RuneCount(before[start:])
}
