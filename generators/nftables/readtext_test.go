package nftables

import (
	"cmp"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule"
)

// regions returns what lines accept, by where and how.
func regions(rs Ruleset) map[string]rule.Region {
	boxes := map[string][]rule.Box{}
	for _, l := range rs.Rules {
		key := strings.Join(l.In, ",") + ">" + strings.Join(l.Out, ",")
		boxes[key] = append(boxes[key], rs.Boxes(l)...)
	}
	out := map[string]rule.Region{}
	for key, list := range boxes {
		out[key] = rule.RegionOf(list...)
	}
	return out
}

// The text says what the kernel holds once it has loaded it.
func TestTextIsReadAsTheKernelReadsIt(t *testing.T) {
	dumps, err := filepath.Glob("testdata/*.dump.json")
	if err != nil || len(dumps) == 0 {
		t.Fatal("no dumps", err)
	}
	for _, file := range dumps {
		text, err := os.ReadFile(strings.TrimSuffix(file, ".dump.json") + ".nft.golden")
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := ReadText(text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		dump, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "add table ")
		table, _, _ := strings.Cut(rest, "\n")
		want, err := ReadBack(dump, table)
		if err != nil {
			t.Fatal(err)
		}
		have, wanted := regions(got), regions(want)
		if len(got.Rules) != len(want.Rules) || len(got.Rules) == 0 || len(have) != len(wanted) {
			t.Errorf("%s: %d rules read in %d places, the kernel has %d in %d", file, len(got.Rules), len(have), len(want.Rules), len(wanted))
		}
		for key, r := range wanted {
			if !have[key].Equal(r) {
				t.Errorf("%s: %s: the text accepts\n%v\nthe kernel\n%v", file, key, have[key].Boxes(), r.Boxes())
			}
		}
		byCounter := func(a, b Line) int { return cmp.Compare(a.Counter, b.Counter) }
		slices.SortFunc(got.Rules, byCounter)
		slices.SortFunc(want.Rules, byCounter)
		for i := range want.Rules {
			if !reflect.DeepEqual(got.Rules[i], want.Rules[i]) {
				t.Errorf("%s: read %+v, the kernel has %+v", file, got.Rules[i], want.Rules[i])
			}
		}
	}
}

// Every file that is written is read, and what was changed by hand is refused.
func TestReadTextRefuses(t *testing.T) {
	goldens, err := filepath.Glob("testdata/*.nft.golden")
	if err != nil || len(goldens) == 0 {
		t.Fatal("no expected files", err)
	}
	for _, file := range goldens {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := ReadText(data); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	const head = "add rule inet filter gatewright_outbound "
	for text, want := range map[string]string{
		head + `tcp dport 443 tcp flags syn accept comment "x"`:     `line 1: "flags" after "tcp"`,
		head + `tcp dport 443 ip daddr @gone accept comment "x"`:    "set gone has no elements in this file",
		head + `tcp dport 443 ip daddr 10.0.0.1 accept comment "x"`: `"daddr 10.0.0.1" after "ip"`,
		head + `tcp dport 443 drop`:                                 `"drop" is no match that stands here`,
		head + `ip daddr @gone accept comment "x"`:                  "no protocol, or no verdict",
		head + `ct direction reply accept comment "x"`:              "after ct",
		head + `tcp dport 443 meta mark set 1 accept comment "x"`:   "after meta",
		"add element inet filter x {\n\tnothing\n}\n":               `line 2: element "nothing" of set x is no address, prefix or port`,
		"add element inet filter x {\n\t10.0.0.1\n":                 "set x does not end",
	} {
		if _, _, err := ReadText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
	if _, others, err := ReadText([]byte("add rule inet filter input accept\n")); err != nil || !slices.Equal(others, []string{"add rule inet filter input accept"}) {
		t.Errorf("a rule of another chain is %q, %v", others, err)
	}
	if _, others, err := ReadText([]byte("add element inet filter x {\n\t10.0.0.1\n}\n")); err != nil || !slices.Equal(others, []string{"set x: 10.0.0.1"}) {
		t.Errorf("a set that no rule uses is %q, %v", others, err)
	}
}

func FuzzReadText(f *testing.F) {
	goldens, err := filepath.Glob("testdata/*.nft.golden")
	if err != nil || len(goldens) == 0 {
		f.Fatal("no expected files", err)
	}
	for _, file := range goldens {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rs, _, err := ReadText(data)
		if err != nil {
			return
		}
		for _, l := range rs.Rules {
			if len(rs.Boxes(l)) == 0 && l.Published == "" {
				t.Fatalf("%+v accepts nothing", l)
			}
		}
	})
}
