package feed

import (
	"net/url"
	"slices"
	"strings"
)

// minSecret is how long a value of a query must be, in bytes, to be hidden by itself: a
// shorter one is part of many words.
const minSecret = 6

// HideQuery returns a text without the query of a URL and its values, however these are
// encoded: what a server writes may be what it was asked. What the URL shows before its
// query anyway stays.
func HideQuery(source, text string) string {
	shown, query, _ := strings.Cut(source, "?")
	if query == "" {
		return text
	}
	for _, secret := range secretsOf(query) {
		if !strings.Contains(strings.ToLower(shown), strings.ToLower(secret)) {
			text = replaceFold(text, secret, "[query]")
		}
	}
	return text
}

// secretsOf are the query, its parameters and its longer values as they may be written,
// the longest first.
func secretsOf(query string) (all []string) {
	add := func(before, text string) {
		plain, err := url.QueryUnescape(text)
		if err != nil {
			plain = text
		}
		all = append(all, before+text, before+plain, before+url.QueryEscape(plain), before+url.PathEscape(plain), before+strings.ReplaceAll(plain, "&", "&amp;"))
	}
	add("", query)
	for parameter := range strings.SplitSeq(query, "&") {
		name, value, ok := strings.Cut(parameter, "=")
		if !ok {
			name, value = "", name
		}
		if len(value) >= minSecret {
			add("", value)
		}
		if name != "" && value != "" {
			add("", parameter)
			add(name+"=", value)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.DeleteFunc(slices.Compact(all), func(s string) bool { return len(s) < 3 })
}

// replaceFold replaces what is the same in any case of ASCII letters, as a host or the
// digits of a percent-encoding may come back in another.
func replaceFold(text, old, by string) string {
	var b strings.Builder
	for len(text) > 0 {
		if len(text) >= len(old) && strings.EqualFold(text[:len(old)], old) {
			b.WriteString(by)
			text = text[len(old):]
			continue
		}
		b.WriteByte(text[0])
		text = text[1:]
	}
	return b.String()
}
