package feed

import (
	"slices"
	"strings"

	"gatewright/catalog/jsonc"
)

// firstKeys are those that catalogues and feeds begin with, besides keys of endpoints
// and of dates; in lower case, without joints.
var firstKeys = []string{
	"catalog", "revision", "title", "entries", "id", "servicearea", "urls", "ips", "tcpports", "udpports", "uri", "tcpport", "udpport",
	"synctoken", "changenumber", "cloud", "values", "value", "properties", "name", "systemservice", "region", "regions", "service", "services", "scope",
	"result", "success", "errors", "messages", "etag", "verifiablepasswordauthentication", "sshkeyfingerprints", "items", "data",
}

// Begins reports whether a file begins as catalogues do: with a key that they begin
// with, a line of a list, or a header or a row of a table. What does not may be any
// file, and hold secrets.
func Begins(data []byte) bool {
	text, err := jsonc.DecodeText("", data)
	if err != nil {
		return false
	}
	if looksLikeJSON(text) {
		first, isKey := jsonc.First(text)
		return isKey && isFirstKey(first) || !isKey && isMember(first)
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

func isFirstKey(key string) bool {
	return isKey(firstKeys, key) || isKey(stampKeys, key) || isKey(countKeys, key) || strings.HasPrefix(key, "@odata.") || isPlaceKey(key)
}
