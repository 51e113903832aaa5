package artefact

import (
	"cmp"
	"errors"
	"fmt"
	mathbits "math/bits"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Mode says what a packet filter does with flows that the policy accepts, and with
// the others.
type Mode string

const (
	ModeChains  Mode = "chains"  // accept in chains that the site's rules jump to
	ModeMark    Mode = "mark"    // set a bit of the packet mark, which the site's rules match
	ModeEnforce Mode = "enforce" // accept, and drop the rest
)

// Place says where a packet filter runs.
type Place string

const (
	PlaceForward Place = "forward" // a gateway between the roles and the remotes
	PlaceHost    Place = "host"    // a machine that plays roles
)

const (
	defaultMark = 0x10000
	adminNone   = "none"
)

// Most values that a list may have: chains hold a rule for each, and a rule of the
// policy one for each pair of interfaces.
const (
	maxInterfaces = 64
	maxAdmin      = 256
)

// Filter is the options that packet filters share, parsed. Lists are sorted, each
// value once.
type Filter struct {
	Mode     Mode
	Place    Place
	Roles    []rule.Role // that the machine plays; never empty for PlaceHost, else nil
	Mark     uint32      // one bit; ModeMark alone goes by it
	Admin    []Access    // one for each prefix, sorted by it; nil for none and without ModeEnforce
	WAN, LAN []string    // interfaces towards the remotes and the roles; nil for any

	// AfterDNAT says that the filter sees no port as it was before DNAT, so that it can
	// render nothing of published addresses. No option tells: its generator does.
	AfterDNAT bool
}

// Access lets the addresses of a prefix get to some services.
type Access struct {
	From     netip.Prefix
	Services netset.ServiceSet
}

// EnforceDoc says what ModeEnforce does, and what it leaves.
const EnforceDoc = "drop what no rule accepts, in hook forward (place forward) or in hooks input and output (place host); with place forward the gateway itself stays open: protect it by rules of your own"

// FilterOptions returns the options that FilterOf reads, with the one that a
// backend has of its own after place. The backend says in modes what it makes of
// each Mode.
func FilterOptions(modes string, own Option) []Option {
	return []Option{
		{
			Name:    "mode",
			Doc:     modes,
			Values:  []string{string(ModeChains), string(ModeMark), string(ModeEnforce)},
			Default: []string{string(ModeChains)},
		},
		{
			Name:   "place",
			Doc:    "forward: a gateway between the roles and the remotes; host: a machine that plays the roles (default forward; required with mode enforce)",
			Values: []string{string(PlaceForward), string(PlaceHost)},
		},
		own,
		{
			Name:  "roles",
			Doc:   "place host: the roles of this machine",
			List:  true,
			Check: func(s string) error { _, err := rule.ParseRole(s); return err },
		},
		{
			Name:  "mark",
			Doc:   fmt.Sprintf("mode mark: the one bit of the packet mark to set (default %#x)", defaultMark),
			Check: func(s string) error { _, err := parseMark(s); return err },
		},
		{
			Name:  "admin",
			Doc:   `mode enforce: sources and ports that are always accepted, forwarded to any address (place forward) or to this machine (place host), such as "198.51.100.0/24 tcp 22", or the word none`,
			List:  true,
			Check: func(s string) error { _, err := parseAccess(s); return err },
		},
		{
			Name:  "wan",
			Doc:   "place forward: the interfaces on the side of the remotes (default any)",
			List:  true,
			Check: CheckInterface,
		},
		{
			Name:  "lan",
			Doc:   "place forward: the interfaces on the side of the roles (default any)",
			List:  true,
			Check: CheckInterface,
		},
	}
}

// SomeFilterOptions returns those of FilterOptions that a backend has, by name. Without
// mode the backend has ModeChains, and without place PlaceForward.
func SomeFilterOptions(names ...string) []Option {
	return slices.DeleteFunc(FilterOptions("", Option{}), func(o Option) bool { return !slices.Contains(names, o.Name) })
}

// FilterOf reads settings of FilterOptions, or of some of them. It refuses combinations
// that make no sense, and says how to mend them.
func FilterOf(s Settings) (Filter, error) {
	if err := checkFilter(s); err != nil {
		return Filter{}, err
	}
	f := Filter{
		Mode:  cmp.Or(Mode(s.Text("mode")), ModeChains),
		Place: cmp.Or(Place(s.Text("place")), PlaceForward),
		Mark:  defaultMark,
		WAN:   sortedSet(s.List("wan")),
		LAN:   sortedSet(s.List("lan")),
	}
	for _, r := range sortedSet(s.List("roles")) {
		f.Roles = append(f.Roles, rule.Role(r))
	}
	var err error
	if mark := s.Text("mark"); mark != "" {
		f.Mark, err = parseMark(mark)
	}
	if err == nil {
		f.Admin, err = parseAdmin(sortedSet(s.List("admin")))
	}
	return f, err
}

func checkFilter(s Settings) error {
	mode, place := Mode(s.Text("mode")), Place(s.Text("place"))
	given := func(option string) bool { return len(s.List(option)) > 0 }
	switch {
	case given("mark") && mode != ModeMark:
		return fmt.Errorf("mode %s sets no mark; omit mark, or set mode to %s", mode, ModeMark)
	case given("admin") && mode != ModeEnforce:
		return fmt.Errorf("mode %s drops nothing; omit admin, or set mode to %s", mode, ModeEnforce)
	case mode == ModeEnforce && place == "":
		return fmt.Errorf("mode %s drops what no rule accepts and needs a place; set place to %s (a gateway) or %s (this machine)", mode, PlaceForward, PlaceHost)
	case mode == ModeEnforce && !given("admin"):
		return fmt.Errorf(`mode %s drops what no rule accepts; to keep administrators connected, set admin to prefixes and ports such as "198.51.100.0/24 tcp 22", or to %s`, mode, adminNone)
	case place == PlaceHost && !given("roles"):
		return fmt.Errorf("place %s needs the roles of this machine; set them with the option roles", PlaceHost)
	case place != PlaceHost && given("roles"):
		return fmt.Errorf("place %s serves every role; omit roles, or set place to %s", PlaceForward, PlaceHost)
	case len(s.List("wan")) > maxInterfaces || len(s.List("lan")) > maxInterfaces:
		return fmt.Errorf("options wan and lan take at most %d interfaces each; group them, such as in a bridge or a VRF, and name the group", maxInterfaces)
	case len(s.List("admin")) > maxAdmin:
		return fmt.Errorf("option admin takes at most %d values; join prefixes, and write the ports of a prefix in one value", maxAdmin)
	case place == PlaceHost && (given("wan") || given("lan")):
		return fmt.Errorf("place %s does not have two sides; omit wan and lan, or set place to %s", PlaceHost, PlaceForward)
	}
	for _, name := range s.List("wan") {
		if slices.Contains(s.List("lan"), name) {
			return fmt.Errorf("interface %s is in wan and in lan, and cannot tell the two sides apart; name it in one of them, or leave out both options if all packets come and go by it", name)
		}
	}
	return nil
}

func parseMark(s string) (uint32, error) {
	v, err := strconv.ParseUint(s, 0, 32)
	if err != nil || mathbits.OnesCount64(v) != 1 {
		return 0, fmt.Errorf("%q is not one bit of 32; write one such as %#x", s, defaultMark)
	}
	return uint32(v), nil
}

// parseAccess reads "PREFIX SERVICES"; the zero Access for adminNone.
func parseAccess(s string) (Access, error) {
	if s == adminNone {
		return Access{}, nil
	}
	text, services, _ := strings.Cut(s, " ")
	if all, err := netip.ParsePrefix(text); err == nil && all.Bits() == 0 {
		return Access{}, fmt.Errorf("%q lets everybody in; list the prefixes that administrators come from, or write %s", s, adminNone)
	}
	p, note, err := netset.ParsePrefix(text)
	if err != nil {
		return Access{}, err
	}
	if _, bare := netip.ParseAddr(text); bare != nil && note != "" {
		return Access{}, fmt.Errorf("%q: %s; write %q", s, note, p.String())
	}
	if services == "" {
		return Access{}, fmt.Errorf(`%q names no ports; write them after the prefix, such as %q, or write only %s`, s, text+" tcp 22", adminNone)
	}
	set, err := netset.ParseServices(services)
	if err != nil {
		return Access{}, fmt.Errorf("%q: %w", s, err)
	}
	return Access{p, set}, nil
}

// parseAdmin returns what stays reachable, one Access for each prefix.
func parseAdmin(values []string) ([]Access, error) {
	var all []Access
	for _, v := range values {
		if v == adminNone {
			if len(values) > 1 {
				return nil, errors.New("option admin: " + adminNone + " cannot be given together with prefixes; omit one of the two")
			}
			return nil, nil
		}
		a, err := parseAccess(v)
		if err != nil {
			return nil, fmt.Errorf("option admin: %w", err)
		}
		all = append(all, a)
	}
	if err := checkAdmin(all); err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b Access) int { return a.From.Compare(b.From) })
	return mergeAccess(all), nil
}

// checkAdmin refuses prefixes that are everybody together, whatever their ports.
func checkAdmin(all []Access) error {
	var from netset.PrefixBuilder
	for _, a := range all {
		from.Add(a.From)
	}
	if v4, v6 := from.Build().CoversFamily(); v4 || v6 {
		return fmt.Errorf("option admin: the prefixes together cover all of %s; list those that administrators come from, or write %s", rule.FamilyName(v4), adminNone)
	}
	return nil
}

func mergeAccess(sorted []Access) []Access {
	var out []Access
	for _, a := range sorted {
		if last := len(out) - 1; last >= 0 && out[last].From == a.From {
			out[last].Services = out[last].Services.Union(a.Services)
			continue
		}
		out = append(out, a)
	}
	return out
}

// sortedSet returns the values sorted, each once; nil for none.
func sortedSet(values []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

// Title is how the title of a file goes on.
func (f Filter) Title() string { return ", mode " + string(f.Mode) + ", place " + string(f.Place) }

// FilterTitle reads Title, and returns what follows it.
func FilterTitle(text string) (f Filter, rest string, ok bool) {
	for _, f.Mode = range []Mode{ModeChains, ModeMark, ModeEnforce} {
		for _, f.Place = range []Place{PlaceForward, PlaceHost} {
			if rest, ok := strings.CutPrefix(text, f.Title()); ok {
				return f, rest, true
			}
		}
	}
	return Filter{}, "", false
}

// Serves reports whether the filter carries flows of a role.
func (f Filter) Serves(r rule.Role) bool {
	return f.Place == PlaceForward || slices.Contains(f.Roles, r)
}

// Local returns the addresses of all roles that the filter serves.
func (f Filter) Local(p *rule.Policy) netset.PrefixSet {
	var all netset.PrefixBuilder
	for _, b := range p.Bindings {
		if f.Serves(b.Role) {
			all.AddSet(b.Local())
		}
	}
	return all.Build()
}

// CheckRoles refuses roles that the policy binds to no address: the machine would
// carry nothing for them.
func (f Filter) CheckRoles(p *rule.Policy) error {
	for _, r := range f.Roles {
		if p.Binding(r).Local().IsEmpty() {
			return fmt.Errorf("option roles: role %q is not bound; bind it to addresses, or leave it out", r)
		}
	}
	return nil
}

// Cover is ByAddress, but NotApplicable to a rule of a role that the filter does not
// serve, and Wider for one that lets packets of the other direction pass. Ours are the
// addresses of our side that the filter sees.
func (f Filter) Cover(j *Judge, r *rule.Rule, ours netset.PrefixSet) Coverage {
	if !f.Serves(r.Role) {
		c := cover(r, NotApplicable)
		c.Reason = fmt.Sprintf("this machine plays %s, not %s", f.roleNames(), r.Role)
		return c
	}
	c := f.coverPublished(j, r, j.ByAddress(r))
	if r.OnSite || c.Verdict == NotApplicable || c.Verdict == Absent {
		return c
	}
	if f.HasSides() {
		return f.coverSite(j, r, c)
	}
	flow, ok := (witnessSearch{j, r}).reversed(ours, f.rendered(j, r))
	if !ok {
		return c
	}
	c.Verdict, c.Witnesses = Wider, append(c.Witnesses, Witness{Flow: flow, Backend: true})
	c.Add("the remote may be an address of our side, and without interfaces the filter cannot recognise a packet from outside that uses such an address",
		"set wan and lan to the interfaces of the two sides")
	return c
}

// rendered are addresses of our side by which a rule is rendered, as far as a witness
// needs them.
func (f Filter) rendered(j *Judge, r *rule.Rule) []netip.Addr {
	if f.AfterDNAT && r.Direction == rule.Inbound {
		return j.cutLocals(j.policy.Binding(r.Role).Addresses)
	}
	return (witnessSearch{j, r}).localsOf()
}

// coverPublished lessens the verdict on a rule that lets remotes in to published
// addresses, of a filter that does not see the port which they were asked for.
func (f Filter) coverPublished(j *Judge, r *rule.Rule, c Coverage) Coverage {
	b := j.policy.Binding(r.Role)
	if !f.AfterDNAT || r.Direction != rule.Inbound || b.Published.IsEmpty() || c.Verdict == NotApplicable || c.Verdict == Absent {
		return c
	}
	if flow, ok := (witnessSearch{j, r}).published(); !meets(b.Addresses, r) {
		c.Verdict, c.Witnesses = Absent, nil
	} else if ok {
		c.Verdict, c.Witnesses = Narrower, append(c.Witnesses, Witness{Flow: flow})
	} else {
		return c
	}
	c.Add("a filter behind DNAT does not see the port that a published address was asked for",
		"filter before DNAT, or bind the machines by addresses alone if DNAT keeps their ports")
	return c
}

// coverSite lessens the verdict on a rule of any remote, whose packets have to come or
// go by wan: those of other machines on the site do not.
func (f Filter) coverSite(j *Judge, r *rule.Rule, c Coverage) Coverage {
	if !r.Remote.Any || !f.tellsSite() {
		return c
	}
	if flow, role, ok := (witnessSearch{j, r}).onSite(); ok {
		c.Verdict, c.Witnesses = Narrower, append(c.Witnesses, Witness{Flow: flow})
		c.Add("with wan set, \"any remote\" means a remote beyond wan and excludes machines of this site, such as those of role "+string(role),
			fmt.Sprintf("accept them with a second entry that is answered with \"remote\": {\"role\": %q}, or omit wan", role))
	}
	return c
}

// tellsSite reports whether no packet between two machines of the site passes a rule
// for remotes outside.
func (f Filter) tellsSite() bool {
	return len(f.WAN) > 0 && !slices.ContainsFunc(f.WAN, func(name string) bool { return slices.Contains(f.LAN, name) })
}

// HasSides reports whether the filter tells the directions of packets apart: by
// interfaces, or because it stands on the machine itself.
func (f Filter) HasSides() bool { return f.Place == PlaceHost || len(f.WAN)+len(f.LAN) > 0 }
