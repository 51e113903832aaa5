package words

import (
	"strings"
	"testing"
)

func TestCount(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Count(0, "entry"), "0 entries"}, {Count(1, "entry"), "1 entry"}, {Count(2, "rule"), "2 rules"},
		{Plural(1, "prefix", "prefixes"), "1 prefix"}, {Plural(3, "prefix", "prefixes"), "3 prefixes"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// TestSome holds that a list is cut only where that hides more than one.
func TestSome(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Some(nil), ""}, {Some(strings.Fields("a b c d e f g")), "a, b, c, d, e, f, g"}, {Some(strings.Fields("a b c d e f g h")), "a, b, c, d, e, f and 2 more"},
		{Endpoints(strings.Fields("a b c d")), "a b c d"}, {Endpoints(strings.Fields("a b c d e")), "a b c and 2 more"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
