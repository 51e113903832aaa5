package kernel

import "github.com/google/nftables/expr"

// IsLed reports whether a rule of others in the table may lead to a chain of ours.
func (t *Table) IsLed(chain string) bool { return t.led[chain] || t.led[""] }

// readLeads notes where the rules of others lead.
func (r *tableReader) readLeads() {
	r.led = map[string]bool{}
	for chain, rules := range r.rules {
		if r.ours(chain) {
			continue
		}
		for _, one := range rules {
			r.readLead(one)
		}
	}
}

func (r *tableReader) readLead(one *rule) {
	for _, e := range one.Expressions {
		decoded, _ := e.decode(r.family)
		if v, ok := decoded.(*expr.Verdict); ok && v.Chain != "" {
			r.led[v.Chain] = true
		}
	}
	one.lookups(func(name string) {
		if s := r.sets[name]; s != nil && s.Spec.DataType == verdictData {
			r.led[""] = true // the elements of others' maps are not read
		}
	})
}
