package kernel

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"syscall"

	nf "github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// IsLed reports whether a rule of others in the table may lead to a chain of ours.
func (t *Table) IsLed(chain string) bool { return len(t.led[chain])+len(t.led[""]) > 0 }

// Leading returns the chains of others whose rules may lead to chains of ours, sorted.
func (t *Table) Leading() []string {
	chains := map[string]bool{}
	for _, c := range t.Chains {
		for _, from := range slices.Concat(t.led[c.Name], t.led[""]) {
			chains[from] = true
		}
	}
	return slices.Sorted(maps.Keys(chains))
}

// readLeads notes where the rules of others lead.
func (r *tableReader) readLeads() {
	r.led = map[string][]string{}
	for chain, rules := range r.rules {
		if r.ours(chain) {
			continue
		}
		for _, one := range rules {
			r.readLead(chain, one)
		}
	}
}

func (r *tableReader) readLead(chain string, one *rule) {
	for _, e := range one.Expressions {
		decoded, _ := e.decode(r.family)
		if v, ok := decoded.(*expr.Verdict); ok && v.Chain != "" {
			r.led[v.Chain] = append(r.led[v.Chain], chain)
		}
	}
	one.lookups(func(name string) {
		if s := r.sets[name]; s != nil && s.Spec.DataType == verdictData {
			r.led[""] = append(r.led[""], chain) // the elements of others' maps are not read
		}
	})
}

// Holders returns the tables that hold counters of ours, sorted. Whatever else of ours
// stands in a table, these are with it; and iptables makes none.
func (c *Conn) Holders(ours func(table, name string) bool) (tables []string, err error) {
	for range attempts {
		if tables, err = c.holders(ours); !errors.Is(err, errInterrupted) {
			return tables, err
		}
	}
	return nil, fmt.Errorf("counters in the kernel: %w, %d times", err, attempts)
}

func (c *Conn) holders(ours func(table, name string) bool) ([]string, error) {
	found := map[string]bool{}
	err := c.ask(msgGetObject, syscall.NLM_F_DUMP, 0, nil, func(m message) error {
		attrs, err := attributesOf(m.data)
		if err != nil {
			return err
		}
		table := families[nf.TableFamily(m.family)] + " " + text(attrs[objectTable])
		if attrs.number(objectType) == objectCounter && ours(table, text(attrs[objectName])) {
			found[table] = true
		}
		return nil
	})
	return slices.Sorted(maps.Keys(found)), err
}
