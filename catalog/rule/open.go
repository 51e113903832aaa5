package rule

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Name is what an item lacks, and of which endpoint if only that one is withheld.
func (o Open) Name() string {
	if o.Endpoint != "" {
		return o.Missing + " of " + o.Endpoint
	}
	return o.Missing
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
