package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/nftables"
	"gatewright/templates"
)

// bystandersView is what templates/engine/bystander.nft.tmpl renders.
type bystandersView struct {
	Own    string // a table that no artefact knows
	Shared string // the site's table that the artefact goes into; empty if it has its own
}

const (
	bystanderTable = "inet bystander"
	bystanderSet   = "create bystander hash:net family inet\nadd bystander 192.0.2.66\n"
)

// bystandersOfNFT loads an artefact over rules of a site's own and tells which of them
// it harms. The elements of sets, which harm nobody, are left out where the artefact
// can be cut.
func bystandersOfNFT(ctx context.Context, f artefact.Filter, table string, a artefact.Artefact) ([]Disagreement, error) {
	m, err := engine.NewMachine(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	v := bystandersView{Own: bystanderTable}
	listings := [][]string{{"table", bystanderTable}}
	if f.Mode == artefact.ModeChains {
		v.Shared = table
		for _, chain := range []string{"fail2ban", "input", "forward", "output"} {
			listings = append(listings, []string{"chain", table + " " + chain})
		}
	}
	site, err := templates.Execute("engine/bystander.nft.tmpl", v)
	if err != nil {
		return nil, err
	}
	pieces, err := nftables.Split(a.Data)
	if err != nil {
		pieces.Frame = [][]byte{a.Data}
	}
	if err := m.LoadNFT(site); err != nil {
		return nil, err
	}
	before, err := listNFT(m, listings)
	if err != nil {
		return nil, err
	}
	for _, part := range pieces.Frame {
		if err := m.LoadNFT(part); err != nil {
			return notBeside(ctx, a, err)
		}
	}
	var all []Disagreement
	for i, listing := range listings {
		what := fmt.Sprintf("the site's own %s %s", listing[0], listing[1])
		after, err := listNFT(m, listings[i:i+1])
		switch {
		case err != nil:
			all = append(all, Disagreement{what, "it stays", "it is gone"})
		case after[0] != before[i]:
			all = append(all, Disagreement{what, "it is unchanged", "it has changed"})
		}
	}
	return all, nil
}

func listNFT(m *engine.Machine, listings [][]string) ([]string, error) {
	var all []string
	for _, l := range listings {
		text, err := m.ListNFT(append(l[:1:1], strings.Fields(l[1])...)...)
		if err != nil {
			return nil, err
		}
		all = append(all, string(text))
	}
	return all, nil
}

// bystandersOfIptables does the same for iptables, whose built-in chains an artefact of
// mode enforce owns at its place.
func bystandersOfIptables(ctx context.Context, variant engine.Variant, f artefact.Filter, artefacts []artefact.Artefact) ([]Disagreement, error) {
	m, err := engine.NewMachine(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	rules, err := templates.Execute("engine/bystander.iptables.tmpl", nil)
	if err != nil {
		return nil, err
	}
	site := []artefact.Artefact{{Name: "site.iptables", Data: rules}, {Name: "site.ip6tables", Data: rules}}
	if slices.ContainsFunc(artefacts, func(a artefact.Artefact) bool { return strings.HasSuffix(a.Name, ".ipset") }) {
		site = append(site, artefact.Artefact{Name: "site.ipset", Data: []byte(bystanderSet)})
	}
	if err := m.LoadIptables(variant, site); err != nil {
		return nil, err
	}
	before, err := m.DumpIptables(variant)
	if err != nil {
		return nil, err
	}
	for _, a := range artefacts {
		if err := m.LoadIptables(variant, []artefact.Artefact{a}); err != nil {
			return notBeside(ctx, a, err)
		}
	}
	after, err := m.DumpIptables(variant)
	if err != nil {
		return nil, err
	}
	owned := ownedChains(f)
	return slices.Concat(
		harmed("iptables", savedLines(before.IPv4, owned), savedLines(after.IPv4, owned)),
		harmed("ip6tables", savedLines(before.IPv6, owned), savedLines(after.IPv6, owned)),
		harmed("ipset", savedLines(before.Ipset, nil), savedLines(after.Ipset, nil)),
	), nil
}

// ownedChains are the built-in chains of table filter that belong to the artefact.
func ownedChains(f artefact.Filter) []string {
	switch {
	case f.Mode != artefact.ModeEnforce:
		return nil
	case f.Place == artefact.PlaceHost:
		return []string{"INPUT", "OUTPUT"}
	}
	return []string{"FORWARD"}
}

// savedLines are the lines of a dump with their table and without packet counts, but
// those of owned chains of table filter.
func savedLines(dump []byte, owned []string) []string {
	var all []string
	table := ""
	for line := range strings.Lines(string(dump)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "*") {
			table = line[1:]
		}
		words := strings.Fields(line)
		if len(words) < 2 || words[0] == "#" {
			continue
		}
		chain := strings.TrimPrefix(words[0], ":")
		if words[0] == "-A" {
			chain = words[1]
		}
		if table == "filter" && slices.Contains(owned, chain) {
			continue
		}
		line, _, _ = strings.Cut(line, " [")
		all = append(all, strings.TrimSpace(table+" "+line))
	}
	return all
}

// harmed tells which lines of before are not in after, or not in their order.
func harmed(program string, before, after []string) []Disagreement {
	var all []Disagreement
	for _, line := range before {
		i := slices.Index(after, line)
		if i < 0 {
			all = append(all, Disagreement{fmt.Sprintf("the site's own %q of %s", line, program), "it stays", "it is missing or in another place"})
			continue
		}
		after = after[i+1:]
	}
	return all
}

// notBeside is what follows from an artefact that does not load beside a site's rules.
func notBeside(ctx context.Context, a artefact.Artefact, err error) ([]Disagreement, error) {
	if inconclusive(ctx, err) {
		return nil, err
	}
	return []Disagreement{{"loading " + a.Name + " together with a site's own rules", "it loads", err.Error()}}, nil
}
