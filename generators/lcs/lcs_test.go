package lcs

import (
	"slices"
	"strings"
	"testing"
)

func TestStaying(t *testing.T) {
	for _, c := range []struct {
		have, want string
		stay       []int
	}{
		{"", "", []int{}},
		{"", "ab", []int{-1, -1}},
		{"ab", "", []int{}},
		{"abc", "abc", []int{0, 1, 2}},
		{"abc", "axbc", []int{0, -1, 1, 2}},
		{"abc", "ac", []int{0, 2}},
		{"aa", "a", []int{0}},
		{"a", "aa", []int{0, -1}},
		{"xabcy", "xcabdy", []int{0, -1, 1, 2, -1, 4}},
		{"abcd", "dabc", []int{-1, 0, 1, 2}},
		{"pqr", "xyz", []int{-1, -1, -1}},
	} {
		if got := Staying(len(c.have), len(c.want), func(i, j int) bool { return c.have[i] == c.want[j] }); !slices.Equal(got, c.stay) {
			t.Errorf("of %q there stay in %q %v; want %v", c.have, c.want, got, c.stay)
		}
	}
}

// TestStayingIsBounded holds that of long lists the common ends stay, and nothing
// between.
func TestStayingIsBounded(t *testing.T) {
	have := "a" + strings.Repeat("bc", 2000) + "d"
	want := "a" + strings.Repeat("cb", 2000) + "d"
	got := Staying(len(have), len(want), func(i, j int) bool { return have[i] == want[j] })
	if got[0] != 0 || got[len(got)-1] != len(have)-1 {
		t.Errorf("the ends are %d and %d", got[0], got[len(got)-1])
	}
	if i := slices.IndexFunc(got[1:len(got)-1], func(i int) bool { return i >= 0 }); i >= 0 {
		t.Errorf("item %d stays", i+1)
	}
}
