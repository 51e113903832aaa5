package feed

import (
	"bytes"
	"slices"
	"strings"

	"gatewright/catalog/jsonc"
)

// firstKeys are those that catalogues and feeds begin with, besides keys of endpoints and
// of dates; in lower case, without joints.
var firstKeys = []string{
	"catalog", "revision", "title", "entries", "id", "servicearea", "urls", "ips", "tcpports", "udpports", "uri", "tcpport", "udpport",
	"synctoken", "changenumber", "cloud", "values", "value", "properties", "name", "systemservice", "region", "regions", "service", "services", "scope",
	"result", "success", "errors", "messages", "etag", "verifiablepasswordauthentication", "sshkeyfingerprints", "items", "data",
}

// Begins reports whether a file begins as catalogues do: with a key that they begin with,
// a line of a list, or a header or a row of a table. What does not may be any file, and
// hold secrets.
func Begins(data []byte) bool {
	text, err := jsonc.DecodeText("", data)
	if err != nil {
		return false
	}
	if looksLikeJSON(text) {
		return beginsAsJSON(text)
	}
	d := document{text: text}
	header, _ := d.header()
	if isM365(d) || slices.ContainsFunc(header, func(cell string) bool { return roleOf(cell).isEndpoint() }) {
		return true
	}
	for _, words := range lines(text) {
		members, _, err := listLine(words)
		bad := func(m word) bool { return !isMember(strings.TrimRight(string(m.text), ",")) }
		return err == nil && !slices.ContainsFunc(members, bad) || isMember(strings.Split(string(words[0].text), ",")[0])
	}
	return false
}

// beginsAsJSON looks at the first text within the first brackets: a key, or an endpoint
// of a list.
func beginsAsJSON(text []byte) bool {
	isKeyNext := false
	for {
		text = bytes.TrimLeft(text, " \t\r\n")
		switch {
		case bytes.HasPrefix(text, []byte("//")):
			_, text, _ = bytes.Cut(text, []byte("\n"))
		case bytes.HasPrefix(text, []byte("/*")):
			_, text, _ = bytes.Cut(text, []byte("*/"))
		case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")):
			isKeyNext, text = text[0] == '{', text[1:]
		case bytes.HasPrefix(text, []byte(`"`)):
			first, rest, _ := bytes.Cut(text[1:], []byte(`"`))
			if !isKeyNext {
				return isMember(string(first))
			}
			return isFirstKey(string(first)) && bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(":"))
		default:
			return false
		}
	}
}

func isFirstKey(key string) bool {
	return isKey(firstKeys, key) || isKey(stampKeys, key) || isKey(countKeys, key) || strings.HasPrefix(key, "@odata.") || isPlaceKey(key)
}
