package pac

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// view is what proxy.pac.tmpl renders.
type view struct {
	Header    []comment
	Routes    []routeView
	Unmatched literal
	Plain     literal    // answer for hosts of one label; empty: as for any other host
	Local     *table     // literals that go direct; nil for none
	Internal  *classView // names that go direct, without services; nil for none
	Classes   []classView
}

// routeView is the answer of one route, and the entries that it is for.
type routeView struct {
	Labels []comment
	Answer literal
}

// classView is a class of endpoints that send the same ports the same ways.
type classView struct {
	Number    int
	Any       bool // whether any remote is of the class
	Services  []table
	Endpoints []table
}

// table is filled by one call for each block.
type table struct {
	Call   call
	Blocks []block
}

// class is a classView in the making.
type class struct {
	key       string // orders classes and tells them apart
	shares    []share
	any       bool
	endpoints []*endpoint
}

// newView returns the view of a policy and the number of endpoints in its tables.
func newView(p *rule.Policy, c config) (view, int, error) {
	v := view{Header: header(p, c)}
	var err error
	if v.Routes, err = routeViews(p, c); err != nil {
		return v, 0, err
	}
	if v.Unmatched, err = answerOf(c.proxies, c.fallback); err != nil {
		return v, 0, err
	}
	if c.plain == plainDirect {
		if v.Plain, err = answerOf(nil, false); err != nil {
			return v, 0, err
		}
	}
	if v.Local, err = localTable(c.local); err != nil {
		return v, 0, err
	}
	all := collect(p, c.roles)
	all.leaveOut(c.internal)
	all.minimize(p.Routes)
	for i, one := range classesOf(all) {
		class, err := one.view(i)
		if err != nil {
			return v, 0, err
		}
		v.Classes = append(v.Classes, class)
	}
	if !c.internal.IsEmpty() {
		internal, err := internalClass(c.internal).view(len(v.Classes))
		if err != nil {
			return v, 0, err
		}
		v.Internal = &internal
	}
	return v, len(all.names) + len(all.prefixes), nil
}

// forRoles is what a file is, in front of the roles.
const forRoles = "proxy auto-configuration file for machines of role "

func header(p *rule.Policy, c config) []comment {
	lines := artefact.Header(p, forRoles+roleList(c.roles), loadCommand(c.dir), format)
	lines = append(lines, "clients: point browsers to the file's URL on the web server; its type is application/x-ns-proxy-autoconfig")
	if len(c.proxies) == 0 {
		lines = append(lines, "WARNING: no proxy is set, so every request that a route would send to it goes direct; set pac.proxy=HOST:PORT")
	}
	return commentsOf(append(lines, "left out: endpoints that do not change any answer"))
}

func routeViews(p *rule.Policy, c config) ([]routeView, error) {
	labels := map[string]string{}
	for _, r := range p.Rules {
		for _, e := range r.Entries {
			labels[e.ID] = artefact.Label(e)
		}
	}
	entries := make([][]string, len(p.Routes))
	served(p, c.roles, func(route int, m rule.RouteMember) {
		entries[route] = append(entries[route], labels[m.Entry])
	})
	views := make([]routeView, len(p.Routes))
	for i, r := range p.Routes {
		proxies, err := parseVia(r.Via, c.proxies)
		if err != nil {
			return nil, fmt.Errorf("/routes/%d: %w", i, err)
		}
		if views[i].Answer, err = answerOf(proxies, c.fallback); err != nil {
			return nil, err
		}
		title := fmt.Sprintf("Route %d, %s:", i, r.Via)
		if len(entries[i]) == 0 {
			title += " no entries"
		}
		views[i].Labels = commentsOf(append([]string{title}, indented(slices.Compact(entries[i]))...))
	}
	return views, nil
}

func indented(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = "    " + l
	}
	return out
}

func localTable(set netset.PrefixSet) (*table, error) {
	if set.IsEmpty() {
		return nil, nil
	}
	blocks, err := blocksOf(prefixWords(slices.Collect(set.Prefixes())), network)
	return &table{callPrefixes("local", 0), blocks}, err
}

func internalClass(names netset.NameSet) *class {
	c := &class{}
	for n := range names.Patterns() {
		c.endpoints = append(c.endpoints, &endpoint{pattern: n})
	}
	return c
}

// classesOf sorts the endpoints into classes, in the order of their keys.
func classesOf(all endpoints) []*class {
	byKey := map[string]*class{}
	put := func(e *endpoint) *class {
		key := keyOf(e.shares)
		if byKey[key] == nil {
			byKey[key] = &class{key: key, shares: e.shares}
		}
		return byKey[key]
	}
	for _, e := range all.names {
		c := put(e)
		c.endpoints = append(c.endpoints, e)
	}
	for _, e := range all.prefixes {
		c := put(e)
		c.endpoints = append(c.endpoints, e)
	}
	if len(all.any.shares) > 0 {
		put(all.any).any = true
	}
	return slices.SortedFunc(maps.Values(byKey), func(a, b *class) int { return cmp.Compare(a.key, b.key) })
}

func keyOf(shares []share) string {
	var b strings.Builder
	for _, s := range shares {
		b.WriteString(strconv.Itoa(s.route) + ": " + s.services.String() + "; ")
	}
	return b.String()
}

func (c *class) view(number int) (classView, error) {
	v := classView{Number: number, Any: c.any}
	var err error
	add := func(to *[]table, call call, words []string, group func(string) string) {
		if len(words) == 0 || err != nil {
			return
		}
		var blocks []block
		blocks, err = blocksOf(words, group)
		*to = append(*to, table{call, blocks})
	}
	for _, s := range c.shares {
		add(&v.Services, callServices(number, s.route), portWords(s.services), together)
	}
	exact, subdomains, starred, prefixes := c.sorted()
	add(&v.Endpoints, callNames("names", number), exact, domain)
	add(&v.Endpoints, callNames("subdomains", number), subdomains, domain)
	add(&v.Endpoints, callPatterns(number), starred, domain)
	add(&v.Endpoints, callPrefixes("prefixes", number), prefixWords(prefixes), network)
	return v, err
}

// sorted returns the endpoints of the class by shape: exact names, "x" of "*.x",
// other patterns, and prefixes.
func (c *class) sorted() (exact, subdomains, starred []string, prefixes []netip.Prefix) {
	slices.SortFunc(c.endpoints, func(a, b *endpoint) int { return a.pattern.Compare(b.pattern) })
	for _, e := range c.endpoints {
		apex, ok := e.pattern.Subdomains()
		switch {
		case e.prefix.IsValid():
			prefixes = append(prefixes, e.prefix)
		case ok:
			subdomains = append(subdomains, apex)
		case e.pattern.IsExact():
			exact = append(exact, e.pattern.String())
		default:
			starred = append(starred, e.pattern.String())
		}
	}
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	return exact, subdomains, starred, prefixes
}
