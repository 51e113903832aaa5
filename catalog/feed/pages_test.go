package feed

import "testing"

// TestPartialAnswers holds that one page of several is no catalogue.
func TestPartialAnswers(t *testing.T) {
	const more = "there are more pages of this answer; fetch all pages, and put their values into one list"
	tags := `"values": [{"name": "S", "properties": {"addressPrefixes": ["20.1.0.0/25"]}}], "changeNumber": 1, "cloud": "Public"`
	for text, want := range map[string]string{
		`{"nextLink": "https://example.com/2", ` + tags + `}`:                                   "f:1:14: /nextLink: " + more,
		`{"@odata.nextLink": "https://example.com/2", "value": ["20.1.0.0/16"]}`:                "f:1:21: /@odata.nextLink: " + more,
		`{"NextPageToken": "x", "prefixes": ["20.1.0.0/16"]}`:                                   "f:1:19: /NextPageToken: " + more,
		`{"value": ["20.1.0.0/16"], "Count": 2}`:                                                "f:1:37: /Count: the answer states 2 values but has 1: there are more pages; fetch all pages, and put their values into one list",
		`{"count": 3, "next": "https://example.com/2", "results": [{"prefix": "20.1.0.0/16"}]}`: "f:1:22: /next: " + more,
		`{"links": {"next": "/2"}, "data": ["20.1.0.0/16"]}`:                                    "f:1:20: /links/next: " + more,
		`{"_links": {"next": {"href": "/2"}}, "data": ["20.1.0.0/16"]}`:                         "f:1:21: /_links/next: " + more,
		`{"has_more": true, "data": ["20.1.0.0/16"]}`:                                           "f:1:14: /has_more: " + more,
		`{"@odata.count": 3, "value": []}`:                                                      "f:1:18: /@odata.count: the answer states 3 values but has 0: there are more pages; fetch all pages, and put their values into one list",
	} {
		if _, err := Read("f", []byte(text), Naming{}); err == nil || err.Error() != want {
			t.Errorf("%s:\n%v\nwant\n%s", text, err, want)
		}
	}
	for _, text := range []string{
		`{"nextLink": null, ` + tags + `}`,
		`{"@odata.nextLink": "", "@odata.count": 1, "value": ["20.1.0.0/16"]}`,
		`{"prefixes": ["20.1.0.0/16"], "count": 7}`,
		`{"data": ["20.1.0.0/16"], "next": null, "has_more": false, "links": {"next": null, "self": "/1"}}`,
	} {
		if _, err := Read("f", []byte(text), Naming{}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestMisspeltKeys holds that what a misspelt key of rows holds is not lost.
func TestMisspeltKeys(t *testing.T) {
	const set = `[{"id": 1, "serviceArea": "Exchange", "category": "Default", "urls": ["a.example.com"], `
	for text, want := range map[string]string{
		set + `"tcpPort": "443"}]`:                                    `f:1:89: /0/tcpPort: unknown key "tcpPort"; did you mean "tcpPorts"?`,
		set + `"tcpPorts": 443, "udpprots": "53"}]`:                   `f:1:106: /0/udpprots: unknown key "udpprots"; did you mean "udpPorts"?`,
		set + `"tcpPorts": 443, "ip": ["192.0.2.0/24"]}]`:             `f:1:106: /0/ip: unknown key "ip"; did you mean "ips"?`,
		set + `"tcpPorts": 443, "url": "b.example.com"}]`:             `f:1:106: /0/url: unknown key "url"; did you mean "urls"?`,
		`[{"uri": "a.example.com", "tcpPort": 1, "udpPorts": 2}]`:     `f:1:41: /0/udpPorts: unknown key "udpPorts"; did you mean "udpPort"?`,
		"id,serviceArea,urls,tcpPort\n1,Exchange,a.example.com,443\n": `f:1:21: unknown column "tcpPort"; did you mean "tcpPorts"?`,
	} {
		if _, err := Read("f", []byte(text), Naming{Instance: "Worldwide"}); err == nil || err.Error() != want {
			t.Errorf("%s:\n%v\nwant\n%s", text, err, want)
		}
	}
	// a letter case of their own is that of programs, and other keys are the publisher's
	want := catalogText(t, set+`"udpPorts": "53"}]`)
	if have := catalogText(t, set+`"udpports": "53", "status": "x"}]`); have != want {
		t.Errorf("%s\nwant\n%s", have, want)
	}
}
