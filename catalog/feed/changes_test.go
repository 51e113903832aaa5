package feed

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
)

func TestReadChanges(t *testing.T) {
	changes, err := ReadChanges("c", []byte(`[
		{"id": 2, "endpointSetId": 31, "disposition": "Change", "version": "2018062700", "impact": "AddedIp", "unknown": {},
			"previous": {"tcpPorts": "80,443", "required": true, "odd": 1}, "current": {"tcpPorts": "443"},
			"add": {"effectiveDate": "20180709", "ips": ["51.140.203.190/32"], "urls": ["*.Skype.com."]},
			"remove": {"ips": ["2001:db8::/32"], "urls": null}},
		{"id": 1, "endpointSetId": 32, "disposition": "remove", "version": "2018062700", "add": null}]`))
	if err != nil || len(changes) != 2 {
		t.Fatal(changes, err)
	}
	c := changes[0]
	if c.ID != 2 || c.Set != 31 || c.Disposition != SetChanged || c.Impact != "AddedIp" || c.Version != "2018062700" || c.Effective != "2018-07-09" ||
		len(c.Added.names) != 1 || c.Added.names[0].String() != "*.skype.com" || c.Added.prefixes[0].String() != "51.140.203.190/32" ||
		c.Removed.prefixes[0].String() != "2001:db8::/32" || len(c.Previous) != 2 || c.Previous["tcpPorts"] != "80,443" || c.Previous["required"] != "true" {
		t.Errorf("%+v", c)
	}
	if changes[1].Disposition != SetRemoved || changes[1].Effective != "" {
		t.Errorf("%+v", changes[1])
	}
}

// A name counts for the version that removed it last, of those that are asked for.
func TestRemovedNames(t *testing.T) {
	changes, err := ReadChanges("c", []byte(`[
		{"id": 3, "endpointSetId": 1, "disposition": "change", "version": "2020070800", "remove": {"urls": ["a.example.com", "b.example.com"]}},
		{"id": 9, "endpointSetId": 2, "disposition": "remove", "version": "2020080600", "remove": {"urls": ["B.example.com"], "ips": ["192.0.2.0/24"]}},
		{"id": 1, "endpointSetId": 1, "disposition": "change", "version": "2020090100", "remove": {"urls": ["a.example.com"]}, "add": {"urls": ["c.example.com"]}}]`))
	if err != nil {
		t.Fatal(err)
	}
	for upTo, want := range map[string]string{
		"":           "map[]",
		"2020070800": "map[2020070800:[a.example.com b.example.com]]",
		"2020080600": "map[2020070800:[a.example.com] 2020080600:[b.example.com]]",
		"2020090100": "map[2020080600:[b.example.com] 2020090100:[a.example.com]]",
	} {
		removed := RemovedNames(changes, upTo)
		for _, names := range removed {
			slices.SortFunc(names, netset.Pattern.Compare)
		}
		if got := fmt.Sprint(removed); got != want {
			t.Errorf("up to %q: %s, want %s", upTo, got, want)
		}
	}
}

func TestEffectiveDates(t *testing.T) {
	for text, want := range map[string]string{
		"20180709": "2018-07-09", "2018-07-09": "2018-07-09", "2018-07-09T00:00:00Z": "2018-07-09", "2018-07-09T00:00:00": "2018-07-09",
	} {
		changes, err := ReadChanges("c", []byte(`[{"id": 1, "endpointSetId": 1, "disposition": "add", "version": "2018062700", "add": {"effectiveDate": "`+text+`"}}]`))
		if err != nil || changes[0].Effective != want {
			t.Errorf("%s: %+v, %v", text, changes, err)
		}
	}
}

func TestReadChangesRefuses(t *testing.T) {
	record := func(with string) string {
		return `[{"id": 1, "endpointSetId": 2, "disposition": "change", "version": "2018062700"` + with + `}]`
	}
	for text, want := range map[string]string{
		``:        "c:1:1: empty input",
		`{}`:      "c:1:1: expected an array, found an object",
		`[7]`:     "c:1:2: /0: expected an object, found a number",
		`<html/>`: "c: the answer is a web page",
		`[{}]`: "c:1:2: /0: missing required key \"id\"\nc:1:2: /0: missing required key \"endpointSetId\"\n" +
			"c:1:2: /0: missing required key \"disposition\"\nc:1:2: /0: missing required key \"version\"",
		`[{"id": 0, "endpointSetId": "2", "disposition": "move", "version": "20180627"}]`: "c:1:9: /0/id: expected a whole number from 1 to 2147483647, found 0\n" +
			"c:1:29: /0/endpointSetId: expected a number, found a string\nc:1:49: /0/disposition: unknown disposition \"move\"; expected change, add or remove\n" +
			`c:1:68: /0/version: bad version "20180627"; expected ten digits, YYYYMMDDNN`,
		record(`, "add": {"effectiveDate": "9 July"}`):   `c:1:107: /0/add/effectiveDate: bad date "9 July"; expected YYYYMMDD or YYYY-MM-DD`,
		record(`, "add": {"effectiveDate": "20181340"}`): `c:1:107: /0/add/effectiveDate: bad date`,
		record(`, "add": {"ips": ["0.0.0.0/33"]}`):       `c:1:98: /0/add/ips/0: `,
		record(`, "remove": {"urls": ["a b"]}`):          `c:1:102: /0/remove/urls/0: `,
		record(`, "remove": {"urls": ["*"]}`):            `c:1:102: /0/remove/urls/0: `,
		record(`, "remove": {"urls": "a.example.com"}`):  `c:1:101: /0/remove/urls: expected an array, found a string`,
	} {
		if _, err := ReadChanges("c", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\nerror %v\nwant  %s", text, err, want)
		}
	}
}

// TestDocumentedChanges reads the publisher's own examples.
func TestDocumentedChanges(t *testing.T) {
	folder := dataFolder()
	if folder == "" {
		return
	}
	file := filepath.Join(folder, "m365", "doc_example_changes_2018062700_excerpt.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := ReadChanges(file, data)
	if err != nil || len(changes) != 2 || changes[0].Set != 33 || len(changes[1].Removed.prefixes) != 6 || changes[1].Version != "2018031301" {
		t.Errorf("%+v, %v", changes, err)
	}
	file = filepath.Join(folder, "m365", "doc_example_changes_0000000000_excerpt.json.invalid")
	if data, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	if changes, err := ReadChanges(file, data); err == nil || !strings.HasPrefix(err.Error(), file+":") {
		t.Errorf("cut short: %+v, %v", changes, err)
	}
}

func FuzzReadChanges(f *testing.F) {
	f.Add([]byte(`[{"id": 2, "endpointSetId": 31, "disposition": "Change", "version": "2018062700", "previous": {"tcpPorts": "80"},
		"add": {"effectiveDate": "20180709", "ips": ["192.0.2.0/24"], "urls": ["*.example.com"]}, "remove": {"ips": ["2001:db8::/32"]}}]`))
	sets := []byte(`[{"id": 31, "serviceArea": "Common", "category": "Default", "tcpPorts": "443", "urls": ["*.example.com"], "ips": ["192.0.2.0/24"]}]`)
	f.Fuzz(func(t *testing.T, data []byte) {
		changes, err := ReadChanges("c", data)
		if err != nil {
			return
		}
		// What reads is applied, or refused, and never makes what was not published.
		c, err := Staging{AsOf: "2018-07-01"}.Read("s", sets, Naming{Revision: "2018063000"}, changes)
		if err == nil && (len(c.Entries) != 1 || !strings.HasSuffix(c.Entries[0].ID, "/31") || len(c.Entries[0].Names) > 1) {
			t.Errorf("%+v", c)
		}
	})
}
