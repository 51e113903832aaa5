package jsonc

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/suggest"
)

// Decoder reads values strictly and collects what is wrong with them, so that
// one run reports the faults of a whole document. Its methods report at the
// value's place and return false; the result is then not to be used. After 100
// errors it reads on and only remembers that there were more.
type Decoder struct {
	doc   *Doc
	errs  Errors
	count int  // reports, repeated and left out ones included
	more  bool // some of them were left out
}

// NewDecoder returns a Decoder for values of d.
func NewDecoder(d *Doc) *Decoder { return &Decoder{doc: d} }

// NewReporter returns a Decoder of no values, for the faults of a file that is not
// JSON.
func NewReporter(file string) *Decoder { return NewDecoder(&Doc{file: file}) }

// Errorf reports an error at v, as Value.Errorf makes it. The same error at the
// same place is reported once.
func (d *Decoder) Errorf(v Value, format string, args ...any) {
	if d.more { // and finding a place takes time
		d.count++
		return
	}
	d.Report(v.Errorf(format, args...))
}

// Report reports an error that has its place.
func (d *Decoder) Report(err *Error) {
	d.count++
	same := func(e *Error) bool {
		return e.Line == err.Line && e.Col == err.Col && e.Err.Error() == err.Err.Error()
	}
	switch {
	case slices.ContainsFunc(d.errs, same):
	case len(d.errs) == maxErrors:
		d.more = true
	default:
		d.errs = append(d.errs, err)
	}
}

// Err returns nil if nothing was reported, and otherwise Errors.
func (d *Decoder) Err() error {
	if len(d.errs) == 0 {
		return nil
	}
	errs := slices.Clone(d.errs)
	slices.SortStableFunc(errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	if d.more {
		errs = append(errs, &Error{File: d.doc.file, Err: errNotShown})
	}
	return errs
}

// Field is a key that an object may have, and what reads its value. Required and
// Optional make it, and Means describes it.
type Field struct {
	key      string
	required bool
	read     func(Value)
	shape    Shape
	doc      string
}

// Required returns a Field whose absence is an error.
func Required(key string, read func(Value)) Field { return Field{key: key, required: true, read: read} }

// Optional returns a Field that may be absent; read is then not called.
func Optional(key string, read func(Value)) Field { return Field{key: key, read: read} }

// Key is the object's key that the field reads.
func (f Field) Key() string { return f.key }

// is reports whether a key names the field.
func (f Field) is(key []byte, strict bool) bool {
	return f.key == string(key) || !strict && len(f.key) == len(key) && strings.EqualFold(f.key, string(key))
}

// Object reads the members of an object in the order of the file, each by its
// field, so that errors come in order too. A key without field, in another case
// or misspelt, is an error that names the known keys; so is a required key that
// is missing. It returns whether nothing was reported meanwhile.
func (d *Decoder) Object(v Value, fields ...Field) bool { return d.object(v, fields, true) }

// Fields is Object for a foreign document: keys without field are ignored, and keys
// are the same in any letter case, for programs that pass documents on change it.
func (d *Decoder) Fields(v Value, fields ...Field) bool { return d.object(v, fields, false) }

func (d *Decoder) object(v Value, fields []Field, strict bool) bool {
	before := d.count
	given := make([]bool, len(fields))
	if !d.is(v, Object) {
		return false
	}
	for key, value := range v.Members() {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.is(key.Bytes(), strict) })
		if i >= 0 && given[i] {
			d.Errorf(key, "key %s occurs twice, in different letter case; remove one", Quote(key.Text()))
			continue
		}
		if i >= 0 {
			given[i] = true
			fields[i].read(value)
			continue
		}
		if !strict {
			continue
		}
		// A misspelt key is one mistake: it is not missing as well.
		if i = d.unknownKey(key, fields); i >= 0 {
			given[i] = true
		}
	}
	for i, f := range fields {
		if f.required && !given[i] {
			d.Errorf(v, "missing required key %q", f.key)
		}
	}
	return d.count == before
}

// unknownKey reports a key without field, and returns the field that was
// probably meant, or -1.
func (d *Decoder) unknownKey(key Key, fields []Field) int {
	if d.more {
		d.count++
		return -1
	}
	var known []string
	for _, f := range fields {
		if !f.IsSchema() { // which is not what anybody looks for
			known = append(known, f.key)
		}
	}
	d.Errorf(key, "unknown key %s; known keys: %s%s", Quote(key.Text()), list(known), suggest.DidYouMean(key.Text(), known))
	meant := suggest.Nearest(key.Text(), known)
	return slices.IndexFunc(fields, func(f Field) bool { return f.key == meant })
}

// Members calls read with each member of an object whose keys are free, in
// order. It returns whether nothing was reported meanwhile.
func (d *Decoder) Members(v Value, read func(Key, Value)) bool {
	before := d.count
	if !d.is(v, Object) {
		return false
	}
	for key, value := range v.Members() {
		read(key, value)
	}
	return d.count == before
}

// Array calls read with each element of an array, in order. It returns whether
// nothing was reported meanwhile.
func (d *Decoder) Array(v Value, read func(Value)) bool {
	before := d.count
	if !d.is(v, Array) {
		return false
	}
	for _, value := range v.Elements() {
		read(value)
	}
	return d.count == before
}

// String reads a string, which may be empty.
func (d *Decoder) String(v Value) (string, bool) {
	if !d.is(v, String) {
		return "", false
	}
	return v.Text(), true
}

// OneOf reads a string that is one of the known ones, in the same case.
func (d *Decoder) OneOf(v Value, known ...string) (string, bool) {
	s, ok := d.String(v)
	if !ok {
		return "", false
	}
	if !slices.Contains(known, s) {
		d.Errorf(v, "unknown value %s; known values: %s%s", Quote(s), list(known), suggest.DidYouMean(s, known))
		return "", false
	}
	return s, true
}

// Bool reads true or false.
func (d *Decoder) Bool(v Value) (value, ok bool) {
	if !d.is(v, Bool) {
		return false, false
	}
	return string(v.Bytes()) == "true", true
}

// Int reads a whole number from min to max, both included, written without
// fraction and exponent.
func (d *Decoder) Int(v Value, min, max int) (int, bool) {
	if !d.is(v, Number) {
		return 0, false
	}
	n, err := strconv.Atoi(v.Text())
	if err != nil || n < min || n > max {
		head, ellipsis := cut(v.Text())
		d.Errorf(v, "expected a whole number from %d to %d, found %s%s", min, max, head, ellipsis)
		return 0, false
	}
	return n, true
}

// is reports a value of another kind.
func (d *Decoder) is(v Value, want Kind) bool {
	if v.Kind() != want {
		d.Errorf(v, "expected %v, found %v", want, v.Kind())
	}
	return v.Kind() == want
}

// list joins words of ours for a message.
func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Quote(w)
	}
	return cmp.Or(strings.Join(quoted, ", "), "none")
}
