package kernel

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// same reports whether two rules do the same and say the same.
func (r *rule) same(o *rule) bool {
	if r.odd != nil || o.odd != nil {
		return r.odd != nil && o.odd != nil && r.sameBytes(o)
	}
	return reflect.DeepEqual(r.decoded, o.decoded)
}

// sameBytes compares rules that are not read.
func (r *rule) sameBytes(o *rule) bool {
	return bytes.Equal(r.UserData, o.UserData) && slices.EqualFunc(r.Expressions, o.Expressions, func(e, f expression) bool {
		return e.Name == f.Name && r.meaning(e) == o.meaning(f)
	})
}

// meaning is an expression without what changes by itself: what a rule counts, and the
// name that the kernel finds for a set without one, in whose place stands what it
// holds.
func (r *rule) meaning(e expression) string {
	if e.Name == "counter" || e.Name == "last" {
		return ""
	}
	attrs, err := attributesOf(e.Data)
	refers := setReferences[e.Name]
	s := r.Sets[text(attrs[refers.name])]
	if err != nil || s == nil {
		return string(e.Data)
	}
	delete(attrs, refers.name)
	delete(attrs, refers.id)
	parts := []any{s.Spec.Flags, s.Spec.KeyType, s.Spec.DataType, s.Elements, s.Targets, slices.SortedFunc(slices.Values(s.Raw), bytes.Compare)}
	for _, kind := range slices.Sorted(maps.Keys(attrs)) {
		parts = append(parts, kind, attrs[kind])
	}
	return fmt.Sprint(parts...)
}
