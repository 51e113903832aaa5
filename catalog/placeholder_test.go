package catalog

import (
	"fmt"
	"strings"
	"testing"
)

func TestFill(t *testing.T) {
	tenant, domain := Placeholder{"tenant", Label}, Placeholder{"email_domain", FQDN}
	my := Pending{Host: "<tenant>-my.sharepoint.com", Placeholders: []Placeholder{tenant}}
	mobile := Pending{Host: "<email_domain>.outlookmobile.com", Path: "/x", Placeholders: []Placeholder{domain}}
	both := Pending{Host: "*.<tenant>.<email_domain>.<tenant>.example.com", Placeholders: []Placeholder{tenant, domain}}
	for _, c := range []struct {
		pending      Pending
		values       map[string][]string
		want, reason string
	}{
		{pending: my, values: map[string][]string{"tenant": {"Contoso"}}, want: "contoso-my.sharepoint.com"},
		{pending: mobile, values: map[string][]string{"email_domain": {"mail.example.org."}}, want: "mail.example.org.outlookmobile.com"},
		{pending: both, values: map[string][]string{"tenant": {"a"}, "email_domain": {"b.c"}}, want: "*.a.b.c.a.example.com"},
		{pending: both, values: map[string][]string{"tenant": {"a", "b"}, "email_domain": {"c.d", "e.f"}}, want: "*.a.c.d.a.example.com *.a.e.f.a.example.com *.b.c.d.b.example.com *.b.e.f.b.example.com"},
		{pending: my, values: map[string][]string{"tenant": {"a", "-x"}}, reason: `"-x" does not fit <tenant>; write one label of letters, digits and inner hyphens, such as "contoso"`},
		{pending: Pending{Host: "aka.ms", Path: "/hybridwizard"}, want: "aka.ms"},
		{pending: my, reason: `no value for <tenant>; give one such as "contoso"`},
		{pending: mobile, values: map[string][]string{"tenant": {"contoso"}}, reason: `no value for <email_domain>; give one such as "example.com"`},
		{pending: my, values: map[string][]string{"tenant": {"con-toso2"}}, want: "con-toso2-my.sharepoint.com"},
		{pending: my, values: map[string][]string{"tenant": {"-x"}}, reason: `"-x" does not fit <tenant>; write one label of letters, digits and inner hyphens, such as "contoso"`},
		{pending: my, values: map[string][]string{"tenant": {"contoso-"}}, reason: `"contoso-" does not fit <tenant>; write one label of letters, digits and inner hyphens, such as "contoso"`},
		{pending: my, values: map[string][]string{"tenant": {"a_b"}}, reason: `"a_b" does not fit <tenant>; write one label of letters, digits and inner hyphens, such as "contoso"`},
		{pending: my, values: map[string][]string{"tenant": {"contoso.com"}}, reason: `"contoso.com" does not fit <tenant>; write one label of letters, digits and inner hyphens, such as "contoso"`},
		{pending: my, values: map[string][]string{"tenant": {"*"}}, reason: `"*" does not fit <tenant>; write one label of letters, digits and inner hyphens, such as "contoso"`},
		{pending: my, values: map[string][]string{"tenant": {"contoso."}}, reason: `"contoso." does not fit <tenant>; write one label of letters, digits and inner hyphens, such as "contoso"`},
		{pending: my, values: map[string][]string{"tenant": {"a\nb"}}, reason: `"a\nb" does not fit <tenant>; write one label of letters, digits and inner hyphens, such as "contoso"`},
		{pending: my, values: map[string][]string{"tenant": {"<tenant>"}}, reason: `"<tenant>" does not fit <tenant>; write one label of letters, digits and inner hyphens, such as "contoso"`},
		{pending: mobile, values: map[string][]string{"email_domain": {"example"}}, reason: `"example" does not fit <email_domain>; write an FQDN, such as "example.com"`},
		{pending: mobile, values: map[string][]string{"email_domain": {"*.example.com"}}, reason: `"*.example.com" does not fit <email_domain>; write an FQDN, such as "example.com"`},
		{pending: my, values: map[string][]string{"tenant": {strings.Repeat("a", 63)}}, reason: `"` + strings.Repeat("a", 63) + `-my.sharepoint.com" has a label of 66 characters; write at most 63 between two dots`},
	} {
		got, err := c.pending.Fill(c.values)
		reason := ""
		if err != nil {
			reason = err.Error()
		}
		if fmt.Sprint(got) != "["+c.want+"]" || reason != c.reason {
			t.Errorf("%s with %v: %q, %s", c.pending.Host, c.values, got, reason)
		}
	}
}
