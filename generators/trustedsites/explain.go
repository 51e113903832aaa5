package trustedsites

import (
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Explain says whether the site that a flow opens is in the trusted zone by the
// file of Generate.
func (Generator) Explain(p *rule.Policy, s artefact.Settings) (artefact.Explainer, error) {
	m, hive := newZoneMap(p, s.Text("whole-domains") == yes), s.Text("hive")
	return func(q rule.Question) artefact.Answer { return m.answer(q, hive) }, nil
}

func (m zoneMap) answer(q rule.Question, hive string) artefact.Answer {
	f := q.Flow
	if f.Direction != rule.Outbound || f.Protocol != netset.TCP || f.Name == "" {
		return artefact.Answer{Action: artefact.NotCarried, Why: "a zone holds only sites that a browser opens by name"}
	}
	if m.listed.Match(f.Name) && !isHTTPS(q) {
		return artefact.Answer{Action: artefact.NoMatch, Why: "the zone holds only https sites; ask for https://" + f.Name + "/"}
	}
	for _, keys := range m.sites {
		for _, k := range keys {
			if k.trusts(f.Name) {
				return artefact.Answer{Action: artefact.Trusts, By: []string{"[" + string(pathOf(hive, k)) + "]"}, Why: "a browser setting, which opens nothing"}
			}
		}
	}
	if m.listed.Match(f.Name) {
		return artefact.Answer{Action: artefact.NoMatch, Why: "it is listed, but the zone map cannot hold the name; --coverage says why"}
	}
	why := "no trusted site lists it"
	if near, ok := rule.Confusable(m.listed, f.Name); ok {
		why += ": " + near
	}
	return artefact.Answer{Action: artefact.NoMatch, Why: why}
}

// isHTTPS reports whether a browser opens the flow by https: by the scheme, or else by
// the port.
func isHTTPS(q rule.Question) bool {
	const httpsPort = 443
	return q.Scheme == "https" || q.Scheme == "" && q.Flow.Port == httpsPort
}
