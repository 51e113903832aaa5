package iptables

import (
	"bytes"
	"fmt"
	"slices"
)

// Families returns those of programs, in the order in which they change.
func Families() []string { return []string{ipv4.program(), ipv6.program()} }

// Sets is what `ipset restore` takes before the rules: sets that are missing, and beside
// those that hold something else new ones, which then take their place.
func (c *Changes) Sets() []byte {
	var b bytes.Buffer
	for _, name := range c.stale {
		fmt.Fprintf(&b, "destroy %s\n", name)
	}
	for _, s := range c.sets {
		fill := s.name
		if c.refill[s.name] {
			fill = string(name(s.name).staging())
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
	}
	return b.Bytes()
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

// Rules is what a family's restore takes, with counters and without flushing; nothing if
// nothing changes.
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
