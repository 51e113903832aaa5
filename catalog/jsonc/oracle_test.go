package jsonc

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
)

// plain is the slow reading of what this package accepts beyond JSON: comments
// become a space, and a comma that follows a value and precedes a closing
// bracket is dropped.
func plain(text []byte) []byte {
	return dropTrailingCommas(dropComments(text))
}

func dropComments(text []byte) []byte {
	var out []byte
	for len(text) > 0 {
		n := 1
		switch {
		case text[0] == '"':
			n = stringLength(text)
			out = append(out, text[:n]...)
		case bytes.HasPrefix(text, []byte("//")):
			for n < len(text) && text[n] != '\n' && text[n] != '\r' {
				n++
			}
			out = append(out, ' ')
		case bytes.HasPrefix(text, []byte("/*")) && bytes.Contains(text[2:], []byte("*/")):
			n = bytes.Index(text[2:], []byte("*/")) + 4
			out = append(out, ' ')
		default:
			out = append(out, text[0])
		}
		text = text[n:]
	}
	return out
}

func dropTrailingCommas(text []byte) []byte {
	var out []byte
	last := byte(0) // last byte that is not white space
	for len(text) > 0 {
		n := 1
		if text[0] == '"' {
			n = stringLength(text)
		}
		rest := bytes.TrimLeft(text[1:], " \t\r\n")
		closes := len(rest) > 0 && (rest[0] == ']' || rest[0] == '}')
		if text[0] == ',' && closes && !slices.Contains([]byte("\x00[{,:"), last) {
			out = append(out, ' ')
		} else {
			out = append(out, text[:n]...)
		}
		if !slices.Contains([]byte(" \t\r\n"), text[0]) {
			last = text[0]
		}
		text = text[n:]
	}
	return out
}

// stringLength returns the length of the string literal at the start of text.
func stringLength(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// decodeAny reads valid JSON with encoding/json, numbers as written.
func decodeAny(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return v, nil
}

// toAny is decodeAny's result for a Value.
func toAny(v Value) any {
	switch v.Kind() {
	case Bool:
		return v.Text() == "true"
	case Number:
		return json.Number(v.Text())
	case String:
		return v.Text()
	case Array:
		all := []any{}
		for _, element := range v.Elements() {
			all = append(all, toAny(element))
		}
		return all
	case Object:
		all := map[string]any{}
		for key, value := range v.Members() {
			all[key.Text()] = toAny(value)
		}
		return all
	}
	return nil
}

// shape is what encoding/json's tokens say about valid JSON.
func shape(text []byte) (duplicates bool, depth int) {
	type frame struct {
		keys  map[string]bool // nil for an array
		isKey bool
	}
	var frames []frame
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err == io.EOF || err != nil {
			return duplicates, depth
		}
		if token == json.Delim(']') || token == json.Delim('}') {
			frames = frames[:len(frames)-1]
			continue
		}
		if top := len(frames) - 1; top >= 0 && frames[top].keys != nil {
			frames[top].isKey = !frames[top].isKey
			if key, ok := token.(string); ok && frames[top].isKey {
				duplicates = duplicates || frames[top].keys[key]
				frames[top].keys[key] = true
			}
		}
		switch token {
		case json.Delim('['):
			frames = append(frames, frame{})
		case json.Delim('{'):
			frames = append(frames, frame{keys: map[string]bool{}})
		}
		depth = max(depth, len(frames))
	}
}
