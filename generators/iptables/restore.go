package iptables

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
)

// Families returns the address families of the programs, in the order of the changes.
func Families() []string { return []string{ipv4.program(), ipv6.program()} }

// CheckRestore refuses what restore would not read back as it is: what cannot be
// brought back is not to be changed.
func (k *Kernel) CheckRestore() error {
	if k.bad != nil {
		return fmt.Errorf("ipset save: %w", k.bad)
	}
	for _, s := range k.sets {
		if err := s.checkRestore(); err != nil {
			return fmt.Errorf("ipset restore: set %q: %w", s.name, err)
		}
	}
	for _, t := range k.tables {
		for _, c := range t.chains {
			if err := c.checkRestore(); err != nil {
				return fmt.Errorf("%s-restore: table %s, chain %q: %w", t.family.program(), t.name, c.name, err)
			}
		}
	}
	return nil
}

func (s *set) checkRestore() error {
	err := cmp.Or(checkSavedName(s.name), checkElement(s.create))
	for _, e := range s.odd {
		err = cmp.Or(err, checkElement(e.text))
	}
	return err
}

func (c *chain) checkRestore() error {
	err := checkSavedName(c.name)
	for _, r := range c.rules {
		err = cmp.Or(err, checkSavedRule(r))
	}
	return err
}

// Sets is the input of `ipset restore` before the rules, set by set. It creates missing
// sets. For a set with different content it creates a new set and swaps the two.
func (c *Changes) Sets() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, s := range c.sets {
			if !yield(s.name, c.restoreSet(s)) {
				return
			}
		}
	}
}

func (c *Changes) restoreSet(s *set) []byte {
	var b bytes.Buffer
	fill, staged := s.name, string(name(s.name).staging())
	if c.refill[s.name] {
		fill = staged
	}
	if slices.Contains(c.stale, staged) {
		fmt.Fprintf(&b, "destroy %s\n", staged)
	}
	fmt.Fprintf(&b, "create %s %s\n", fill, s.create)
	for _, p := range s.prefixes {
		b.WriteString("add " + fill + " " + s.text(p) + "\n")
	}
	for _, e := range s.odd {
		b.WriteString("add " + fill + " " + e.text + "\n")
	}
	if fill != s.name {
		fmt.Fprintf(&b, "swap %s %s\ndestroy %[1]s\n", fill, s.name)
	}
	return b.Bytes()
}

// Simplify leaves of a set what is like a set of ours, and the addresses that it leaves
// out; it reports whether there was more.
func (k *Kernel) Simplify(name string) bool {
	s := k.set(name)
	held := len(s.prefixes) + len(s.odd)
	s.prefixes = slices.DeleteFunc(s.prefixes, func(p netip.Prefix) bool { return s.texts[p] != "" })
	s.odd = slices.DeleteFunc(s.odd, func(e oddElement) bool { return !isExcept(s.family(), e.text) })
	more := s.isOdd() || len(s.prefixes)+len(s.odd) < held
	s.texts, s.spec = nil, setSpec(s.family())
	s.create = newSetWords(s.spec)
	return more
}

// isExcept reports whether an element leaves addresses out, and says no more.
func isExcept(f family, text string) bool {
	p, ok := strings.CutSuffix(text, " nomatch")
	_, err := f.readPrefix(p)
	return ok && err == nil
}

// Gone returns the sets to be removed after the rules, and those of them to be emptied
// alone, because rules of others match them.
func (c *Changes) Gone() (names, inUse []string) {
	for _, name := range c.gone {
		if slices.Contains(c.stale, name) {
			continue
		}
		if c.inUse[name] {
			inUse = append(inUse, name)
		} else {
			names = append(names, name)
		}
	}
	return names, inUse
}

// Rules is what a family's restore takes, with counters and without flushing; nothing
// if nothing changes.
func (c *Changes) Rules(program string) []byte {
	var b bytes.Buffer
	for _, t := range c.tables {
		if t.table.family.program() == program {
			t.write(&b)
		}
	}
	return b.Bytes()
}

func (t *tableChange) write(b *bytes.Buffer) {
	if len(t.rewritten)+len(t.policies)+len(t.emptied) == 0 {
		return
	}
	fmt.Fprintf(b, "*%s\n", t.table.name)
	for _, c := range t.table.chains {
		if have, ok := t.rewritten[c.name]; ok {
			t.keepCounts(have, c)
		}
	}
	for _, s := range t.table.order {
		t.writeStatement(b, s)
	}
	for _, name := range t.emptied {
		fmt.Fprintf(b, "-F %s\n", name)
	}
	for _, name := range t.gone {
		fmt.Fprintf(b, "-X %s\n", name)
	}
	b.WriteString("COMMIT\n")
}

// keepCounts has rules that stay go on from their counts.
func (t *tableChange) keepCounts(have, want *chain) {
	counts := map[string][]string{}
	for _, r := range have.rules {
		counts[r.key()] = append(counts[r.key()], r.counts)
	}
	for i := range want.rules {
		r := &want.rules[i]
		if now := counts[r.key()]; len(now) > 0 {
			r.counts, counts[r.key()] = now[0], now[1:]
		}
	}
}

func (t *tableChange) writeStatement(b *bytes.Buffer, s statement) {
	_, rewritten := t.rewritten[s.chain.name]
	builtIn := s.chain.policy != ""
	switch {
	case s.rule < 0 && builtIn:
		if t.policies[s.chain.name] {
			fmt.Fprintf(b, ":%s %s %s\n", s.chain.name, s.chain.policy, noCounts)
		}
		if rewritten {
			fmt.Fprintf(b, "-F %s\n", s.chain.name)
		}
	case !rewritten:
	case s.rule < 0:
		fmt.Fprintf(b, ":%s - %s\n", s.chain.name, noCounts)
	default:
		r := s.chain.rules[s.rule]
		counts := r.counts
		if counts == "" {
			counts = noCounts
		}
		fmt.Fprintf(b, "%s -A %s %s\n", counts, s.chain.name, r.text)
	}
}
