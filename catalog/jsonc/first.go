package jsonc

import "bytes"

// First returns the first text behind the brackets that a document begins with, after
// comments and the key that tells editors where its schema is, and whether it is a key.
// It is read as it stands, up to its closing quote; of what begins in another way it is
// empty. The rest of the document may be anything.
func First(text []byte) (first string, isKey bool) {
	for {
		text = bytes.TrimLeft(text, " \t\r\n")
		switch {
		case bytes.HasPrefix(text, []byte("//")):
			_, text, _ = bytes.Cut(text, []byte("\n"))
		case bytes.HasPrefix(text, []byte("/*")):
			_, text, _ = bytes.Cut(text, []byte("*/"))
		case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")):
			isKey, text = text[0] == '{', text[1:]
		case bytes.HasPrefix(text, []byte(`"`)):
			first, rest, _ := bytes.Cut(text[1:], []byte(`"`))
			if isKey && !bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(":")) {
				return "", false
			}
			if value, ok := afterSchema(string(first), rest); ok {
				text = value
				continue
			}
			return string(first), isKey
		default:
			return "", false
		}
	}
}

// afterSchema returns what follows the key of SchemaField and its value, if a document
// begins with it.
func afterSchema(key string, rest []byte) ([]byte, bool) {
	if key != schemaKey {
		return nil, false
	}
	before, value, _ := bytes.Cut(rest, []byte(`"`))
	_, after, _ := bytes.Cut(value, []byte(`"`))
	between, after, found := bytes.Cut(after, []byte(","))
	return after, found && string(bytes.TrimSpace(before)) == ":" && len(bytes.TrimSpace(between)) == 0
}
