package nftables

import (
	"reflect"
	"testing"

	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		raw map[string][]string
		err string
	}{
		{map[string][]string{"table": {"filter"}}, `option table: "filter": unknown table family "filter"; write inet, ip or ip6 and a name, such as "inet filter"`},
		{map[string][]string{"table": {"ip drop"}}, `option table: "ip drop": table name "drop" is a keyword of nft, which nft refuses as a name; give the table another name`},
		{map[string][]string{"wan": {"eth0\""}}, `option wan: bad interface name "eth0\""; expect at most 15 letters, digits, - _ . and @`},
		{map[string][]string{"table": {"inet x"}, "mode": {"mark"}}, "mode mark has a table of its own, inet gatewright; leave out table, or set mode to chains"},
		{map[string][]string{"mark": {"1"}}, "mode chains sets no mark; omit mark, or set mode to mark"},
		{map[string][]string{"place": {"host"}, "roles": {"sts", "nobody"}}, `option roles: role "nobody" is not bound; bind it to addresses, or leave it out`},
	} {
		_, err := generate(t, ruletest.Site(t), c.raw)
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
	got, err := configure(s)
	if err != nil {
		t.Fatal(err)
	}
	base, err := artefact.FilterOf(s)
	if err != nil {
		t.Fatal(err)
	}
	want := config{Filter: base, table: "inet filter", families: []filter.Family{filter.IPv4, filter.IPv6}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v; want %+v", got, want)
	}
}
