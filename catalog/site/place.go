package site

import (
	"cmp"
	"errors"
	"slices"

	"gatewright/catalog/jsonc"
)

// place names something that a site file says: an answer, a value, an option.
type place struct{ section, name string }

// Place is where something stands in the site file or a file beside it; without a file
// it is nowhere.
type Place struct {
	File      string
	Line, Col int
}

// PlaceOf returns where a section of the site file says a name.
func (s *Site) PlaceOf(section, name string) Place {
	err := s.places[place{section, name}].Errorf("here")
	return Place{err.File, err.Line, err.Col}
}

// PlaceOfEntry returns where the site file says something of an entry, or else where it
// names its catalogue.
func (s *Site) PlaceOfEntry(id string) Place {
	catalog := catalogOf(id)
	var found Place
	for _, at := range []place{{SectionAnswers, id}, {"accept", id}, {"entry", id}, {"entry", slugOf(id)}, {SectionAnswers, catalog}, {"catalogs", s.references[catalog]}} {
		found = cmp.Or(found, s.PlaceOf(at.section, at.name))
	}
	return found
}

// PlaceOfTolerable returns where the site file says something of a shortfall of a
// generator: where it names it, or else the first of the entries that it has.
func (s *Site) PlaceOfTolerable(generator string, entries []string) Place {
	found := cmp.Or(s.PlaceOf("generators", generator), s.PlaceOf("options", generator))
	for _, id := range slices.Sorted(slices.Values(entries)) {
		found = cmp.Or(found, s.PlaceOfEntry(id))
	}
	return found
}

// PlacesOf returns where the faults stand that an error is or joins, each by its text.
func PlacesOf(err error) map[string]Place {
	places := map[string]Place{}
	var note func(error)
	note = func(err error) {
		fault, ok := err.(*jsonc.Error)
		several, joins := err.(interface{ Unwrap() []error })
		switch {
		case ok && fault.Line > 0:
			places[fault.Error()] = Place{fault.File, fault.Line, fault.Col}
		case joins:
			for _, one := range several.Unwrap() {
				note(one)
			}
		case errors.Unwrap(err) != nil:
			note(errors.Unwrap(err))
		}
	}
	note(err)
	return places
}

// Errorf returns an error about a name in a section of the site, such as
// ("answers", "m365-additional/stream") or ("options", "pac.proxy"). It carries
// the place in the site file, if the name comes from there.
func (s *Site) Errorf(section, name, format string, args ...any) error {
	return s.errorf(section, name, format, args...)
}

// SaidBy notes that an argument of the command line, such as `--tenant "contoso"`,
// names it; errors about the name are then at the argument.
func (s *Site) SaidBy(argument, section, name string) {
	if s.arguments == nil {
		s.arguments = map[place]string{}
	}
	s.arguments[place{section, name}] = argument
}

func (s *Site) errorf(section, name, format string, args ...any) *jsonc.Error {
	if argument, ok := s.arguments[place{section, name}]; ok {
		return jsonc.Value{}.Errorf("%s: "+format, append([]any{argument}, args...)...)
	}
	return s.places[place{section, name}].Errorf(format, args...)
}
