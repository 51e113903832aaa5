package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnits holds that systemd finds no fault in the units that the package brings.
func TestUnits(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(repository, "examples/debian/usr/lib/systemd/system/*"))
	if err != nil || len(files) < 7 {
		t.Fatal(files, err)
	}
	dir, program := t.TempDir(), filepath.Join(toolFolder(t), "gatewright")
	args := []string{"verify", "--man=no"}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		unit := filepath.Join(dir, filepath.Base(f))
		if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "/usr/bin/gatewright", program)), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, unit)
	}
	if out, err := exec.Command("systemd-analyze", args...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDriftUnit holds that the rights of the unit suffice.
func TestDriftUnit(t *testing.T) {
	h := newHost(t)
	before, _ := twoSites()
	h.site(before)
	h.must("gatewright apply nftables -q -o boot")
	h.want("setpriv --bounding-set=-all,+net_admin --inh-caps=-all --no-new-privs gatewright drift nftables", "gatewright.json and this machine: no difference\n", 0)
}
