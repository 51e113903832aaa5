package live

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bigSet is the set that the second of policies has.
const bigSet = "gw_out-rm3t3jdb5_329a008856"

// TestIptablesRefusesLineBreaks holds that what could not be brought back is told
// before anything is changed, and that a site's own comments hold what they like.
func TestIptablesRefusesLineBreaks(t *testing.T) {
	variants(t, func(t *testing.T, stand func(testing.TB) *stand) {
		s, all := stand(t), policies(t)
		s.apply(all[0], chainsForward)
		s.sh(`bash -c "ipset create site hash:ip comment && ipset add site 192.0.2.1 comment \$'a\ncreate gw_x hash:net\nadd ` + bigSet + ` 6.6.6.6\nb'"
			bash -c "iptables -A FORWARD -m comment --comment \$'a\n-A gw_OUT -j ACCEPT\n'"`)
		s.apply(all[1], chainsForward)
		if c := s.compare(all[1], chainsForward); !c.IsEmpty() {
			t.Errorf("a comment of the site's is told as %q", texts(c))
		}
		for _, c := range []struct{ add, del, want string }{
			{`bash -c "ipset create gw_hand hash:net comment && ipset add gw_hand 1.2.3.4 comment \$'a\nb'"`, "ipset destroy gw_hand",
				`ipset restore: set "gw_hand": the line break in "1.2.3.4 comment \"a\nb\"" is not read back; remove it`},
			{`bash -c "iptables -A gw_OUT -m comment --comment \$'a\nb' -j DROP"`, "iptables -D gw_OUT -j DROP -m comment --comment 'a\nb'",
				`iptables-restore: table filter, chain "gw_OUT": the line break in "-m comment --comment \"a\nb\" -j DROP" is not read back; remove it`},
			{`ipset create 'gw_ x' hash:ip`, `ipset destroy 'gw_ x'`, `ipset save: "create gw_ x hash:ip`},
			{`iptables -N 'gw_"x'`, `iptables -X 'gw_"x'`, `iptables-restore: table filter, chain "gw_\"x": the name "gw_\"x" would be changed when it is read back; give it another name, or remove it`},
		} {
			s.sh(c.add)
			_, err := iptablesBackend{}.Compare(s.here(), all[2], settings(t, chainsForward))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s: error %v; want %s", c.add, err, c.want)
			}
			s.sh(c.del)
		}
		s.apply(all[2], chainsForward)
	})
}

// TestIptablesRestoresRulesWithoutSets holds that the rules come back even if a set
// cannot come back as it was, and that what came meanwhile, with line breaks, does not
// matter.
func TestIptablesRestoresRulesWithoutSets(t *testing.T) {
	variants(t, func(t *testing.T, stand func(testing.TB) *stand) {
		s, all := stand(t), policies(t)
		s.apply(all[1], enforceForward)
		plain := s.rules()
		s.sh("iptables -I FORWARD -s 192.0.2.5 -j DROP; ipset create gw_new hash:net comment; ipset save " + bigSet +
			" | sed '/create/d; s/" + bigSet + "/gw_new/' | ipset restore; echo add gw_new 192.0.2.9 comment bad | ipset restore; ipset swap gw_new " + bigSet + "; ipset destroy gw_new")
		c := s.compare(all[3], enforceForward)
		saved, err := c.Saved()
		if err == nil {
			_, err = c.Commit()
		}
		if err != nil {
			t.Fatal(err)
		}
		s.sh(`bash -c "ipset create gw_hand hash:net comment && ipset add gw_hand 1.2.3.4 comment \$'a\nb'; iptables -A gw_OUT -m comment --comment \$'a\nb' -j DROP"`)
		s.refuse("comment")
		var left *LeftOutError
		want := []string{"set " + bigSet + " did not come back as it was: ipset restore: exit status 1: refused"}
		if err := (iptablesBackend{}).Restore(s.here(), saved); !errors.As(err, &left) || !slices.Equal(left.Left, want) {
			t.Fatalf("error %v; want %q", err, want)
		}
		const drop = "-A FORWARD -s 192.0.2.5/32 -j DROP\n"
		after := s.rules()
		if !strings.Contains(after, drop) {
			t.Errorf("the rule that ran is not back:\n%s", after)
		}
		if after = strings.Replace(after, drop, "", 1); after != plain {
			t.Errorf("after what was\n%s\nwant\n%s", onlyIn(after, plain), onlyIn(plain, after))
		}
	})
}

// TestIptablesRestoreTellsWhatStays holds that a set which cannot go again, because
// another set holds it, is told.
func TestIptablesRestoreTellsWhatStays(t *testing.T) {
	variants(t, func(t *testing.T, stand func(testing.TB) *stand) {
		s, all := stand(t), policies(t)
		s.apply(all[0], chainsForward)
		saved, err := s.compare(all[3], chainsForward).Saved()
		if err != nil {
			t.Fatal(err)
		}
		s.sh("ipset create gw_hand hash:net; ipset create list list:set; ipset add list gw_hand")
		var left *LeftOutError
		want := []string{"set gw_hand is not as it was"}
		if err := (iptablesBackend{}).Restore(s.here(), saved); !errors.As(err, &left) || !slices.Equal(left.Left, want) {
			t.Errorf("error %v; want %q", err, want)
		}
	})
}

// refuse has ipset refuse to restore what holds a word.
func (s *stand) refuse(word string) {
	s.Helper()
	real, err := exec.LookPath("ipset")
	dir := s.TempDir()
	if err == nil {
		text := "#!/bin/sh\n[ \"$1\" = restore ] || exec " + real + " \"$@\"\ncat >" + dir + "/in\n" +
			"if grep -q " + word + " " + dir + "/in; then echo refused >&2; exit 1; fi\nexec " + real + " restore <" + dir + "/in\n"
		err = os.WriteFile(filepath.Join(dir, "ipset"), []byte(text), 0o755)
	}
	if err != nil {
		s.Fatal(err)
	}
	s.TB.(*testing.T).Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// TestIptablesKnowsWhatRulesName holds that each set and chain that a site's rule names
// stays, and is no drift once it is empty.
func TestIptablesKnowsWhatRulesName(t *testing.T) {
	variants(t, func(t *testing.T, stand func(testing.TB) *stand) {
		s, all := stand(t), policies(t)
		s.sh(`ipset create zz hash:ip; for i in 1 2 3; do ipset create gw_old_$i hash:net; ipset add gw_old_$i 192.0.2.$i; done; iptables -N gw_gone; iptables -A gw_gone -j DROP
			iptables -A FORWARD -m set --match-set zz src -m set --match-set gw_old_1 dst -j DROP
			iptables -A FORWARD -m set --match-set zz src -j SET --add-set gw_old_2 src
			iptables -A FORWARD -m comment --comment "--match-set gw_old_3 src"
			iptables -A FORWARD -m comment --comment "-j" -j gw_gone`)
		s.apply(all[0], chainsForward)
		if got, want := s.sh("ipset list -n"), "zz\ngw_old_1\ngw_old_2\n"; sortedLines(got) != sortedLines(want) {
			t.Errorf("there are the sets\n%swant\n%s", got, want)
		}
		if got := s.sh("ipset save | grep add || true; iptables-save | grep -e '-A gw_gone' || true"); got != "" {
			t.Errorf("what rules name is not emptied:\n%s", got)
		}
	})
}
