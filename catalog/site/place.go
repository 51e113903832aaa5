package site

import (
	"cmp"
	"errors"
	"slices"

	"gatewright/catalog/jsonc"
)

// place names something that a site file says: an answer, a value, an option.
type place struct{ section, name string }

// Place is a position in the site file or a file beside it. Without a file it is
// unknown.
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

// ErrorPlace returns the position of the fault that an error reports, or an empty Place
// if it is unknown.
func ErrorPlace(err error) Place {
	var fault *jsonc.Error
	if !errors.As(err, &fault) || fault.Line == 0 {
		return Place{}
	}
	return Place{fault.File, fault.Line, fault.Col}
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
