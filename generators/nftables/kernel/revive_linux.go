package kernel

import "fmt"

// Revive makes a table that was packed by encoding/gob one that can be compared with
// what the kernel holds now.
func (t *Table) Revive() error {
	family, name := familyAndName(t.Name)
	if family == 0 || name == "" {
		return fmt.Errorf("the rules that were saved are of table %q", t.Name)
	}
	for _, c := range t.Chains {
		for _, r := range c.Rules {
			r.decoded, r.odd = decode(r, family, func(name string) *set {
				if s := r.Sets[name]; s != nil {
					return s
				}
				return t.set(name)
			})
		}
	}
	return nil
}
