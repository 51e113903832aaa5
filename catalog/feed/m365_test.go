package feed

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

func readM365(t testing.TB, file string, as Naming) *catalog.Catalog {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read(file, data, as)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// entryText shows an entry as the tests compare it.
func entryText(e catalog.Entry) string {
	var names, unsaid, narrowings []string
	for _, n := range e.Names {
		names = append(names, n.String())
	}
	for _, u := range e.Unsaid {
		unsaid = append(unsaid, string(u.Fact)+"?")
	}
	for _, n := range e.Narrowings {
		for _, p := range n.To {
			narrowings = append(narrowings, p.Text)
		}
	}
	return strings.Join([]string{
		strings.TrimPrefix(e.ID, "m365-worldwide/"), e.Row, e.Title, e.Area, string(e.Category), fmt.Sprint(e.Required), string(e.Direction), e.Role,
		strings.Join(names, " "), e.Prefixes.String(), e.Services.String(), strings.Join(e.Notes, "; "), strings.Join(unsaid, " "), strings.Join(narrowings, " "),
	}, " | ")
}

func TestM365Sets(t *testing.T) {
	want := []string{
		"1 | 1 | Exchange Online | exchange | optimize | true | outbound | clients | outlook.office.com autodiscover.*.onmicrosoft.com | 192.0.2.0/24, 2001:db8::/32 | tcp 80, 443 | reachable by ExpressRoute |  | autodiscover.<tenant>.onmicrosoft.com",
		"11 | 11 | skype | skype | optimize | true | outbound | clients |  | 198.51.100.0/24 | udp 3478-3481 |  |  | ",
		"12 | 12 | skype | skype | allow | false | outbound | clients | *.teams.microsoft.com teams.microsoft.com *cdn.onenote.net | 198.51.100.7 | tcp 443 |  |  | ",
		"12-udp | 12 | skype, UDP | skype | allow | false | outbound | clients |  | 198.51.100.7 | udp 3478 |  |  | ",
		"31 | 31 | SharePoint Online | sharepoint | optimize | true | outbound | clients | *.sharepoint.com *-my.sharepoint.com | 203.0.113.0/24 | tcp 443 |  |  | <tenant>.sharepoint.com <tenant>-my.sharepoint.com <tenant>-my.sharepoint.com",
		"117 | 117 | common | common | default | false | outbound | clients | *.yammer.com |  | tcp 443 | Yammer |  | ",
		"118 | 118 | common | common | default | false | outbound | clients | voice.example.com |  | tcp 5061, 50000-59999 |  |  | ",
		"118-udp | 118 | common, UDP | common | default | false | outbound | clients | voice.example.com |  | udp 50000-59999 |  |  | ",
		"119 | 119 | common | common | default | false | outbound | clients |  |  |  |  | remote? services? | ",
	}
	as := Naming{Instance: "Worldwide", Revision: "2020080600"}
	for _, file := range []string{"testdata/m365.json", "testdata/m365.csv"} {
		c := readM365(t, file, as)
		var got []string
		for _, e := range c.Entries {
			got = append(got, entryText(e))
			if e.Date != "2020-08-06" || !slices.Equal(e.Instances, []string{"Worldwide"}) || e.Type != m365Scope {
				t.Errorf("%s: %s: date %q, instances %q, type %q", file, e.ID, e.Date, e.Instances, e.Type)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", file, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if c.Name != "m365-worldwide" || c.Feed != "m365" || c.Revision != "2020080600" || len(c.Notices) != 1 || !strings.Contains(c.Notices[0].Text, "host bits dropped") {
			t.Errorf("%s: %s %s %s, notices %v", file, c.Name, c.Feed, c.Revision, c.Notices)
		}
	}
}

// The two formats say the same, to the byte of the canonical form.
func TestM365FormatsAgree(t *testing.T) {
	a, b := readM365(t, "testdata/m365.json", Naming{}), readM365(t, "testdata/m365.csv", Naming{})
	for i := range a.Entries {
		if x, y := a.Entries[i].AppendCanonical(nil), b.Entries[i].AppendCanonical(nil); !reflect.DeepEqual(x, y) {
			t.Errorf("%s\n%s", x, y)
		}
	}
}

// What a program put between the numbers of a range, or into notes, is read alike in
// both formats (for CSV see TestCSVForms).
func TestM365Spaces(t *testing.T) {
	have := catalogText(t, `[{"id": 1, "serviceArea": "Skype", "category": "Allow", "ips": ["192.0.2.0/24"], "udpPorts": "3478 - 3481, 80", "notes": "two\nlines"}]`)
	if !strings.Contains(have, "| udp 80, 3478-3481 | two lines |") {
		t.Error(have)
	}
}

func TestM365Naming(t *testing.T) {
	for _, test := range []struct {
		as             Naming
		name, revision string
		notices        int
	}{
		{Naming{}, "m365-worldwide", "unknown", 2},
		{Naming{Instance: "China"}, "m365-china", "unknown", 1},
		{Naming{Instance: "USGovGCCHigh", Revision: "2020072800"}, "m365-usgovgcchigh", "2020072800", 1},
		{Naming{Name: "ours", Instance: "Worldwide"}, "ours", "unknown", 1},
	} {
		c := readM365(t, "testdata/m365.json", test.as)
		if c.Name != test.name || c.Revision != test.revision || len(c.Notices) != test.notices {
			t.Errorf("%+v: %s, %s, notices %v", test.as, c.Name, c.Revision, c.Notices)
		}
	}
	const want = `x.json: unknown instance "Mars"; expected one of Worldwide, USGovDoD, USGovGCCHigh, China, Germany`
	if _, err := Read("x.json", []byte(`[{"serviceArea": "A"}]`), Naming{Instance: "Mars"}); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestM365Refuses(t *testing.T) {
	set := func(members string) string {
		return `[{"id": 1, "serviceArea": "Exchange", "category": "Allow", "tcpPorts": "443", ` + members + `}]`
	}
	const header = "id,serviceArea,category,tcpPorts,urls,ips,required\n"
	for _, test := range []struct{ in, want string }{
		{`[{"serviceArea": "Exchange"}]`, `f:1:2: /0: missing required key "id"`},
		{`[{"id": "one", "serviceArea": "Exchange", "category": "Allow"}]`, `f:1:9: /0/id: bad id "one"; expected the set's number, such as 31`},
		{`[{"id": 1, "ID": 2}]`, `f:1:1: unknown kind`},
		{`[{"id": 1, "ID": 2, "serviceArea": "Exchange"}]`, `f:1:12: /0/ID: key "ID" occurs twice, in different letter case; remove one`},
		{`[{"id": 1.5, "serviceArea": "Exchange", "category": "Allow"}]`, `f:1:9: /0/id: bad id "1.5"; expected the set's number, such as 31`},
		{`[{"id": 1, "serviceArea": "Exchange", "category": "Allow", "tcpPorts": "0"}]`, `f:1:72: /0/tcpPorts: port 0 in "0" is not a valid port; write a port from 1 to 65535, or "1-65535" for all`},
		{`[{"id": 1, "serviceArea": "Exchange", "category": "Allow", "udpPorts": "5-1"}]`, `f:1:72: /0/udpPorts: ports "5-1" are reversed; write "1-5"`},
		{set(`"ips": ["0.0.0.0/0"]`), `f:1:87: /0/ips/0: "0.0.0.0/0" covers a whole address family, which is not allowed in a feed`},
		{set(`"ips": ["0.0.0.0/1", "128.0.0.0/1"]`), "f:1:87: /0/ips/0: these prefixes together cover a whole address family, which is not allowed in a feed"},
		{set(`"ips": ["any"]`), `f:1:87: /0/ips/0: "any" is not a CIDR; write an address such as "192.0.2.1", or a prefix such as "192.0.2.0/24" or "2001:db8::/32"`},
		{set(`"ips": ["192.0.2.0/24", "@{x=1}"]`), "f:1:103: /0/ips/1: PowerShell cut this off; write the file with ConvertTo-Json -Depth 10"},
		{set(`"urls": ["*"]`), `f:1:88: /0/urls/0: "*" matches every name; write the domains that are meant, such as "*.example.com"`},
		{set(`"urls": [7]`), `f:1:88: /0/urls/0: "7" is not a CIDR; write an address such as "192.0.2.1", or a prefix such as "192.0.2.0/24" or "2001:db8::/32"`},
		{set(`"required": "yes"`), `f:1:91: /0/required: expected true or false, found "yes"`},
		{`[{"id": 1, "serviceArea": "A", "category": "Allow"}, {"id": 1, "serviceArea": "B", "category": "Allow"}]`, "f:1:54: /1: set 1 occurs in line 1 with different content; fetch the document again"},
		{`[{"id": 1, "serviceArea": "A", "category": "Allow"}, 7]`, "f:1:54: /1: expected an object, found a number"},
		{`[{"id": 1, "serviceArea": "A"`, `f:1:30: /0: expected "," or "}" in the object opened at 1:2, found the end of the file`},
		{`[{"id": 3, "endpointSetId": 33}]`, "f:1:1: this is the web service's answer to /changes; a catalogue is its answer to /endpoints"},
		{`{"instance": "Worldwide", "latest": "2018063000"}`, "f:1:1: this is the web service's answer to /version; a catalogue is its answer to /endpoints"},
		{header + "one,Exchange,Allow,443,,,\n", `f:2:1: bad id "one"; expected the set's number, such as 31`},
		{header + "1,Exchange,Allow,443,\"a.example.com,b c.example.com\",,\n", `f:2:22: "b" is a single label; write the full name with its domain, such as "b.example.com"`},
		{header + "1,Exchange,Allow,443,,::/0,\n", `f:2:23: "::/0" covers a whole address family, which is not allowed in a feed`},
		{header + "1,Exchange,Allow,443,,,perhaps\n", `f:2:24: expected true or false, found "perhaps"`},
		{header + "1,Exchange\n", "f:2:1: wrong number of fields; fetch the file again"},
		{header + "1,Exchange,Allow,443,\"a.example.com\n", "f:2:37: extraneous or missing \" in quoted-field; fetch the file again"},
		{"id,serviceArea,id\n", `f:1:16: column "id" occurs twice`},
	} {
		_, err := Read("f", []byte(test.in), Naming{Instance: "Worldwide"})
		if err == nil || err.Error() != test.want && !(strings.HasSuffix(test.want, "unknown kind") && strings.HasPrefix(err.Error(), test.want)) {
			t.Errorf("%s\n got %v\nwant %s", test.in, err, test.want)
		}
	}
}

// dataFolder is where real documents are; empty if there are none.
func dataFolder() string { return os.Getenv("GATEWRIGHT_DATA") }

// plainSet is a set as encoding/json reads it.
type plainSet struct {
	ID                 int
	ServiceArea        string
	URLs, IPs          []string
	TCPPorts, UDPPorts string
	Category, Notes    string
	Required           bool
}

// Every real document is read completely: each name and prefix of each set is in the
// set's entries, and there is nothing else.
func TestM365RealDocuments(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(dataFolder(), "m365", "*_20????????.json"))
	if dataFolder() != "" && len(files) < 8 {
		t.Fatalf("%d documents in %s", len(files), dataFolder())
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var plain []plainSet
		if err := json.Unmarshal(data, &plain); err != nil {
			t.Fatal(err)
		}
		instance, revision, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".json"), "_")
		c := readM365(t, file, Naming{Instance: instance, Revision: revision})
		if len(c.Notices) > 0 {
			t.Errorf("%s: notices %v", file, c.Notices)
		}
		byRow := map[string][]catalog.Entry{}
		for _, e := range c.Entries {
			byRow[e.Row] = append(byRow[e.Row], e)
		}
		if len(byRow) != len(plain) {
			t.Errorf("%s: %d sets, want %d", file, len(byRow), len(plain))
		}
		for _, s := range plain {
			if fault := s.lacks(byRow[fmt.Sprint(s.ID)]); fault != "" {
				t.Errorf("%s: set %d: %s", file, s.ID, fault)
			}
		}
	}
}

// lacks says what the set and its entries do not have in common.
func (s plainSet) lacks(entries []catalog.Entry) string {
	var names []string
	var b netset.PrefixBuilder
	for _, e := range entries {
		for _, n := range e.Names {
			names = append(names, n.String())
		}
		b.AddSet(e.Prefixes)
		if e.Area != strings.ToLower(s.ServiceArea) || string(e.Category) != strings.ToLower(s.Category) || e.Required != s.Required {
			return "other attributes"
		}
		if len(e.Names) > 0 && !e.Services.Only(netset.UDP).IsEmpty() && len(s.IPs) > 0 && s.TCPPorts != "" {
			return "names with UDP beside addresses"
		}
	}
	if want := slices.Compact(slices.Sorted(slices.Values(s.URLs))); !slices.Equal(slices.Compact(slices.Sorted(slices.Values(names))), want) {
		return fmt.Sprintf("names %q, want %q", names, want)
	}
	var want netset.PrefixBuilder
	for _, ip := range s.IPs {
		p, _, err := netset.ParsePrefix(ip)
		if err != nil {
			return err.Error()
		}
		want.Add(p)
	}
	if !b.Build().Equal(want.Build()) {
		return "other prefixes"
	}
	return ""
}

// The counts are those of the data's own description.
func TestM365WorldwideCounts(t *testing.T) {
	if dataFolder() == "" {
		return
	}
	c := readM365(t, filepath.Join(dataFolder(), "m365", "Worldwide_2020080600.json"), Naming{Instance: "Worldwide"})
	names := map[string]bool{}
	listed, v4, v6 := 0, 0, 0
	var b netset.PrefixBuilder
	for _, e := range c.Entries {
		for _, n := range e.Names {
			listed++
			names[n.String()] = true
		}
		b.AddSet(e.Prefixes)
	}
	for p := range b.Build().Prefixes() {
		if p.Addr().Is4() {
			v4++
		} else {
			v6++
		}
	}
	got := fmt.Sprint(len(c.Entries), len(names), listed, v4, v6)
	if want := "114 337 395 48 105"; got != want {
		t.Errorf("entries, names, listed names, prefixes: %s, want %s", got, want)
	}
}

// Every pattern that the service ever had parses.
func TestM365Wildcards(t *testing.T) {
	if dataFolder() == "" {
		return
	}
	data, err := os.ReadFile(filepath.Join(dataFolder(), "m365", "wildcards.txt"))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") || len(fields) < 2 {
			continue
		}
		p, err := netset.ParsePattern(fields[1])
		if err != nil || p.String() != fields[1] {
			t.Errorf("%s: read as %s, error %v", fields[1], p, err)
		}
		counts[fields[0]]++
		_, subdomains := p.Subdomains()
		if exact := fields[0] == "exact"; p.IsExact() != exact || subdomains != (fields[0] == "leading *.") {
			t.Errorf("%s: exact %v, subdomains %v; its shape is %s", fields[1], p.IsExact(), subdomains, fields[0])
		}
	}
	if counts["exact"] != 697 || counts["leading *."] != 244 {
		t.Errorf("shapes %v", counts)
	}
}

// What the documentation cuts short, and what is another answer of the service, is
// refused.
func TestM365DocumentedExamples(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(dataFolder(), "m365", "doc_example_*"))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file, data, Naming{}); err == nil {
			t.Errorf("%s is read", file)
		}
	}
}

func FuzzM365(f *testing.F) {
	for _, file := range []string{"testdata/m365.json", "testdata/m365.csv"} {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Read("f", data, Naming{Instance: "China", Name: "n"})
		if err != nil || c.Feed != "m365" {
			return
		}
		seen := map[string]bool{}
		for _, e := range c.Entries {
			v4, v6 := e.Prefixes.CoversFamily()
			bare := len(e.Names) == 0 && e.Prefixes.IsEmpty()
			unsaid := func(f catalog.Fact) bool {
				return slices.ContainsFunc(e.Unsaid, func(u catalog.Unsaid) bool { return u.Fact == f })
			}
			switch {
			case seen[e.ID], v4, v6, e.Direction != catalog.Outbound,
				bare != unsaid(catalog.FactRemote), e.Services.IsEmpty() != unsaid(catalog.FactServices):
				t.Errorf("%+v", e)
			}
			seen[e.ID] = true
		}
	})
}
