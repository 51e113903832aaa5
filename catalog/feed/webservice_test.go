package feed

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestNewExtract(t *testing.T) {
	e, err := NewExtract("usgovdod", []string{"skype", "EXCHANGE", "Skype"}, "Contoso")
	if err != nil || e.Instance != "USGovDoD" || strings.Join(e.Areas, ",") != "Exchange,Skype" || e.Tenant != "contoso" {
		t.Errorf("%+v, %v", e, err)
	}
	for _, c := range []struct{ instance, area, tenant, want string }{
		{"Germany", "", "", "the publisher closed the instance Germany in 2021; use Worldwide"},
		{"World", "", "", `no instance "World"; expect one of Worldwide, USGovDoD, USGovGCCHigh, China`},
		{"China", "Teams", "", `no service area "Teams"; expect one of Common, Exchange, MEM, SharePoint, Skype`},
		{"China", "", "contoso.com", `bad tenant "contoso.com"`},
		{"China", "", "*", `bad tenant "*"`},
		{"China", "", "-x", `bad tenant "-x"`},
		{"China", "", "contoso-", `bad tenant "contoso-"`},
		{"China", "", "a_b", `bad tenant "a_b"; write the one label of letters, digits and inner hyphens before .onmicrosoft.com`},
		{"China", "", "a&b", `bad tenant "a&b"`},
	} {
		var areas []string
		if c.area != "" {
			areas = []string{c.area}
		}
		if _, err := NewExtract(c.instance, areas, c.tenant); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v", c, err)
		}
	}
}

// TestWebServiceRequests holds what is sent, and that a source does not hold the
// machine's own ClientRequestId.
func TestWebServiceRequests(t *testing.T) {
	var asked []string
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		io.WriteString(w, "[]")
	})
	s := WebService{Client: p.Client, Base: p.URL, RequestID: "guid"}
	e, err := NewExtract("Worldwide", []string{"Skype", "Exchange"}, "contoso")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{s.EndpointsSource(e), s.ChangesSource(e)} {
		if strings.Contains(source, "guid") {
			t.Errorf("%s holds the ClientRequestId", source)
		}
		if _, err := s.Get(context.Background(), source); err != nil {
			t.Error(err)
		}
	}
	want := "/endpoints/Worldwide?ClientRequestId=guid&ServiceAreas=Exchange%2CSkype&TenantName=contoso\n" +
		"/changes/Worldwide/0000000000?ClientRequestId=guid"
	if have := strings.Join(asked, "\n"); have != want {
		t.Errorf("asked\n%s\nwant\n%s", have, want)
	}
	if have := (WebService{}).VersionSource(e); have != "https://endpoints.office.com/version/Worldwide" {
		t.Errorf("the publisher's source is %s", have)
	}
}

func TestLatest(t *testing.T) {
	for _, c := range []struct{ answer, version, err string }{
		{`{"instance": "Worldwide", "latest": "2020080600", "more": []}`, "2020080600", ""},
		{`{"instance": "Worldwide", "latest": "2020080600", "versions": ["2020080600", "2020072800"]}`, "2020080600", ""},
		{`[{"instance": "China", "latest": "2020070800"}, {"instance": "Worldwide", "latest": "2020080600"}]`, "2020080600", ""},
		{`{"instance": "China", "latest": "2020080600"}`, "", `expected the "latest" version of the "instance" Worldwide`},
		{`{"instance": "Worldwide", "latest": "20200806"}`, "", `a version of ten digits, YYYYMMDDNN`},
		{`{"instance": "Worldwide", "latest": "2020130600"}`, "", `a version of ten digits, YYYYMMDDNN`},
		{`{"instance": "Worldwide", "latest": 2020080600}`, "2020080600", ""},
		{`{"instance": "Worldwide"}`, "", `:1:1: expected "latest"`},
		{`{"instance": "Worl`, "", "version/Worldwide:1:14: /instance:"},
		{`[]`, "", `expected the "latest" version`},
		{``, "", "empty input"},
		{"<!DOCTYPE html><title>Log in</title>", "", "the answer is a web page, not a feed; a captive portal or a proxy may have answered instead of the publisher"},
	} {
		p := publish(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, c.answer) })
		s := WebService{Client: p.Client, Base: p.URL, RequestID: "guid"}
		version, fresh, err := s.Latest(context.Background(), Extract{Instance: "Worldwide"})
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "guid") {
				t.Errorf("%s: error %v, want %s", c.answer, err, c.err)
			}
		case err != nil || version != c.version || fresh != time.Hour:
			t.Errorf("%s: %s for %v, %v", c.answer, version, fresh, err)
		}
	}
}
