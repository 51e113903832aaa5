package artefact

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"gatewright/catalog/suggest"
)

// Option is one setting that a generator takes. Every value is text that Check
// (and Values, if given) has accepted before a generator sees it.
type Option struct {
	Name    string   `json:"name"`
	Doc     string   `json:"doc"`               // one line for a network engineer
	Values  []string `json:"values,omitempty"`  // the only values that are accepted, if not nil
	List    bool     `json:"list,omitempty"`    // takes several values
	Default []string `json:"default,omitempty"` // nil means: not set

	// Check refuses a value that the backend cannot hold; nil accepts what Values do.
	Check func(string) error `json:"-"`
}

// Settings are a generator's options after checking; the zero value has none.
type Settings struct{ values map[string][]string }

// Configure checks raw values (option name to values) against a generator's
// options and fills in defaults. Errors name the option and what is accepted.
func Configure(options []Option, raw map[string][]string) (Settings, error) {
	s := Settings{values: map[string][]string{}}
	for _, o := range options {
		s.values[o.Name] = o.Default
	}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		i := slices.IndexFunc(options, func(o Option) bool { return o.Name == name })
		if i < 0 {
			return Settings{}, fmt.Errorf("unknown option %q; %s", name, suggest.OneOf(name, optionNames(options)))
		}
		if err := options[i].check(raw[name]); err != nil {
			return Settings{}, err
		}
		s.values[name] = raw[name]
	}
	return s, nil
}

func (o Option) check(values []string) error {
	if !o.List && len(values) != 1 {
		return fmt.Errorf("option %s takes one value, not %d", o.Name, len(values))
	}
	for _, v := range values {
		if o.Values != nil && !slices.Contains(o.Values, v) {
			return fmt.Errorf("option %s: unknown value %q; %s", o.Name, v, suggest.OneOf(v, o.Values))
		}
		if o.Check == nil {
			continue
		}
		if err := o.Check(v); err != nil {
			return fmt.Errorf("option %s: %w", o.Name, err)
		}
	}
	return nil
}

func optionNames(options []Option) []string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.Name
	}
	return names
}

// Text returns the value of a single option, empty if it is not set.
func (s Settings) Text(name string) string {
	if v := s.values[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// List returns all values of an option, nil if it is not set.
func (s Settings) List(name string) []string { return s.values[name] }

// MarshalJSON writes the values, by option.
func (s Settings) MarshalJSON() ([]byte, error) { return json.Marshal(s.values) }

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Settings) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &s.values) }
