package report

import (
	"slices"
	"strings"

	"gatewright/catalog/lint"
	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/words"
)

// LintTable shows what lint found in the entries of a compiled site.
func LintTable(r *site.Result, found []lint.Finding) console.Table {
	t := console.Table{Header: []string{"WHAT", "ENTRY", "ENDPOINTS, OTHER ENTRIES", "WHY, AND WHAT TO DO"}, IDs: []int{1}}
	for _, f := range found {
		about := []string{words.Endpoints(f.Endpoints), words.Endpoints(strings.Fields(IDs(r, f.Others...)))}
		about = slices.DeleteFunc(about, func(s string) bool { return s == "" })
		t.Rows = append(t.Rows, []string{string(f.Kind), IDs(r, f.Entry), strings.Join(about, "\n"), f.Why + "\n" + f.Do})
	}
	return t
}
