package iptables

import (
	"maps"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Read reads the rules of the files, and takes the rest as it stands.
func (Generator) Read(files artefact.Files) (r artefact.Reading, err error) {
	v4, has4 := files[ipv4.file()]
	v6, has6 := files[ipv6.file()]
	if !has4 && !has6 {
		return r, nil // sets without rules
	}
	rs, others, err := ReadText(Dump{Ipset: files[setsFile], IPv4: v4, IPv6: v6})
	if err != nil {
		return r, &artefact.ForeignError{File: ipv4.file(), Text: err.Error()}
	}
	for _, l := range rs.Rules {
		chain := "gatewright_outbound"
		if l.Direction == rule.Inbound {
			chain = "gatewright_inbound"
		}
		addAccepted(&r, l, chain)
	}
	for _, h := range rs.Hooks {
		for _, one := range h.Rules {
			for _, l := range one.Accepts {
				if l.Direction = rule.Outbound; h.Chain == "INPUT" {
					l.Direction = rule.Inbound
				}
				addAccepted(&r, l, h.Chain)
			}
		}
	}
	for _, file := range slices.Sorted(maps.Keys(others)) {
		for _, o := range others[file] {
			r.Beside = append(r.Beside, artefact.Statement{File: file, Name: "line", Value: o})
		}
	}
	for _, file := range []string{ipv6.file(), setsFile, ipv4.file()} {
		if data, ok := files[file]; ok {
			r.Take(file, data)
		}
	}
	return r, nil
}

func addAccepted(r *artefact.Reading, l Line, chain string) {
	file := ipv4.file()
	if l.Family == 6 {
		file = ipv6.file()
	}
	r.Accept(artefact.HookPoint{File: file, Chain: chain, In: strings.Join(l.In, " "), Out: strings.Join(l.Out, " "), Mark: l.Mark},
		artefact.Accepted{Labels: []string{l.Comment}, Boxes: l.Boxes()})
}
