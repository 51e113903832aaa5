package catalog

import (
	"net/url"
	"strings"
	"time"

	"gatewright/catalog/jsonc"
)

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// IsPlain is jsonc.IsPlain: whether a character prints, with a shape of its own.
func IsPlain(r rune) bool { return jsonc.IsPlain(r) }

// text reads one line of printable text of at most limit bytes.
func (r *reader) text(to *string, limit int) func(jsonc.Value) {
	return func(v jsonc.Value) {
		s, ok := r.String(v)
		switch {
		case !ok:
		case strings.TrimSpace(s) == "":
			r.Errorf(v, "empty text; write something, or remove the key")
		case len(s) > limit:
			r.Errorf(v, "text of %d bytes; write at most %d", len(s), limit)
		case !jsonc.IsPlainText(s):
			r.Errorf(v, "%s has a non-printable character; write one line of plain text", jsonc.Quote(s))
		default:
			*to = s
		}
	}
}

func (r *reader) texts(to *[]string, limit int) func(jsonc.Value) {
	return r.list(to, func(s *string) func(jsonc.Value) { return r.text(s, limit) })
}

// list reads at most MaxTexts strings.
func (r *reader) list(to *[]string, read func(*string) func(jsonc.Value)) func(jsonc.Value) {
	return func(v jsonc.Value) {
		count := 0
		r.Array(v, func(v jsonc.Value) {
			if count++; count > MaxTexts {
				r.Errorf(v, "more than %d texts in one list; leave some out", MaxTexts)
				return
			}
			var s string
			read(&s)(v)
			*to = append(*to, s)
		})
	}
}

// link reads the address of a page.
func (r *reader) link(to *string) func(jsonc.Value) {
	return func(v jsonc.Value) {
		if r.text(to, MaxText)(v); *to == "" {
			return
		}
		u, err := url.Parse(*to)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(*to, " \"<>`") {
			r.Errorf(v, `%s is not the URL of a page; write one such as "https://www.example.com/page"`, quoteLink(*to))
		} else if u.User != nil {
			r.Errorf(v, `%s holds a user, or a password, which everyone who reads the catalogue sees; write %q`, quoteLink(*to), withoutUser(*to))
		}
	}
}

// withoutUser is a URL without user and password.
func withoutUser(link string) string {
	scheme, rest, ok := strings.Cut(link, "//")
	if !ok {
		scheme, rest = "", link
	}
	end := len(rest)
	if i := strings.IndexAny(rest, `/\\?#`); i >= 0 {
		end = i
	}
	host := rest[strings.LastIndexByte(rest[:end], '@')+1:]
	if !ok {
		return host
	}
	return scheme + "//" + host
}

// quoteLink quotes a URL without what may be a secret in it.
func quoteLink(link string) string { return jsonc.Quote(withoutUser(link)) }

// slug reads a lower-case letter followed by letters, digits and hyphens.
func (r *reader) slug(to *string, limit int) func(jsonc.Value) {
	return func(v jsonc.Value) {
		s, ok := r.String(v)
		switch {
		case !ok:
		case !isSlug(s, limit):
			r.Errorf(v, "bad name %s; write a lower-case letter, then at most %d lower-case letters, digits or hyphens", jsonc.Quote(s), limit-1)
		default:
			*to = s
		}
	}
}

// id reads the part of an entry's id after its catalogue: a slug that may start with a
// digit, because publishers number their rows.
func (r *reader) id(to *string) func(jsonc.Value) {
	return func(v jsonc.Value) {
		s, ok := r.String(v)
		switch {
		case !ok:
		case !isSlug("e"+s, MaxSlug+1) || s == "" || s[0] == '-':
			r.Errorf(v, "bad id %s; write a lower-case letter or a digit, then at most %d lower-case letters, digits or hyphens", jsonc.Quote(s), MaxSlug-1)
		default:
			*to = s
		}
	}
}

// IsSlug reports whether s is a lower-case letter followed by letters, digits and
// hyphens, at most MaxSlug in all.
func IsSlug(s string) bool { return isSlug(s, MaxSlug) }

func isSlug(s string, limit int) bool {
	return s != "" && len(s) <= limit && s[0] >= 'a' && s[0] <= 'z' && strings.Trim(s, lower+digits+"-") == ""
}

// references reads ids of entries, "m365/autodetect", or areas of catalogues,
// "m365/exchange".
func (r *reader) references(to *[]string) func(jsonc.Value) {
	return r.list(to, func(one *string) func(jsonc.Value) {
		return func(v jsonc.Value) {
			s, ok := r.String(v)
			name, rest, _ := strings.Cut(s, "/")
			if ok && !(isSlug(name, MaxSlug) && IsWord(rest)) {
				r.Errorf(v, `bad reference %s; write a catalogue and one of its entries or areas, such as "m365/exchange"`, jsonc.Quote(s))
			}
			*one = s
		}
	})
}

// IsWord reports whether s is what publishers name revisions, rows and tags by: at
// most MaxSlug letters, digits, dots, hyphens and underscores.
func IsWord(s string) bool {
	return s != "" && len(s) <= MaxSlug && strings.Trim(s, lower+upper+digits+"-._") == ""
}

// revision reads the part of a catalogue's reference after the "@".
func (r *reader) revision(v jsonc.Value) {
	s, ok := r.String(v)
	if ok && !IsWord(s) {
		r.Errorf(v, "bad revision %s; write a date or a version, such as \"2025-01-08\": at most %d letters, digits, dots, hyphens or underscores", jsonc.Quote(s), MaxSlug)
	}
	r.catalog.Revision = s
}

func (r *reader) dateText(to *string) func(jsonc.Value) {
	return func(v jsonc.Value) {
		s, ok := r.String(v)
		if !ok {
			return
		}
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			r.Errorf(v, "bad date %s; write a day as YYYY-MM-DD", jsonc.Quote(s))
		}
		*to = s
	}
}
