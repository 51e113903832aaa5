package feed

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// catalogText shows a catalogue's entries and notices.
func catalogText(t *testing.T, text string) string {
	t.Helper()
	c, err := Read("f", []byte(text), Naming{Instance: "Worldwide"})
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, e := range c.Entries {
		lines = append(lines, entryText(e))
	}
	for _, n := range c.Notices {
		lines = append(lines, n.Where+": "+n.Text)
	}
	return strings.Join(lines, "\n")
}

// TestCSVForms holds that a CSV means the same in whichever way a program wrote it.
func TestCSVForms(t *testing.T) {
	const sets = "id,serviceArea,category,urls,udpPorts,tcpPorts,ips,notes\n" +
		"1,Skype,Allow,,3478-3481,,192.0.2.0/24,two lines\n" +
		"2,Exchange,Default,\"a.example.com,b.example.com\",,\"80,443\",,\n"
	const prefixes = "Prefix,Type\n192.0.2.0/24,One Block\n2001:db8::/32,Other Block\n"
	const bare = "192.0.2.0/24,One Block\n2001:db8::/32,Other Block\n"
	quoted := func(text string) string {
		text = strings.ReplaceAll(text, ",", `","`)
		return `"` + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\"\r\n\"") + "\"\r\n"
	}
	for _, c := range []struct{ name, plain, text string }{
		{"spaces around the hyphen of ports", sets, strings.Replace(sets, "3478-3481", "3478 - 3481", 1)},
		{"line breaks in notes", sets, strings.Replace(sets, "two lines", "\"two\r\nlines\"", 1)},
		{"a blank line first", sets, "\n" + sets},
		{"blank lines of spaces", sets, " \r\n\n" + strings.Replace(sets, "\n2,", "\n  \n2,", 1)},
		{"spaces in the header", sets, strings.Replace(sets, "id,serviceArea,category,", "id, serviceArea , category,", 1)},
		{"quotes in the header", sets, strings.Replace(sets, "id,serviceArea,category,", `"id", "serviceArea","category",`, 1)},
		{"CR alone at line ends", sets, strings.ReplaceAll(sets, "\n", "\r")},
		{"the type of Export-Csv", sets, "#TYPE System.Management.Automation.PSCustomObject\r\n" + sets},

		{"Export-Csv", prefixes, quoted(prefixes)},
		{"Export-Csv with the type", prefixes, "#TYPE Selected.System.Object\r\n" + quoted(prefixes)},
		{"Export-Csv without the header", bare, quoted(bare)},
		{"without the header", prefixes, bare},
		{"blank lines first", prefixes, "\r\n \r\n" + quoted(prefixes)},
		{"blank lines first, without the header", bare, "\n\n" + quoted(bare)},
		{"CR alone at the line ends of prefixes", prefixes, strings.ReplaceAll(prefixes, "\n", "\r")},
	} {
		want := catalogText(t, c.plain)
		if !strings.Contains(want, "192.0.2.0/24 | ") || strings.Contains(want, "f:") {
			t.Fatalf("the plain form: %s", want)
		}
		if have := catalogText(t, c.text); have != want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, have, want)
		}
	}
}

func TestCSVRefuses(t *testing.T) {
	const header = "id,serviceArea,category,tcpPorts,urls"
	const row = "1,Exchange,Allow,443,a.example.com"
	semicolons := "f: its fields are separated by semicolons; expected commas, as the publisher writes them: download it again, or export it with commas"
	for text, want := range map[string]string{
		header + "\n":                        "f: the feed lists no endpoint: it is empty or was cut short; download it again",
		header:                               "f: the feed lists no endpoint: it is empty or was cut short; download it again",
		header + "\n1,Exchange,Allow,443,\n": "f: the feed lists no endpoint: it is empty or was cut short; download it again",
		header + "\r\n" + row + "\r" + row:   "f:2:1: wrong number of fields; fetch the file again",
		header + "\n1,Exchange,Allow,443,System.Object[]\n":             "f:2:22: PowerShell wrote no list here; join it first, as in @{Name='urls'; Expression={$_.urls -join ','}}, or write JSON with ConvertTo-Json -Depth 10",
		header + "\n#" + row + "\n":                                     `f:2:1: bad id "#1"; expected the set's number, such as 31`,
		"\n\n" + header + "\n1,Exchange\n":                              "f:4:1: wrong number of fields; fetch the file again",
		header + "\n" + strings.Replace(row, "443", "80 443", 1) + "\n": `f:2:18: ports "80 443" are not separated by commas; write "80, 443"`,
		header + "\n" + strings.Replace(row, "443", "5 - 6 - 7", 1):     `f:2:18: ports "5-6 - 7" have a space; write one port or one range in plain digits, such as "443" or "50000-59999"`,
		strings.ReplaceAll(header+"\n"+row+"\n", ",", ";"):              semicolons,
		`"id";"serviceArea"` + "\n" + `"1";"Exchange"` + "\n":           semicolons,
		"Prefix;Type\n192.0.2.0/24;One Block\n":                         semicolons,
		"Prefix,Type\n":                                                 "f: the feed lists no endpoint: it is empty or was cut short; download it again",
		"Prefix,Type\n192.0.2.0/24\n":                                   "f:2:1: wrong number of fields: 1; download the file again",
		"instance,latest\nWorldwide,2018063000\n":                       "f:1:1: this is the web service's answer to /version; a catalogue is its answer to /endpoints",
		"id,endpointSetId,disposition\n1,3,add\n":                       "f:1:1: this is the web service's answer to /changes; a catalogue is its answer to /endpoints",
	} {
		if have := catalogText(t, text); have != want {
			t.Errorf("%q:\n%s\nwant\n%s", text, have, want)
		}
	}
}

// A list whose comments follow a semicolon is no CSV with semicolons.
func TestListWithSemicolonComments(t *testing.T) {
	have := catalogText(t, "192.0.2.0/24 ; the first block\n198.51.100.0/24 ; the second, larger block\n")
	if !strings.Contains(have, "192.0.2.0/24, 198.51.100.0/24") {
		t.Error(have)
	}
}

func TestCSVCutShort(t *testing.T) {
	const note = "f: the last line has no line end; if the file was cut short, download it again"
	for _, text := range []string{
		"id,serviceArea,category,tcpPorts,urls\n1,Exchange,Allow,443,a.example.com",
		"Prefix,Type\n192.0.2.0/24,One Block",
	} {
		if have := catalogText(t, text); !strings.HasSuffix(have, "\n"+note) {
			t.Errorf("%q:\n%s", text, have)
		}
		if have := catalogText(t, text+"\n"); strings.Contains(have, note) {
			t.Errorf("%q and a line end:\n%s", text, have)
		}
	}
}

// TestRealVersionCSV reads the publisher's documented answer to /version.
func TestRealVersionCSV(t *testing.T) {
	data := dataFolder()
	if data == "" {
		return
	}
	text, err := os.ReadFile(filepath.Join(data, "m365", "doc_example_version_worldwide_csv.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if have := catalogText(t, string(text)); !strings.HasSuffix(have, m365IsVersion) {
		t.Error(have)
	}
}
