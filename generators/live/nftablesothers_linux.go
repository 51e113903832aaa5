package live

import (
	"fmt"
	"strings"

	"gatewright/generators/nftables"
	"gatewright/generators/nftables/kernel"
)

// readAll reads the table of the site's mode, and those that another mode, or the same
// one in another table, has left.
func readAll(m Machine, want *kernel.Table) (have *kernel.Table, others []*kernel.Table, err error) {
	err = onKernel(m, func(conn *kernel.Conn) error {
		all, err := readTables(conn, want)
		if err != nil {
			return err
		}
		have = all[0]
		var rest []*kernel.Table
		if want.Name != nftables.OwnTable {
			rest = append(rest, &kernel.Table{Name: nftables.OwnTable})
		}
		holders, err := conn.Holders(func(name, object string) bool {
			return name != want.Name && name != nftables.OwnTable && meets(name, want.Name) && nftables.IsOurs(name, object)
		})
		if err != nil {
			return err
		}
		for _, name := range holders {
			rest = append(rest, &kernel.Table{Name: name})
		}
		others, err = readTables(conn, rest...)
		return err
	})
	return have, others, err
}

// meets reports whether a packet can pass both tables: those of ip and ip6 hold what two
// outputs of a site may have written.
func meets(a, b string) bool {
	family, _, _ := strings.Cut(a, " ")
	other, _, _ := strings.Cut(b, " ")
	return family == other || family == "inet" || other == "inet"
}

// leftovers are what goes of tables that are the site's own.
type leftovers []*kernel.Changes

// addOthers notes what other tables do. Our own one goes as a whole, because it would
// decide on; from one of the site's goes what no rule of the site's leads to.
func (c *Comparison) addOthers(others []*kernel.Table, changes *kernel.Changes) (left leftovers) {
	for _, t := range others {
		if t.Missing {
			continue
		}
		one := Other{Place: "table " + t.Name, Unread: t.Foreign()}
		remove := kernel.Compare(t, &kernel.Table{Name: t.Name, Missing: true})
		from := t.Leading()
		switch {
		case t.Own:
			changes.Drop(t.Name)
		case len(from) == 0:
			left = append(left, remove)
			continue // it does nothing
		default:
			one.Stays = fmt.Sprintf("it still holds chains of mode chains (%d), and rules of yours in chain %s lead to them, so that they decide, too. Remove these rules, and apply again: that removes the chains",
				len(t.Chains), strings.Join(from, ", "))
			one.Changes = leftovers{remove}.list()
		}
		if !t.IsAsleep() {
			one.Does = nftables.ReadingOf(t.Name, t.Ruleset())
		}
		c.Others = append(c.Others, one)
	}
	return left
}

// list returns the changes, each with its table.
func (l leftovers) list() (all []Change) {
	for _, c := range l {
		for _, one := range c.List(nftables.Text) {
			one.Place = "table " + c.Have.Name
			all = append(all, one)
		}
	}
	return all
}

func (l leftovers) tables() (all []*kernel.Table) {
	for _, c := range l {
		all = append(all, c.Have)
	}
	return all
}

// commit removes them. Nothing leads to them, so that no packet tells before from
// after, and what fails is tried again by the next apply.
func (l leftovers) commit(conn *kernel.Conn, done *Committed) {
	for _, c := range l {
		kept, err := conn.Commit(c)
		switch {
		case err != nil:
			done.Said = append(done.Said, fmt.Sprintf("what is left in table %s of mode chains stays (%v); apply again to remove it", c.Have.Name, err))
		case len(kept) > 0:
			done.Said = append(done.Said, fmt.Sprintf("%s of table %s stays, because a rule of yours uses it; remove that, and apply again", strings.Join(kept, ", "), c.Have.Name))
		}
		if err != nil || len(kept) > 0 {
			done.Stays = append(done.Stays, leftovers{c}.list()...)
		}
	}
}
