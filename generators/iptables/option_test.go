package iptables

import (
	"reflect"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		raw map[string][]string
		err string
	}{
		{map[string][]string{"ipset": {"maybe"}}, `option ipset: unknown value "maybe"; expect one of yes, no`},
		{map[string][]string{"table": {"ip filter"}}, `unknown option "table"; expect one of mode, place, ipset, roles, mark, admin, wan, lan`},
		{map[string][]string{"wan": {"eth+"}}, `option wan: bad interface name "eth+"; expect at most 15 letters, digits, - _ . and @`},
		{map[string][]string{"mark": {"1"}}, "mode chains sets no mark; omit mark, or set mode to mark"},
		{map[string][]string{"place": {"host"}, "roles": {"sts", "nobody"}}, `option roles: role "nobody" is not bound; bind it to addresses, or leave it out`},
	} {
		_, err := generate(t, siteInput(t), c.raw)
		if errorText(err) != c.err {
			t.Errorf("%v:\n got %q\nwant %q", c.raw, errorText(err), c.err)
		}
	}
}

func TestDefaults(t *testing.T) {
	s, err := artefact.Configure(Generator{}.Options(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := configure(&rule.Policy{}, s)
	if err != nil {
		t.Fatal(err)
	}
	filter, err := artefact.FilterOf(s)
	if err != nil {
		t.Fatal(err)
	}
	want := config{Filter: filter, ipset: true}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v; want %+v", got, want)
	}
}
