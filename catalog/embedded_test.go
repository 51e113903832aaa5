package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fact is what the article says in one row or part of one, typed from it and not
// from the catalogue. Endpoints are space-separated in any order; "?" stands for
// what the article leaves unsaid, and "~" precedes what is our reading.
type fact struct {
	row, slug, direction, role, services, instances, condition, endpoints string
}

const (
	worldwide  = "Worldwide"
	government = "USGovDoD USGovGCCHigh"
	zone       = "zone"
)

// teamsHelp are the domains, with their subdomains, that the publisher's help on
// sign-in loops of Teams names.
const teamsHelp = "microsoft.com *.microsoft.com microsoftonline.com *.microsoftonline.com teams.skype.com *.teams.skype.com " +
	"sfbassets.com *.sfbassets.com skypeforbusiness.com *.skypeforbusiness.com"

// facts2018 are the 16 rows of 2018-10-23.
var facts2018 = []fact{
	{"", "dns", "~outbound", "~resolver", "~tcp 53; udp 53", worldwide, "", "?"},
	{"1", "import-service", "outbound", "~clients", "?", worldwide, "", "?"},
	{"2", "support-and-recovery-assistant", "inbound", "~sts", "?", worldwide, "", "~ o365diagnosticsbasic-eus.cloudapp.net o365diagnosticworker-eus.cloudapp.net 104.211.54.99/32 104.211.54.134/32"},
	{"3", "entra-connect-sso", "inbound", "~sts", "tcp 80, 443", worldwide, "", "~ connect"},
	{"3", "entra-connect-sso-proxy", "inbound", "~sts-proxy", "tcp 80, 443", worldwide, "", "~ connect"},
	{"4", "sts-federated", "inbound", "~sts-proxy", "tcp 443", worldwide, "", "?"},
	{"4", "sts-federated-client-tls", "inbound", "~sts-proxy", "tcp 49443", worldwide, "client TLS", "?"},
	{"5", "unified-messaging", "~bidirectional", "sbc", "?", worldwide, "", "*.um.outlook.com"},
	{"6", "exchange-hybrid-coexistence", "inbound", "exchange", "?", worldwide, "", "?"},
	{"7", "exchange-hybrid-proxy-authentication", "inbound", "~sts", "?", worldwide, "", "?"},
	{"8", "hybrid-configuration-wizard-2010", "outbound", "~exchange", "tcp 80, 443", worldwide, "Exchange 2010 SP3", "domains.live.com"},
	{"9", "autodetect", "inbound", "exchange", "tcp 443", worldwide, "", "~ *.acompli.net *.outlookmobile.us 52.125.128.0/20 52.127.96.0/23"},
	{"10", "skype-screen-sharing", "outbound", "clients", "tcp 443", worldwide, "Office 2013 and earlier", "52.112.0.0/14"},
	{"11", "skype-hybrid-servers", "outbound", "skype", "tcp 50000-59999; udp 50000-59999", worldwide, "", "13.107.64.0/18 52.112.0.0/14"},
	{"12", "cloud-pstn-hybrid", "inbound", "?", "?", worldwide, "", "?"},
	{"13", "trusted-authentication", zone, "", "", worldwide, "", "secure.aadcdn.microsoftonline-p.com"},
	{"14", "trusted-teams", zone, "", "", worldwide, "", "~ teams.microsoft.com *.teams.microsoft.com " + teamsHelp},
	{"15", "trusted-sharepoint", zone, "", "", worldwide, "", "?"},
	{"16", "trusted-yammer", zone, "", "", worldwide, "", "?"},
}

// facts2025 are the 25 rows of 2025-01-08.
var facts2025 = []fact{
	{"", "dns", "~outbound", "~resolver", "~tcp 53; udp 53", worldwide, "", "?"},
	{"1", "import-service", "outbound", "~clients", "?", worldwide, "", "?"},
	{"2", "support-and-recovery-assistant", "outbound", "~servers", "~tcp 443", worldwide, "",
		"autodiscover.outlook.com officecdn.microsoft.com api.diagnostics.office.com apibasic.diagnostics.office.com " +
			"autodiscover-s.outlook.com cloudcheckenabler.azurewebsites.net login.live.com login.microsoftonline.com " +
			"login.windows.net o365diagtelemetry.trafficmanager.net odc.officeapps.live.com offcatedge.azureedge.net " +
			"officeapps.live.com outlook.office365.com outlookdiagnostics.azureedge.net sara.api.support.microsoft.com"},
	{"3", "entra-connect-sso", "inbound", "~sts", "tcp 80, 443", worldwide, "", "~ connect"},
	{"3", "entra-connect-sso-proxy", "inbound", "~sts-proxy", "tcp 80, 443", worldwide, "", "~ connect"},
	{"4", "sts-federated", "inbound", "~sts-proxy", "tcp 443", worldwide, "", "?"},
	{"4", "sts-federated-client-tls", "inbound", "~sts-proxy", "tcp 49443", worldwide, "client TLS", "?"},
	{"5", "unified-messaging", "~bidirectional", "sbc", "?", worldwide, "", "*.um.outlook.com"},
	{"6", "mailbox-migration", "inbound", "~exchange", "tcp 443", worldwide, "", "?"},
	{"7", "exchange-hybrid-coexistence", "inbound", "exchange", "?", worldwide, "", "?"},
	{"8", "exchange-hybrid-proxy-authentication", "inbound", "~sts", "?", worldwide, "", "?"},
	{"9a", "hybrid-configuration-wizard-2010", "outbound", "~exchange", "tcp 80, 443", worldwide, "Exchange 2010 SP3", "domains.live.com"},
	{"9b", "hybrid-configuration-wizard-gov", "outbound", "~exchange", "?", government, "", "40.118.209.192/32 168.62.190.41/32"},
	{"9c", "hybrid-configuration-wizard", "outbound", "~exchange", "?", worldwide, "",
		"*.store.core.windows.net asl.configure.office.com tds.configure.office.com mshybridservice.trafficmanager.net " +
			"aka.ms/hybridwizard shcwreleaseprod.blob.core.windows.net/shcw/*"},
	{"10", "autodetect", "inbound", "exchange", "tcp 443", worldwide, "",
		"~ <email_domain>.outlookmobile.com <email_domain>.outlookmobile.us 52.125.128.0/20 52.127.96.0/23"},
	{"11", "exchange-hybrid-entra-authentication", "outbound", "~servers", "?", worldwide, "", "*.msappproxy.net"},
	{"12", "skype-screen-sharing", "outbound", "clients", "tcp 443", worldwide, "Office 2013 and earlier", "52.112.0.0/14"},
	{"13", "skype-hybrid-servers", "outbound", "skype", "tcp 5061, 50000-59999; udp 50000-59999", worldwide, "", "13.107.64.0/18 52.112.0.0/14"},
	{"14", "cloud-pstn-hybrid", "inbound", "?", "?", worldwide, "", "?"},
	{"15", "trusted-authentication", zone, "", "", worldwide, "", "secure.aadcdn.microsoftonline-p.com"},
	{"16", "trusted-teams", zone, "", "", worldwide, "", "~ teams.microsoft.com *.teams.microsoft.com " + teamsHelp},
	{"17", "trusted-sharepoint", zone, "", "", worldwide, "", "?"},
	{"18", "trusted-yammer", zone, "", "", worldwide, "", "?"},
	{"19", "entra-connect-synchronisation", "outbound", "~servers", "?", worldwide, "", "?"},
	{"20", "entra-connect-china-tcp-80", "outbound", "~servers", "tcp 80", "China", "", "*.digicert.com *.entrust.net"},
	{"20", "entra-connect-china-tcp-443", "outbound", "~servers", "tcp 443", "China", "",
		"*.chinacloudapi.cn secure.aadcdn.partner.microsoftonline-p.cn *.partner.microsoftonline.cn"},
	{"21", "stream", "?", "~clients", "tcp 443", worldwide, "",
		"*.cloudapp.net *.api.microsoftstream.com *.notification.api.microsoftstream.com amp.azure.net api.microsoftstream.com " +
			"az416426.vo.msecnd.net s0.assets-yammer.com vortex.data.microsoft.com web.microsoftstream.com"},
	{"22", "mfa-server", "outbound", "~servers", "?", worldwide, "", "?"},
	{"23a", "graph-notifications", "inbound", "subscriber", "~tcp 443", worldwide, "", "20.20.32.0/19 20.190.128.0/18 20.231.128.0/19 40.126.0.0/18"},
	{"23b", "graph-notifications-gov", "inbound", "subscriber", "~tcp 443", government, "", "20.140.232.0/23 52.126.194.0/23"},
	{"23c", "graph-notifications-china", "inbound", "subscriber", "~tcp 443", "China", "", "40.72.70.0/23 52.130.2.32/27 52.130.3.64/27 52.130.17.192/27 52.130.18.32/27"},
	{"24", "network-connection-status", "outbound", "?", "?", worldwide, "", "www.msftconnecttest.com"},
	{"25", "teams-mobile-notifications", "outbound", "?", "?", worldwide, "", "?"},
}

// factOf says what an entry says, in the words of the tables above.
func factOf(e *Entry) fact {
	mark := func(f Fact, s string) string {
		switch {
		case slices.ContainsFunc(e.Unsaid, func(u Unsaid) bool { return u.Fact == f }):
			return s + "?"
		case isInferred(e, f):
			return "~" + s
		}
		return s
	}
	f := fact{
		row: e.Row, slug: strings.TrimPrefix(e.ID, "m365-additional/"), instances: strings.Join(e.Instances, " "), condition: e.Condition,
		direction: mark(FactDirection, string(e.Direction)), role: mark(FactRole, e.Role), services: mark(FactServices, e.Services.String()),
	}
	if e.Kind == KindTrustedSite {
		f.direction += zone
	}
	list := strings.Fields(e.RemoteRole)
	for _, n := range e.Names {
		list = append(list, n.String())
	}
	for _, p := range e.Pending {
		list = append(list, p.Text)
	}
	for p := range e.Prefixes.Prefixes() {
		list = append(list, p.String())
	}
	f.endpoints = mark(FactRemote, strings.Join(slices.Sorted(slices.Values(list)), " "))
	return f
}

// sortedEndpoints puts the endpoints in the order of factOf.
func (f fact) sortedEndpoints() fact {
	text, inferred := strings.CutPrefix(f.endpoints, "~ ")
	f.endpoints = strings.Join(slices.Sorted(slices.Values(strings.Fields(text))), " ")
	if inferred {
		f.endpoints = "~" + f.endpoints
	}
	return f
}

func TestEmbeddedFacts(t *testing.T) {
	for _, c := range []struct {
		ref, revision string
		rows          int
		facts         []fact
	}{
		{"m365-additional@2018-10-23", "2018-10-23", 16, facts2018},
		{"m365-additional", "2025-01-08", 25, facts2025},
	} {
		got, err := Load(c.ref)
		if err != nil {
			t.Fatal(err)
		}
		if got.Name != "m365-additional" || got.Revision != c.revision || len(got.Notices) != 0 || len(got.Entries) != len(c.facts) {
			t.Fatalf("%s: %s@%s, %d entries, notices %v", c.ref, got.Name, got.Revision, len(got.Entries), got.Notices)
		}
		rows := map[string]bool{}
		for i := range got.Entries {
			e := &got.Entries[i]
			if e.Row != "" {
				rows[strings.Trim(e.Row, "abc")] = true
			}
			if have, want := factOf(e), c.facts[i].sortedEndpoints(); have != want {
				t.Errorf("%s:\ngot  %+v\nwant %+v", c.ref, have, want)
			}
			checkWords(t, e, c.revision)
		}
		for row := 1; row <= c.rows; row++ {
			if !rows[strconv.Itoa(row)] {
				t.Errorf("%s: no row %d", c.ref, row)
			}
		}
		if len(rows) != c.rows {
			t.Errorf("%s: %d rows", c.ref, len(rows))
		}
	}
}

// checkWords holds that an entry says where it comes from, and that every question
// names who can answer it.
func checkWords(t *testing.T, e *Entry, date string) {
	t.Helper()
	if e.Area == "" || e.Type == "" || e.Category != "" || e.Required != (e.ID == "m365-additional/dns") || !isInferred(e, FactArea) || e.Date != date || !strings.HasPrefix(e.Source, "Microsoft: ") {
		t.Errorf("%+v", e)
	}
	for _, u := range e.Unsaid {
		if !strings.Contains(u.Ask, "?") || u.Who == "" || strings.HasSuffix(u.Why, ".") {
			t.Errorf("%s: %+v", e.ID, u)
		}
	}
}

// TestEmbeddedDetails holds what the tables of facts have no column for.
func TestEmbeddedDetails(t *testing.T) {
	for _, i := range Embedded() {
		c, err := Load(i.String())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range c.Entries {
			remote := slices.IndexFunc(e.Unsaid, func(u Unsaid) bool { return u.Fact == FactRemote })
			var from, notes string
			if remote >= 0 && e.Unsaid[remote].Elsewhere != nil {
				from = strings.Join(slices.Concat(e.Unsaid[remote].Elsewhere.From, e.Unsaid[remote].Elsewhere.Under), " ")
			}
			if want := map[string]string{
				"m365-additional/mailbox-migration":  "m365/exchange",
				"m365-additional/trusted-sharepoint": "m365/sharepoint sharepoint.com",
				"m365-additional/trusted-yammer":     "m365/common yammer.com yammerusercontent.com assets-yammer.com",
			}[e.ID]; from != want {
				t.Errorf("%s: elsewhere %q", e.ID, from)
			}
			notes = strings.Join(e.Notes, " ")
			if want := map[string]string{
				"m365-additional/trusted-teams": "cookies", "m365-additional/trusted-yammer": "authenticated user",
				"m365-additional/graph-notifications": "kept the mark 2025-01-08", "m365-additional/graph-notifications-china": "kept the mark",
			}[e.ID]; !strings.Contains(notes, want) {
				t.Errorf("%s: notes %q", e.ID, notes)
			}
		}
	}
}

// TestEmbeddedSlugs holds that an entry keeps its area and kind over revisions, and
// that each one of 2018 still stands in 2025.
func TestEmbeddedSlugs(t *testing.T) {
	older, err1 := Load("m365-additional@2018-10-23")
	newer, err2 := Load("m365-additional@2025-01-08")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for _, e := range older.Entries {
		i := slices.IndexFunc(newer.Entries, func(n Entry) bool { return n.ID == e.ID })
		if i < 0 || newer.Entries[i].Area != e.Area || newer.Entries[i].Kind != e.Kind {
			t.Errorf("%s is another thing in the newer revision", e.ID)
		}
	}
}

func TestEmbeddedNames(t *testing.T) {
	if got := fmt.Sprint(Embedded()); got != "[m365-additional@2025-01-08 m365-additional@2018-10-23 m365-worldwide@2025-12-01]" {
		t.Error(got)
	}
	const expected = "expected one of m365-additional@2025-01-08, m365-additional@2018-10-23, m365-worldwide@2025-12-01"
	for _, c := range []struct{ ref, want string }{
		{"m365", `no catalogue "m365" ships with the tool; ` + expected + `; to name a file, write a path or an extension such as .json`},
		{"", `no catalogue "" ships with the tool; ` + expected + `; to name a file, write a path or an extension such as .json`},
		{"m365-additional@2020-01-01", `no catalogue "m365-additional@2020-01-01" ships with the tool; ` + expected + `; to name a file, write a path or an extension such as .json; did you mean "m365-additional@2025-01-08"?`},
		{"m365-aditional", `no catalogue "m365-aditional" ships with the tool; ` + expected + `; to name a file, write a path or an extension such as .json; did you mean "m365-additional"?`},
		{"../m365-additional@2025-01-08", `no catalogue "../m365-additional@2025-01-08" ships with the tool; ` + expected + `; to name a file, write a path or an extension such as .json; did you mean "m365-additional@2025-01-08"?`},
	} {
		if got, err := Load(c.ref); got != nil || err == nil || err.Error() != c.want {
			t.Errorf("%q: %v", c.ref, err)
		}
	}
}
