package words

import (
	"strings"

	"gatewright/catalog/rule"
)

// Open is an open item as --json prints it, with the id of its entry.
type Open struct {
	Entry    string   `json:"entry"`
	Missing  string   `json:"missing"`
	Endpoint string   `json:"endpoint,omitempty"`
	Why      string   `json:"why"`
	Ask      string   `json:"ask,omitempty"`
	Who      string   `json:"who,omitempty"`
	Links    []string `json:"links,omitempty"`
	Section  string   `json:"section"`
	Line     string   `json:"line"` // with blanks, <like this>
}

// OpenItems are open items as --json prints them; the list is never nil.
func OpenItems(open []rule.Open) []Open {
	items := make([]Open, len(open))
	for i, o := range open {
		items[i] = Open{
			o.Entry.ID, o.Missing, o.Endpoint, o.Why, o.Ask, o.Who, strings.Fields(o.Links), o.Section, o.Line,
		}
	}
	return items
}

// Name is the missing fact, and the endpoint if only that one is withheld.
func (o Open) Name() string { return rule.Open{Missing: o.Missing, Endpoint: o.Endpoint}.Name() }
