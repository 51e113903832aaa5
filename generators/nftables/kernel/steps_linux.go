package kernel

// steps are the transactions of a change. A packet that is on its way during a commit
// walks the rules of before and looks elements up as they are after it: it must find
// chains with rules, and sets with elements, on either side. So what is new is made
// first and leads nowhere; then one transaction makes the change; then goes what
// nothing leads to any more. A base chain decides as soon as it is made, even before
// its rules are there: it accepts until they are.
//
// Names that are declared otherwise can only change in one transaction.
func (c *Changes) steps() (prepare, change, clear *Changes) {
	prepare, change, clear = c.none(), c.none(), c.none()
	if c.replaces() {
		return prepare, c, clear
	}
	if c.Have.Missing {
		prepare.table = c.table
	} else {
		change.table = c.table
	}
	change.drops = c.drops
	for _, one := range c.sets {
		to := change
		switch {
		case one.have == nil:
			to = prepare
		case one.want == nil:
			to = clear
		}
		to.sets = append(to.sets, one)
	}
	for _, one := range c.chains {
		switch {
		case one.want == nil:
			clear.chains = append(clear.chains, one)
		case one.have != nil:
			change.chains = append(change.chains, one)
		case one.want.Hook == nil:
			prepare.chains = append(prepare.chains, one)
		default:
			open := one.want.accepting()
			prepare.chains = append(prepare.chains, chainChange{want: open})
			change.chains = append(change.chains, chainChange{have: open, want: one.want, edits: one.edits})
		}
	}
	prepare.counters.add, clear.counters.del = c.counters.add, c.counters.del
	return prepare, change, clear
}

// inverse removes what only came. The table goes, too, if nobody else has put anything
// into it.
func (c *Changes) inverse() *Changes {
	inv := &Changes{Have: c.Want, Want: c.Have, kept: map[string]bool{}, undoes: true, untable: c.table}
	for _, one := range c.sets {
		if c.left[one.want] == "" {
			inv.sets = append(inv.sets, setChange{have: one.want})
		}
	}
	for _, one := range c.chains {
		inv.chains = append(inv.chains, chainChange{have: one.want})
	}
	inv.counters.del = c.counters.add
	return inv
}

// none changes nothing yet.
func (c *Changes) none() *Changes {
	return &Changes{Have: c.Have, Want: c.Want, kept: c.kept, left: c.left}
}

func (c *Changes) replaces() bool {
	for _, one := range c.sets {
		if one.replaced {
			return true
		}
	}
	for _, one := range c.chains {
		if one.replaced {
			return true
		}
	}
	return false
}

// accepting is a base chain that accepts everything yet.
func (c *chain) accepting() *chain {
	hook := *c.Hook
	hook.Policy = policyAccept
	return &chain{Name: c.Name, Hook: &hook}
}
