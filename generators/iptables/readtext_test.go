package iptables

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule"
)

// golden returns the artefacts that are expected of an example.
func golden(t testing.TB, example string) Dump {
	t.Helper()
	read := func(program string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", example+"."+program+".golden"))
		if err != nil && program != "ipset" {
			t.Fatal(err)
		}
		return data // without ipset, there is none
	}
	return Dump{Ipset: read("ipset"), IPv4: read("iptables"), IPv6: read("ip6tables")}
}

// regions returns what lines accept, by family, interfaces and mark.
func regions(lines []Line) map[string]rule.Region {
	boxes := map[string][]rule.Box{}
	for _, l := range lines {
		key := Line{Family: l.Family, In: l.In, Out: l.Out, Mark: l.Mark}.parts()
		boxes[key] = append(boxes[key], l.Boxes()...)
	}
	out := map[string]rule.Region{}
	for key, list := range boxes {
		out[key] = rule.RegionOf(list...)
	}
	return out
}

// The text says what the kernel holds once it has loaded it.
func TestTextIsReadAsTheKernelReadsIt(t *testing.T) {
	for _, c := range dumps {
		t.Run(c.example+"/"+c.variant, func(t *testing.T) {
			got, _, err := ReadText(golden(t, c.example))
			if err != nil {
				t.Fatal(err)
			}
			want := readBack(t, c.example, c.variant, c.table)
			if len(got.Rules) != len(want.Rules) || len(got.Rules) == 0 {
				t.Errorf("%d rules are read, the kernel has %d", len(got.Rules), len(want.Rules))
			}
			for i := range want.Rules[:min(len(got.Rules), len(want.Rules))] {
				if !sameParts(got.Rules[i], want.Rules[i]) {
					t.Errorf("read %+v\nthe kernel has %+v", got.Rules[i], want.Rules[i])
				}
			}
			have, wanted := regions(got.Rules), regions(want.Rules)
			for key, r := range wanted {
				if len(have) != len(wanted) || !have[key].Equal(r) {
					t.Errorf("%s: the text accepts\n%v\nthe kernel\n%v", key, have[key].Boxes(), r.Boxes())
				}
			}
			if !reflect.DeepEqual(got.Sets, want.Sets) {
				t.Errorf("sets are %v, the kernel has %v", got.Sets, want.Sets)
			}
			for _, h := range got.Hooks {
				i := slices.IndexFunc(want.Hooks, func(k Hook) bool { return k.Family == h.Family && k.Chain == h.Chain })
				if i < 0 || want.Hooks[i].Policy != h.Policy || len(want.Hooks[i].Rules) != len(h.Rules) {
					t.Errorf("the kernel does not hold %+v", h)
					continue
				}
				for j, r := range want.Hooks[i].Rules {
					if !reflect.DeepEqual(h.Rules[j].Accepts, r.Accepts) {
						t.Errorf("%s: rule %d accepts %+v, the kernel %+v", h.Chain, j+1, h.Rules[j].Accepts, r.Accepts)
					}
				}
			}
		})
	}
}

// Every file that is written is read, and what was changed by hand is told or refused.
func TestReadTextOverlooksNothing(t *testing.T) {
	for _, e := range examples(t) {
		if _, others, err := ReadText(golden(t, e.name)); err != nil || others[setsFile] != nil {
			t.Errorf("%s: %q, %v", e.name, others, err)
		}
	}
	sets, rules := golden(t, "enforce-host"), golden(t, "mark-host-tree")
	for _, c := range []struct {
		from           Dump
		old, new, want string
	}{
		{sets, "-A gatewright_inbound", "-I gatewright_inbound", `gatewright.iptables: line `},
		{sets, "COMMIT", "", "gatewright.iptables: the file does not end with COMMIT"},
		{sets, "COMMIT", "COMMIT\n-A INPUT -j ACCEPT", `"-A INPUT -j ACCEPT" is no line that stands here`},
		{sets, "*filter", "*nat", `"*nat" is no line that stands here`},
		{sets, ":gatewright_inbound - [0:0]\n", "", "is no line that stands here"},
		{sets, ":INPUT DROP", ":INPUT DROP [0:0]\n:INPUT ACCEPT", `":INPUT ACCEPT [0:0]" is no line that stands here`},
		{sets, "COMMIT", "-F INPUT\nCOMMIT", `"-F INPUT" is no line that stands here`},
		{sets, "COMMIT", ":gw_x - [0:0]\nCOMMIT", "no rule leads to chain gw_x of iptables"},
		{sets, "COMMIT", "-A INPUT -p tcp -m length --length 9 -m set --match-set gw_x_4 src -j ACCEPT\nCOMMIT", "in a way that is not ours"},
		{sets, "COMMIT", "-A gatewright_inbound -p tcp -j gw_x\nCOMMIT", "there is no chain gw_x"},
		{rules, "-j MARK", "-m limit -j MARK", "unknown match limit"},
		{Dump{Ipset: []byte("add gw_a_4 10.0.0.0/8\n")}, "", "", `gatewright.ipset: line 1: "add gw_a_4 10.0.0.0/8" is about a set that is not created`},
		{Dump{Ipset: []byte("create gw_a_4 hash:ip family inet maxelem 9 -exist\n")}, "", "", "is about a set that is not created"},
		{Dump{Ipset: []byte("create gw_a_4 hash:net family inet maxelem 9 -exist\n")}, "", "", "set gw_a_4 is created and not filled"},
		{Dump{Ipset: []byte("create gw_a_4 hash:net family inet maxelem 9 -exist\nadd gw_a_4 10.0.0.0/8 nomatch\n")}, "", "", "line 2: \"add gw_a_4 10.0.0.0/8 nomatch\" is no line"},
		{Dump{Ipset: []byte("create gw_a_4 hash:net family inet maxelem 9 -exist\nadd gw_a_4 10/8\n")}, "", "", "line 2: netip.ParsePrefix"},
	} {
		d := c.from
		d.IPv4 = []byte(strings.ReplaceAll(string(d.IPv4), c.old, c.new))
		if _, _, err := ReadText(d); !strings.Contains(errorText(err), c.want) {
			t.Errorf("%q for %q: error %v; want %s", c.new, c.old, err, c.want)
		}
	}
	_, before, err := ReadText(sets)
	if err != nil {
		t.Fatal(err)
	}
	for old, new := range map[string]string{
		"-F INPUT\n":               "",
		":OUTPUT DROP":             ":OUTPUT ACCEPT",
		"--ctstate INVALID":        "--ctstate NEW",
		"-j gatewright_outbound":   "-o eth9 -j gatewright_outbound",
		"-A INPUT -i lo -j ACCEPT": "-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp --dport 22 -j ACCEPT",
	} {
		d := sets
		d.IPv4 = []byte(strings.ReplaceAll(string(d.IPv4), old, new))
		if _, after, err := ReadText(d); err != nil || reflect.DeepEqual(before, after) {
			t.Errorf("%q for %q is not told: %v", new, old, err)
		}
	}
	d := sets
	d.Ipset = append(slices.Clip(d.Ipset), "create gw_a_4 hash:net family inet maxelem 9 -exist\nflush gw_a_4\nadd gw_a_4 10.0.0.0/8\n"...)
	if _, others, err := ReadText(d); err != nil || !slices.Equal(others[setsFile], []string{"gw_a_4: 10.0.0.0/8"}) {
		t.Errorf("a set that no rule matches is %q, %v", others, err)
	}
}

// A prefix more or less in the files is one more or less in what is read.
func TestReadTextTellsEveryPrefix(t *testing.T) {
	for _, example := range []string{"chains", "tree"} {
		d := golden(t, example)
		whole, _, err := ReadText(d)
		if err != nil {
			t.Fatal(err)
		}
		of, start := &d.Ipset, "add "
		if example == "tree" {
			of, start = &d.IPv4, "-A "
		}
		all, tried := string(*of), 0
		for line := range strings.Lines(all) {
			if !strings.HasPrefix(line, start) || strings.Contains(line, " -g ") {
				continue
			}
			tried++
			*of = []byte(strings.Replace(all, line, "", 1))
			rs, _, err := ReadText(d)
			if err == nil && reflect.DeepEqual(rs.Rules, whole.Rules) {
				t.Errorf("%s without %q reads the same", example, line)
			}
		}
		if tried < 20 {
			t.Errorf("%s: only %d lines were tried", example, tried)
		}
	}
}

func FuzzReadText(f *testing.F) {
	for _, e := range examples(f) {
		d := golden(f, e.name)
		f.Add(d.Ipset, d.IPv4, d.IPv6)
	}
	f.Fuzz(func(t *testing.T, sets, v4, v6 []byte) {
		rs, _, err := ReadText(Dump{sets, v4, v6})
		if err != nil {
			return
		}
		for _, l := range rs.Rules {
			if len(l.Boxes()) == 0 {
				t.Fatalf("%+v accepts nothing", l)
			}
		}
	})
}
