package jsonc

import (
	"bytes"
	"encoding/json"
)

// Schema is what a value may be, in the words of JSON Schema draft-07, which editors'
// language servers know best. It marshals to such a schema. The zero value is of any
// value.
type Schema struct {
	Dialect             string     `json:"$schema,omitempty"`
	Title               string     `json:"title,omitempty"`
	Description         string     `json:"description,omitempty"`
	AllowComments       bool       `json:"allowComments,omitempty"`       // a word of editors
	AllowTrailingCommas bool       `json:"allowTrailingCommas,omitempty"` // likewise
	Type                string     `json:"type,omitempty"`
	Enum                []string   `json:"enum,omitempty"`
	Pattern             string     `json:"pattern,omitempty"`
	MinLength           int        `json:"minLength,omitempty"`
	Items               *Schema    `json:"items,omitempty"`
	MinItems            int        `json:"minItems,omitempty"`
	MaxItems            int        `json:"maxItems,omitempty"`
	UniqueItems         bool       `json:"uniqueItems,omitempty"`
	Properties          Properties `json:"properties,omitempty"`
	Required            []string   `json:"required,omitempty"`
	Others              any        `json:"additionalProperties,omitempty"` // false, or the Schema of each
	AnyOf               []Schema   `json:"anyOf,omitempty"`
}

// Properties are the known keys of an object, in the order of the reader.
type Properties []Property

// Property is a known key with what its value may be.
type Property struct {
	Key string
	Schema
}

// Shape returns a Schema when one is wanted: a reader that makes its fields for each
// object pays nothing for it.
type Shape func() Schema

// Means returns the field with what its value may be, and what that is for.
func (f Field) Means(shape Shape, doc string) Field {
	f.shape, f.doc = shape, doc
	return f
}

// schemaKey is the key by which a document tells editors where its schema is.
const schemaKey = "$schema"

// SchemaField is the key that names the schema of a document for editors. It has no
// other meaning.
func SchemaField(read func(Value)) Field {
	return Optional(schemaKey, read).Means(Text, "for editors: where the schema of this document is")
}

// IsSchema reports whether the field is that of SchemaField, which documents of any
// kind may have.
func (f Field) IsSchema() bool { return f.key == schemaKey }

// Document returns the schema of a document whose root has a shape.
func Document(title string, root Shape) Schema {
	s := root()
	s.Dialect, s.Title = "http://json-schema.org/draft-07/schema#", title
	s.AllowComments, s.AllowTrailingCommas = true, true
	return s
}

// Text is the shape of a text that is not empty.
func Text() Schema { return Schema{Type: "string", MinLength: 1} }

// TrueOrFalse is the shape of what Decoder.Bool reads.
func TrueOrFalse() Schema { return Schema{Type: "boolean"} }

// AnyNumber is the shape of a number.
func AnyNumber() Schema { return Schema{Type: "number"} }

// WordOf is the shape of what Decoder.OneOf reads.
func WordOf(words ...string) Shape {
	return func() Schema { return Schema{Type: "string", Enum: words} }
}

// Matching is the shape of a text that a regular expression of ECMA-262 matches.
func Matching(pattern string) Shape {
	return func() Schema { return Schema{Type: "string", Pattern: pattern} }
}

// ListOf is the shape of an array of at least a number of elements.
func ListOf(element Shape, least int) Shape {
	return func() Schema {
		items := element()
		return Schema{Type: "array", Items: &items, MinItems: least}
	}
}

// Distinct is the shape of an array whose elements are unique.
func Distinct(list Shape) Shape {
	return func() Schema {
		s := list()
		s.UniqueItems = true
		return s
	}
}

// MapOf is the shape of an object whose keys are free.
func MapOf(values Shape) Shape {
	return func() Schema { return Schema{Type: "object", Others: values()} }
}

// ObjectOf is the shape of what Decoder.Object reads by the fields.
func ObjectOf(fields ...Field) Shape {
	return func() Schema {
		s := Schema{Type: "object", Others: false}
		for _, f := range fields {
			p := Property{Key: f.key}
			if f.shape != nil {
				p.Schema = f.shape()
			}
			p.Description = f.doc
			s.Properties = append(s.Properties, p)
			if f.required {
				s.Required = append(s.Required, f.key)
			}
		}
		return s
	}
}

// Either is the shape of a value that has one of several.
func Either(shapes ...Shape) Shape {
	return func() Schema {
		var s Schema
		for _, one := range shapes {
			s.AnyOf = append(s.AnyOf, one())
		}
		return s
	}
}

// MarshalJSON writes the properties as an object, in order.
func (p Properties) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	before := "{"
	for _, one := range p {
		text.WriteString(before)
		before = ","
		if err := e.Encode(one.Key); err != nil {
			return nil, err
		}
		text.WriteString(":")
		if err := e.Encode(one.Schema); err != nil {
			return nil, err
		}
	}
	text.WriteString("}")
	return text.Bytes(), nil
}
