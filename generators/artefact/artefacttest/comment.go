package artefacttest

import "unicode/utf8"

// Fitted is what a comment has to hold of a text: each character replaced, a byte
// that is no UTF-8 as U+FFFD; and if that is over limit bytes, as many characters of
// it as leave room for "...", and "...". It is slow and plain, to compare with.
func Fitted(s string, limit int, replace func(rune) string) string {
	var characters []string
	size := 0
	for _, r := range s {
		for _, c := range replace(r) {
			characters = append(characters, string(c))
			size += utf8.RuneLen(c)
		}
	}
	out, end := "", ""
	if size > limit {
		limit, end = limit-3, "..."
	}
	for _, c := range characters {
		if len(out)+len(c) > limit {
			break
		}
		out += c
	}
	return out + end
}
