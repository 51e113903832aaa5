package iptables

import (
	"errors"
	"fmt"
	mathbits "math/bits"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Values of the options mode, place and ipset.
const (
	modeChains   = "chains"
	modeMark     = "mark"
	modeEnforce  = "enforce"
	placeForward = "forward"
	placeHost    = "host"
	ipsetYes     = "yes"
	ipsetNo      = "no"
)

const (
	defaultMark = 0x10000
	adminNone   = "none"
)

func (Generator) Options() []artefact.Option {
	return []artefact.Option{
		{
			Name:    "mode",
			Doc:     "chains: chains in table filter, which the site's rules jump to; mark: chains in table mangle that set a bit on accepted packets, which the site's rules match; enforce: own the built-in chains and drop the rest",
			Values:  []string{modeChains, modeMark, modeEnforce},
			Default: []string{modeChains},
		},
		{
			Name:   "place",
			Doc:    "forward: a gateway between the roles and the remotes; host: a machine that plays the roles (default forward; mode enforce wants it said)",
			Values: []string{placeForward, placeHost},
		},
		{
			Name:    "ipset",
			Doc:     "yes: prefixes in sets of ipset; no: trees of chains, where ipset is not to be had",
			Values:  []string{ipsetYes, ipsetNo},
			Default: []string{ipsetYes},
		},
		{
			Name:  "roles",
			Doc:   "place host: the roles that this machine plays",
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
			Doc:   `mode enforce: who must always get to which ports, such as "198.51.100.0/24 tcp 22", or the word none`,
			List:  true,
			Check: func(s string) error { _, err := parseAccess(s); return err },
		},
		{
			Name:  "wan",
			Doc:   "place forward: the interfaces towards the remotes (default any)",
			List:  true,
			Check: checkInterface,
		},
		{
			Name:  "lan",
			Doc:   "place forward: the interfaces towards the roles (default any)",
			List:  true,
			Check: checkInterface,
		},
	}
}

// config is the settings, parsed. Lists are sorted, each value once.
type config struct {
	mode, place string
	ipset       bool
	roles       []string // that this machine plays; nil for all in place forward
	mark        uint32
	admin       []access // nil for none
	wan, lan    []string
}

// access lets the addresses of a prefix get to some services.
type access struct {
	from     netip.Prefix
	services netset.ServiceSet
}

// configure refuses combinations that make no sense.
func configure(s artefact.Settings) (config, error) {
	if err := checkCombination(s); err != nil {
		return config{}, err
	}
	c := config{
		mode:  s.Text("mode"),
		place: s.Text("place"),
		ipset: s.Text("ipset") == ipsetYes,
		roles: sortedSet(s.List("roles")),
		mark:  defaultMark,
		wan:   sortedSet(s.List("wan")),
		lan:   sortedSet(s.List("lan")),
	}
	if c.place == "" {
		c.place = placeForward
	}
	var err error
	switch c.mode {
	case modeMark:
		if s.Text("mark") != "" {
			c.mark, err = parseMark(s.Text("mark"))
		}
	case modeEnforce:
		c.admin, err = adminOf(s.List("admin"))
	}
	return c, err
}

func checkCombination(s artefact.Settings) error {
	mode, place := s.Text("mode"), s.Text("place")
	given := func(option string) bool { return len(s.List(option)) > 0 }
	switch {
	case given("mark") && mode != modeMark:
		return fmt.Errorf("mode %s sets no mark; leave out mark, or set mode to %s", mode, modeMark)
	case given("admin") && mode != modeEnforce:
		return fmt.Errorf("mode %s drops nothing; leave out admin, or set mode to %s", mode, modeEnforce)
	case mode == modeEnforce && place == "":
		return fmt.Errorf("mode %s drops what no rule accepts; say where: set place to %s (a gateway) or %s (this machine)", mode, placeForward, placeHost)
	case mode == modeEnforce && !given("admin"):
		return fmt.Errorf(`mode %s drops what no rule accepts; say what must stay reachable: set admin to prefixes and ports such as "198.51.100.0/24 tcp 22", or to %s`, mode, adminNone)
	case place == placeHost && !given("roles"):
		return fmt.Errorf("place %s is a machine that plays roles; set roles to those that it plays", placeHost)
	case place != placeHost && given("roles"):
		return fmt.Errorf("place %s serves every role; leave out roles, or set place to %s", placeForward, placeHost)
	case place == placeHost && (given("wan") || given("lan")):
		return fmt.Errorf("place %s has no two sides; leave out wan and lan, or set place to %s", placeHost, placeForward)
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

// parseAccess reads "PREFIX SERVICES"; the zero access for adminNone.
func parseAccess(s string) (access, error) {
	if s == adminNone {
		return access{}, nil
	}
	text, services, _ := strings.Cut(s, " ")
	p, note, err := netset.ParsePrefix(text)
	if err != nil {
		return access{}, err
	}
	if _, bare := netip.ParseAddr(text); bare != nil && note != "" {
		return access{}, fmt.Errorf("%q: %s; write %q", s, note, p.String())
	}
	if services == "" {
		return access{}, fmt.Errorf(`%q names no ports; write them after the prefix, such as %q, or write %s alone`, s, text+" tcp 22", adminNone)
	}
	set, err := netset.ParseServices(services)
	if err != nil {
		return access{}, fmt.Errorf("%q: %w", s, err)
	}
	return access{p, set}, nil
}

// adminOf returns what stays reachable, one access per prefix.
func adminOf(values []string) ([]access, error) {
	var all []access
	for _, v := range sortedSet(values) {
		if v == adminNone {
			if len(values) > 1 {
				return nil, errors.New("option admin: " + adminNone + " stands alone; leave it out, or leave out the prefixes")
			}
			return nil, nil
		}
		a, err := parseAccess(v)
		if err != nil {
			return nil, fmt.Errorf("option admin: %w", err)
		}
		all = append(all, a)
	}
	slices.SortStableFunc(all, func(a, b access) int { return a.from.Compare(b.from) })
	return mergeAccess(all), nil
}

func mergeAccess(sorted []access) []access {
	var out []access
	for _, a := range sorted {
		if last := len(out) - 1; last >= 0 && out[last].from == a.from {
			out[last].services = out[last].services.Union(a.services)
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

// serves reports whether the artefact carries flows of a role.
func (c config) serves(r rule.Role) bool {
	return c.place == placeForward || slices.Contains(c.roles, string(r))
}

// sided reports whether the artefact tells interfaces apart.
func (c config) sided() bool { return len(c.wan)+len(c.lan) > 0 }
