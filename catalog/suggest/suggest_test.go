package suggest

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	commands := []string{"init", "generate", "generators", "list", "explain", "check", "diff", "verify", "fetch", "version"}
	for _, test := range []struct {
		what, word, want string
		known            []string
	}{
		{"a letter too many", "listt", "list", commands},
		{"a letter that lacks", "genrate", "generate", commands},
		{"another letter", "verifi", "verify", commands},
		{"two letters swapped", "lsit", "list", commands},
		{"another letter case", "DIFF", "diff", commands},
		{"the fewest edits win", "generatrs", "generators", commands},
		{"two edits in a longer word", "genertate-", "generate", commands},
		{"the first of two that are as near", "exchangx", "exchanga", []string{"exchanga", "exchangb"}},
		{"another letter case before an edit", "SPO", "spo", []string{"sp", "spa", "spo"}},
		{"too many edits", "configure", "", commands},
		{"two edits in a short word", "lxxt", "", commands},
		{"short words in another case alone", "Sp", "sp", []string{"so", "sp"}},
		{"short words with an edit", "sp", "", []string{"so", "s"}},
		{"nothing is known", "list", "", nil},
		{"no word", "", "", commands},
	} {
		if have := Nearest(test.word, test.known); have != test.want {
			t.Errorf("%s: Nearest(%q) = %q, want %q", test.what, test.word, have, test.want)
		}
	}
}

func TestOneOf(t *testing.T) {
	for _, test := range []struct{ word, want string }{
		{"inbuond", `expect one of inbound, outbound; did you mean "inbound"?`},
		{"sideways", `expect one of inbound, outbound`},
	} {
		if have := OneOf(test.word, []string{"inbound", "outbound"}); have != test.want {
			t.Errorf("OneOf(%q) = %q, want %q", test.word, have, test.want)
		}
	}
}

// TestEditsAreCounted compares with counts by hand.
func TestEditsAreCounted(t *testing.T) {
	for _, test := range []struct {
		slip, known string
		n           int
		ok          bool
	}{
		{"mailbox-migration", "mailbox-migration", 0, true},
		{"mialbox-migratoin", "mailbox-migration", 2, true},
		{"malbox-migratione", "mailbox-migration", 2, true},
		{"abcd", "acbd", 1, true},
		{"abcd", "badc", 2, false},
		{"abcde", "badce", 2, true},
		{"outbound", "inbound", 3, false},
	} {
		n, ok := Edits(test.slip, test.known)
		if ok != test.ok || ok && n != test.n {
			t.Errorf("Edits(%q, %q) = %d, %v, want %d, %v", test.slip, test.known, n, ok, test.n, test.ok)
		}
	}
}

// TestDistance compares the distance with its definition.
func TestDistance(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	word := func() string {
		var b strings.Builder
		for range r.IntN(7) {
			b.WriteByte("abc"[r.IntN(3)])
		}
		return b.String()
	}
	for range 2000 {
		a, b := word(), word()
		if have, want := distance(a, b), slowDistance(a, b); have != want {
			t.Fatalf("distance(%q, %q) = %d, want %d", a, b, have, want)
		}
	}
}

func slowDistance(a, b string) int {
	switch {
	case a == "" || b == "":
		return len(a) + len(b)
	case a[0] == b[0]:
		return slowDistance(a[1:], b[1:])
	}
	n := min(slowDistance(a[1:], b[1:]), slowDistance(a, b[1:]), slowDistance(a[1:], b))
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		n = min(n, slowDistance(a[2:], b[2:]))
	}
	return 1 + n
}
