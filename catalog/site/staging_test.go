package site

import (
	"strings"
	"testing"

	"gatewright/catalog/feed"
)

func TestReadStaging(t *testing.T) {
	s, err := Read("s", []byte(`{"as_of": "2020-08-20", "keep_removed": "30d"}`))
	if err != nil || s.Staging != (feed.Staging{AsOf: "2020-08-20", KeepRemoved: 30}) {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err = Read("s", []byte(`{"as_of": "today"}`)); err != nil || s.Staging.AsOf != Today {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := s.LoadCatalogs("."); err == nil || !strings.HasPrefix(err.Error(), "s:1:11: /as_of: the snapshot m365-worldwide has no change records; `gatewright fetch m365 --changes -o m365-worldwide.json` gets the catalogue with them") {
		t.Errorf("without change records: %v", err)
	}
	for text, want := range map[string]string{
		`{"as_of": "soon"}`:       `s:1:11: /as_of: bad day "soon"; write it as YYYY-MM-DD, or "today" for the current day (UTC)`,
		`{"as_of": "2020-02-30"}`: `s:1:11: /as_of: bad day "2020-02-30"`,
		`{"as_of": 7}`:            "s:1:11: /as_of: expected a string, found a number",
		`{"keep_removed": "30"}`:  `s:1:18: /keep_removed: bad number of days "30"; write it as 30d, from 1d to 3650d`,
		`{"keep_removed": ""}`:    "s:1:18: /keep_removed: empty text",
	} {
		if _, err := Read("s", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
}
