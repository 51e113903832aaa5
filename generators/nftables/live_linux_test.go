package nftables

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatewright/generators/engine"
	"gatewright/generators/nftables/kernel"
)

// expected returns the expected files of package nftables.
func expected(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.nft.golden")
	if err != nil || len(files) < 10 {
		t.Fatalf("expected files %v: %v", files, err)
	}
	return files
}

func machine(t *testing.T) *engine.Machine {
	t.Helper()
	m, err := engine.NewMachine(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// on runs f on a machine with a socket there.
func on(t *testing.T, m *engine.Machine, f func(*kernel.Conn) error) {
	t.Helper()
	err := m.Do(func() error {
		c, err := kernel.Open("")
		if err != nil {
			return err
		}
		defer c.Close()
		return f(c)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// loaded is what the kernel holds once a file is loaded.
func loaded(text []byte) (Live, error) {
	f, err := readFile(text)
	if err != nil {
		return Live{}, err
	}
	return f.live(), nil
}

func liveFrom(t *testing.T, text []byte) Live {
	t.Helper()
	l, err := loaded(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// apply makes a machine hold what a file says, and returns what changed.
func apply(t *testing.T, m *engine.Machine, l Live) (changes *kernel.Changes) {
	t.Helper()
	on(t, m, func(c *kernel.Conn) error {
		want, err := kernel.Lower(l.Table, l.Ruleset)
		if err != nil {
			return err
		}
		have, err := c.Read(l.Table, func(name string) bool { return IsOurs(l.Table, name) })
		if err != nil {
			return err
		}
		changes = kernel.Compare(have, want)
		_, err = c.Commit(changes)
		return err
	})
	return changes
}

func list(t *testing.T, m *engine.Machine) string {
	t.Helper()
	out, err := m.ListNFT("ruleset")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestCommitAgreesWithNFT holds that what is written by netlink is what nft makes of
// the file: nft lists the same, and neither changes anything of the other's.
func TestCommitAgreesWithNFT(t *testing.T) {
	for _, file := range expected(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			byNFT, byNetlink, l := machine(t), machine(t), liveFrom(t, text)
			if err := byNFT.LoadNFT(text); err != nil {
				t.Fatal(err)
			}
			apply(t, byNetlink, l)
			if want, got := list(t, byNFT), list(t, byNetlink); got != want {
				t.Errorf("by netlink, and by nft:\n%s", lineDiff(got, want))
			}
			for _, m := range []*engine.Machine{byNFT, byNetlink} {
				if c := apply(t, m, l); !c.IsEmpty() {
					t.Errorf("a second time changes %+v", c)
				}
			}
		})
	}
}

// lineDiff shows the lines that one text alone has.
func lineDiff(a, b string) (out string) {
	for _, side := range []struct{ sign, one, other string }{{"-", a, b}, {"+", b, a}} {
		for line := range strings.Lines(side.one) {
			if !strings.Contains(side.other, line) {
				out += side.sign + line
			}
		}
	}
	if out == "" {
		out = a
	}
	return out
}
