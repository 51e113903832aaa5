package live

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/engine/enginetest"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
)

// stand is a machine with a backend.
type stand struct {
	testing.TB
	*enginetest.Machine
	Backend
}

// variant is an iptablesBackend of one variant of iptables, as what this machine calls
// so.
type variant struct {
	iptablesBackend
	engine.Variant
}

// variants runs a test with each variant of iptables as what this machine calls so.
func variants(t *testing.T, test func(*testing.T, func(testing.TB) *stand)) {
	for _, v := range []engine.Variant{engine.IptablesNFT, engine.IptablesLegacy} {
		t.Run(string(v), func(t *testing.T) {
			dir := t.TempDir()
			for _, family := range []string{"iptables", "ip6tables"} {
				for _, action := range []string{"", "-save", "-restore"} {
					path, err := exec.LookPath("/usr/sbin/" + family + "-" + string(v) + action)
					if err == nil {
						err = os.Symlink(path, filepath.Join(dir, family+action))
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			test(t, func(t testing.TB) *stand { return newStand(t, variant{Variant: v}) })
		})
	}
}

func newStand(t testing.TB, b Backend) *stand {
	t.Helper()
	m, err := enginetest.NewMachine(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return &stand{t, m, b}
}

func (s *stand) here() Machine { return Machine{Namespace: s.Namespace()} }

// sh runs lines of shell on the machine.
func (s *stand) sh(lines string) string {
	s.Helper()
	var out []byte
	err := s.Do(func() (err error) {
		out, err = exec.Command("sh", "-ec", lines).CombinedOutput()
		return err
	})
	if err != nil {
		s.Fatalf("%s\n%v\n%s", lines, err, out)
	}
	return string(out)
}

// rules is what the tools print, without counts and what changes by itself.
func (s *stand) rules() string {
	s.Helper()
	const tables = ` | sed '/^#/d; /^\*/d; /^COMMIT/d; /^:[A-Z]* ACCEPT/d; s/\[.*\]//'; echo; `
	return s.sh(`iptables-save` + tables + `ip6tables-save` + tables + `ipset save | sed 's/ hashsize.* maxelem/ maxelem/; s/ bucketsize.*//; s/ timeout .*//' | sort`)
}

// many is more prefixes than a tree has in its rules.
func many(first, n int) (out []string) {
	for i := first; i < first+n; i++ {
		out = append(out, fmt.Sprintf("20.%d.%d.0/28", i>>8, i&255))
	}
	return out
}

func grants(t testing.TB, of map[string][]string) (in rule.Input) {
	in.Bindings = []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8", "fd00::/8")}, {Role: "resolver", Addresses: ruletest.Prefixes(t, "10.9.9.9")}}
	for id, remotes := range of {
		in.Grants = append(in.Grants, ruletest.Grant(t, "own/"+id, id, rule.Outbound, "clients", "tcp 443,8443; udp 3478-3481", remotes...))
	}
	return in
}

func settings(t testing.TB, raw map[string][]string) artefact.Settings {
	t.Helper()
	s, err := artefact.Configure(iptables.Generator{}.Options(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var (
	chainsForward  = map[string][]string(nil)
	markForward    = map[string][]string{"mode": {"mark"}}
	enforceForward = map[string][]string{"mode": {"enforce"}, "place": {"forward"}, "admin": {"198.51.100.0/24 tcp 22"}}
	enforceHost    = map[string][]string{"mode": {"enforce"}, "place": {"host"}, "roles": {"clients"}, "admin": {"198.51.100.0/24 tcp 22"}}
)

// policies that follow one another.
func policies(t testing.TB) []*rule.Policy {
	return []*rule.Policy{
		ruletest.Compile(t, grants(t, map[string][]string{"one": {"203.0.113.0/28", "2001:db8::/64"}, "two": {"203.0.113.64/28"}})),
		ruletest.Compile(t, grants(t, map[string][]string{"one": append(many(0, 10_100), "2001:db8::/64"), "two": {"203.0.113.64/28"}})),
		ruletest.Compile(t, grants(t, map[string][]string{"one": append(many(1, 10_100), "2001:db8::/64"), "two": {"203.0.113.64/28"}})),
		ruletest.Compile(t, grants(t, map[string][]string{"one": {"203.0.113.0/28"}, "three": {"203.0.113.8/29", "2001:db8:1::/64"}})),
	}
}

func (s *stand) compare(p *rule.Policy, raw map[string][]string) *Comparison {
	s.Helper()
	options := iptables.Generator{}.Options()
	if s.Backend == (nftablesBackend{}) {
		options = nftables.Generator{}.Options()
	}
	set, err := artefact.Configure(options, raw)
	if err != nil {
		s.Fatal(err)
	}
	c, err := s.Compare(s.here(), p, set)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// apply changes what runs, and holds that it is then what is wanted.
func (s *stand) apply(p *rule.Policy, raw map[string][]string) *Comparison {
	s.Helper()
	c := s.compare(p, raw)
	s.commit(c)
	if again := s.compare(p, raw); !again.IsEmpty() {
		s.Fatalf("after apply there are changes left: %+q", texts(again))
	}
	return c
}

func (s *stand) commit(c *Comparison) {
	s.Helper()
	if done, err := c.Commit(); err != nil || len(done.Kept) > 0 {
		s.Fatalf("kept %q, error %v", done.Kept, err)
	}
}

func texts(c *Comparison) (out []string) {
	for _, one := range c.Changes {
		in := one.In
		if in != "" {
			in += ": "
		}
		out = append(out, fmt.Sprintf("%c %s %s%s", one.Sign, one.Kind, in, one.Text))
	}
	return out
}

// load is what a site does without apply: it loads the files by the tools.
func (s *stand) load(p *rule.Policy, raw map[string][]string) {
	s.Helper()
	s.loadFiles(s.files(p, raw))
}

func (s *stand) files(p *rule.Policy, raw map[string][]string) []artefact.Artefact {
	s.Helper()
	out, err := iptables.Generator{}.Generate(p, settings(s, raw))
	if err != nil {
		s.Fatal(err)
	}
	return out.Artefacts
}

func (s *stand) loadFiles(files []artefact.Artefact) {
	s.Helper()
	if err := s.LoadIptables(s.Backend.(variant).Variant, files); err != nil {
		s.Fatal(err)
	}
}

// siteRules are a site's own, which have to stay.
const siteRules = `
iptables -N mine; iptables -A FORWARD -j mine; iptables -A mine -s 192.0.2.7 -j RETURN
iptables -t mangle -A PREROUTING -s 192.0.2.8 -j MARK --set-mark 5
ip6tables -A INPUT -s 2001:db8:9::/48 -j DROP
iptables -t nat -A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE
ipset create site hash:ip && ipset add site 192.0.2.9
`

// TestIptablesAgreesWithTheFiles holds that apply makes of whatever ran before what the
// tools make of the files where nothing ran, and leaves a site's own rules alone.
func TestIptablesAgreesWithTheFiles(t *testing.T) {
	variants(t, func(t *testing.T, stand func(testing.TB) *stand) {
		for _, raw := range []map[string][]string{chainsForward, markForward, enforceForward, enforceHost} {
			applied := stand(t)
			if raw["mode"] == nil || raw["mode"][0] != "enforce" {
				applied.sh(siteRules)
			}
			for i, p := range policies(t) {
				applied.apply(p, raw)
				loaded := stand(t)
				if raw["mode"] == nil || raw["mode"][0] != "enforce" {
					loaded.sh(siteRules)
				}
				loaded.load(p, raw)
				got, want := sortedLines(applied.rules()), sortedLines(loaded.rules())
				if got != want {
					t.Fatalf("%v, policy %d: applied\n%s\nloaded\n%s", raw, i, onlyIn(got, want), onlyIn(want, got))
				}
				loaded.Close()
			}
			applied.Close()
		}
	})
}

// sortedLines takes the order of chains' declarations away; that of rules in a chain is
// compared by Compare.
func sortedLines(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func onlyIn(a, b string) string {
	var out []string
	other := map[string]bool{}
	for _, line := range strings.Split(b, "\n") {
		other[line] = true
	}
	for _, line := range strings.Split(a, "\n") {
		if !other[line] && len(out) < 20 {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
