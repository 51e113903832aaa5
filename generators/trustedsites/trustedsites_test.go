package trustedsites

import (
	"bytes"
	"strings"
	"testing"

	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact/artefacttest"
)

func TestGolden(t *testing.T) {
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			got := generate(t, ruletest.Compile(t, e.in), e.settings).Artefacts[0].Data
			artefacttest.Golden(t, e.name+".reg.golden", string(got))
		})
	}
}

func TestOrderOfInputChangesNothing(t *testing.T) {
	for _, e := range examples(t) {
		one := generate(t, ruletest.Compile(t, e.in), e.settings).Artefacts[0].Data
		other := generate(t, ruletest.Compile(t, ruletest.Reversed(e.in)), e.settings).Artefacts[0].Data
		if !bytes.Equal(one, other) {
			t.Errorf("%s: reversed input changes the artefact", e.name)
		}
	}
}

// TestFileForm holds what the registry editors want of a file.
func TestFileForm(t *testing.T) {
	for _, e := range examples(t) {
		a := generate(t, ruletest.Compile(t, e.in), e.settings).Artefacts[0]
		text := string(a.Data)
		if a.Name != "trusted-sites.reg" || a.Load != "reg import trusted-sites.reg" {
			t.Errorf("%s: %s is loaded by %q", e.name, a.Name, a.Load)
		}
		if !strings.HasPrefix(text, "Windows Registry Editor Version 5.00\r\n\r\n") {
			t.Errorf("%s: wrong first lines", e.name)
		}
		if strings.Count(text, "\n") != strings.Count(text, "\r\n") || strings.Count(text, "\r") != strings.Count(text, "\r\n") {
			t.Errorf("%s: a line does not end in CR LF", e.name)
		}
		if strings.HasSuffix(text, "\r\n\r\n") || !strings.HasSuffix(text, "\r\n") {
			t.Errorf("%s: does not end in one line end", e.name)
		}
		if n := strings.Count(text, "\r\n["); n != a.Elements {
			t.Errorf("%s: %d keys, %d counted", e.name, n, a.Elements)
		}
	}
}

func TestSplitDomain(t *testing.T) {
	for _, c := range []struct{ host, domain, rest string }{
		{"secure.aadcdn.microsoftonline-p.com", "microsoftonline-p.com", "secure.aadcdn"},
		{"contoso.sharepoint.com", "sharepoint.com", "contoso"},
		{"example.com", "example.com", ""},
		{"www.hp.com", "hp.com", "www"},
		{"www.winehq.org.uk.test", "uk.test", "www.winehq.org"},
		{"www.google.com.uk", "google.com.uk", "www"},
		{"www.google.foo.uk", "foo.uk", "www.google"},
		{"www.google.fo.uk", "google.fo.uk", "www"},
		{"www.google.test.us", "test.us", "www.google"},
		{"example.co.uk", "example.co.uk", ""},
		{"www.example.org.uk", "example.org.uk", "www"},
		{"example.de", "example.de", ""},
		{"co.uk", "", ""},
		{"edu.uk", "", ""},
		{"foo.uk", "foo.uk", ""},
		{"t.co", "", ""},
	} {
		domain, rest, ok := splitDomain(c.host)
		if domain != c.domain || rest != c.rest || ok != (c.domain != "") {
			t.Errorf("splitDomain(%q) = %q, %q, %t; want %q, %q", c.host, domain, rest, ok, c.domain, c.rest)
		}
	}
}
