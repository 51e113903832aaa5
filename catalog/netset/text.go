package netset

import (
	"net/netip"
	"strings"
)

// Sets and patterns travel between processes of ours as text. The zero values are the
// empty text.

// MarshalText writes the minimal prefixes with spaces between them.
func (s PrefixSet) MarshalText() ([]byte, error) {
	text := []byte{}
	for p := range s.Prefixes() {
		if len(text) > 0 {
			text = append(text, ' ')
		}
		text = p.AppendTo(text)
	}
	return text, nil
}

// UnmarshalText reads what MarshalText writes.
func (s *PrefixSet) UnmarshalText(text []byte) error {
	prefixes, err := parseWords(text, netip.ParsePrefix)
	if err == nil {
		*s = PrefixSetOf(prefixes...)
	}
	return err
}

func parseWords[T any](text []byte, parse func(string) (T, error)) (list []T, err error) {
	for word := range strings.FieldsSeq(string(text)) {
		one, err := parse(word)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// MarshalText writes the services as String does.
func (s ServiceSet) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *ServiceSet) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*s = ServiceSet{}
		return nil
	}
	*s, err = ParseServices(string(text))
	return err
}

// MarshalText writes the pattern as String does.
func (p Pattern) MarshalText() ([]byte, error) { return []byte(p.text), nil }

// UnmarshalText reads what MarshalText writes.
func (p *Pattern) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*p = Pattern{}
		return nil
	}
	*p, err = ParsePattern(string(text))
	return err
}

// MarshalText writes the patterns with spaces between them.
func (s NameSet) MarshalText() ([]byte, error) {
	return []byte(s.join(" ")), nil
}

// UnmarshalText reads what MarshalText writes.
func (s *NameSet) UnmarshalText(text []byte) error {
	patterns, err := parseWords(text, ParsePattern)
	if err == nil {
		*s = NameSetOf(patterns...)
	}
	return err
}
