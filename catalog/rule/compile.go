package rule

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
)

// Grant is one selected, bound and answered flow entry before normalization.
// A bidirectional entry is two grants.
type Grant struct {
	Entry     Entry
	Group     string // what rules are kept apart by: the area, the entry's id, or empty
	Direction Direction
	Role      Role

	// Any is true only if a person wrote it; Names and Prefixes are then ignored.
	Any      bool
	Names    []netset.Pattern // as published: not minimal, because routes are built from them
	Prefixes netset.PrefixSet

	// OnSite says that the remote is also on the site and is reached without leaving it.
	OnSite bool

	Services netset.ServiceSet

	// Route is the index in Input.Routes of the route that selects the entry, or
	// NoRoute.
	Route int
}

// NoRoute marks a grant that no route selects.
const NoRoute = -1

// Input is everything that a policy is compiled from. The order of Grants,
// Bindings, TrustedSites, Open and Sources does not matter; that of Routes does.
type Input struct {
	Sources  []Source
	Bindings []Binding
	Grants   []Grant
	Routes   []Via

	// DefaultRoutes says that nobody wrote the routes.
	DefaultRoutes bool

	TrustedSites []TrustedSite
	Open         []Open
}

// Of returns the input as far as it is of one entry, by id.
func (in Input) Of(entry string) Input {
	in.Grants = slices.DeleteFunc(slices.Clone(in.Grants), func(g Grant) bool { return g.Entry.ID != entry })
	in.TrustedSites = slices.DeleteFunc(slices.Clone(in.TrustedSites), func(s TrustedSite) bool { return s.Entry.ID != entry })
	in.Open = nil
	return in
}

// Compile normalizes the input into a policy. It refuses a grant without services
// or remote, a role that is not bound, and a remote or a binding that covers a
// whole address family: that is Any, which a person must have written.
func Compile(in Input) (*Policy, error) {
	p := &Policy{
		Sources:      sorted(in.Sources, func(a, b Source) int { return cmp.Compare(a.Name, b.Name) }),
		Bindings:     sorted(in.Bindings, func(a, b Binding) int { return cmp.Compare(a.Role, b.Role) }),
		TrustedSites: sorted(in.TrustedSites, func(a, b TrustedSite) int { return cmp.Compare(a.Entry.ID, b.Entry.ID) }),
		Open:         sorted(in.Open, compareOpen),
	}
	if err := p.checkBindings(); err != nil {
		return nil, err
	}
	byKey := map[key][]Grant{}
	for _, g := range in.Grants {
		if err := p.checkGrant(g); err != nil {
			return nil, err
		}
		byKey[g.key()] = append(byKey[g.key()], g)
	}
	for k, grants := range byKey {
		r, err := compileRule(k, grants)
		if err != nil {
			return nil, err
		}
		p.Rules = append(p.Rules, r)
	}
	slices.SortFunc(p.Rules, compareRules)
	if err := errors.Join(p.checkIDs(), p.checkFamilies()); err != nil {
		return nil, err
	}
	p.DefaultRoutes = in.DefaultRoutes
	p.Routes = compileRoutes(in.Routes, in.Grants)
	return p, nil
}

func sorted[T any](s []T, compare func(a, b T) int) []T {
	s = slices.Clone(s)
	slices.SortStableFunc(s, compare)
	return s
}

// key is what rules differ in; a rule's id is made from nothing else.
type key struct {
	group     string
	direction Direction
	role      Role
	services  string // canonical
	onSite    bool
}

func (g *Grant) key() key { return key{g.Group, g.Direction, g.Role, g.Services.String(), g.OnSite} }

func (r *Rule) key() key { return key{r.Group, r.Direction, r.Role, r.Services.String(), r.OnSite} }

func (k key) id() ID {
	side := "out"
	if k.direction == Inbound {
		side = "in"
	}
	parts := []string{k.group, string(k.direction), string(k.role), k.services}
	if k.onSite {
		parts = append(parts, "on site")
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	hash := make([]byte, 9)
	for i := range hash {
		hash[i] = digits[sum[i]%32]
	}
	return ID(groupSlug(k.group) + "-" + side + "-" + string(hash))
}

// groupSlug shortens a group to at most 8 characters that start with a letter.
func groupSlug(group string) string {
	if i := strings.LastIndexByte(group, '/'); i >= 0 {
		group = group[i+1:]
	}
	var b strings.Builder
	for _, c := range []byte(strings.ToLower(group)) {
		letter := c >= 'a' && c <= 'z'
		if b.Len() == 0 && c >= '0' && c <= '9' {
			b.WriteByte('n')
		}
		if letter || b.Len() > 0 && (c >= '0' && c <= '9' || c == '-') {
			b.WriteByte(c)
		}
		if b.Len() == 8 {
			break
		}
	}
	if slug := strings.Trim(b.String(), "-"); slug != "" {
		return slug
	}
	return "all"
}

func compileRule(k key, grants []Grant) (Rule, error) {
	r := Rule{ID: k.id(), Group: k.group, Direction: k.direction, Role: k.role, OnSite: k.onSite, Services: grants[0].Services}
	var addressed, bare netset.PrefixBuilder
	var both, alone []netset.Pattern
	for _, g := range grants {
		r.Entries = append(r.Entries, g.Entry)
		switch {
		case g.Any:
			r.Remote.Any = true
		case g.Prefixes.IsEmpty():
			alone = append(alone, g.Names...)
		case len(g.Names) == 0:
			bare.AddSet(g.Prefixes)
		default:
			addressed.AddSet(g.Prefixes)
			both = append(both, g.Names...)
		}
	}
	r.Entries = sortedEntries(r.Entries)
	if r.Remote.Any {
		return r, nil
	}
	r.Remote.AddressedPrefixes, r.Remote.BarePrefixes = addressed.Build(), bare.Build()
	r.Remote.Addressed = netset.NameSetOf(both...)
	r.Remote.Unaddressed = netset.NameSetOf(alone...).Without(r.Remote.Addressed)
	return r, wholeFamily(r.Remote.Prefixes(), r.Entries)
}

// sortedEntries sorts entries by their ids, each once, in place.
func sortedEntries(entries []Entry) []Entry {
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(entries, func(a, b Entry) bool { return a.ID == b.ID })
}

func entryIDs(entries []Entry) string {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return strings.Join(ids, ", ")
}

func (p *Policy) checkBindings() error {
	for i, b := range p.Bindings {
		if _, err := ParseRole(string(b.Role)); err != nil {
			return err
		}
		if i > 0 && p.Bindings[i-1].Role == b.Role {
			return fmt.Errorf("role %s is bound twice", b.Role)
		}
		if b.Local().IsEmpty() {
			return fmt.Errorf("role %s is bound to no address", b.Role)
		}
		if v4, v6 := b.Local().CoversFamily(); v4 || v6 {
			return fmt.Errorf("role %s is bound to every %s address; bind it to the addresses that its machines have", b.Role, FamilyName(v4))
		}
	}
	return nil
}

func (p *Policy) checkGrant(g Grant) error {
	switch {
	case g.Services.IsEmpty():
		return fmt.Errorf("%s: no services; an entry without services is an open item", g.Entry.ID)
	case !g.Any && len(g.Names) == 0 && g.Prefixes.IsEmpty():
		return fmt.Errorf("%s: no remote; an entry without a remote is an open item", g.Entry.ID)
	case g.Any && g.OnSite:
		return fmt.Errorf("%s: the remote \"any\" cannot be on the site; name a role or addresses", g.Entry.ID)
	case p.Binding(g.Role).Local().IsEmpty():
		return fmt.Errorf("%s: role %s is not bound; an entry of an unbound role is an open item", g.Entry.ID, g.Role)
	case g.Direction != Outbound && g.Direction != Inbound:
		return fmt.Errorf("unknown direction %q; expect outbound or inbound", g.Direction)
	}
	return nil
}

func (p *Policy) checkIDs() error {
	seen := map[ID]string{}
	for _, r := range p.Rules {
		if other, ok := seen[r.ID]; ok {
			return fmt.Errorf("the rules of %s and of %s have the same id %s; group by entry, or exclude one of them", other, entryIDs(r.Entries), r.ID)
		}
		seen[r.ID] = entryIDs(r.Entries)
	}
	return nil
}

// compareRules puts rules of any remote first: the widest is read first, and counts
// first in packet filters.
func compareRules(a, b Rule) int {
	return cmp.Or(
		compareBool(b.Remote.Any, a.Remote.Any),
		cmp.Compare(a.Group, b.Group),
		-cmp.Compare(a.Direction, b.Direction),
		cmp.Compare(a.Role, b.Role),
		cmp.Compare(a.Services.String(), b.Services.String()),
		compareBool(a.OnSite, b.OnSite),
	)
}

// compareBool puts false first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func compareOpen(a, b Open) int {
	return cmp.Or(
		cmp.Compare(a.Entry.ID, b.Entry.ID),
		cmp.Compare(a.Missing, b.Missing),
		cmp.Compare(a.Endpoint, b.Endpoint),
		cmp.Compare(a.Line, b.Line),
	)
}
