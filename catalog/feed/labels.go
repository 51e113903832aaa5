package feed

import (
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// labels are what objects around a prefix say of it.
type labels struct {
	key                         string // of the list
	services, regions, openedBy []string
	mask                        string      // beside the prefix in its object
	around                      jsonc.Value // a mask of an object around, which has no address itself
	inList                      bool        // directly
}

// tagged adds a prefix to each of its tags, and reports whether it could.
func (t *tree) tagged(prefix string, v jsonc.Value, of labels) bool {
	before := t.listed
	for _, service := range orEmpty(of.services) {
		for _, region := range orEmpty(of.regions) {
			tag := t.tag(v, t.issuer.tag(service, region, of), region, service)
			if tag == nil {
				return false
			}
			if direction := openedBy(of.openedBy); direction != "" && tag.entry.Direction == "" {
				tag.entry.Direction = direction
				tag.entry.Inferred = []catalog.Inference{{Fact: string(catalog.FactDirection), Reason: "taken from the feed's egress and ingress, which are from the publisher's point of view"}}
			}
			if tag.prefix(prefix, v); t.listed == before {
				return false // and reported
			}
		}
	}
	return true
}

func orEmpty(list []string) []string {
	if len(list) == 0 {
		return []string{""}
	}
	return list
}

// openedBy is the direction of flows that a publisher calls egress (its own), ingress,
// or both; empty for other words.
func openedBy(words []string) catalog.Direction {
	egress := slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, "egress") })
	ingress := slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, "ingress") })
	switch {
	case egress && ingress:
		return catalog.Bidirectional
	case egress:
		return catalog.Inbound
	case ingress:
		return catalog.Outbound
	}
	return ""
}
