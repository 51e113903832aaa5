package report

import (
	"strings"

	"gatewright/catalog/site"
)

// IDs are entries' ids as tables show them, one a line: without the catalogue
// where there is only one.
func IDs(r *site.Result, ids ...string) string {
	text := strings.Join(ids, "\n")
	if len(r.Policy.Sources) == 1 {
		text = strings.ReplaceAll(text, r.Policy.Sources[0].Name+"/", "")
	}
	return text
}
