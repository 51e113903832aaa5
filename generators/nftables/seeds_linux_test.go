package nftables

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/engine/enginetest"
	"gatewright/generators/nftables/nftablestest"
)

// TestRealReaderOfSeeds holds that nft itself takes the seeds of the fuzz targets as
// their reader does: it loads what is accepted, and lists it again.
func TestRealReaderOfSeeds(t *testing.T) {
	var ruleset strings.Builder
	var comments, chains, tables, interfaces, addresses []string
	line := func(format string, args ...any) { fmt.Fprintf(&ruleset, format+"\n", args...) }
	line("add table inet t\nadd chain inet t c")
	for _, text := range hostileTexts() {
		line("# %s", commentOf(text))
		line(`add rule inet t c accept comment "%s"`, ruleCommentOf(text))
		comments = append(comments, readQuoted(t, string(ruleCommentOf(text))))
	}
	for _, s := range nameSeeds {
		if part, err := slugOf(s); err == nil {
			line("add chain inet t %s%s", prefix, part)
			chains = append(chains, "gatewright_"+s)
		}
		if table, _, err := tableOf(s); err == nil {
			line("add table %s", table)
			tables = append(tables, s)
		}
		if err := artefact.CheckInterface(s); err == nil {
			line("add rule inet t c iifname %s accept", interfacesOf([]string{s}))
			interfaces = append(interfaces, s)
		}
	}
	for i, seed := range elementSeeds {
		set := ruletest.PrefixesOf([]byte(seed)).V4()
		if !set.IsEmpty() {
			line("add set inet t s%d { type ipv4_addr; flags interval; }\nadd element inet t s%d {\n\t%s\n}", i, i, prefixElements(set))
			addresses = append(addresses, fmt.Sprint("s", i, " ", set))
		}
	}
	m, err := enginetest.NewMachine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.LoadNFT([]byte(ruleset.String())); err != nil {
		t.Fatal(err)
	}
	dump, err := m.DumpNFT()
	if err != nil {
		t.Fatal(err)
	}
	got := listed(t, dump)
	for kind, want := range map[string][]string{"comment": comments, "chain": append(chains, "c"), "table": append(tables, "inet t"), "interface": interfaces} {
		slices.Sort(want)
		slices.Sort(got[kind])
		if len(want) < 2 || !slices.Equal(got[kind], want) {
			t.Errorf("nft lists the %ss %q; want %q", kind, got[kind], want)
		}
	}
	rs, err := nftablestest.ReadBack(dump, "inet t")
	if err != nil {
		t.Fatal(err)
	}
	var sets []string
	for _, set := range rs.Sets {
		sets = append(sets, set.Name+" "+set.Prefixes.String())
	}
	slices.Sort(sets)
	if len(sets) < 2 || !slices.Equal(sets, addresses) {
		t.Errorf("nft lists the sets %q; want %q", sets, addresses)
	}
}

// readQuoted is what the fuzz targets' reader makes of a text in quotes.
func readQuoted(t *testing.T, text string) string {
	t.Helper()
	tokens := scanned(t, `"`+text+`"`)
	if len(tokens) != 1 {
		t.Fatalf("%q is read as %q", text, tokens)
	}
	return string(tokens[0][1 : len(tokens[0])-1])
}

// listed returns the comments, chains, tables and interfaces of a listing.
func listed(t *testing.T, dump []byte) map[string][]string {
	t.Helper()
	var doc struct {
		Nftables []struct {
			Table *struct{ Family, Name string }
			Chain *struct{ Name string }
			Rule  *struct {
				Comment string
				Expr    []struct{ Match struct{ Right any } }
			}
		}
	}
	if err := json.Unmarshal(dump, &doc); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, o := range doc.Nftables {
		switch {
		case o.Table != nil:
			got["table"] = append(got["table"], o.Table.Family+" "+o.Table.Name)
		case o.Chain != nil:
			got["chain"] = append(got["chain"], o.Chain.Name)
		case o.Rule != nil && o.Rule.Comment != "":
			got["comment"] = append(got["comment"], o.Rule.Comment)
		case o.Rule != nil:
			got["interface"] = append(got["interface"], fmt.Sprint(o.Rule.Expr[0].Match.Right))
		}
	}
	return got
}
