package site

import (
	"slices"

	"gatewright/catalog/jsonc"
)

// Toleration is what --strict and --new accept: verdicts on entries at generators, each
// of all where none is named.
type Toleration struct {
	Entries    []string // ids, or the part after the slash
	Generators []string
	Verdicts   []string // narrower, wider, absent
	Reason     string   // empty in the short form
}

// Tolerates reports whether the site accepts a verdict of a generator on a rule of some
// entries.
func (s *Site) Tolerates(generator, verdict string, entries []string) bool {
	every := func(list []string, has string) bool { return len(list) == 0 || slices.Contains(list, has) }
	rest := slices.Clone(entries)
	for _, t := range s.Tolerations {
		if every(t.Generators, generator) && every(t.Verdicts, verdict) {
			rest = slices.DeleteFunc(rest, func(id string) bool { return every(t.Entries, id) || slices.Contains(t.Entries, slugOf(id)) })
		}
	}
	return len(entries) > 0 && len(rest) == 0
}

// tolerate reads {"nftables": ["absent"]}, or a list of tolerations with their reasons.
func (r *reader) tolerate(v jsonc.Value) {
	r.site.Tolerations = nil
	if v.Kind() == jsonc.Array {
		r.Array(v, r.toleration)
		return
	}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		t := Toleration{Generators: []string{k.Text()}}
		r.oneOfEach(&t.Verdicts, toleratedVerdicts()...)(v)
		r.keep("tolerate", k.Text(), k)
		if len(t.Verdicts) > 0 {
			r.site.Tolerations = append(r.site.Tolerations, t)
		}
	})
}

func toleratedVerdicts() []string { return []string{"narrower", "wider", "absent"} }

func (r *reader) toleration(v jsonc.Value) {
	var t Toleration
	ok := r.Object(v, r.tolerationFields(&t)...)
	if ok && len(t.Entries)+len(t.Generators)+len(t.Verdicts) == 0 {
		r.Errorf(v, `this tolerates everything; name "entries", "generators" or "verdicts"`)
	}
	r.site.Tolerations = append(r.site.Tolerations, t)
}
