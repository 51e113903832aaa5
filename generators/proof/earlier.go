package proof

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	held "gatewright/generators/filter"
	"gatewright/generators/nftables/kernel"
	"gatewright/templates"
)

// earlierView is what templates/engine/earlier.*.tmpl render: what a file for another
// policy may have left in the sets and chains of a file. That is put there before the
// file is loaded again, and has to be gone after that.
type earlierView struct {
	Sets   []earlierSet
	Tables []earlierTable
}

// earlierTable is a table with chains, each of which gets a rule that accepts
// everything.
type earlierTable struct {
	Name   string
	Chains []string
}

// earlierSet is a set with an element that nothing of the policy overlaps.
type earlierSet struct {
	Table, Name string // of nftables
	Create      string // the statement of ipset that makes the set
	Element     string
}

// strays are elements that nothing of a policy overlaps, by nft's names of their types.
type strays map[string]string

func straysOf(p *rule.Policy) strays {
	var used netset.PrefixBuilder
	used.Add(netip.MustParsePrefix("0.0.0.0/8"))
	used.Add(netip.MustParsePrefix("::/8"))
	free := netset.ServiceSetOf(netset.Service{Protocol: netset.TCP, Ports: netset.PortRange{First: 1, Last: 65535}})
	for _, b := range p.Bindings {
		used.AddSet(b.Local())
	}
	for _, r := range p.Rules {
		used.AddSet(r.Remote.Prefixes())
		for _, ports := range slices.Concat(r.Services.Ports(netset.TCP), r.Services.Ports(netset.UDP)) {
			free = free.Subtract(netset.ServiceSetOf(netset.Service{Protocol: netset.TCP, Ports: ports}))
		}
	}
	s := strays{}
	unused := netset.EveryAddress().Subtract(used.Build())
	for kind, one := range map[string]netset.PrefixSet{"ipv4_addr": unused.V4(), "ipv6_addr": unused.V6()} {
		for a := range one.Ranges() {
			s[kind] = a.String()
			break
		}
	}
	for _, ports := range free.Ports(netset.TCP) {
		s["inet_service"] = strconv.Itoa(int(ports.First))
		break
	}
	return s
}

// leaveNFT puts strays into the sets and chains of a table.
func leaveNFT(m *engine.Machine, table string, s strays) error {
	var names kernel.Names
	err := m.Do(func() (err error) {
		names, err = kernel.NamesOf(table)
		return err
	})
	if err != nil {
		return err
	}
	view := earlierView{Tables: []earlierTable{{table, names.Chains}}}
	for _, set := range names.Sets {
		if element := s[set.Type]; element != "" {
			view.Sets = append(view.Sets, earlierSet{Table: table, Name: set.Name, Element: element})
		}
	}
	ours := slices.IndexFunc(names.Chains, func(c string) bool {
		return strings.HasPrefix(c, held.Prefix) && c != held.Outbound && c != held.Inbound
	})
	for _, m := range names.Maps {
		if element := s[m.Type]; element != "" && ours >= 0 {
			view.Sets = append(view.Sets, earlierSet{Table: table, Name: m.Name, Element: element + " : goto " + names.Chains[ours]})
		}
	}
	text, err := templates.Execute("engine/earlier.nft.tmpl", view)
	if err != nil {
		return err
	}
	return m.LoadNFT(text)
}

// leaveIptables puts strays into the sets and chains that the artefacts declare, also
// into the sets that a run of ipset leaves when it fails.
func leaveIptables(m *engine.Machine, variant engine.Variant, artefacts []artefact.Artefact, s strays) error {
	for _, a := range artefacts {
		name := "engine/earlier.iptables.tmpl"
		if filepath.Ext(a.Name) == ".ipset" {
			name = "engine/earlier.ipset.tmpl"
		}
		text, err := templates.Execute(name, earlierOf(a.Data, s))
		if err != nil {
			return err
		}
		if err := m.LoadIptables(variant, []artefact.Artefact{{Name: a.Name, Data: text}}); err != nil {
			return err
		}
	}
	return nil
}

// earlierOf reads what a file for ipset, iptables or ip6tables declares.
func earlierOf(text []byte, s strays) earlierView {
	var v earlierView
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "create" && len(words) > 1:
			element := s["ipv4_addr"]
			if slices.Contains(words, "inet6") {
				element = s["ipv6_addr"]
			}
			if element != "" {
				create := strings.TrimSuffix(strings.Join(words, " "), " -exist")
				v.Sets = append(v.Sets, earlierSet{Create: create, Name: words[1], Element: element})
			}
		case words[0][0] == '*':
			v.Tables = append(v.Tables, earlierTable{Name: words[0][1:]})
		case words[0][0] == ':' && len(v.Tables) > 0:
			last := &v.Tables[len(v.Tables)-1]
			last.Chains = append(last.Chains, words[0][1:])
		}
	}
	return v
}
