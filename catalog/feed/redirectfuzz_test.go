package feed

import (
	"net/netip"
	"strings"
	"testing"
)

// FuzzParseURL holds that a URL that is taken holds no user and no fragment, and that
// no error shows any of the text.
func FuzzParseURL(f *testing.F) {
	for _, text := range []string{"https://a.example/b?c#d", "https://me:pw@a.example/", "http://a", "https://%zz/", "https:///x", "file:///etc/passwd"} {
		f.Add(text, false)
		f.Add(text, true)
	}
	known := map[string]bool{}
	for _, text := range []string{"", "ftp://a", "https://", "https://u@a", "https://%zz"} {
		_, err := parseURL(text, true)
		known[errorText(err)] = true
	}
	f.Fuzz(func(t *testing.T, text string, http bool) {
		u, err := parseURL(text, http)
		switch {
		case err != nil && !known[err.Error()]:
			t.Errorf("%q: a new error, %v", text, err)
		case err == nil && (u.User != nil || u.Fragment != "" || u.Hostname() == "" || u.Scheme != "https" && !http):
			t.Errorf("%q is taken as %q", text, u)
		case err == nil:
			record := NewRecord(u.String())
			if strings.Contains(record.Source, "?") || !record.IsOf(u.String()) || record.IsOf(u.String()+"?x") {
				t.Errorf("%q: record %+v", text, record)
			}
		}
	})
}

// FuzzReadRecord holds that a record that reads is written and read alike, and holds no
// query.
func FuzzReadRecord(f *testing.F) {
	record := NewRecord("https://a.example/b?c")
	record.Digest = Digest(nil)
	text, err := record.Text()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add(`{"source": "https://a?b?c", "digest": "x"}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRecord("f", []byte(text))
		if err != nil {
			return
		}
		if strings.Contains(r.Source, "?") {
			t.Errorf("%q is read with its query: %+v", text, r)
		}
		again, err := r.Text()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := parseRecord("f", again); err != nil || back != r {
			t.Errorf("%+v comes back as %+v, %v", r, back, err)
		}
	})
}

// FuzzRevisionDay holds that no revision makes a day that is absurd.
func FuzzRevisionDay(f *testing.F) {
	for _, text := range []string{"2020080600", "2025-01-08", "1732900000", "1732900000000", "9999999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if day, ok := revisionDay(text); ok && (day.Year() < 0 || day.Year() > 9999) {
			t.Errorf("%q is of %s", text, day)
		}
	})
}

// FuzzIsInside holds that an address is judged as the IPv4 address that it holds.
func FuzzIsInside(f *testing.F) {
	for _, text := range []string{"127.0.0.1", "8.8.8.8", "169.254.169.254", "100.64.0.1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := netip.ParseAddr(text)
		if err != nil || !a.Is4() {
			return
		}
		b := a.As4()
		mapped := [16]byte{10: 0xff, 11: 0xff}
		copy(mapped[12:], b[:])
		nat64 := netip.MustParseAddr("64:ff9b::").As16()
		copy(nat64[12:], b[:])
		sixToFour := [16]byte{0x20, 0x02}
		copy(sixToFour[2:], b[:])
		for _, held := range [][16]byte{mapped, nat64, sixToFour} {
			if isInside(netip.AddrFrom16(held)) != isInside(a) {
				t.Errorf("%s is judged otherwise than %s", netip.AddrFrom16(held), a)
			}
		}
	})
}
