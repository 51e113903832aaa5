package feed

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog"
)

// entriesText spells out what entries hold, an entry a line, and what was told.
func stagedText(c *catalog.Catalog) string {
	var lines []string
	for _, e := range c.Entries {
		var names []string
		for _, n := range e.Names {
			names = append(names, n.String())
		}
		slices.Sort(names)
		lines = append(lines, fmt.Sprintf("%s: %s", strings.TrimPrefix(e.ID, c.Name+"/"),
			strings.Join(slices.DeleteFunc([]string{strings.Join(names, " "), e.Prefixes.String(), e.Services.String()}, func(s string) bool { return s == "" }), " | ")))
	}
	for _, n := range c.Notices {
		lines = append(lines, fmt.Sprintf("! %s: %s", n.Where, n.Text))
	}
	return strings.Join(lines, "\n")
}

// set31 is a document of one set, and changeOf a record about it.
func setOf(id int, lists string) string {
	return fmt.Sprintf(`{"id": %d, "serviceArea": "Skype", "category": "Allow", "required": true, "tcpPorts": "443", %s}`, id, lists)
}

var recordID int

func changeOf(set int, version, members string) string {
	recordID++
	return fmt.Sprintf(`{"id": %d, "endpointSetId": %d, "version": %q, %s}`, recordID, set, version, members)
}

func TestStaging(t *testing.T) {
	const version = "2020080600"
	for _, c := range []struct {
		name          string
		sets, changes []string
		staging       Staging
		want          string
	}{
		{"nothing asked for", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "impact": "AddedUrl", "add": {"effectiveDate": "20200901", "urls": ["a.example.com"]}`)},
			Staging{}, "1: a.example.com | tcp 443"},
		{"AddedUrl, not yet live", []string{setOf(1, `"urls": ["a.example.com", "B.example.com"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "impact": "AddedUrl", "add": {"effectiveDate": "20200901", "urls": ["b.example.com"]}`)},
			Staging{AsOf: "2020-08-31"}, "1: a.example.com | tcp 443\n! s: set 1: b.example.com is left out: it becomes live on 2020-09-01"},
		{"AddedUrl, live on the day", []string{setOf(1, `"urls": ["a.example.com", "b.example.com"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "impact": "AddedUrl", "add": {"effectiveDate": "2020-09-01", "urls": ["b.example.com"]}`)},
			Staging{AsOf: "2020-09-01"}, "1: a.example.com b.example.com | tcp 443"},
		{"AddedIp within a prefix that is listed and live", []string{setOf(1, `"ips": ["192.0.2.0/24", "192.0.2.0/25", "198.51.100.0/24"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "impact": "AddedIp", "add": {"effectiveDate": "20200901", "ips": ["192.0.2.0/25", "198.51.100.0/24"]}`)},
			Staging{AsOf: "2020-08-20"}, "1: 192.0.2.0/24 | tcp 443\n" +
				"! s: set 1: 198.51.100.0/24 is left out: it becomes live on 2020-09-01"},
		{"AddedIpAndUrl without a date", []string{setOf(1, `"urls": ["b.example.com"], "ips": ["192.0.2.0/24"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "impact": "AddedIpAndUrl", "add": {"urls": ["b.example.com"], "ips": ["192.0.2.0/24"]}`)},
			Staging{AsOf: "2020-08-20"}, "1: b.example.com | 192.0.2.0/24 | tcp 443"},
		{"prefixes split", []string{setOf(1, `"ips": ["192.0.2.0/25", "192.0.2.128/25"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "add": {"effectiveDate": "20200901", "ips": ["192.0.2.0/25", "192.0.2.128/25"]}, "remove": {"ips": ["192.0.2.0/24"]}`)},
			Staging{AsOf: "2020-08-20", KeepRemoved: 30}, "1: 192.0.2.0/24 | tcp 443"},
		{"prefixes joined, and more", []string{setOf(1, `"ips": ["192.0.2.0/24"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "add": {"effectiveDate": "20200901", "ips": ["192.0.2.0/24"]}, "remove": {"ips": ["192.0.2.0/26", "192.0.2.64/26"]}`)},
			Staging{AsOf: "2020-08-20"}, "1: 192.0.2.0/25 | tcp 443\n! s: set 1: 192.0.2.128/25 is left out: it becomes live on 2020-09-01"},
		{"a name replaced by a narrower one", []string{setOf(1, `"urls": ["a.example.com", "example.com"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "add": {"effectiveDate": "20200901", "urls": ["a.example.com", "example.com"]}, "remove": {"urls": ["*.example.com"]}`)},
			Staging{AsOf: "2020-08-20"}, "1: a.example.com | tcp 443\n! s: set 1: example.com is left out: it becomes live on 2020-09-01"},
		{"MovedIpOrUrl", []string{setOf(1, `"urls": ["a.example.com"]`), setOf(2, `"urls": ["b.example.com"]`)},
			[]string{changeOf(2, version, `"disposition": "change", "impact": "MovedIpOrUrl", "add": {"effectiveDate": "20200901", "urls": ["b.example.com"]}`),
				changeOf(1, version, `"disposition": "change", "impact": "MovedIpOrUrl", "remove": {"urls": ["b.example.com"]}`)},
			Staging{AsOf: "2020-08-20", KeepRemoved: 30}, "1: a.example.com b.example.com | tcp 443\n2: b.example.com | tcp 443\n" +
				"! s: set 1: b.example.com is kept until 2020-09-05: version 2020080600 removed it"},
		{"names moved, before there were impacts", []string{setOf(1, `"urls": ["a.example.com"]`), setOf(2, `"urls": ["b.example.com"]`)},
			[]string{changeOf(2, version, `"disposition": "change", "add": {"effectiveDate": "20200901", "urls": ["b.example.com"]}`),
				changeOf(1, version, `"disposition": "change", "remove": {"urls": ["b.example.com"]}`)},
			Staging{AsOf: "2020-08-20"}, "1: a.example.com | tcp 443\n2: b.example.com | tcp 443"},
		{"a whole set, not yet live", []string{setOf(1, `"urls": ["a.example.com"]`), setOf(9, `"urls": ["n.example.com"], "ips": ["192.0.2.0/24"]`)},
			[]string{changeOf(9, version, `"disposition": "add", "impact": "AddedIpAndUrl", "current": {"tcpPorts": "443"}, "add": {"effectiveDate": "20200901", "urls": ["n.example.com"], "ips": ["192.0.2.0/24"]}`)},
			Staging{AsOf: "2020-08-20"}, "1: a.example.com | tcp 443\n! s: set 9: n.example.com is left out: it becomes live on 2020-09-01\n! s: set 9: 192.0.2.0/24 is left out: it becomes live on 2020-09-01"},
		{"added, removed and added again", []string{setOf(1, `"urls": ["a.example.com", "b.example.com"]`)},
			[]string{changeOf(1, "2018062700", `"disposition": "change", "add": {"effectiveDate": "20180709", "urls": ["b.example.com"]}`),
				changeOf(1, "2020072800", `"disposition": "change", "remove": {"urls": ["b.example.com"]}`),
				changeOf(1, version, `"disposition": "change", "add": {"effectiveDate": "20200901", "urls": ["b.example.com"]}`)},
			Staging{AsOf: "2020-08-20"}, "1: a.example.com | tcp 443\n! s: set 1: b.example.com is left out: it becomes live on 2020-09-01"},
		{"records newer than the sets", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(1, "2020090100", `"disposition": "change", "add": {"effectiveDate": "20201001", "urls": ["a.example.com"]}, "remove": {"urls": ["z.example.com"]}`)},
			Staging{AsOf: "2020-08-20", KeepRemoved: 30}, "1: a.example.com | tcp 443"},
		{"unknown ids", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(99, version, `"disposition": "change", "impact": "Unheard", "add": {"effectiveDate": "20200901", "urls": ["a.example.com"]}`)},
			Staging{AsOf: "2020-08-20", KeepRemoved: 30}, "1: a.example.com | tcp 443"},
		{"RemovedIpOrUrl, within the days", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "impact": "RemovedIpOrUrl", "remove": {"urls": ["b.example.com"], "ips": ["192.0.2.0/24"]}`)},
			Staging{AsOf: "2020-09-04", KeepRemoved: 30}, "1: a.example.com b.example.com | 192.0.2.0/24 | tcp 443\n" +
				"! s: set 1: b.example.com is kept until 2020-09-05: version 2020080600 removed it\n! s: set 1: 192.0.2.0/24 is kept until 2020-09-05: version 2020080600 removed it"},
		{"RemovedIpOrUrl, after the days", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "impact": "RemovedIpOrUrl", "remove": {"urls": ["b.example.com"]}`)},
			Staging{AsOf: "2020-09-05", KeepRemoved: 30}, "1: a.example.com | tcp 443"},
		{"counted back from the version", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(1, "2020070700", `"disposition": "change", "remove": {"urls": ["old.example.com"]}`),
				changeOf(1, "2020070800", `"disposition": "change", "remove": {"urls": ["b.example.com"]}`)},
			Staging{KeepRemoved: 30}, "1: a.example.com b.example.com | tcp 443\n! s: set 1: b.example.com is kept until 2020-08-07: version 2020070800 removed it"},
		{"RemovedDuplicateIpOrUrl, still covered", []string{setOf(1, `"urls": ["*.example.com"], "ips": ["192.0.2.0/24"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "impact": "RemovedDuplicateIpOrUrl", "remove": {"urls": ["b.example.com"], "ips": ["192.0.2.0/25"]}`)},
			Staging{KeepRemoved: 30}, "1: *.example.com | 192.0.2.0/24 | tcp 443"},
		{"removed before it was live", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(1, "2020072800", `"disposition": "change", "add": {"effectiveDate": "20200901", "urls": ["b.example.com"]}`),
				changeOf(1, version, `"disposition": "change", "remove": {"urls": ["b.example.com"]}`)},
			Staging{AsOf: "2020-08-20", KeepRemoved: 30}, "1: a.example.com | tcp 443"},
		{"a port removed", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "impact": "OtherNonPriorityChanges", "previous": {"tcpPorts": "80,443", "notes": "n"}, "current": {"tcpPorts": "443"}`)},
			Staging{KeepRemoved: 30}, "1: a.example.com | tcp 80, 443\n! s: set 1: tcp 80 is kept until 2020-09-05: version 2020080600 removed it"},
		{"ChangedIsExpressRoute", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "impact": "ChangedIsExpressRoute", "previous": {"expressRoute": true, "required": false}, "current": {"expressRoute": false}`)},
			Staging{AsOf: "2020-08-20", KeepRemoved: 30}, "1: a.example.com | tcp 443"},
		{"a whole set removed", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(9, version, `"disposition": "remove", "impact": "RemovedIpOrUrl", "previous": {"serviceArea": "Exchange", "category": "Default", "tcpPorts": "25", "required": true}, "remove": {"urls": ["b.example.com"]}`)},
			Staging{KeepRemoved: 30}, "1: a.example.com | tcp 443\n9: b.example.com | tcp 25\n! s: set 9: b.example.com is kept until 2020-09-05: version 2020080600 removed it"},
		{"a whole set removed, and nothing said of it", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(9, version, `"disposition": "remove", "remove": {"urls": ["b.example.com"]}`)},
			Staging{KeepRemoved: 30}, "1: a.example.com | tcp 443\n! s: set 9: what version 2020080600 removed of it cannot be kept: no record says which ports it had"},
		{"announced and withdrawn before its day", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(1, "2020072800", `"disposition": "change", "impact": "AddedUrl", "add": {"effectiveDate": "20200901", "urls": ["b.example.com"]}`),
				changeOf(1, version, `"disposition": "change", "impact": "RemovedIpOrUrl", "remove": {"urls": ["b.example.com"]}`)},
			Staging{KeepRemoved: 30}, "1: a.example.com | tcp 443"},
		{"and looked at after that day", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(1, "2020072800", `"disposition": "change", "impact": "AddedUrl", "add": {"effectiveDate": "20200810", "urls": ["b.example.com"]}`),
				changeOf(1, version, `"disposition": "change", "impact": "RemovedIpOrUrl", "remove": {"urls": ["b.example.com"]}`)},
			Staging{AsOf: "2020-08-20", KeepRemoved: 30}, "1: a.example.com | tcp 443"},
		{"moved before it is live", []string{setOf(1, `"urls": ["a.example.com"]`), setOf(2, `"urls": ["b.example.com"]`)},
			[]string{changeOf(1, "2020072800", `"disposition": "change", "impact": "AddedUrl", "add": {"effectiveDate": "20200901", "urls": ["b.example.com"]}`),
				changeOf(1, version, `"disposition": "change", "impact": "MovedIpOrUrl", "remove": {"urls": ["b.example.com"]}`),
				changeOf(2, version, `"disposition": "change", "impact": "MovedIpOrUrl", "add": {"effectiveDate": "20200806", "urls": ["b.example.com"]}`)},
			Staging{AsOf: "2020-08-20", KeepRemoved: 30}, "1: a.example.com | tcp 443\n! s: set 2: b.example.com is left out: it becomes live on 2020-09-01"},
		{"announced as a whole and listed as its halves", []string{setOf(1, `"urls": ["a.example.com"], "ips": ["192.0.2.0/25", "192.0.2.128/25"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "impact": "AddedIp", "add": {"effectiveDate": "20200901", "ips": ["192.0.2.0/24"]}`)},
			Staging{AsOf: "2020-08-20"}, "1: a.example.com | tcp 443\n! s: set 1: 192.0.2.0/24 is left out: it becomes live on 2020-09-01"},
		{"announced as its halves and listed as a whole", []string{setOf(1, `"urls": ["a.example.com"], "ips": ["192.0.2.0/24"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "impact": "AddedIp", "add": {"effectiveDate": "20200901", "ips": ["192.0.2.0/25", "192.0.2.128/25"]}`)},
			Staging{AsOf: "2020-08-20"}, "1: a.example.com | tcp 443\n! s: set 1: 192.0.2.0/25 is left out: it becomes live on 2020-09-01\n! s: set 1: 192.0.2.128/25 is left out: it becomes live on 2020-09-01"},
		{"half of it live before", []string{setOf(1, `"ips": ["192.0.2.0/24", "192.0.2.0/25"]`)},
			[]string{changeOf(1, version, `"disposition": "change", "impact": "AddedIp", "add": {"effectiveDate": "20200901", "ips": ["192.0.2.0/24"]}`)},
			Staging{AsOf: "2020-08-20"}, "1: 192.0.2.0/25 | tcp 443\n! s: set 1: 192.0.2.128/25 is left out: it becomes live on 2020-09-01"},
		{"a whole set removed, its attributes beside", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(9, version, `"disposition": "remove", "impact": "RemovedIpOrUrl", "remove": {"urls": ["b.example.com"]}`),
				changeOf(9, version, `"disposition": "change", "impact": "OtherNonPriorityChanges", "previous": {"serviceArea": "Exchange", "category": "Allow", "tcpPorts": "25"}`)},
			Staging{KeepRemoved: 30}, "1: a.example.com | tcp 443\n9: b.example.com | tcp 25\n! s: set 9: b.example.com is kept until 2020-09-05: version 2020080600 removed it"},
		{"its attributes in a later record", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(9, "2020072800", `"disposition": "change", "impact": "RemovedIpOrUrl", "remove": {"urls": ["b.example.com"]}`),
				changeOf(9, version, `"disposition": "remove", "previous": {"serviceArea": "Exchange", "category": "Allow", "tcpPorts": "25"}`)},
			Staging{KeepRemoved: 30}, "1: a.example.com | tcp 443\n9: b.example.com | tcp 25\n! s: set 9: b.example.com is kept until 2020-08-27: version 2020072800 removed it"},
		{"its attributes where it was added", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(9, "2020062800", `"disposition": "add", "current": {"serviceArea": "Exchange", "tcpPorts": "25"}, "add": {"effectiveDate": "20200701", "urls": ["b.example.com"]}`),
				changeOf(9, version, `"disposition": "remove", "remove": {"urls": ["b.example.com"]}`)},
			Staging{KeepRemoved: 30}, "1: a.example.com | tcp 443\n9: b.example.com | tcp 25\n! s: set 9: b.example.com is kept until 2020-09-05: version 2020080600 removed it"},
		{"with the ports of its time", []string{setOf(1, `"urls": ["a.example.com"]`)},
			[]string{changeOf(1, "2020072800", `"disposition": "change", "remove": {"urls": ["b.example.com"]}`),
				changeOf(1, version, `"disposition": "change", "previous": {"tcpPorts": "25"}, "current": {"tcpPorts": "443"}`)},
			Staging{KeepRemoved: 30}, "1: a.example.com | tcp 25, 443\n1-kept-2020072800: b.example.com | tcp 25\n" +
				"! s: set 1: b.example.com is kept until 2020-08-27: version 2020072800 removed it\n! s: set 1: tcp 25 is kept until 2020-09-05: version 2020080600 removed it"},
	} {
		changes, err := ReadChanges("c", []byte("["+strings.Join(c.changes, ",")+"]"))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		sets := "[" + strings.Join(c.sets, ",") + "]"
		as := Naming{Instance: "Worldwide", Revision: version}
		for range 2 {
			have, err := c.staging.Read("s", []byte(sets), as, changes)
			if err != nil || stagedText(have) != c.want {
				t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, stagedText(have), c.want)
			}
			slices.Reverse(changes) // the order of the records is the publisher's
		}
	}
}

func TestStagingRefuses(t *testing.T) {
	sets := "[" + setOf(1, `"urls": ["a.example.com"]`) + "]"
	changes, err := ReadChanges("c", []byte("["+changeOf(1, "2020080600", `"disposition": "add", "add": {"effectiveDate": "20200901", "urls": ["a.example.com"]}`)+"]"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, revision, want string }{
		{"no version", sets, "", "s: change records apply to the web service's answer at a version of ten digits"},
		{"CSV", "id,serviceArea,category\n", "2020080600", "s"},
		{"nothing is live", sets, "2020080600", "s: no endpoint is live on 2020-08-20; name a later day"},
		{"bad sets", `[{"serviceArea": "Skype"}]`, "2020080600", `s:1:2: /0: missing required key "id"`},
		{"another feed", "192.0.2.0/24\n", "2020080600", "s: change records apply only to the web service's answer"},
	} {
		if have, err := (Staging{AsOf: "2020-08-20"}).Read("s", []byte(c.text), Naming{Instance: "Worldwide", Revision: c.revision}, changes); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v; want %s", c.name, have, err, c.want)
		}
	}
}

// TestStagedWhole holds that a document passes unharmed if no record touches it.
func TestStagedWhole(t *testing.T) {
	sets := `[{"id": 12, "serviceArea": "Skype", "serviceAreaDisplayName": "Skype for Business", "urls": ["*.lync.com", "a.<b"], "notes": "n\"<&>",
		"ips": ["192.0.2.1", "2001:db8::/32"], "tcpPorts": "443, 80", "udpPorts": "3478-3481", "expressRoute": true, "category": "Optimize", "required": true}]`
	sets = strings.Replace(sets, `, "a.<b"`, "", 1)
	as := Naming{Instance: "China", Revision: "2020080600"}
	plain, err := Read("s", []byte(sets), as)
	if err != nil {
		t.Fatal(err)
	}
	staged, err := Staging{AsOf: "2020-08-20"}.Read("s", []byte(sets), as, nil)
	if err != nil || len(staged.Entries) != len(plain.Entries) {
		t.Fatal(staged, err)
	}
	for i := range plain.Entries {
		if have, want := string(staged.Entries[i].AppendCanonical(nil)), string(plain.Entries[i].AppendCanonical(nil)); have != want {
			t.Errorf("staged\n%s\nplain\n%s", have, want)
		}
	}
}

func TestParseDays(t *testing.T) {
	for text, want := range map[string]int{"30d": 30, "1d": 1, "3650d": 3650, "0d": 0, "-1d": 0, "3651d": 0, "30": 0, "d": 0, "1w": 0, "": 0} {
		if have, err := ParseDays(text); have != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v", text, have, err)
		}
	}
}
