package jsonc

import "iter"

// Kind is the kind of a Value.
type Kind uint8

// The kinds of JSON. Invalid is the kind of the zero Value alone.
const (
	Invalid Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String returns the kind as messages name it, such as "an array".
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "true or false"
	case Number:
		return "a number"
	case String:
		return "a string"
	case Array:
		return "an array"
	case Object:
		return "an object"
	}
	return "nothing"
}

// Value is one value of a Doc. It is small, comparable and passed by value. The
// zero Value stands for nothing: it has no contents and no position.
type Value struct {
	doc *Doc
	i   int32
}

// Key is the key of a member: a Value of kind String, whose pointer is that of
// its member.
type Key = Value

// Kind returns the kind of v.
func (v Value) Kind() Kind {
	if v.doc == nil {
		return Invalid
	}
	return v.doc.kind(int(v.i))
}

// Pos returns the line and column where v starts, both counted from 1, the
// column in characters. It reads the document from its start: it is meant for
// messages.
func (v Value) Pos() (line, col int) {
	if v.doc == nil {
		return 0, 0
	}
	return v.doc.position(v.doc.nodes[v.i].offset())
}

// Start returns the offset at which v starts in the document as Parse was given it: of
// a key or a string that of its opening quote.
func (v Value) Start() int {
	if v.doc == nil {
		return 0
	}
	return v.doc.nodes[v.i].offset()
}

// Bytes returns the content of a string, unescaped, or the text of a number,
// true, false or null as written; nil for an array or object. Unless the string
// held an escape it is a part of the document and must not be changed.
func (v Value) Bytes() []byte {
	if v.doc == nil {
		return nil
	}
	return v.doc.bytes(int(v.i))
}

// Text returns Bytes as a string.
func (v Value) Text() string { return string(v.Bytes()) }

// Elements yields the index and value of each element of an array, in order;
// nothing if v is not an array.
func (v Value) Elements() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		if v.Kind() != Array {
			return
		}
		d := v.doc
		end := int(d.nodes[v.i].end)
		for i, index := int(v.i)+1, 0; i < end; i, index = d.next(i), index+1 {
			if !yield(index, Value{d, int32(i)}) {
				return
			}
		}
	}
}

// Members yields the key and value of each member of an object, in the order of
// the file; nothing if v is not an object.
func (v Value) Members() iter.Seq2[Key, Value] {
	return func(yield func(Key, Value) bool) {
		if v.Kind() != Object {
			return
		}
		d := v.doc
		end := int(d.nodes[v.i].end)
		for i := int(v.i) + 1; i < end; i = d.next(i + 1) {
			if !yield(Value{d, int32(i)}, Value{d, int32(i + 1)}) {
				return
			}
		}
	}
}

// Errorf returns an error at v. Input goes into it through Quote; %w works as in
// fmt.Errorf.
func (v Value) Errorf(format string, args ...any) *Error {
	if v.doc == nil {
		return fileError("", format, args...)
	}
	return v.doc.errorAt(v.doc.nodes[v.i].offset(), int(v.i), format, args...)
}
