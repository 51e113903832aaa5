package trustedsites

import (
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule/ruletest"
)

func TestReadBack(t *testing.T) {
	for _, e := range examples(t) {
		p := ruletest.Compile(t, e.in)
		m, err := ReadBack(generate(t, p, e.settings).Artefacts[0].Data)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		if e.settings["hive"] != nil && m.Hive != hiveMachine {
			t.Errorf("%s: hive %q", e.name, m.Hive)
		}
		for host, want := range map[string]bool{
			"secure.aadcdn.microsoftonline-p.com":   e.in.TrustedSites != nil && e.name != "hostile",
			"a.secure.aadcdn.microsoftonline-p.com": false,
			"example.com":                           e.settings["whole-domains"] != nil,
			"www.example.com":                       e.settings["whole-domains"] != nil || e.name == "hostile",
		} {
			if m.Trusts(host) != want {
				t.Errorf("%s: trusts %s: %t", e.name, host, !want)
			}
		}
	}
}

func TestReadBackRefusesOtherLines(t *testing.T) {
	const first = "Windows Registry Editor Version 5.00\r\n"
	const user = `[HKEY_CURRENT_USER\` + domainsKey + `\example.com]` + "\r\n"
	const machine = `[HKEY_LOCAL_MACHINE\` + domainsKey + `\example.com]` + "\r\n"
	for text, want := range map[string]string{
		"REGEDIT4\r\n":                       `trusted-sites.reg:1: unexpected first line "REGEDIT4"`,
		first + "; \xff\r\n":                 "trusted-sites.reg:2: line \"; \\xff\" is not printable ASCII",
		first + "; x\n[y]\r\n":               `trusted-sites.reg:2: line "; x\n[y]" is not printable ASCII`,
		first + user + machine:               "trusted-sites.reg:3: keys of both hives",
		first + "[HKEY_CURRENT_USER\\x]\r\n": `trusted-sites.reg:2: unexpected line "[HKEY_CURRENT_USER\\x]"`,
		first + user + "\r\n":                `trusted-sites.reg:3: ""; a key and the line "https"=dword:00000002 stand together`,
		first + trustLine + "\r\n":           `trusted-sites.reg:2: "\"https\"=dword:00000002"; a key and the line "https"=dword:00000002 stand together`,
		first + user + "\"http\"=dword:2":    `trusted-sites.reg:3: unexpected line "\"http\"=dword:2"`,
	} {
		if _, err := ReadBack([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: error %v; want %s", text, err, want)
		}
	}
}

// What a key more trusts is told, unless a wider key trusts it already.
func TestBeyond(t *testing.T) {
	read := func(keys ...string) ZoneMap {
		text := "Windows Registry Editor Version 5.00\r\n"
		for _, k := range keys {
			text += `[HKEY_CURRENT_USER\` + domainsKey + `\` + k + "]\r\n" + trustLine + "\r\n"
		}
		m, err := ReadBack([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	all := []string{`example.com`, `example.com\www`, `example.com\*.www`, `example.com\a.www`, `example.org\www`}
	for _, c := range []struct {
		other []string
		want  []string
	}{
		{nil, []string{"*.example.com", "*.www.example.com", "a.www.example.com", "example.com", "www.example.com", "www.example.org"}},
		{all, nil},
		{[]string{`example.com`}, []string{"www.example.org"}},
		{[]string{`example.com\*.www`, `example.org`}, []string{"*.example.com", "example.com", "www.example.com"}},
		{[]string{`example.com\a.www`, `example.org\*.www`}, []string{"*.example.com", "*.www.example.com", "example.com", "www.example.com", "www.example.org"}},
	} {
		other := read(c.other...)
		got := read(all...).Beyond(other)
		if !slices.Equal(got, c.want) {
			t.Errorf("beyond %v: %v; want %v", c.other, got, c.want)
		}
		for _, name := range got {
			if host := strings.Replace(name, "*", "any", 1); other.Trusts(host) {
				t.Errorf("%s is beyond %v, which trust it", host, c.other)
			}
		}
	}
}
