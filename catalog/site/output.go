package site

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/suggest"
)

// ErrNoOutput is wrapped by the error about an output that a site file does not have.
var ErrNoOutput = errors.New("no such output")

// outputKeys are the keys that an output of a site file may have, too.
func outputKeys() []string {
	return []string{"select", "group", SectionBind, "routes", "tolerate", SectionExpect, "options", "generators"}
}

// outputFields are the keys of an output, which are read as those of the site file are.
func (r *reader) outputFields() []jsonc.Field {
	return slices.DeleteFunc(r.fields(), func(f jsonc.Field) bool { return !slices.Contains(outputKeys(), f.Key()) })
}

// readOutputs reads what the site file says of each output, over what it says of all.
func (r *reader) readOutputs(v jsonc.Value) {
	if v.Kind() == jsonc.Invalid {
		return
	}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		if !catalog.IsSlug(k.Text()) {
			r.Errorf(k, "bad output name %s; it is also a folder name: write a lower-case letter, then lower-case letters, digits or hyphens", jsonc.Quote(k.Text()))
		}
		one := &reader{Decoder: r.Decoder, file: r.file, site: r.site.copyFor(k.Text())}
		one.Object(v, one.outputFields()...)
		r.site.Outputs = append(r.site.Outputs, one.site)
	})
	for _, one := range r.site.Outputs {
		one.siblings = r.site.Outputs
	}
	if v.Kind() == jsonc.Object && len(r.site.Outputs) == 0 {
		r.Errorf(v, `no output; name one, such as "edge": {}, or remove the key`)
	}
}

// copyFor returns a copy of the site for an output: what is read into it leaves the
// site as it is.
func (s *Site) copyFor(output string) *Site {
	one := *s
	one.Name, one.Outputs = output, nil
	one.places, one.Bindings, one.Options = maps.Clone(s.places), maps.Clone(s.Bindings), maps.Clone(s.Options)
	for generator, options := range one.Options {
		one.Options[generator] = maps.Clone(options)
	}
	one.Notices = slices.Clip(s.Notices)
	return &one
}

// OutputNames are the names of the site file's outputs, in its order; nil if it has
// none but itself.
func (s *Site) OutputNames() (names []string) {
	for _, one := range s.Outputs {
		names = append(names, one.Name)
	}
	return names
}

// Siblings are the outputs of the site file that an output is of, itself among them;
// the site itself for one without outputs.
func (s *Site) Siblings() []*Site {
	if s.Name == "" {
		return []*Site{s}
	}
	return s.siblings
}

// For returns the site of an output.
func (s *Site) For(output string) (*Site, error) {
	for _, one := range s.Outputs {
		if one.Name == output {
			return one, nil
		}
	}
	if len(s.Outputs) == 0 {
		return nil, fmt.Errorf(`%w: the site file has no "outputs"`, ErrNoOutput)
	}
	return nil, fmt.Errorf("%w as %q; %s", ErrNoOutput, output, suggest.OneOf(output, s.OutputNames()))
}
