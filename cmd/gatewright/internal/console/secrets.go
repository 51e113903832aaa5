package console

import (
	"regexp"
	"strings"

	"gatewright/catalog/feed"
	"gatewright/catalog/netset"
)

// piece is what a message quotes, mostly of somebody's input, or a word of it.
var piece = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[^\s"]+`)

// WithoutSecrets is a message without user, password, query and fragment of any URL in
// it.
func WithoutSecrets(text string) string {
	if !strings.ContainsAny(text, "@?#") {
		return text
	}
	return piece.ReplaceAllStringFunc(text, func(word string) string {
		if inner, ok := strings.CutPrefix(word, `"`); ok {
			return `"` + netset.WithoutSecrets(strings.TrimSuffix(inner, `"`)) + `"`
		}
		plain := strings.TrimRight(word, ":;,.")
		return wordWithoutSecrets(plain) + word[len(plain):]
	})
}

// onceURL is the start of a path that was made of a URL.
var onceURL = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:/[^/]`)

// wordWithoutSecrets is a word that nobody quotes: a JSON pointer, the path of a file,
// a flag.
func wordWithoutSecrets(word string) string {
	if strings.HasPrefix(word, "/") {
		steps := strings.Split(word, "/")
		for i, step := range steps {
			if plain := netset.WithoutSecrets(strings.ReplaceAll(step, "~1", "/")); strings.ContainsAny(step, "@?#") {
				steps[i] = strings.ReplaceAll(plain, "/", "~1")
			}
		}
		return strings.Join(steps, "/")
	}
	if onceURL.MatchString(word) {
		word = strings.Replace(word, ":/", "://", 1)
	}
	return netset.WithoutSecrets(word)
}

// queryError is what HideQuery returns.
type queryError struct {
	error
	url string
}

// HideQuery is an error that may quote what a server answered, which may be the query
// of the URL that it was asked: its text shows that nowhere.
func HideQuery(err error, url string) error { return queryError{err, url} }

// Error is the text without the query.
func (e queryError) Error() string { return feed.HideQuery(e.url, e.error.Error()) }

// Unwrap returns the error as it is.
func (e queryError) Unwrap() error { return e.error }
