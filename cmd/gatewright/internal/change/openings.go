package change

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators/artefact"
)

// opening is what a reviewer has to see first of what is newly accepted: any remote, or
// most ports, with the same local addresses.
type opening struct {
	direction rule.Direction
	remote    string // "any remote", or the endpoints if they are few
	local     string
	services  string
	place     string
	rules     int

	any       bool
	ports     int     // of one protocol
	addresses float64 // of our side, as a share of a family
	remotes   float64 // likewise
}

// wideShare is the share of a family from which addresses are told as an opening: that
// of a prefix /5.
const wideShare = 1.0 / 32

// manyPorts is how many ports of a protocol are told as an opening: most of them.
const manyPorts = 1 << 15

// openings returns what newly opens to any remote or on most ports of a protocol,
// widest first.
func (r Diff) openings() []string {
	var all []*opening
	for i := range r.Added {
		of := &r.Added[i]
		if of.unbound != "" {
			continue // told by unboundTexts
		}
		counted := map[*opening]bool{}
		for _, p := range of.Parts {
			o := p.opening(of)
			if !o.any && o.ports < manyPorts && max(o.addresses, o.remotes) < wideShare {
				continue
			}
			j := slices.IndexFunc(all, func(have *opening) bool { return have.text() == o.text() })
			if j < 0 {
				j, all = len(all), append(all, &o)
			}
			if !counted[all[j]] {
				all[j].rules++
				counted[all[j]] = true
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *opening) int { return cmp.Or(a.compare(b), cmp.Compare(a.direction, b.direction)) })
	var lines []string
	for _, why := range r.Unknown {
		lines = append(lines, "UNKNOWN: what this machine accepts: "+why)
	}
	for _, o := range all {
		lines = append(lines, fmt.Sprintf("OPENS: %s (%s)", o.text(), words.Count(o.rules, "rule")))
	}
	return slices.Concat(r.lost, r.unboundTexts(), lines, r.sentTexts())
}

// sentTexts tells where requests without a route of their own are sent now, and what
// options send past the proxy.
func (r Diff) sentTexts() (lines []string) {
	for _, c := range r.Routes {
		switch where := fmt.Sprintf("(%s, %s)", cmp.Or(string(c.Role), c.Place), c.Services); {
		case c.Any:
			lines = append(lines, fmt.Sprintf("SENDS: every remote without its own route to %s instead of %s %s", c.To, c.From, where))
		case goesPast(c.To) && !goesPast(c.From) && (c.byRoles || c.To != rule.Direct):
			lines = append(lines, fmt.Sprintf("SENDS: %s to %s instead of %s %s", shortList(c.endpoints()), c.To, c.From, where))
		}
	}
	return slices.Concat(r.past, lines)
}

func (r Route) endpoints() (all []string) {
	for _, n := range r.Names {
		all = append(all, n.Pattern)
	}
	return append(all, r.Prefixes...)
}

// goesPast reports whether a way goes past every proxy, if only when none answers.
func goesPast(way rule.Via) bool {
	return way == rule.Direct || strings.HasSuffix(string(way), "; DIRECT")
}

// addPast tells what a PAC file newly sends past the proxy before it asks any route,
// and that it goes. One without a proxy sends nothing past any.
func (r *Diff) addPast(old, new artefact.Reading) {
	if old.Routes == nil || !slices.ContainsFunc(old.Routes.Routes, func(one rule.Route) bool { return one.Via != rule.Direct }) {
		return
	}
	file := fileOf(old)
	if new.Routes == nil {
		r.past = append(r.past, fmt.Sprintf("SENDS: everything direct: %s is removed", file))
		return
	}
	literals := new.Before.Prefixes.Subtract(old.Before.Prefixes)
	more := words.Texts(literals.Prefixes())
	for p := range new.Before.Names.Without(old.Before.Names).Patterns() {
		more = append(more, p.String())
	}
	if len(more) > 0 {
		r.past = append(r.past, fmt.Sprintf("SENDS: %s direct, past the proxy (%s, option internal or local)", shortList(more), file))
	}
	if plain := func(s artefact.Statement) bool { return s.Name == "plain" && s.Value == string(rule.Direct) }; slices.ContainsFunc(new.Beside, plain) && !slices.ContainsFunc(old.Beside, plain) {
		r.past = append(r.past, fmt.Sprintf("SENDS: hosts without a dot direct, past the proxy (%s, option plain)", file))
	}
}

// unboundTexts tells where packets pass by interfaces that were not named before.
func (r Diff) unboundTexts() (lines []string) {
	rules := map[string]map[string]bool{}
	for _, one := range r.Added {
		if one.unbound == "" {
			continue
		}
		if rules[one.unbound] == nil {
			rules[one.unbound] = map[string]bool{}
			lines = append(lines, one.unbound)
		}
		rules[one.unbound][fmt.Sprint(one.Direction, one.Services, one.Parts)] = true
	}
	for i, place := range lines {
		lines[i] = fmt.Sprintf("OPENS: packets on interfaces that were not named before, %s (%s)", place, words.Count(len(rules[place]), "rule"))
	}
	return lines
}

// AddRest tells what becomes of what no rule accepts, and of what no rule is asked
// about.
func (r *Diff) AddRest(old, new artefact.Reading) {
	r.AddDrops(old, new)
	r.addPast(old, new)
	r.addAhead(old, new)
}

// addAhead tells where a proxy's rules move to before the lines of the site's own.
func (r *Diff) addAhead(old, new artefact.Reading) {
	text := func(label, when string) string {
		return fmt.Sprintf("%s: %s now stands %s the http_access lines of squid.conf (option place): what these refuse of the listed endpoints is ", label, fileOf(new), when)
	}
	switch {
	case old.Requests == nil || new.Requests == nil || len(new.Requests.Rules) == 0:
	case new.Ahead && !old.Ahead:
		r.lost = append(r.lost, text("OPENS", "before")+"let through")
	case old.Ahead && !new.Ahead:
		r.Closes = append(r.Closes, text("CLOSES", "behind")+"refused")
	}
}

// AddDrops tells what files no longer drop or deny, though no rule accepts it, and what
// they do newly.
func (r *Diff) AddDrops(old, new artefact.Reading) {
	had, has := drops(old), drops(new)
	for _, s := range had {
		if !slices.Contains(has, s) {
			r.lost = append(r.lost, dropText("OPENS", "no longer ", s))
		}
	}
	for _, s := range has {
		if !slices.Contains(had, s) {
			r.Closes = append(r.Closes, dropText("CLOSES", "now ", s))
		}
	}
}

// drops are the statements by which files drop or deny what no rule accepts: the
// policies of a packet filter's chains, a proxy's mode.
func drops(r artefact.Reading) (all []artefact.Statement) {
	for _, s := range r.Beside {
		_, policy, _ := strings.Cut(s.Value, " ")
		byPolicy := s.Name == "policy" && strings.EqualFold(policy, "drop")
		if byPolicy || r.Requests != nil && s.Name == "mode" && s.Value == string(artefact.ModeEnforce) {
			all = append(all, s)
		}
	}
	return all
}

func dropText(label, when string, s artefact.Statement) string {
	if chain, _, isChain := strings.Cut(s.Value, " "); isChain {
		return fmt.Sprintf("%s: %s %sdrops what no rule accepts, chain %s", label, s.File, when, chain)
	}
	return fmt.Sprintf("%s: %s %sdenies what no rule accepts", label, s.File, when)
}

// compare puts the wider one first.
func (o *opening) compare(b *opening) int {
	return cmp.Or(widerFirst(o.any, b.any), cmp.Compare(b.remotes, o.remotes), cmp.Compare(b.ports, o.ports), cmp.Compare(b.addresses, o.addresses))
}

// sortWidest puts the rules first that open most.
func sortWidest(rules []Rule) {
	widest := make([]opening, len(rules))
	order := make([]int, len(rules))
	for i := range rules {
		order[i] = i
		for j, p := range rules[i].Parts {
			if o := p.opening(&rules[i]); j == 0 || o.compare(&widest[i]) < 0 {
				widest[i] = o
			}
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return widest[i].compare(&widest[j]) })
	sorted := make([]Rule, len(rules))
	for to, from := range order {
		sorted[to] = rules[from]
	}
	copy(rules, sorted)
}

func widerFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func (o *opening) text() string {
	from, to := o.local, o.remote
	if o.direction == rule.Inbound {
		from, to = to, from
	}
	text := from + " to " + to + ", " + o.services
	if o.place != "" {
		text += ", " + o.place
	}
	return text
}

func (p Part) opening(of *Rule) opening {
	o := opening{direction: of.Direction, local: shareText(p.Local, p.locals), services: p.Services.String(), place: of.Place, any: p.Any}
	if p.Published {
		o.services += " as published"
	}
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		n := 0
		for _, ports := range p.Services.Ports(protocol) {
			n += int(ports.Last-ports.First) + 1
		}
		o.ports = max(o.ports, n)
	}
	o.addresses, o.remotes = max(p.locals.Shares()), max(p.remotes.Shares())
	switch {
	case p.Any && len(p.But) > 0:
		o.remote = "any remote but " + shortList(p.But)
	case p.Any:
		o.remote = "any remote"
	default:
		var names []string
		for _, n := range p.Names {
			names = append(names, n.String())
		}
		o.remote = shareText(append(names, p.Prefixes...), p.remotes)
	}
	return o
}

// shareText is a shortList, with the share of each family of which its addresses are
// many.
func shareText(list []string, addresses netset.PrefixSet) string {
	var wide []string
	v4, v6 := addresses.Shares()
	if v4 >= wideShare {
		wide = append(wide, fmt.Sprintf("%.0f %% of IPv4", 100*v4))
	}
	if v6 >= wideShare {
		wide = append(wide, fmt.Sprintf("%.0f %% of IPv6", 100*v6))
	}
	if len(list) < 2 || len(wide) == 0 {
		return shortList(list)
	}
	return shortList(list) + " (" + strings.Join(wide, ", ") + ")"
}

// shortList lists a few names and prefixes, and counts more.
func shortList(list []string) string {
	const few = 3
	short := make([]string, 0, few)
	for _, s := range list[:min(len(list), few)] {
		short = append(short, words.Address(s))
	}
	if more := len(list) - few; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(short, ", "), more)
	}
	return strings.Join(short, ", ")
}
