package netset

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func TestParsePrefix(t *testing.T) {
	for _, c := range []struct{ in, want, note string }{
		{"10.0.0.0/8", "10.0.0.0/8", ""},
		{"255.255.255.255/32", "255.255.255.255/32", ""},
		{"0.0.0.0/1", "0.0.0.0/1", ""},
		{"2001:DB8::/32", "2001:db8::/32", ""},
		{"::/1", "::/1", ""},
		{"10.0.0.1/8", "10.0.0.0/8", "host bits dropped: 10.0.0.1/8 is read as 10.0.0.0/8"},
		{"2001:db8::1/32", "2001:db8::/32", "host bits dropped: 2001:db8::1/32 is read as 2001:db8::/32"},
		{"192.0.2.1", "192.0.2.1/32", "bare address read as /32"},
		{"2001:db8::1", "2001:db8::1/128", "bare address read as /128"},
		{"::ffff:10.0.0.0/104", "10.0.0.0/8", "IPv4-mapped ::ffff:10.0.0.0/104 written as 10.0.0.0/8"},
		{"::ffff:a00:1/104", "10.0.0.0/8", "IPv4-mapped ::ffff:a00:1/104 written as 10.0.0.0/8; host bits dropped"},
		{"::ffff:192.0.2.1", "192.0.2.1/32", "IPv4-mapped ::ffff:192.0.2.1 written as 192.0.2.1/32"},
		{"::ffff:0:0:0/96", "::ffff:0:0:0/96", ""},
	} {
		p, note, err := ParsePrefix(c.in)
		if err != nil || p.String() != c.want || note != c.note {
			t.Errorf("%q: %v, %q, %v", c.in, p, note, err)
		}
	}
}

// TestParsePrefixErrors wants each error to quote the input and to say what to write.
func TestParsePrefixErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", `empty prefix; write a CIDR such as "192.0.2.0/24"`},
		{"0.0.0.0/0", `covers a whole address family; write a narrower prefix, or the word "any" where that is meant`},
		{"10.0.0.0/0", `covers a whole address family; write a narrower prefix, or the word "any" where that is meant`},
		{"::/0", `covers a whole address family; write a narrower prefix, or the word "any" where that is meant`},
		{"::ffff:0:0/96", `covers a whole address family; write a narrower prefix, or the word "any" where that is meant`},
		{"::ffff:10.0.0.0/64", `wider than the IPv4-mapped block ::ffff:0:0/96; write the IPv4 prefix, such as "10.0.0.0/24"`},
		{" 10.0.0.0/8", `space around it; write "10.0.0.0/8"`},
		{"10.0.0.0/8\n", `space around it; write "10.0.0.0/8"`},
		{"fe80::1%eth0", `has a zone, which is valid on one machine only; write it without "%eth0"`},
		{"fe80::%eth0/64", `write it without "%eth0"`},
		{"[2001:db8::1]:443", `has brackets`},
		{"192.0.2.1:443", `has a port; write "192.0.2.1" here`},
		{"192.0.2.0-192.0.2.255", `is a range; write it as CIDRs: 192.0.2.0/24`},
		{"192.0.2.1 - 192.0.2.3", `is a range; write it as CIDRs: 192.0.2.1, 192.0.2.2/31`},
		{"192.0.2.9-192.0.2.1", `is not a CIDR`},
		{"0.0.0.0-255.255.255.255", `is not a CIDR`},
		{"10.0.0.0/255.0.0.0", `has a network mask; write "10.0.0.0/8"`},
		{"10.0.0.0/255.0.255.0", `write a decimal number from 1 to 32 after the slash`},
		{"10.0.0.0/33", `write a decimal number from 1 to 32 after the slash`},
		{"10.0.0.0/08", `write a decimal number from 1 to 32 after the slash`},
		{"2001:db8::/129", `write a decimal number from 1 to 128 after the slash`},
		{"10.0.0.0/", `write a decimal number from 1 to 32 after the slash`},
		{"010.000.0.1", `leading zeros, which some programs read as octal; write "10.0.0.1" if decimal is meant`},
		{"010.0.0.0/8", `leading zeros, which some programs read as octal; write "10.0.0.0/8" if decimal is meant`},
		{"10.0.0", `is not a CIDR; write an address`},
		{"10.0.0/24", `is not a CIDR`},
		{"example.com", `is not a CIDR`},
		{"10.0.0.0/8\n20.0.0.0/8", `10.0.0.0/8\n20.0.0.0/8`},
		{strings.Repeat("9", 5000), `999...`},
	} {
		p, note, err := ParsePrefix(c.in)
		if err == nil || p.IsValid() || note != "" {
			t.Errorf("%q: %v, %q, %v", c.in, p, note, err)
			continue
		}
		checkMessage(t, c.in, err, c.want)
	}
}

// checkMessage holds what is asked of every error of this package.
func checkMessage(t *testing.T, in string, err error, want string) {
	t.Helper()
	text := err.Error()
	if !strings.Contains(text, want) {
		t.Errorf("%q: %s; want %s", clip(in), text, want)
	}
	if !strings.Contains(text, "write ") || strings.ContainsAny(text, "\r\n") || len(text) > 2500 || strings.HasSuffix(text, ".") {
		t.Errorf("%q: message is out of form: %s", clip(in), text)
	}
}

func FuzzParsePrefix(f *testing.F) {
	for _, seed := range []string{
		"10.0.0.0/8", "10.0.0.1/8", "192.0.2.1", "2001:db8::/32", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "0.0.0.0/0", "::/0",
		"fe80::1%eth0", "[::1]:80", "10.0.0.0/255.0.0.0", "010.0.0.1", "10.0.0.1-10.0.0.9", "", "10.0.0.0/33", "a\nb",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, note, err := ParsePrefix(s)
		if err != nil {
			checkMessage(t, s, err, "")
			return
		}
		if p != p.Masked() || p.Bits() == 0 || p.Addr().Is4In6() || p.Addr().Zone() != "" || strings.ContainsAny(note, "\r\n") {
			t.Fatalf("%q is read as %v with note %q", s, p, note)
		}
		again, silent, err := ParsePrefix(p.String())
		if again != p || silent != "" || err != nil {
			t.Fatalf("%q is read as %v, and that as %v, %q, %v", s, p, again, silent, err)
		}
		if want, err := netip.ParsePrefix(s); note == "" && (err != nil || want != p) {
			t.Fatalf("%q is read as %v without a note", s, p)
		}
	})
}

func ExampleParsePrefix() {
	p, note, _ := ParsePrefix("192.0.2.7/24")
	fmt.Println(p, "-", note)
	_, _, err := ParsePrefix("192.0.2.0/255.255.255.0")
	fmt.Println(err)
	// Output:
	// 192.0.2.0/24 - host bits dropped: 192.0.2.7/24 is read as 192.0.2.0/24
	// "192.0.2.0/255.255.255.0" has a network mask; write "192.0.2.0/24"
}
