package generators

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/engine/enginetest"
)

// caseFile is one file of testdata/corpus: a policy in small, before it is compiled.
type caseFile struct {
	Claim    string                 // what the case exists to show
	Bindings map[string]bindingFile // by role
	Grants   []grantFile
	Routes   []string // empty: one route, direct, with every outbound grant
	Trusted  []trustedFile
	Open     []openFile
}

type bindingFile struct{ Addresses, Published []string }

type entryFile struct{ ID, Row, Title, Area, Condition string }

type grantFile struct {
	Entry     entryFile
	Group     string // empty: the entry's area
	Direction string
	Role      string
	Any       bool
	OnSite    bool
	Names     []string
	Prefixes  []string
	Every     *everyFile // more prefixes
	Services  string
	Route     *int // -1 for none
}

// everyFile is every second prefix of First's length from First on, Count of them.
type everyFile struct {
	First string
	Count int
}

type trustedFile struct {
	Entry entryFile
	Names []string
}

type openFile struct {
	Entry                             entryFile
	Missing, Endpoint, Why, Who, Line string
}

// corpusCase is a case of the corpus, parsed.
type corpusCase struct {
	name  string
	input rule.Input
}

// corpus reads all cases, sorted by name, and after them the examples.
func corpus(t *testing.T) []corpusCase {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []corpusCase
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseCase(data)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		c.name = strings.TrimSuffix(filepath.Base(file), ".json")
		cases = append(cases, c)
	}
	return append(cases, exampleCases(t)...)
}

func parseCase(data []byte) (corpusCase, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var f caseFile
	if err := d.Decode(&f); err != nil {
		return corpusCase{}, err
	}
	if f.Claim == "" {
		return corpusCase{}, fmt.Errorf("the case has no claim")
	}
	in, err := f.input()
	return corpusCase{input: in}, err
}

func (f caseFile) input() (rule.Input, error) {
	in := rule.Input{Sources: []rule.Source{{
		Name:    "corpus",
		Version: "2018-10-23",
		Digest:  "sha256:" + strings.Repeat("0123456789abcdef", 4),
	}}}
	for role, b := range f.Bindings {
		addresses, err := prefixSet(b.Addresses, nil)
		if err != nil {
			return in, err
		}
		published, err := prefixSet(b.Published, nil)
		if err != nil {
			return in, err
		}
		in.Bindings = append(in.Bindings, rule.Binding{Role: rule.Role(role), Addresses: addresses, Published: published})
	}
	for _, r := range f.Routes {
		in.Routes = append(in.Routes, rule.Via(r))
	}
	if len(f.Routes) == 0 {
		in.Routes = []rule.Via{rule.Direct}
	}
	for _, g := range f.Grants {
		grant, err := g.grant()
		if err != nil {
			return in, fmt.Errorf("%s: %w", g.Entry.ID, err)
		}
		in.Grants = append(in.Grants, grant)
	}
	for _, t := range f.Trusted {
		names, err := patterns(t.Names)
		if err != nil {
			return in, err
		}
		in.TrustedSites = append(in.TrustedSites, rule.TrustedSite{Entry: rule.Entry(t.Entry), Names: netset.NameSetOf(names...)})
	}
	for _, o := range f.Open {
		in.Open = append(in.Open, rule.Open{
			Entry: rule.Entry(o.Entry), Missing: o.Missing, Endpoint: o.Endpoint, Why: o.Why, Who: o.Who, Line: o.Line,
		})
	}
	return in, nil
}

func (g grantFile) grant() (rule.Grant, error) {
	names, err := patterns(g.Names)
	if err != nil {
		return rule.Grant{}, err
	}
	prefixes, err := prefixSet(g.Prefixes, g.Every)
	if err != nil {
		return rule.Grant{}, err
	}
	services, err := netset.ParseServices(g.Services)
	if err != nil {
		return rule.Grant{}, err
	}
	grant := rule.Grant{
		Entry: rule.Entry(g.Entry), Group: g.Group, Direction: rule.Direction(g.Direction), Role: rule.Role(g.Role),
		Any: g.Any, OnSite: g.OnSite, Names: names, Prefixes: prefixes, Services: services,
	}
	if grant.Group == "" {
		grant.Group = g.Entry.Area
	}
	if g.Route != nil {
		grant.Route = *g.Route
	}
	return grant, nil
}

func patterns(texts []string) ([]netset.Pattern, error) {
	var all []netset.Pattern
	for _, text := range texts {
		p, err := netset.ParsePattern(text)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func prefixSet(texts []string, every *everyFile) (netset.PrefixSet, error) {
	var b netset.PrefixBuilder
	for _, text := range texts {
		p, _, err := netset.ParsePrefix(text)
		if err != nil {
			return netset.PrefixSet{}, err
		}
		b.Add(p)
	}
	if every != nil {
		p, _, err := netset.ParsePrefix(every.First)
		if err != nil {
			return netset.PrefixSet{}, err
		}
		for range every.Count {
			b.Add(p)
			p = afterNext(p)
		}
	}
	return b.Build(), nil
}

// afterNext returns the prefix of the same length after the next one.
func afterNext(p netip.Prefix) netip.Prefix {
	b := p.Addr().AsSlice()
	carry := 2 << ((8 - p.Bits()%8) % 8)
	for i := (p.Bits() - 1) / 8; i >= 0 && carry > 0; i-- {
		carry += int(b[i])
		b[i], carry = byte(carry), carry>>8
	}
	a, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(a, p.Bits())
}

// compile returns a new policy of the case.
func (c corpusCase) compile(t *testing.T) *rule.Policy {
	t.Helper()
	p, err := rule.Compile(c.input)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	return p
}

// shuffled returns the same case in another order, with every grant twice.
func (c corpusCase) shuffled() corpusCase {
	random := rand.New(rand.NewPCG(1, 2))
	in := c.input
	in.Grants = nil
	for _, g := range c.input.Grants {
		again := g
		again.Names = slices.Clone(g.Names)
		random.Shuffle(len(again.Names), func(i, j int) { again.Names[i], again.Names[j] = again.Names[j], again.Names[i] })
		in.Grants = append(in.Grants, again, g)
	}
	random.Shuffle(len(in.Grants), func(i, j int) { in.Grants[i], in.Grants[j] = in.Grants[j], in.Grants[i] })
	in.Bindings, in.TrustedSites, in.Open = slices.Clone(in.Bindings), slices.Clone(in.TrustedSites), slices.Clone(in.Open)
	slices.Reverse(in.Bindings)
	slices.Reverse(in.TrustedSites)
	slices.Reverse(in.Open)
	return corpusCase{name: c.name, input: in}
}

// rows is the number of rows of the article of 2018-10-23.
const rows = 16

func TestCorpusIsWhole(t *testing.T) {
	cases := corpus(t)
	if len(cases) < 40 {
		t.Errorf("%d cases; want at least 40", len(cases))
	}
	for row := 1; row <= rows; row++ {
		prefix := fmt.Sprintf("row-%02d-", row)
		if !slices.ContainsFunc(cases, func(c corpusCase) bool { return strings.HasPrefix(c.name, prefix) }) {
			t.Errorf("no case %s*.json", prefix)
		}
	}
	for _, c := range cases {
		c.compile(t)
	}
}

// TestBoundaryFlowsReachEveryRule holds that each rule of the corpus accepts one of
// the flows that the engines are asked, as a packet filter and as a proxy sees it.
func TestBoundaryFlowsReachEveryRule(t *testing.T) {
	for _, c := range corpus(t) {
		p := c.compile(t)
		flows := enginetest.BoundaryFlows(p)
		for i := range p.Rules {
			r := &p.Rules[i]
			reached := func(l rule.Layer) bool {
				return slices.ContainsFunc(flows, func(f rule.Flow) bool { return p.Accepts(r, rule.Seen(f, l)) })
			}
			local, remote := p.Binding(r.Role).Local(), r.Remote.Prefixes()
			common := r.Remote.Any || !local.V4().IsEmpty() && !remote.V4().IsEmpty() || !local.V6().IsEmpty() && !remote.V6().IsEmpty()
			if common && !reached(rule.PacketFilter) {
				t.Errorf("%s: no flow that a packet filter sees reaches rule %s", c.name, r.ID)
			}
			if named := r.Direction == rule.Outbound && !r.Remote.Names().IsEmpty(); named && !reached(rule.Proxy) {
				t.Errorf("%s: no flow that a proxy sees reaches rule %s", c.name, r.ID)
			}
		}
	}
}
