package netset

import (
	"encoding"
	"net/netip"
	"reflect"
	"testing"
)

// TestTextHoldsSets holds that what is written as text is read back as it was.
func TestTextHoldsSets(t *testing.T) {
	prefixes := func(texts ...string) *PrefixSet {
		var b PrefixBuilder
		for _, s := range texts {
			b.Add(netip.MustParsePrefix(s))
		}
		set := b.Build()
		return &set
	}
	pattern := func(s string) Pattern {
		p, err := ParsePattern(s)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	name := pattern("*.example.com")
	names := NameSetOf(name, pattern("a-*.example.net"), pattern("xn--strae-oqa.de"))
	services, err := ParseServices("tcp 80, 443, 1000-2000; udp 3478-3481")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to interface {
			encoding.TextMarshaler
			encoding.TextUnmarshaler
		}
		text string
	}{
		{prefixes(), prefixes("192.0.2.0/24"), ""},
		{prefixes("192.0.2.0/24", "192.0.3.0/24", "0.0.0.0/1", "2001:db8::/32"), prefixes(), "0.0.0.0/1 192.0.2.0/23 2001:db8::/32"},
		{prefixes("0.0.0.0/0", "::/0"), prefixes(), "0.0.0.0/0 ::/0"},
		{&services, &ServiceSet{}, "tcp 80, 443, 1000-2000; udp 3478-3481"},
		{&ServiceSet{}, &services, ""},
		{&name, &Pattern{}, "*.example.com"},
		{&Pattern{}, &name, ""},
		{&names, &NameSet{}, "xn--strae-oqa.de *.example.com a-*.example.net"},
		{&NameSet{}, &names, ""},
	} {
		text, err := c.from.MarshalText()
		if err != nil || len(text) != len(c.text) {
			t.Errorf("%v is written %q, %v; want %q", c.from, text, err, c.text)
		}
		want := reflect.ValueOf(c.from).Elem().Interface()
		if err := c.to.UnmarshalText(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got := reflect.ValueOf(c.to).Elem().Interface(); !reflect.DeepEqual(got, want) && len(text) > 0 {
			t.Errorf("%q is read %v; want %v", text, got, want)
		}
	}
	for _, c := range []struct {
		to   encoding.TextUnmarshaler
		text string
	}{{prefixes(), "192.0.2.0/33"}, {&ServiceSet{}, "sctp 1"}, {&Pattern{}, "*"}, {&NameSet{}, "example.com *"}} {
		if err := c.to.UnmarshalText([]byte(c.text)); err == nil {
			t.Errorf("%q is read as %v", c.text, c.to)
		}
	}
}
