package feed

import (
	"strings"

	"gatewright/catalog/jsonc"
)

// newPublished starts a catalogue of what a publisher offers as JSON. Keys that a
// format is not asked for are ignored.
func newPublished(d document, as Naming, name, title, source string) *cloudFeed {
	f := newCloudFeed(d, as, name, title, source)
	f.Published = true
	return f
}

// prefixes adds a list to a tag; nothing to nil.
func (f *cloudFeed) prefixes(list jsonc.Value, t *cloudTag) {
	for v := range elements(list) {
		text, ok := f.scalar(v)
		if ok = ok && t != nil; ok && v.Kind() != jsonc.String {
			_, ok = f.String(v)
		}
		if words := prefixWords(text); ok && len(words) > 1 {
			for _, word := range words {
				t.prefix(word, v)
			}
		} else if ok {
			t.prefix(text, v)
		}
	}
}

// scalar reads what stands for one text: null for none. Programs write numbers as texts
// and the reverse.
func (c *collector) scalar(v jsonc.Value) (string, bool) {
	switch v.Kind() {
	case jsonc.Null:
		return "", true
	case jsonc.String, jsonc.Number, jsonc.Bool:
		if text := v.Text(); !isCutOff(text) {
			return text, true
		}
		c.failf(v, "PowerShell cut this off; write the file with ConvertTo-Json -Depth 10")
		return "", false
	}
	c.failf(v, "expected a text, found %v", v.Kind())
	return "", false
}

// isCutOff knows what PowerShell writes in place of a list or an object.
func isCutOff(text string) bool {
	return strings.HasPrefix(text, "@{") || strings.HasPrefix(text, "System.Object")
}

// elements yields the members of a list as programs write it: an array, the "value" of
// an object that PowerShell put around it, or an only element by itself. Null is an
// empty list.
func elements(v jsonc.Value) func(yield func(jsonc.Value) bool) {
	return func(yield func(jsonc.Value) bool) {
		v = unwrapped(v)
		switch v.Kind() {
		case jsonc.Array:
			for _, one := range v.Elements() {
				if !yield(one) {
					return
				}
			}
		case jsonc.Null, jsonc.Invalid:
		default:
			yield(v)
		}
	}
}

// unwrapped returns the array that stands as "value" in an object that says nothing
// else but its length, or what a REST interface says of the answer.
func unwrapped(v jsonc.Value) jsonc.Value {
	var inner jsonc.Value
	for key, value := range v.Members() {
		switch name := strings.ToLower(key.Text()); {
		case name == "value" && value.Kind() == jsonc.Array:
			inner = value
		case isKey(countKeys, name), isKey(nextKeys, name), strings.HasPrefix(name, "@odata."):
		default:
			return v
		}
	}
	if inner.Kind() == jsonc.Array {
		return inner
	}
	return v
}

// firstObject returns v if it is an object, and the first element if it is an array.
func firstObject(v jsonc.Value) jsonc.Value {
	for _, element := range v.Elements() {
		return element
	}
	return v
}

// member returns the value of a key in any letter case; of kind Invalid if there is
// none.
func member(v jsonc.Value, key string) jsonc.Value {
	for k, value := range v.Members() {
		if len(k.Bytes()) == len(key) && strings.EqualFold(k.Text(), key) {
			return value
		}
	}
	return jsonc.Value{}
}

func has(v jsonc.Value, key string) bool { return member(v, key).Kind() != jsonc.Invalid }

// atLeast reports whether an object has n of the keys. Formats are recognised by two
// of their keys, so that a document with a part missing is an error of its format.
func atLeast(n int, v jsonc.Value, keys ...string) bool {
	for _, key := range keys {
		if has(v, key) {
			n--
		}
	}
	return n <= 0
}
