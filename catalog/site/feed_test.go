package site

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// cloud is a catalogue as a cloud's feed gives it: tags of regions and services, and
// three facts that the whole feed leaves out.
func cloud(t testing.TB) *catalog.Catalog {
	t.Helper()
	c := &catalog.Catalog{Name: "cloud", Revision: "7", Title: "The Cloud"}
	for i, tag := range []struct{ name, region, service string }{
		{"Store", "", "Store"}, {"Store.North", "north", "Store"}, {"Mail.North", "north", "Mail"}, {"South", "south", ""},
	} {
		prefix, _, err := netset.ParsePrefix(fmt.Sprintf("198.51.100.%d", i))
		if err != nil {
			t.Fatal(err)
		}
		e := catalog.Entry{
			ID: "cloud/" + tag.name, Title: tag.name, Kind: catalog.KindFlow, Area: "cloud",
			Tag: tag.name, Region: tag.region, Service: tag.service, Prefixes: netset.PrefixSetOf(prefix),
		}
		for _, fact := range []catalog.Fact{catalog.FactServices, catalog.FactDirection, catalog.FactRole} {
			e.Unsaid = append(e.Unsaid, catalog.Unsaid{Fact: fact, Why: "addresses alone", Ask: "which " + string(fact) + "?", WholeFeed: true})
		}
		c.Entries = append(c.Entries, e)
	}
	return c
}

// buildCloud builds a site file over the catalogue of the tests and the cloud's.
func buildCloud(t testing.TB, file string) (*Result, error) {
	t.Helper()
	s, err := Read("site.json", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return Build(s, []*catalog.Catalog{ownCatalog(t), cloud(t)})
}

// Tags, regions and services choose among what has them, and leave other catalogues be.
func TestSelectionOfTags(t *testing.T) {
	const answer = `, "answers": { "cloud": { "services": "tcp 443", "direction": "outbound", "role": "clients" } }`
	for _, test := range []struct{ selects, want string }{
		{``, "cloud/Mail.North cloud/South cloud/Store cloud/Store.North guessed mail mail-too names"},
		{`"tag": [ "Store" ]`, "cloud/Store guessed mail mail-too names"},
		{`"tag": [ "Store", "South" ], "area": [ "cloud" ]`, "cloud/South cloud/Store"},
		{`"region": [ "north" ]`, "cloud/Mail.North cloud/Store.North guessed mail mail-too names"},
		{`"region": [ "north", "none" ], "area": [ "cloud" ]`, "cloud/Mail.North cloud/Store cloud/Store.North"},
		{`"service": [ "Store" ], "region": [ "north" ], "area": [ "cloud" ]`, "cloud/Store.North"},
		{`"service": [ "none" ], "area": [ "cloud" ]`, "cloud/South"},
		{`"instance": [ "USGovDoD" ]`, "cloud/Mail.North cloud/South cloud/Store cloud/Store.North gov"},
	} {
		r, err := buildCloud(t, `{ "select": { `+test.selects+` }`+answer+` }`)
		if err != nil {
			t.Errorf("%s: %v", test.selects, err)
		} else if got := strings.Join(inRules(r), " "); got != test.want {
			t.Errorf("%s: %s, want %s", test.selects, got, test.want)
		}
	}
}

// A feed is asked once for a fact, however many entries wait for it, and each of them
// knows what it waits for.
func TestFeedsAreAskedOnce(t *testing.T) {
	for _, test := range []struct {
		name, site string
		want       []rule.Open
	}{
		{"nothing is answered", `{ "select": { "area": [ "cloud" ] } }`, []rule.Open{
			{Missing: "direction", Line: `"cloud": {"services": "<tcp PORT, ...>", "direction": "<outbound, inbound or bidirectional>", "role": "<role>"},`},
			{Missing: "role", Line: `"cloud": {"services": "<tcp PORT, ...>", "direction": "<outbound, inbound or bidirectional>", "role": "<role>"},`},
			{Missing: "services", Line: `"cloud": {"services": "<tcp PORT, ...>", "direction": "<outbound, inbound or bidirectional>", "role": "<role>"},`},
		}},
		{"one fact is", `{ "select": { "area": [ "cloud" ] }, "answers": { "cloud": { "services": "tcp 443" } } }`, []rule.Open{
			{Missing: "direction", Line: `"cloud": {"direction": "<outbound, inbound or bidirectional>", "role": "<role>"},`},
			{Missing: "role", Line: `"cloud": {"direction": "<outbound, inbound or bidirectional>", "role": "<role>"},`},
		}},
		{"a role that is not bound", `{ "select": { "area": [ "cloud" ] }, "answers": { "cloud": { "services": "tcp 443", "direction": "inbound", "role": "sbc" } } }`, []rule.Open{
			{Missing: "binding", Line: `"sbc": ["<CIDR>"],`},
		}},
	} {
		r, err := buildCloud(t, test.site)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var got []rule.Open
		for _, o := range r.Policy.Open {
			if o.Entry.ID != "cloud" || o.Entry.Title != "The Cloud: 4 of 4 entries" {
				t.Errorf("%s: the item is of %+v", test.name, o.Entry)
			}
			got = append(got, rule.Open{Missing: o.Missing, Line: o.Line})
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: open is\n%q, want\n%q", test.name, got, test.want)
		}
		for _, tag := range []string{"Store", "South"} {
			if o := outcome(t, r, "cloud/"+tag); o.State != IsOpen || len(o.Open) != len(test.want) {
				t.Errorf("%s: %s is %s and waits for %+v", test.name, tag, o.State, o.Open)
			}
		}
	}
}

// The answer to an entry overrules the one to its catalogue, fact by fact.
func TestEntryOverrulesItsCatalogue(t *testing.T) {
	r, err := buildCloud(t, `{ "select": { "area": [ "cloud" ] }, "group": "none", "answers": {
		"cloud": { "services": "tcp 443", "direction": "outbound", "role": "clients" },
		"cloud/South": { "services": "udp 123" }, "cloud/Store": { "dismissed": "too wide" } } }`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"outbound clients  | 198.51.100.1, 198.51.100.2 tcp 443 (cloud/Mail.North cloud/Store.North)",
		"outbound clients  | 198.51.100.3 udp 123 (cloud/South)",
	}
	got := rulesText(r.Policy)
	if !slices.Equal(got, want) || len(r.Policy.Open) != 0 {
		t.Errorf("rules %q, want %q; open %+v", got, want, r.Policy.Open)
	}
	if o := outcome(t, r, "cloud/Store"); o.State != IsDismissed {
		t.Errorf("cloud/Store is %s", o.State)
	}
}

func TestCatalogueAnswersRefuse(t *testing.T) {
	for _, test := range []struct{ site, want string }{
		{`{ "answers": { "cloud": { "dismissed": "no cloud here" } } }`,
			`site.json:1:16: /answers/cloud: cloud is a whole catalogue and cannot be dismissed; remove it from "catalogs", or select the entries that you want`},
		{`{ "answers": { "cloud": { "remote": "any" } } }`,
			`site.json:1:16: /answers/cloud: cloud is a whole catalogue, whose entries have their own remotes; answer "remote" under the id of an entry`},
		{`{ "answers": { "clout": { "role": "clients" } } }`,
			"site.json:1:16: /answers/clout: no entry \"clout\" in the loaded catalogues; `gatewright list` shows the ids"},
		{`{ "answers": { "cloud": { "role": "printers" } } }`,
			`site.json:1:16: /answers/cloud: cloud: no entry of the loaded catalogues has the role "printers", and "bind" gives it no addresses; expected one of clients, exchange, sbc`},
		{`{ "select": { "tag": [ "store.north" ] } }`,
			`site.json:1:24: /select/tag/0: no tag "store.north" in the loaded catalogues; did you mean Store.North?`},
		{`{ "select": { "region": [ "west" ] } }`,
			"site.json:1:27: /select/region/0: no region \"west\" in the loaded catalogues; `gatewright list --json` shows them"},
	} {
		if _, err := buildCloud(t, test.site); err == nil || err.Error() != test.want {
			t.Errorf("%s\n got %v\nwant %s", test.site, err, test.want)
		}
	}
	s, err := Read("site.json", []byte(`{ "select": { "tag": [ "Store" ] }, "answers": { "own": { "services": "tcp 1" } } }`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Build(s, []*catalog.Catalog{ownCatalog(t)})
	if want := `site.json:1:24: /select/tag/0: tag "Store": no loaded catalogue has tags; load a cloud feed, or remove this`; err == nil || err.Error() != want {
		t.Errorf("without a feed: %v, want %s", err, want)
	}
}
