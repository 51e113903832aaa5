package nftables

import (
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Read reads the rules of a file, and takes the rest as it stands.
func (Generator) Read(files artefact.Files) (r artefact.Reading, err error) {
	data, ok := files[fileName]
	if !ok {
		return r, nil
	}
	rs, others, err := ReadText(data)
	if err != nil {
		return r, &artefact.ForeignError{File: fileName, Text: err.Error()}
	}
	for _, l := range rs.Rules {
		chain := "gatewright_outbound"
		if l.Direction == rule.Inbound {
			chain = "gatewright_inbound"
		}
		r.Accept(artefact.HookPoint{File: fileName, Chain: chain, In: strings.Join(l.In, " "), Out: strings.Join(l.Out, " "), Mark: l.Mark},
			artefact.Accepted{Labels: []string{l.Comment}, Boxes: rs.Boxes(l)})
	}
	for _, o := range others {
		r.Beside = append(r.Beside, artefact.Statement{File: fileName, Name: "line", Value: o})
	}
	r.Take(fileName, data)
	return r, nil
}
