package words

import (
	"bytes"
	"encoding/json"
	"strings"

	"gatewright/catalog/rule"
)

// Open is an open item as --json prints it.
type Open struct{ rule.Open }

// OpenItems are open items as --json prints them; the list is never nil.
func OpenItems(open []rule.Open) []Open {
	items := make([]Open, len(open))
	for i, o := range open {
		items[i] = Open{o}
	}
	return items
}

// MarshalJSON returns the item with the id of its entry and a list of its links. The
// blanks of its line, <like this>, stay as they are.
func (o Open) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		Entry    string   `json:"entry"`
		Missing  string   `json:"missing"`
		Endpoint string   `json:"endpoint,omitempty"`
		Why      string   `json:"why"`
		Ask      string   `json:"ask,omitempty"`
		Who      string   `json:"who,omitempty"`
		Links    []string `json:"links,omitempty"`
		Section  string   `json:"section"`
		Line     string   `json:"line"`
	}{o.Entry.ID, o.Missing, o.Endpoint, o.Why, o.Ask, o.Who, strings.Fields(o.Links), o.Section, o.Line})
	return b.Bytes(), err
}
