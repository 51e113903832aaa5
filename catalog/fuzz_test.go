package catalog

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"gatewright/catalog/jsonc"
)

// FuzzRead holds that Read never panics, that errors are lines to print, and that
// what was read is free of what could leave a line of a rule file.
func FuzzRead(f *testing.F) {
	for _, c := range bad {
		if len(c.in) < 4096 {
			f.Add([]byte(c.in))
		}
	}
	for _, list := range []string{
		`"*.Example.com.", "192.0.2.1", "10.1.2.3/8", "2001:db8::/32"`,
		`"<tenant>-my.sharepoint.com", "aka.ms/hybridwizard", "<email_domain>.outlookmobile.com/x?y=<"`,
	} {
		f.Add([]byte(endpoints(list)))
	}
	for _, i := range Embedded() {
		data, _ := embedded.ReadFile("data/" + i.String() + ".json")
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Read("c.json", bytes.Clone(data))
		if err != nil {
			checkErrors(t, err)
			return
		}
		again, err := Read("c.json", data)
		if err != nil || len(again.Entries) != len(c.Entries) {
			t.Fatalf("a second reading: %v", err)
		}
		for i := range c.Entries {
			checkEntry(t, &c.Entries[i])
			if form := c.Entries[i].AppendCanonical(nil); !bytes.Equal(form, again.Entries[i].AppendCanonical(nil)) {
				t.Fatalf("two forms of %q", form)
			}
		}
	})
}

func checkErrors(t *testing.T, err error) {
	var all jsonc.Errors
	var one *jsonc.Error
	if !errors.As(err, &all) && !errors.As(err, &one) {
		t.Fatalf("%T", err)
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if !strings.HasPrefix(line, "c.json:") || strings.ContainsFunc(line, unicode.IsControl) {
			t.Fatalf("error %q", line)
		}
	}
}

func checkEntry(t *testing.T, e *Entry) {
	texts := append([]string{e.ID, e.Row, e.Title, e.Area, e.Type, e.Role, e.Condition, e.Source, e.Date}, e.Notes...)
	for _, u := range e.Unsaid {
		texts = append(append(texts, u.Why, u.Ask, u.Who), u.From...)
	}
	for _, i := range e.Inferred {
		texts = append(texts, i.Reason)
	}
	for _, n := range e.Names {
		texts = append(texts, n.String())
	}
	for _, p := range e.Pending {
		texts = append(texts, p.Text)
		checkPending(t, p)
	}
	for _, s := range texts {
		if !utf8.ValidString(s) || len(s) > 2*MaxText || strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) {
			t.Fatalf("%s holds %q", e.ID, s)
		}
	}
	if v4, v6 := e.Prefixes.CoversFamily(); v4 || v6 {
		t.Fatalf("%s covers a family", e.ID)
	}
}

func checkPending(t *testing.T, p Pending) {
	values := map[string][]string{}
	for _, one := range p.Placeholders {
		values[one.Name] = []string{one.Kind.sample()}
	}
	if _, err := p.Fill(values); err != nil || strings.ContainsAny(p.Text, "\"'\\` ") {
		t.Fatalf("%+v: %v", p, err)
	}
}
