package live

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestIptablesRestore holds that what was saved comes back, whatever was there and
// whatever became of it: sets that were destroyed, chains of others, policies.
func TestIptablesRestore(t *testing.T) {
	variants(t, func(t *testing.T, stand func(testing.TB) *stand) {
		all := policies(t)
		for _, raw := range []map[string][]string{chainsForward, enforceForward} {
			s := stand(t)
			s.sh(siteRules)
			restore := func(c *Comparison, before string) {
				t.Helper()
				saved, err := c.Saved()
				if err == nil {
					_, err = c.Commit()
				}
				if err == nil && s.rules() == before {
					t.Error("nothing was changed")
				}
				if err == nil {
					err = iptablesBackend{}.Restore(s.here(), saved)
				}
				if after := s.rules(); err != nil || after != before {
					t.Errorf("%v: error %v\n%s\nwant\n%s", raw, err, onlyIn(after, before), onlyIn(before, after))
				}
			}
			restore(s.compare(all[1], raw), s.rules())
			s.apply(all[1], raw)
			s.sh(`iptables -I gatewright_outbound -s 192.0.2.3 -m limit --limit 1/s -j LOG --log-prefix '"x" '
				ipset add gw_out-rm3t3jdb5_329a008856 192.0.2.9 && ipset create gw_hand hash:ip timeout 500 && ipset add gw_hand 192.0.2.1`)
			restore(s.compare(all[2], raw), s.rules())
		}
	})
}

// TestIptablesUndoes holds that a family does not stay changed if the other one cannot
// be, and that what is not what was compared is not changed.
func TestIptablesUndoes(t *testing.T) {
	variants(t, func(t *testing.T, stand func(testing.TB) *stand) {
		s, all := stand(t), policies(t)
		s.apply(all[1], enforceForward)
		before := s.rules()
		path := os.Getenv("PATH")
		broken := t.TempDir()
		text := "#!/bin/sh\necho 'iptables-restore v1: line 3 failed' >&2\nexit 1\n"
		if err := os.WriteFile(filepath.Join(broken, "ip6tables-restore"), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		c := s.compare(all[3], enforceForward)
		t.Setenv("PATH", broken+":"+path)
		_, err := c.Commit()
		if want := "ip6tables-restore --noflush --counters -w 60: exit status 1: iptables-restore v1: line 3 failed"; err == nil || err.Error() != want {
			t.Errorf("error %v; want %q", err, want)
		}
		if after := s.rules(); after != before {
			t.Errorf("changed\n%s\nwant\n%s", onlyIn(after, before), onlyIn(before, after))
		}
		text = "#!/bin/sh\necho 'iptables-restore v1: locked' >&2\nexit 4\n"
		if err := os.WriteFile(filepath.Join(broken, "iptables-restore"), []byte(strings.Replace(text, "exit", "test -e "+broken+"/once || exec "+
			"env PATH="+path+" iptables-restore --noflush -c $(touch "+broken+"/once)\nexit", 1)), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := s.compare(all[3], enforceForward).Commit(); !errors.Is(err, ErrLeft) {
			t.Errorf("error %v; want %v", err, ErrLeft)
		}
		t.Setenv("PATH", path)
		s.apply(all[1], enforceForward)
		if after := s.rules(); after != before {
			t.Errorf("changed\n%s\nwant\n%s", onlyIn(after, before), onlyIn(before, after))
		}
		c = s.compare(all[2], enforceForward)
		s.sh("iptables -A gw_OUT -d 192.0.2.1 -j DROP")
		before = s.rules()
		if _, err := c.Commit(); !errors.Is(err, ErrChanged) {
			t.Errorf("error %v; want %v", err, ErrChanged)
		}
		if after := s.rules(); after != before {
			t.Errorf("changed\n%s\nwant\n%s", onlyIn(after, before), onlyIn(before, after))
		}
	})
}

// TestIptablesKeepsCounts holds that rules that stay go on from their counts.
func TestIptablesKeepsCounts(t *testing.T) {
	variants(t, func(t *testing.T, stand func(testing.TB) *stand) {
		s, all := stand(t), policies(t)
		s.apply(all[1], chainsForward)
		s.sh(`ip link set lo up; ip addr add 10.0.0.1 dev lo; iptables -A OUTPUT -j gatewright_outbound
			ip link add out type bridge; ip addr add 10.1.0.1/24 dev out; ip link set out up; ip route add default via 10.1.0.9; ip neigh add 10.1.0.9 lladdr 02:00:00:00:00:01 dev out
			for i in 1 2 3; do bash -c "echo x >/dev/udp/20.0.9.1/3478; echo x >/dev/udp/203.0.113.65/3478"; done`)
		count := func() (out []string) {
			for _, m := range regexp.MustCompile(`(?m)^\[(\d+):\d+\] -A (gw_out-\S+ -p udp|gw_OUT)`).FindAllStringSubmatch(s.sh("iptables-save -c"), -1) {
				out = append(out, m[1])
			}
			return out
		}
		const want = "3 3 3 3"
		if got := strings.Join(count(), " "); got != want {
			t.Fatalf("counts %s, want %s", got, want)
		}
		s.apply(all[2], chainsForward) // the line with the set is new
		if got := strings.Join(count(), " "); got != "0 3 3 3" {
			t.Errorf("counts %s, want 0 3 3 3", got)
		}
	})
}

// TestIptablesOfAnotherMode holds that what an earlier mode left goes, but for what a
// site's rules lead to, which is emptied.
func TestIptablesOfAnotherMode(t *testing.T) {
	variants(t, func(t *testing.T, stand func(testing.TB) *stand) {
		s, all := stand(t), policies(t)
		s.apply(all[0], chainsForward)
		s.sh("iptables -A FORWARD -j gatewright_outbound")
		s.load(all[1], markForward)
		s.sh("iptables -t mangle -A FORWARD -j gatewright_forward; iptables -A FORWARD -m set --match-set gw_out-rm3t3jdb5_329a008856 dst -j DROP")
		s.apply(all[0], chainsForward)
		out := s.sh("iptables-save -t mangle; ipset save")
		for _, gone := range []string{"gw_", "gatewright_outbound"} {
			if strings.Contains(strings.ReplaceAll(out, "create gw_out-rm3t3jdb5_329a008856", ""), gone) {
				t.Errorf("%s is left:\n%s", gone, out)
			}
		}
		s.apply(all[0], markForward)
		if out := s.sh("iptables-save -t filter | grep gatewright_outbound; iptables-save -t filter | grep -c gw_ || true"); out != ":gatewright_outbound - [0:0]\n-A FORWARD -j gatewright_outbound\n1\n" {
			t.Errorf("left in table filter:\n%s", out)
		}
	})
}
