package feed

import (
	"slices"
	"strings"
	"unicode"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// Words by which feeds say that an endpoint is not to be reached. There is no end of
// such words, so that a key has also to be known to hold endpoints where others of its
// document are; these are for what a known key cannot tell: rows, lists of a kind, and
// what stands around them.
var (
	denyingStarts = []string{
		"deny", "denie", "denial", "block", "blacklist", "exclu", "except", "remov", "delet", "deprecat", "disallow", "reject", "retire", "retiring",
		"obsolet", "inactiv", "unus", "disus", "revok", "forbid", "prohibit", "disabl", "banned", "banlist", "suspend", "quarantin", "expired", "decommission",
		"withdraw", "withheld", "former", "legacy", "untrust", "unsafe", "refus", "cancel", "terminat", "discard", "suppress", "omit", "malicious", "bogon",
		"unsupport", "unauthor", "unapprov", "unwant", "invalid", "archived", "negat", "prevent", "sunset", "ignor", "skip", "droplist", "dropped", "notallow",
	}
	denyingWords   = []string{"ban", "bans", "bad", "drop", "drops", "not", "never", "without", "old", "dead", "gone", "eol", "minus", "unless", "stale", "closed"}
	denyingParts   = []string{"blocklist", "blacklist", "blocked", "denied", "denylist", "disallow", "excluded", "removed", "deleted", "deprecated", "rejected", "retired", "obsolete", "inactive", "unused", "revoked", "forbidden", "disabled", "notallowed"}
	affirmingKeys  = []string{"active", "activated", "enable", "enabled", "allow", "allowed", "permit", "permitted", "accept", "accepted", "approved", "valid", "live", "inuse", "used", "usable", "current", "include", "included", "open", "status", "state"}
	sayingNo       = []string{"", "0", "f", "false", "n", "no", "none", "never", "off", "null", "nil"}
	addressWords   = []string{"ip", "ips", "ipv4", "ipv6", "cidr", "cidrs", "prefix", "prefixes", "range", "ranges", "subnet", "subnets", "net", "nets", "network", "networks", "addr", "addrs", "address", "addresses"}
	beside         = []string{"v4", "v6", "4", "6", "list", "lists", "block", "blocks", "public", "global", "all", "host", "hosts", "domain", "domains", "endpoint", "endpoints", "allow", "allowed", "allowlist", "whitelist"}
	maxDenialWords = 6 // of a text that may say so
)

// keyWords are the words of a key or a short text, in lower case: "denyIPs" is deny and
// ips.
func keyWords(key string) []string {
	runes := []rune(key)
	var b strings.Builder
	for i, c := range runes {
		next := i+1 < len(runes) && unicode.IsLower(runes[i+1])
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			c = ' '
		case i > 0 && unicode.IsUpper(c) && (unicode.IsLower(runes[i-1]) || next && unicode.IsUpper(runes[i-1])) && !strings.HasPrefix(string(runes[i:]), "Ps"):
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return strings.Fields(b.String())
}

// denies reports whether a key, or a text, is of the denying kind. A block of addresses
// is none.
func denies(key string) bool {
	words := keyWords(key)
	ofAddresses := slices.ContainsFunc(words, func(w string) bool { return slices.Contains(addressWords, w) })
	for _, word := range words {
		if ofAddresses && (word == "block" || word == "blocks") {
			continue
		}
		starts := func(start string) bool { return strings.HasPrefix(word, start) }
		if slices.Contains(denyingWords, word) || slices.ContainsFunc(denyingStarts, starts) {
			return true
		}
	}
	joined := strings.Join(words, "")
	return slices.ContainsFunc(denyingParts, func(part string) bool { return strings.Contains(joined, part) })
}

// affirms reports whether a key asks whether an endpoint is in use.
func affirms(key string) bool {
	word := strings.Join(keyWords(key), "")
	return slices.Contains(affirmingKeys, word) || slices.Contains(affirmingKeys, strings.TrimPrefix(word, "is"))
}

func saysNo(text string) bool {
	return slices.Contains(sayingNo, strings.ToLower(strings.TrimSpace(text)))
}

// fieldDenies reports whether a field of a row says that the row's endpoint is not
// meant. What is called by several words may be a name.
func fieldDenies(key, text string) bool {
	switch {
	case denies(key):
		return !saysNo(text)
	case affirms(key) && saysNo(text):
		return text != ""
	case len(text) > 100:
		return false
	}
	words := len(keyWords(text))
	if words > 1 && strings.EqualFold(key, "type") { // "Address Block" is a noun, "block" may be a verdict
		text = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(text), "s"), " block")
	}
	if r := roleOf(key); r == holdsName || r == holdsService || r == holdsRegion {
		return words == 1 && denies(text)
	}
	return words <= maxDenialWords && denies(text)
}

// isPlaceKey reports whether a key is known to hold endpoints.
func isPlaceKey(key string) bool {
	if roleOf(key).isEndpoint() {
		return true
	}
	some := false
	for _, word := range keyWords(key) {
		switch {
		case slices.Contains(addressWords, word), slices.Contains([]string{"host", "hosts", "domain", "domains", "endpoint", "endpoints"}, word):
			some = true
		case !slices.Contains(beside, word):
			return false
		}
	}
	return some && !denies(key)
}

// vouches reports whether prefixes stand in a value under a key that is known to hold
// them.
func vouches(v jsonc.Value) bool {
	for _, one := range v.Elements() {
		if vouches(one) {
			return true
		}
	}
	for key, one := range v.Members() {
		if isPlaceKey(key.Text()) && listsPrefix(one, "") || vouches(one) {
			return true
		}
	}
	return false
}

// refuseDenied refuses prefixes under a key of the denying kind, which would be opened.
func (t *tree) refuseDenied(key jsonc.Key, v jsonc.Value) {
	if listsPrefix(v, "") {
		t.Errorf(v, "%s excludes addresses from others, which a list of endpoints cannot express; write the remaining prefixes, and remove this key", jsonc.Quote(key.Text()))
	}
}

const denialText = "%s %s may mean that the addresses beside it must not be reached; if they are endpoints, remove it; otherwise remove the whole object"

// refuseDenial refuses an object of prefixes that says of itself that they are not
// meant: in a row any truth value that is false.
func (t *tree) refuseDenial(v jsonc.Value, isRow bool) {
	for key, one := range v.Members() {
		if r := t.roleOf(key); r.isEndpoint() || r == holdsMask || listsPrefix(one, "") {
			continue
		}
		for text := range elements(one) {
			switch text.Kind() {
			case jsonc.Object:
				t.refuseDenial(text, false)
			case jsonc.Null, jsonc.Array:
			default:
				isFalse := isRow && strings.EqualFold(text.Text(), "false") && !denies(key.Text())
				if isFalse || t.fieldDenies(key, text) {
					t.Errorf(text, denialText, jsonc.Quote(key.Text()), jsonc.Quote(text.Text()))
				}
			}
		}
	}
}

// fieldDenies remembers what it was asked.
func (t *tree) fieldDenies(key jsonc.Key, v jsonc.Value) bool {
	field := [2]string{key.Text(), v.Text()}
	denied, known := t.denied[field]
	if !known {
		denied = fieldDenies(field[0], field[1])
		if len(t.denied) < maxRemembered {
			t.denied[field] = denied
		}
	}
	return denied
}

// maxRemembered is how many fields a tree remembers the meaning of.
const maxRemembered = 10_000

// isUnread reports whether the prefixes of a list or an object under a key may be of
// any kind: others stand beside it, or elsewhere, under keys that are known to hold
// endpoints.
func (t *tree) isUnread(key jsonc.Key, v, object jsonc.Value) bool {
	if isPlaceKey(key.Text()) || !listsPrefix(v, "") {
		return false
	}
	if !vouches(v) {
		return t.vouched
	}
	if r := t.roleOf(key); r != holdsOther {
		return false // regions or services
	}
	for other, one := range object.Members() {
		if isPlaceKey(other.Text()) && listsPrefix(one, "") {
			return true
		}
	}
	return false
}

// tellUnread tells of what was not read, and refuses it where it may take addresses out
// of what was.
func (t *tree) tellUnread() {
	var read netset.PrefixBuilder
	for _, tag := range t.tags {
		read.AddSet(tag.prefixes.Build())
	}
	all := read.Build()
	var keys []string
	for _, one := range t.unread {
		var b netset.PrefixBuilder
		addDeep(&b, one.list)
		if b.Build().Overlaps(all) {
			t.Errorf(one.list, "%s lists endpoints that other keys list, too, so it may exclude them; remove this key, or the endpoints that it repeats", jsonc.Quote(one.key))
		} else if !slices.Contains(keys, jsonc.Quote(one.key)) {
			keys = append(keys, jsonc.Quote(one.key))
		}
	}
	if len(keys) > 0 {
		t.noticeFile("ignored, because these keys are not known to hold endpoints: " + some(keys) + `; put the endpoints that you want under "prefixes", or in a separate file`)
	}
}

// tellUnknown tells of several lists, none of whose keys says what it holds: whether
// all are endpoints is for a person to see.
func (t *tree) tellUnknown() {
	if t.vouched || t.issuer.name != "" {
		return
	}
	var keys []string
	slices.Sort(t.from)
	for _, key := range slices.Compact(t.from) {
		if !slices.ContainsFunc(keyWords(key), func(w string) bool { return slices.Contains(addressWords, w) }) {
			keys = append(keys, jsonc.Quote(key))
		}
	}
	if len(keys) > 1 {
		t.noticeFile("no key of the file says that it holds endpoints; all lists are read: " + some(keys) + "; remove those that are not meant")
	}
}

// addDeep adds the prefixes of a value and of all in it.
func addDeep(to *netset.PrefixBuilder, v jsonc.Value) {
	addPrefixes(to, v)
	for _, one := range v.Elements() {
		if one.Kind() != jsonc.String {
			addDeep(to, one)
		}
	}
	for _, one := range v.Members() {
		addDeep(to, one)
	}
}

// denial is the column of a row that says that its prefix is not meant; -1 for none.
func (t *table) denial(row []string) int {
	for i, text := range row {
		isPlace, name := slices.Contains(t.places, i), ""
		if t.columns != nil {
			name = t.columns[i]
		}
		switch {
		case text == "" || slices.Contains(t.masks, i):
		case t.columns == nil:
			if !isPlace && len(keyWords(text)) == 1 && denies(text) {
				return i
			}
		case isPlace:
			if denies(name) {
				return i
			}
		case strings.EqualFold(text, "false") && !denies(name), fieldDenies(name, text):
			return i
		}
	}
	return -1
}
