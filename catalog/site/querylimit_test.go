package site

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"gatewright/catalog"
)

// TestQueriesWithinLimit holds that an entry that is left out counts for the limit of
// endpoints where it is asked for, too, and that questions may be asked at once.
func TestQueriesWithinLimit(t *testing.T) {
	var values strings.Builder
	for i := range 130 {
		fmt.Fprintf(&values, `"v%d",`, i)
	}
	s, err := Read("site.json", []byte(strings.ReplaceAll(`{"select": {"exclude": ["wide", "fits"]}, "values": {"a": [V], "b": [V], "c": [V]}}`, "V", values.String())))
	if err != nil {
		t.Fatal(err)
	}
	entry := func(id, endpoint string) string {
		return `{"id": "` + id + `", "title": "t", "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": ["` + endpoint + `"]},`
	}
	c, err := catalog.Read("own.json", []byte(`{"catalog": "own", "revision": "1", "title": "own", "placeholders": {"a": "label", "b": "label", "c": "label"}, "entries": [`+
		entry("plain", "192.0.2.0/24")+entry("wide", "<a>.<b>.<c>.example.com")+entry("fits", "<a>.v1.v2.example.com")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Build(s, []*catalog.Catalog{c})
	if err != nil {
		t.Fatal(err)
	}
	var asked sync.WaitGroup
	for range 4 {
		asked.Go(func() {
			var ids []string
			for _, w := range r.Candidates(question(t, "outbound tcp v0.v1.v2.example.com:443")) {
				ids = append(ids, w.Entry.ID)
			}
			if !slices.Equal(ids, []string{"own/fits"}) {
				t.Errorf("candidates %v", ids)
			}
		})
	}
	asked.Wait()
}
