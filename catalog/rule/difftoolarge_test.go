package rule

import (
	"errors"
	"fmt"
	"testing"

	"gatewright/catalog/netset"
)

// A difference whose exceptions are too many to be told is an error that names rules
// and says how many there are, and no lesser difference.
func TestDiffTooLarge(t *testing.T) {
	grant := func(id, name, ports string) Grant {
		return Grant{Entry: Entry{ID: id}, Group: id, Direction: Outbound, Role: "clients", Names: []netset.Pattern{pattern(t, name)}, Services: services(t, ports), Route: NoRoute}
	}
	in := Input{Bindings: []Binding{{Role: "clients", Addresses: prefixes("172.16.0.0/30")}}}
	old, new := in, in
	for i := range 3000 {
		old.Grants = append(old.Grants, grant(fmt.Sprintf("t/e%04d", i), fmt.Sprintf("h%d.example.com", i), fmt.Sprintf("tcp %d-%d", i+1, i+3000)))
	}
	new.Grants = []Grant{grant("t/all", "*.example.com", "tcp 1-65535")}
	a, b := compiled(t, old), compiled(t, new)
	d, err := Compare(a, b)
	want := fmt.Sprintf("the difference is too large to be told exactly: 3000 old and 1 new outbound rules overlap in more than 4000000 places, above all %s, %s, %s; compare fewer entries at a time, such as by --area or --entry",
		b.Policy.Rules[0].ID, a.Policy.Rules[0].ID, a.Policy.Rules[1].ID)
	var tooLarge *TooLargeError
	if err == nil || err.Error() != want || !errors.As(err, &tooLarge) || !d.IsEmpty() {
		t.Errorf("%d rules added, error %v; want %s", len(d.Added.Rules), err, want)
	}
	// A tenth of it is told, each name at the ports that it has.
	old.Grants = old.Grants[:300]
	if d := compare(t, compiled(t, old), b); len(d.Added.Rules) != 1 || len(d.Removed.Rules) != 0 {
		t.Errorf("%d rules added, %d removed; want one and none", len(d.Added.Rules), len(d.Removed.Rules))
	}
}
