package trustedsites

import (
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
		first + user + "\"http\"=dword:2":    `trusted-sites.reg:3: unexpected line "\"http\"=dword:2"`,
	} {
		if _, err := ReadBack([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: error %v; want %s", text, err, want)
		}
	}
}
