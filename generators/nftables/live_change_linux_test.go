package nftables

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/artefact/artefacttest"
	"gatewright/generators/filter"
	"gatewright/generators/nftables/kernel"
)

// assigned is a policy whose rules, each by its number, have these remotes.
func assigned(t testing.TB, remotes map[int][]string, services func(int) string) (Live, []byte) {
	t.Helper()
	return assignedOn(t, remotes, services, "mode=enforce", "place=forward", "admin=none")
}

func assignedOn(t testing.TB, remotes map[int][]string, services func(int) string, settings ...string) (Live, []byte) {
	t.Helper()
	in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}}}
	for _, i := range slices.Sorted(maps.Keys(remotes)) {
		id := fmt.Sprintf("e%03d", i)
		in.Grants = append(in.Grants, ruletest.Grant(t, "many/"+id, id, rule.Outbound, "clients", services(i), remotes[i]...))
	}
	p := ruletest.Compile(t, in)
	s, err := artefact.Configure(Generator{}.Options(), artefacttest.Settings(settings...))
	if err != nil {
		t.Fatal(err)
	}
	out, err := Generator{}.Generate(p, s)
	if err != nil {
		t.Fatal(err)
	}
	l, err := LiveOf(p, s)
	if err != nil {
		t.Fatal(err)
	}
	return l, out.Artefacts[0].Data
}

func onePort(int) string    { return "tcp 443" }
func ownPort(i int) string  { return fmt.Sprintf("tcp 443,%d; udp %d-%d", 1000+i, 2000+10*i, 2005+10*i) }
func block(i, n int) string { return fmt.Sprintf("20.%d.%d.0/%d", i>>8&255, i&255, n) }

// TestLargeSets holds that no element is lost where the lists are longer than an
// attribute and than a socket's queues, in one set and in a map, on the first load and
// in changes.
func TestLargeSets(t *testing.T) {
	const n = 30_000
	for name, rules := range map[string]int{"set": 1, "map": 50} {
		t.Run(name, func(t *testing.T) {
			remotes, moved := map[int][]string{}, map[int][]string{}
			for i := range n {
				wide := 32 - i%2
				remotes[i%rules] = append(remotes[i%rules], fmt.Sprintf("20.%d.%d.%d/%d", i>>12&255, i>>4&255, i&15*16, wide))
				moved[(i+1)%rules] = append(moved[(i+1)%rules], fmt.Sprintf("20.%d.%d.%d/%d", i>>12&255, i>>4&255, i&15*16, 31-i%2))
			}
			m := machine(t)
			for _, want := range []map[int][]string{remotes, moved, remotes} {
				l, text := assigned(t, want, onePort)
				apply(t, m, l)
				fresh := machine(t)
				if err := fresh.LoadNFT(text); err != nil {
					t.Fatal(err)
				}
				if a, b := inOrder(list(t, m)), inOrder(list(t, fresh)); a != b {
					t.Fatalf("%d bytes by netlink, %d by nft", len(a), len(b))
				}
				fresh.Close()
			}
		})
	}
}

// TestEveryChangeLeadsToTheFile goes from policy to policy, in which intervals move,
// split, merge, grow and shrink, rules come and go: what the kernel then holds is what
// nft makes of the file alone.
func TestEveryChangeLeadsToTheFile(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 1))
	m, steps := machine(t), 60
	for step := range steps {
		remotes := map[int][]string{}
		for range 1 + r.IntN(12) {
			i := r.IntN(6)
			remotes[i] = append(remotes[i], block(r.IntN(8), 22+r.IntN(6)))
		}
		services := onePort
		if r.IntN(3) == 0 {
			services = ownPort
		}
		l, text := assigned(t, remotes, services)
		apply(t, m, l)
		fresh := machine(t)
		if err := fresh.LoadNFT(text); err != nil {
			t.Fatal(err)
		}
		if a, b := inOrder(list(t, m)), inOrder(list(t, fresh)); a != b {
			t.Fatalf("step %d, %v:\n%s", step, remotes, lineDiff(a, b))
		}
		if again := apply(t, m, l); !again.IsEmpty() {
			t.Fatalf("step %d: a second time changes %+v", step, again.List(Text))
		}
		fresh.Close()
	}
}

// inOrder sorts the objects of a listing: their order tells when each came, and means
// nothing.
func inOrder(rules string) string {
	var out strings.Builder
	for _, table := range strings.SplitAfter(rules, "\n}\n") {
		head, body, _ := strings.Cut(table, "\n")
		objects := strings.SplitAfter(strings.TrimSuffix(body, "}\n"), "\n\t}\n")
		for i := range objects {
			objects[i] = strings.TrimPrefix(objects[i], "\n")
		}
		slices.Sort(objects)
		out.WriteString(head + "\n" + strings.Join(objects, ""))
	}
	return out.String()
}

// TestCommitOfWhatChanged holds that rules that changed since they were read are not
// touched: the transaction is of the state that was compared, or of none.
func TestCommitOfWhatChanged(t *testing.T) {
	m := machine(t)
	l, _ := assigned(t, map[int][]string{0: {"20.0.0.0/24"}}, onePort)
	on(t, m, func(c *kernel.Conn) error {
		want, err := kernel.Lower(l.Table, l.Ruleset)
		if err != nil {
			return err
		}
		have, err := c.Read(l.Table, func(string) bool { return true })
		if err != nil {
			return err
		}
		other, err := kernel.Open("")
		if err != nil {
			return err
		}
		defer other.Close()
		theirs, err := other.Read("inet theirs", func(string) bool { return true })
		if err == nil {
			_, err = other.Commit(kernel.Compare(theirs, &kernel.Table{Name: "inet theirs"}))
		}
		if err != nil {
			return err
		}
		if _, err := c.Commit(kernel.Compare(have, want)); !errors.Is(err, kernel.ErrChanged) {
			t.Errorf("error %v, want %v", err, kernel.ErrChanged)
		}
		return nil
	})
	if got := list(t, m); strings.Contains(got, "gatewright") || !strings.Contains(got, "table inet theirs") {
		t.Errorf("the kernel holds\n%s", got)
	}
}

// TestFailedChangeIsTakenBack holds that what was made first goes again where the
// change itself fails.
func TestFailedChangeIsTakenBack(t *testing.T) {
	one, _ := assigned(t, map[int][]string{0: {"20.0.0.0/24"}}, onePort)
	two, _ := assigned(t, map[int][]string{0: {"20.0.0.0/24", "20.1.0.0/24"}, 1: {"20.2.0.0/24"}}, ownPort)
	for name, before := range map[string]*Live{"another policy": &one, "nothing": nil} {
		t.Run(name, func(t *testing.T) {
			m := machine(t)
			if before != nil {
				apply(t, m, *before)
			}
			held := list(t, m)
			wrong := two.Ruleset
			wrong.Chains = slices.Clone(two.Ruleset.Chains)
			for i, c := range wrong.Chains {
				if c.Hook != nil {
					wrong.Chains[i].Rules = append(slices.Clone(c.Rules), filter.Rule{Verdict: filter.Jump, Target: "gatewright_missing"})
				}
			}
			on(t, m, func(c *kernel.Conn) error {
				want, err := kernel.Lower(two.Table, wrong)
				if err != nil {
					return err
				}
				have, err := c.Read(two.Table, func(string) bool { return true })
				if err != nil {
					return err
				}
				_, err = c.Commit(kernel.Compare(have, want))
				if err == nil || !strings.Contains(err.Error(), "add a rule of chain forward: no such file or directory") || errors.Is(err, kernel.ErrLeft) {
					t.Errorf("error %v", err)
				}
				return nil
			})
			if got := list(t, m); inOrder(got) != inOrder(held) {
				t.Errorf("the kernel holds other rules:\n%s", lineDiff(got, held))
			}
			apply(t, m, two)
		})
	}
}

// TestWhatCannotBeCleared holds that a change is made although what nothing leads to
// any more stays, and that this is told.
func TestWhatCannotBeCleared(t *testing.T) {
	m := machine(t)
	one, _ := assigned(t, map[int][]string{0: {"20.0.0.0/24"}, 1: {"20.1.0.0/24"}, 2: {"20.2.0.0/24"}}, ownPort)
	two, _ := assigned(t, map[int][]string{0: {"20.0.0.0/24"}, 2: {"20.2.0.0/24"}}, ownPort)
	apply(t, m, one)
	on(t, m, func(c *kernel.Conn) error {
		want, err := kernel.Lower(two.Table, two.Ruleset)
		if err != nil {
			return err
		}
		have, err := c.Read(two.Table, func(string) bool { return true })
		if err != nil {
			return err
		}
		var packed bytes.Buffer // which loses the handles by which rules are deleted
		var unpacked kernel.Table
		if err := errors.Join(gob.NewEncoder(&packed).Encode(have), gob.NewDecoder(&packed).Decode(&unpacked), unpacked.Revive()); err != nil {
			return err
		}
		changes := kernel.Compare(&unpacked, want)
		if _, err := c.Commit(changes); err != nil {
			return err
		}
		stays, why := changes.Stays()
		chain := func(c filter.Change) bool {
			return c.Sign == '-' && c.Kind == "chain" && strings.HasPrefix(c.Text, "gatewright_out4_e001")
		}
		if why == nil || !strings.Contains(why.Error(), "delete a rule of chain gatewright_out4_e001") || !slices.ContainsFunc(stays.List(Text), chain) {
			t.Errorf("%+v stays: %v", stays, why)
		}
		return nil
	})
	if got := list(t, m); strings.Contains(got, "20.1.0.0") || !strings.Contains(got, "chain gatewright_out4_e001") {
		t.Errorf("the kernel holds\n%s", got)
	}
	apply(t, m, two)
	if got := list(t, m); strings.Contains(got, "e001") {
		t.Errorf("a second time leaves\n%s", got)
	}
}
