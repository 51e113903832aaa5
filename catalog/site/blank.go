package site

import (
	"strings"

	"gatewright/catalog/jsonc"
)

// isBlank tells the blanks of suggested lines, "<CIDR>", from values.
func isBlank(s string) bool { return strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") }

// holdsBlank reports whether a value of a site file is a blank or holds one. Such an
// answer, binding, value or option is not given yet.
func holdsBlank(v jsonc.Value) bool {
	return blanksIn(v) > 0
}

// Blanks counts the blanks of a site file.
func Blanks(file string, data []byte) (int, error) {
	doc, err := jsonc.Parse(file, data)
	if err != nil {
		return 0, err
	}
	return blanksIn(doc.Root()), nil
}

func blanksIn(v jsonc.Value) (n int) {
	if v.Kind() == jsonc.String && isBlank(v.Text()) {
		return 1
	}
	for _, one := range v.Elements() {
		n += blanksIn(one)
	}
	for _, one := range v.Members() {
		n += blanksIn(one)
	}
	return n
}

// holdsBlankWithin is holdsBlank where no value holds a "<" itself: "tcp <PORT>" is a
// blank, too.
func holdsBlankWithin(v jsonc.Value) bool {
	within := func(one jsonc.Value) bool {
		_, rest, found := strings.Cut(one.Text(), "<")
		return found && one.Kind() == jsonc.String && strings.Contains(rest, ">")
	}
	for _, one := range v.Elements() {
		if within(one) {
			return true
		}
	}
	return within(v) || holdsBlank(v)
}

// filledIn reads a value that holds no blank, and passes over any other.
func filledIn(read func(jsonc.Value)) func(jsonc.Value) {
	return func(v jsonc.Value) {
		if !holdsBlank(v) {
			read(v)
		}
	}
}

func (r *reader) blank(v jsonc.Value) {
	r.Errorf(v, "%s is a blank to fill in; write the value in its place", jsonc.Quote(v.Text()))
}
