package netset

import "strings"

// Pattern is an FQDN pattern, made by ParsePattern: lower-case labels of letters,
// digits, hyphens, underscores and stars, without trailing dot. The zero value matches
// nothing. Patterns are comparable by ==.
//
// The whole first label "*" stands for one or more labels. A whole inner label "*"
// stands for one label. A star inside a label stands for zero or more of its
// characters. The last two labels have no star. Covers and Overlaps ignore the length
// limits of DNS for names and labels.
type Pattern struct{ text string }

// String returns the pattern as ParsePattern reads it.
func (p Pattern) String() string { return p.text }

// IsExact reports whether the pattern is one name: it has no star.
func (p Pattern) IsExact() bool { return p.text != "" && strings.IndexByte(p.text, '*') < 0 }

// Subdomains returns "example.com" for "*.example.com", and false for every pattern of
// another form.
func (p Pattern) Subdomains() (apex string, ok bool) {
	apex, ok = strings.CutPrefix(p.text, "*.")
	if !ok || strings.IndexByte(apex, '*') >= 0 {
		return "", false
	}
	return apex, true
}

// Labels counts the labels; a star label counts as one. The zero value has none.
func (p Pattern) Labels() int {
	if p.text == "" {
		return 0
	}
	return 1 + strings.Count(p.text, ".")
}

// Match reports whether the pattern matches name, which is lower-case and without
// trailing dot, as ParseName returns it.
func (p Pattern) Match(name string) bool {
	if strings.IndexByte(p.text, '*') < 0 {
		return p.text == name && name != ""
	}
	return !hasEmptyLabel(name) && matchName(p.text, name)
}

// matchName compares label by label from the right. A star of name is a plain
// character, as in matchLabel.
func matchName(pattern, name string) bool {
	for {
		restPattern, glob := cutLast(pattern)
		restName, label := cutLast(name)
		if restPattern == "" && glob == "*" {
			return true
		}
		if !matchLabel(glob, label) {
			return false
		}
		if restPattern == "" || restName == "" {
			return restPattern == restName
		}
		pattern, name = restPattern, restName
	}
}

// Covers reports whether p matches every name that q matches. It is false if either is
// the zero value.
//
// As a pattern's labels align from the right in one way only, and a star of q has to be
// matched by a star of p, p covers q exactly when p matches the text of q.
func (p Pattern) Covers(q Pattern) bool { return p.Match(q.text) }

// Overlaps reports whether a name matches both patterns.
func (p Pattern) Overlaps(q Pattern) bool {
	if p.text == "" || q.text == "" {
		return false
	}
	for a, b := p.text, q.text; ; {
		restA, globA := cutLast(a)
		restB, globB := cutLast(b)
		if restA == "" && globA == "*" || restB == "" && globB == "*" {
			return true
		}
		if !overlapLabel(globA, globB) {
			return false
		}
		if restA == "" || restB == "" {
			return restA == restB
		}
		a, b = restA, restB
	}
}

// Compare orders patterns by their labels from the right, so that names of one domain
// stand together, the apex first.
func (p Pattern) Compare(q Pattern) int {
	for a, b := p.text, q.text; ; {
		if a == "" || b == "" {
			return strings.Compare(a, b)
		}
		var labelA, labelB string
		a, labelA = cutLast(a)
		b, labelB = cutLast(b)
		if c := strings.Compare(labelA, labelB); c != 0 {
			return c
		}
	}
}

// Example returns a name that the pattern matches, always the same one. A label in
// place of a star differs from the other labels of the pattern, if there is room. The
// zero value has no example: "".
func (p Pattern) Example() string {
	for _, filler := range []string{"any", "some", "x"} {
		if name := fill(p.text, filler, filler); isName(name) && !repeatsLabel(p.text, name) {
			return name
		}
	}
	return fill(p.text, "x", "")
}

// fill puts whole in place of each star that is a label, and part in place of each star
// inside a label.
func fill(text, whole, part string) string {
	labels := strings.Split(text, ".")
	for i, label := range labels {
		if label == "*" {
			labels[i] = whole
		} else {
			labels[i] = strings.ReplaceAll(label, "*", part)
		}
	}
	return strings.Join(labels, ".")
}

// repeatsLabel reports whether a label that name has in place of a star of text is also
// a label of text.
func repeatsLabel(text, name string) bool {
	globs := strings.Split(text, ".")
	for i, label := range strings.Split(name, ".") {
		for _, glob := range globs {
			if label == glob && globs[i] != glob {
				return true
			}
		}
	}
	return false
}
