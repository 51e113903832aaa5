package rule

import (
	"cmp"
	"fmt"
	mathbits "math/bits"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
)

// Explanation is why the policy decides a flow as it does.
type Explanation struct {
	Decision

	// Impossible is set, and nothing else, if the flow is Impossible.
	Impossible bool

	// Hits has, for each rule that accepts the flow, the endpoint by which it does.
	Hits []Hit

	// Near has the rules that almost match the flow, the nearest first, if no rule
	// accepts it. If there are none, it has rules that do not match only because of the
	// address.
	Near []NearRule

	// ByAddress are rules with prefixes that do not match only because the flow has a
	// name without an address. ByName are rules with names that do not match only
	// because the flow has an address without a name. Both may match once the flow
	// gives the other part.
	ByAddress, ByName []ID
}

// Hit is the most specific endpoint of a rule that a flow's remote matches.
type Hit struct {
	Rule     ID     `json:"rule"`
	Endpoint string `json:"endpoint"` // a pattern, a prefix, or "any"
}

// NearRule is a rule that misses a flow.
type NearRule struct {
	Rule     ID     `json:"rule"`
	Misses   []Miss `json:"misses"` // in the order of the dimensions, each once; never empty
	Distance int    `json:"-"`      // the smaller the nearer, for flows that differ in our side, too
}

// Elsewhere reports whether the rule does not match only because of the address, but
// has no prefix near that address.
func (n NearRule) Elsewhere() bool { return n.Distance >= far }

// Dimension is a part of a flow by which a rule misses it.
type Dimension string

// The dimensions, in order.
const (
	ByDirection Dimension = "direction"
	ByLocal     Dimension = "our side"
	ByProtocol  Dimension = "protocol"
	ByPort      Dimension = "port"
	ByHost      Dimension = "name"
	ByRemote    Dimension = "address"
)

// Miss is one dimension in which a rule does not match a flow, and the rule's own
// value.
type Miss struct {
	Dimension Dimension `json:"dimension"`
	Why       string    `json:"why"`
}

// nearRules is how many rules an explanation shows.
const nearRules = 3

// Explain is Decide with its reasons. It accepts no flow that is Impossible.
func (p *Policy) Explain(f Flow) Explanation {
	if f.Impossible() {
		return Explanation{Impossible: true}
	}
	x := Explanation{Decision: p.Decide(f)}
	if x.Accept() {
		for i := range p.Rules {
			if r := &p.Rules[i]; p.Accepts(r, f) {
				x.Hits = append(x.Hits, Hit{r.ID, r.Remote.endpoint(f)})
			}
		}
		return x
	}
	var all, elsewhere []NearRule
	for i := range p.Rules {
		r := &p.Rules[i]
		misses := p.misses(r, f)
		remote, distance := r.Remote.miss(f)
		if len(misses) == 0 {
			x.noteUnsaid(r, f)
			elsewhere = append(elsewhere, r.elsewhere(f)...)
		}
		if distance >= loose && len(misses) > 0 {
			continue
		}
		if misses = append(misses, remote...); distance < far {
			all = append(all, NearRule{r.ID, misses, 100*len(misses) + distance})
		}
	}
	if len(all) == 0 {
		all = elsewhere
	}
	slices.SortStableFunc(all, func(a, b NearRule) int { return cmp.Compare(a.Distance, b.Distance) })
	for _, n := range all[:min(len(all), nearRules)] {
		if len(n.Misses) <= len(all[0].Misses)+1 {
			x.Near = append(x.Near, n)
		}
	}
	return x
}

// noteUnsaid notes a rule that the flow misses by its remote alone.
func (x *Explanation) noteUnsaid(r *Rule, f Flow) {
	if f.Name != "" && !f.Remote.IsValid() && !r.Remote.Prefixes().IsEmpty() {
		x.ByAddress = append(x.ByAddress, r.ID)
	}
	if f.Name == "" && f.Remote.IsValid() && !r.Remote.Names().IsEmpty() {
		x.ByName = append(x.ByName, r.ID)
	}
}

// misses returns in which dimensions a rule misses the flow beside its remote.
func (p *Policy) misses(r *Rule, f Flow) []Miss {
	var all []Miss
	miss := func(d Dimension, format string, args ...any) {
		all = append(all, Miss{d, fmt.Sprintf(format, args...)})
	}
	if f.Direction != r.Direction {
		miss(ByDirection, "the rule is %s", r.Direction)
	}
	b := p.Binding(r.Role)
	published, direct := b.Published, b.Addresses
	if r.Direction == Outbound {
		published, direct = netset.PrefixSet{}, b.Local()
	}
	// Of an address of another role nobody knows which of the two it would be.
	before, after := published.Contains(f.Local), direct.Contains(f.Local)
	if !before && !after {
		if f.Local.IsValid() && b.possible(f).IsEmpty() {
			miss(ByLocal, "the rule is for role %s, which has no %s address", r.Role, Family(f.Remote))
		} else {
			miss(ByLocal, "the rule is for role %s", r.Role)
		}
		before, after = !published.IsEmpty(), !direct.IsEmpty()
	}
	original := f.originalPort()
	switch {
	case r.Services.Only(f.Protocol).IsEmpty():
		miss(ByProtocol, "the rule has %s", r.Services)
	case after && r.Services.Contains(f.Protocol, f.Port), before && r.Services.Contains(f.Protocol, original):
	case before && r.Services.Contains(f.Protocol, f.Port):
		miss(ByPort, "the role is published, so the port before DNAT counts, %d, and the rule has %s", original, r.Services)
	case after && r.Services.Contains(f.Protocol, original):
		miss(ByPort, "the role is not published, so the port after DNAT counts, %d, and the rule has %s", f.Port, r.Services)
	default:
		miss(ByPort, "the rule has %s", r.Services)
	}
	return all
}

// Distances of remotes, as parts of a miss in another dimension, which is 100: a
// loose one is told only if nothing else misses, and a far one has nothing to do with
// the rule's.
const (
	adjacent = 10
	loose    = 150
	far      = 1000
)

// miss returns how the remote part of a flow misses, and how far; nothing and 0 if
// it does not.
func (r Remote) miss(f Flow) ([]Miss, int) {
	if r.Accepts(f.Name, f.Remote) {
		return nil, 0
	}
	var all []Miss
	distance := far
	if f.Name != "" {
		for _, names := range []netset.NameSet{r.Addressed, r.Unaddressed} {
			if why, d := nearestName(names, f.Name); d < distance {
				all, distance = []Miss{{ByHost, why}}, d
			}
		}
	}
	if f.Remote.IsValid() {
		if why, d := nearestPrefix(r.Prefixes(), f.Remote); d < far {
			all, distance = append(all, Miss{ByRemote, why}), min(distance, d)
		}
	}
	return all, distance
}

// shownPrefixes is how many prefixes of a rule are told.
const shownPrefixes = 2

// elsewhere returns how a rule misses a flow that it misses by its address alone, if
// it has prefixes: those of the address's family are told, or else the others.
func (r *Rule) elsewhere(f Flow) []NearRule {
	if !f.Remote.IsValid() || r.Remote.Prefixes().IsEmpty() {
		return nil
	}
	told, distance := r.Remote.Prefixes().Like(f.Remote), 100+far
	if told.IsEmpty() {
		told, distance = r.Remote.Prefixes(), distance+1
	}
	var texts []string
	more := 0
	for p := range told.Prefixes() {
		if len(texts) < shownPrefixes {
			texts = append(texts, p.String())
		} else {
			more++
		}
	}
	why := "the rule is for " + strings.Join(texts, " and ")
	if more > 0 {
		why = fmt.Sprintf("the rule is for %s and %d more", strings.Join(texts, ", "), more)
	}
	return []NearRule{{r.ID, []Miss{{ByRemote, why}}, distance}}
}

// endpoint returns the most specific endpoint that the flow's remote matches.
func (r Remote) endpoint(f Flow) string {
	if r.Any {
		return "any"
	}
	best, text := Rank(-1), ""
	if f.Name != "" {
		for _, names := range []netset.NameSet{r.Addressed, r.Unaddressed} {
			for p := range names.Patterns() {
				if p.Match(f.Name) && NameRank(p) > best {
					best, text = NameRank(p), p.String()
				}
			}
		}
	}
	if text != "" || !f.Remote.IsValid() {
		return text
	}
	for p := range r.Prefixes().Prefixes() {
		if p.Contains(f.Remote) {
			return p.String()
		}
	}
	return ""
}

// nearestPrefix returns how an address misses the prefixes, if one is near: the
// address lies in the network around a prefix, which is a sixteenth as long or, for
// single addresses and small networks, a /24 or a /64.
func nearestPrefix(s netset.PrefixSet, a netip.Addr) (string, int) {
	family, network := s.V4(), 24
	if a.Is6() {
		family, network = s.V6(), 64
	}
	common := 0
	var nearest netip.Prefix
	for p := range family.Prefixes() {
		around := max(0, min(p.Bits()-4, network))
		if n := commonBits(p.Addr(), a); n >= around && n > common {
			common, nearest = n, p
		}
	}
	switch {
	case common == 0:
		return "", far
	case s.Contains(a.Next()):
		return fmt.Sprintf("%s is the address before %s", a, prefixOf(s, a.Next())), adjacent
	case s.Contains(a.Prev()):
		return fmt.Sprintf("%s is the address after %s", a, prefixOf(s, a.Prev())), adjacent
	}
	return fmt.Sprintf("%s is outside %s", a, nearest), loose + a.BitLen() - common
}

// commonBits counts the first bits that two addresses of one family have in common.
func commonBits(a, b netip.Addr) int {
	as, bs := a.AsSlice(), b.AsSlice()
	for i := range as {
		if d := as[i] ^ bs[i]; d != 0 {
			return 8*i + mathbits.LeadingZeros8(d)
		}
	}
	return a.BitLen()
}

func prefixOf(s netset.PrefixSet, a netip.Addr) netip.Prefix {
	for p := range s.Prefixes() {
		if p.Contains(a) {
			return p
		}
	}
	return netip.Prefix{}
}
