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

// TestDriftUnit holds that the rights of the unit suffice for every packet filter.
func TestDriftUnit(t *testing.T) {
	before, _ := twoSites()
	t.Run("nftables", func(t *testing.T) {
		h := newHost(t)
		h.site(before)
		h.must("gatewright apply nftables -q -o boot")
		h.want(driftUnit(t, "nftables"), "gatewright.json and this machine: no difference\n", 0)
	})
	iptablesHosts(t, func(h *host) {
		h.iptablesSite(before)
		h.must("gatewright apply iptables -q -o boot")
		h.want(driftUnit(h.T, "iptables"), "gatewright.json and this machine: no difference\n", 0)
		h.must("iptables -I INPUT -s 192.0.2.99 -j ACCEPT")
		if out, status := h.sh(driftUnit(h.T, "iptables")); status != exitDifferent || !strings.Contains(out, "+ rule INPUT of iptables: -s 192.0.2.99/32 -j ACCEPT") {
			h.Errorf("status %d\n%s", status, out)
		}
	})
}

// driftUnit is a line that runs what the unit runs for a generator, with the unit's
// rights and file systems that nobody can write to.
func driftUnit(t *testing.T, generator string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "examples/debian/usr/lib/systemd/system/gatewright-drift@.service"))
	if err != nil {
		t.Fatal(err)
	}
	unit := map[string]string{}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		unit[key] = value
	}
	rights := strings.ToLower(strings.ReplaceAll(" "+unit["CapabilityBoundingSet"], " CAP_", ",+"))
	run := strings.ReplaceAll(strings.TrimPrefix(unit["ExecStart"], "/usr/bin/"), "%i", generator)
	if unit["NoNewPrivileges"] != "yes" || unit["ProtectSystem"] != "strict" || unit["CapabilityBoundingSet"] == "" || run == unit["ExecStart"] {
		t.Fatalf("the unit has other rights than are tried here:\n%s", text)
	}
	return "unshare --mount sh -c 'for at in / /run; do mount -o remount,bind,ro $at || exit 9; done; exec setpriv --bounding-set=-all" + rights + " --inh-caps=-all --no-new-privs " + run + "'"
}
