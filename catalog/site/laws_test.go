package site

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// truth is what the words of the documents say about one entry.
type truth struct {
	selected, dismissed bool
	any                 bool
	names, prefixes     []string
	services, role      string
	directions          []string
	open                []string // what is missing, sorted
}

func (t truth) grants() bool {
	return t.selected && !t.dismissed && t.role != "" && t.services != "" && len(t.directions) > 0 &&
		(t.any || len(t.names)+len(t.prefixes) > 0)
}

// of reads the documents about one entry.
func (w world) of(e entryDoc) truth {
	var t truth
	a := w.site.Answers["c/"+e.ID]
	t.dismissed = a.Dismissed != ""
	t.services, t.role = first(a.Services, e.Services), first(a.Role, e.Role)
	direction := first(a.Direction, e.Direction)
	for _, d := range []string{"outbound", "inbound"} {
		if (direction == d || direction == "bidirectional") && (len(w.site.Select.Direction) == 0 || slices.Contains(w.site.Select.Direction, d)) {
			t.directions = append(t.directions, d)
		}
	}
	t.selected = w.selects(e) && (t.dismissed || e.Kind != "" || direction == "" || len(t.directions) > 0)
	w.endpoints(e, a, &t)
	if e.Kind != "" {
		t.prefixes = nil
	}
	if !t.any && len(t.names)+len(t.prefixes) == 0 && len(t.open) == 0 {
		t.open = append(t.open, "remote")
	}
	if e.Kind == "" {
		for missing, have := range map[string]string{"services": t.services, "direction": direction, "role": t.role} {
			if have == "" {
				t.open = append(t.open, missing)
			}
		}
		if _, bound := w.site.Bind[t.role]; t.role != "" && !bound && t.role != "clients" {
			t.open, t.role = append(t.open, "binding"), ""
		}
	}
	slices.Sort(t.open)
	t.open = slices.Compact(t.open)
	return t
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

func (w world) selects(e entryDoc) bool {
	s := w.site.Select
	has := func(list []string, word string) bool { return len(list) == 0 || slices.Contains(list, word) }
	return has(s.Area, e.Area) && has(s.Category, first(e.Category, "none")) && has(s.Entry, e.ID) && w.inInstance(e) &&
		!slices.Contains(s.Exclude, e.ID) && (!s.RequiredOnly || e.Required)
}

func (w world) inInstance(e entryDoc) bool {
	wanted, have := w.site.Select.Instance, e.Instance
	if len(wanted) == 0 {
		wanted = []string{"Worldwide"}
	}
	if len(have) == 0 {
		have = []string{"Worldwide"}
	}
	return slices.ContainsFunc(wanted, func(s string) bool { return slices.Contains(have, s) })
}

func (w world) endpoints(e entryDoc, a answerDoc, t *truth) {
	switch remote := a.Remote.(type) {
	case nil:
		w.published(e, t)
	case string:
		t.any = remote == "any"
		for _, word := range strings.Fields(remote) {
			if remote != "any" {
				w.endpoint(word, t)
			}
		}
	case *fromDoc:
		for _, other := range w.entries {
			if remote.From == "c/"+other.ID || remote.From == "c/"+other.Area && other.Kind == "" && w.inInstance(other) {
				w.published(other, t)
			}
		}
	}
}

func (w world) published(e entryDoc, t *truth) {
	for _, text := range e.Endpoints {
		w.endpoint(text, t)
	}
}

func (w world) endpoint(text string, t *truth) {
	host, _, path := strings.Cut(text, "/")
	if _, err := netip.ParseAddr(host); err == nil {
		t.prefixes = append(t.prefixes, text)
		return
	}
	hosts := []string{host}
	for _, name := range []string{"tenant", "email_domain"} {
		if !strings.Contains(host, "<"+name+">") {
			continue
		}
		hosts = nil
		for _, value := range w.site.Values[name] {
			hosts = append(hosts, strings.ReplaceAll(host, "<"+name+">", value))
		}
		if hosts == nil {
			t.open = append(t.open, "value of "+text)
		}
	}
	if path && w.site.Paths == "" {
		t.open = append(t.open, "path of "+text)
		return
	}
	t.names = append(t.names, hosts...)
}

// expressions are those of patterns, once they were needed.
var expressions = map[string]*regexp.Regexp{}

// matches reads a pattern as its definition says it.
func matches(pattern, name string) bool {
	if have := expressions[pattern]; have != nil {
		return have.MatchString(name)
	}
	expressions[pattern] = expression(pattern)
	return expressions[pattern].MatchString(name)
}

func expression(pattern string) *regexp.Regexp {
	labels := strings.Split(pattern, ".")
	for i, label := range labels {
		switch {
		case label == "*" && i == 0:
			labels[i] = `[^.]+(\.[^.]+)*`
		case label == "*":
			labels[i] = `[^.]+`
		default:
			labels[i] = strings.ReplaceAll(regexp.QuoteMeta(label), `\*`, `[^.]*`)
		}
	}
	return regexp.MustCompile(`^` + strings.Join(labels, `\.`) + `$`)
}

func contains(list []string, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(s string) bool {
		if p, err := netip.ParsePrefix(s); err == nil {
			return p.Contains(a)
		}
		return netip.MustParseAddr(s) == a
	})
}

// accepts says whether an entry accepts a flow.
func (w world) accepts(t truth, f rule.Flow) bool {
	if !t.grants() || !slices.Contains(t.directions, string(f.Direction)) {
		return false
	}
	remote := t.any && (f.Name != "" || f.Remote.IsValid()) || f.Remote.IsValid() && contains(t.prefixes, f.Remote) ||
		f.Name != "" && slices.ContainsFunc(t.names, func(p string) bool { return matches(p, f.Name) })
	b, bound := w.site.Bind[t.role]
	if !bound {
		b = bindDoc{Addresses: []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10"}}
	}
	original := f.Port
	if f.Published != 0 && f.Direction == rule.Inbound {
		original = f.Published
	}
	return remote && (contains(b.Addresses, f.Local) && hasPort(t.services, f, f.Port) || contains(b.Published, f.Local) && hasPort(t.services, f, original))
}

func hasPort(services string, f rule.Flow, port uint16) bool {
	for part := range strings.SplitSeq(services, "; ") {
		protocol, ports, _ := strings.Cut(part, " ")
		low, high, isRange := strings.Cut(ports, "-")
		if !isRange {
			high = low
		}
		if text := fmt.Sprint(port); protocol == f.Protocol.String() && low <= text && text <= high { // all have one digit
			return true
		}
	}
	return false
}

func randomFlow(r *rand.Rand) rule.Flow {
	f := rule.Flow{
		Direction: pick(r, rule.Outbound, rule.Inbound), Protocol: pick(r, netset.TCP, netset.UDP), Port: uint16(1 + r.IntN(5)),
		Local: netip.MustParseAddr(pick(r, "172.16.0.0", "172.16.0.2", "172.16.0.3", "172.16.0.8", "172.16.0.9", "172.16.0.2", "172.16.0.9", "10.9.9.9", "fd00::1", "192.0.2.9")),
	}
	if r.IntN(2) == 0 {
		f.Published = uint16(1 + r.IntN(5))
	}
	if r.IntN(3) > 0 {
		f.Name = pick(r, "example.com", "a.example.com", "b.example.com", "ba.example.com", "a.b.example.com", "a.b.c.example.com", "d.example.com", "example.org", "x.example.org")
	}
	if r.IntN(3) > 0 {
		f.Remote = netip.MustParseAddr(pick(r, "10.0.0.0", "10.0.0.1", "10.0.0.3", "10.0.0.5", "10.0.0.7", "10.0.0.9", "2001:db8::1", "2001:db8::2"))
	}
	return f
}

// Law 1, from the documents on: a flow is accepted if and only if some selected,
// bound and answered entry accepts it, and the decision names these entries.
func TestPolicyIsSoundAndComplete(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	accepted := 0
	for range 700 {
		w := randomWorld(r)
		policy := w.mustBuild(t).Policy
		truths := map[string]truth{}
		for _, e := range w.entries {
			truths["c/"+e.ID] = w.of(e)
		}
		for range 150 {
			f := randomFlow(r)
			d := policy.Decide(f)
			want := false
			for id, one := range truths {
				if w.accepts(one, f) {
					want = true
					if !slices.Contains(d.Entries, id) {
						t.Fatalf("%v: %s accepts, and the decision names %v\n%s\n%s", f, id, d.Entries, marshal(t, w.entries), marshal(t, w.site))
					}
				}
			}
			if d.Accept() != want {
				t.Fatalf("%v: decided %v, the documents say %t\n%s\n%s", f, d, want, marshal(t, w.entries), marshal(t, w.site))
			}
			if want {
				accepted++
			}
		}
	}
	if accepted < 3000 {
		t.Errorf("only %d flows were accepted; the test is too weak", accepted)
	}
}

// Law 5: of every entry it is said what became of it, and every fact that is
// missing is an open item of its own.
func TestNothingIsLost(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	states := map[State]int{}
	for range 1500 {
		w := randomWorld(r)
		result := w.mustBuild(t)
		if len(result.Outcomes) != len(w.entries) {
			t.Fatalf("%d outcomes of %d entries", len(result.Outcomes), len(w.entries))
		}
		for _, o := range result.Outcomes {
			i := slices.IndexFunc(w.entries, func(e entryDoc) bool { return "c/"+e.ID == o.Entry.ID })
			checkOutcome(t, w, w.entries[i], o, result)
			states[o.State]++
		}
	}
	for _, s := range []State{InRule, InZone, IsOpen, IsDismissed, NotSelected} {
		if states[s] < 50 {
			t.Errorf("only %d entries were %q; the test is too weak", states[s], s)
		}
	}
}

func checkOutcome(t *testing.T, w world, e entryDoc, o Outcome, result *Result) {
	t.Helper()
	want := w.of(e)
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("%s: %s\n%s\n%s", e.ID, fmt.Sprintf(format, args...), marshal(t, w.entries), marshal(t, w.site))
	}
	var open []string
	for _, item := range o.Open {
		open = append(open, strings.TrimSuffix(item.Missing+" of "+item.Endpoint, " of "))
		if item.Why == "" || item.Who == "" || item.Line == "" || item.Section == "" || !slices.Contains(result.Policy.Open, item) {
			fail("open item %+v does not say all, or is not in the policy", item)
		}
	}
	slices.Sort(open)
	named := slices.ContainsFunc(result.Policy.TrustedSites, func(s rule.TrustedSite) bool { return s.Entry.ID == o.Entry.ID && !s.Names.IsEmpty() })
	switch {
	case !want.selected:
		if o.State != NotSelected || o.Why == "" || len(o.Rules)+len(open) > 0 || named {
			fail("not selected, but %+v", o)
		}
	case want.dismissed:
		if o.State != IsDismissed || o.Why != "not here" || len(o.Rules)+len(open) > 0 || named {
			fail("dismissed, but %+v", o)
		}
	case !slices.Equal(open, want.open):
		fail("open is %q, want %q", open, want.open)
	case e.Kind != "" && len(want.names) > 0:
		if o.State != InZone || !named {
			fail("a trusted site, but %s", o.State)
		}
	case e.Kind == "" && want.grants():
		if o.State != InRule || len(o.Rules) == 0 {
			fail("an entry that grants, but %s in %v", o.State, o.Rules)
		}
	default:
		if o.State != IsOpen || len(open) == 0 || len(o.Rules) > 0 || named {
			fail("grants nothing, but %s in %v, with %q open", o.State, o.Rules, open)
		}
	}
}

// Law 6: without an entry, a binding, an answer or a value nothing more is
// accepted.
func TestNothingIsGained(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	built := 0
	for range 1200 {
		w := randomWorld(r)
		policy := w.mustBuild(t).Policy
		less := world{slices.Clone(w.entries), w.site}
		switch r.IntN(3) {
		case 0:
			i := r.IntN(len(w.entries))
			less.entries = slices.Delete(less.entries, i, i+1)
			less.site.Answers = withoutKey(w.site.Answers, "c/"+w.entries[i].ID)
		case 1: // clients without a binding have the default one
			less.site.Bind = withoutKey(w.site.Bind, pick(r, "exchange", "sts"))
		case 2: // an answer may overrule what is inferred, and the inferred fact then holds again
			e := pick(r, w.entries...)
			if w.site.Answers["c/"+e.ID].Dismissed != "" || len(e.Inferred) > 0 {
				continue
			}
			less.site.Answers = withoutKey(w.site.Answers, "c/"+e.ID)
		}
		result, err := less.build(t)
		if err != nil { // what is left names something that is gone
			continue
		}
		built++
		for range 100 {
			if f := randomFlow(r); result.Policy.Decide(f).Accept() && !policy.Decide(f).Accept() {
				t.Fatalf("%v is accepted with less and not with more\n%s\n%s", f, marshal(t, less.entries), marshal(t, less.site))
			}
		}
	}
	if built < 400 {
		t.Errorf("only %d smaller worlds; the test is too weak", built)
	}
}

func withoutKey[V any](m map[string]V, key string) map[string]V {
	less := map[string]V{}
	for k, v := range m {
		if k != key {
			less[k] = v
		}
	}
	return less
}

// An empty catalogue and an empty selection accept nothing.
func TestEmptyAcceptsNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 100 {
		w := randomWorld(r)
		w.site.Select.Exclude = nil
		for _, e := range w.entries {
			w.site.Select.Exclude = append(w.site.Select.Exclude, e.ID)
		}
		for _, empty := range []world{w, {}} {
			p := empty.mustBuild(t).Policy
			if len(p.Rules)+len(p.TrustedSites)+len(p.Open) > 0 {
				t.Fatalf("an empty selection makes %+v", p)
			}
		}
	}
}
