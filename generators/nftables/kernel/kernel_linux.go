package kernel

import (
	"fmt"
	"strings"

	nf "github.com/google/nftables"

	"gatewright/generators/filter"
)

// Read returns what the kernel holds in the network namespace of the calling thread,
// by netlink (linux/netfilter/nf_tables.h): one table,
// such as "inet gatewright", and by name whatever else there is.
//
// A rule that package nftables does not render is an error that says where it stands.
func Read(table string) (Held, error) {
	rs, err := read(table)
	if err != nil {
		return Held{}, fmt.Errorf("table %s in the kernel: %w", table, err)
	}
	return rs, nil
}

func read(table string) (Held, error) {
	conn, rules, err := connect()
	if err != nil {
		return Held{}, err
	}
	defer conn.CloseLasting()
	tables, err := conn.ListTables()
	if err != nil {
		return Held{}, err
	}
	r := reader{conn: conn, rules: rules}
	for _, t := range tables {
		if tableName(t) == table {
			r.table = t
		} else {
			r.other("table " + tableName(t))
		}
	}
	if r.table == nil {
		return Held{}, fmt.Errorf("there is no such table")
	}
	if r.table.Flags != 0 {
		r.other("flags of table " + table) // one puts it to sleep
	}
	return r.ruleset, r.readTable()
}

// NamesOf returns the sets and chains of a table in the network namespace of the
// calling thread, without reading what they hold.
func NamesOf(table string) (Names, error) {
	names, err := namesOf(table)
	if err != nil {
		return Names{}, fmt.Errorf("table %s in the kernel: %w", table, err)
	}
	return names, nil
}

func namesOf(table string) (names Names, err error) {
	conn, err := nf.New(nf.AsLasting())
	if err != nil {
		return names, err
	}
	defer conn.CloseLasting()
	tables, err := conn.ListTables()
	if err != nil {
		return names, err
	}
	for _, t := range tables {
		if tableName(t) != table {
			continue
		}
		sets, err := conn.GetSets(t)
		if err != nil {
			return names, err
		}
		for _, s := range sets {
			switch {
			case s.Anonymous:
			case s.IsMap:
				names.Maps = append(names.Maps, s.Name)
			default:
				names.Sets = append(names.Sets, NamedSet{s.Name, s.KeyType.Name})
			}
		}
		chains, err := conn.ListChainsOfTableFamily(t.Family)
		if err != nil {
			return names, err
		}
		for _, c := range chains {
			if c.Table.Name == t.Name {
				names.Chains = append(names.Chains, c.Name)
			}
		}
	}
	return names, nil
}

// connect opens a netlink socket, and reads the rules of every table.
func connect() (*nf.Conn, map[chainKey][]kernelRule, error) {
	var rules map[chainKey][]kernelRule
	conn, err := nf.New(nf.AsLasting(), tuned(nf.WithSockOptions, &rules))
	return conn, rules, err
}

// reader reads one table.
type reader struct {
	conn    *nf.Conn
	table   *nf.Table
	rules   map[chainKey][]kernelRule
	sets    map[string]*set
	ruleset Held
}

func (r *reader) other(what string) { r.ruleset.Others = append(r.ruleset.Others, what) }

func (r *reader) readTable() error {
	if err := r.readSets(); err != nil {
		return err
	}
	chains, err := r.conn.ListChainsOfTableFamily(r.table.Family)
	if err != nil {
		return err
	}
	for _, c := range chains {
		if c.Table.Name != r.table.Name {
			continue
		}
		one := filter.Chain{Name: c.Name}
		if c.Hooknum != nil {
			one.Hook = r.hookOf(c)
		}
		if one.Rules, err = r.readChain(c); err != nil {
			return fmt.Errorf("chain %s: %w", c.Name, err)
		}
		r.ruleset.Chains = append(r.ruleset.Chains, one)
	}
	return nil
}

func (r *reader) readChain(c *nf.Chain) ([]filter.Rule, error) {
	list := r.rules[chainKey{byte(r.table.Family), r.table.Name, c.Name}]
	rules := make([]filter.Rule, len(list))
	for i, one := range list {
		var err error
		if rules[i], err = r.decode(one); err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		if ours := strings.HasPrefix(c.Name, filter.Prefix); ours && c.Hooknum == nil && !rules[i].IsOurs() {
			return nil, fmt.Errorf("rule %d is not how a rule of ours accepts or sends on", i+1)
		}
	}
	return rules, nil
}

func (r *reader) hookOf(c *nf.Chain) *filter.Hook {
	names := map[nf.ChainHook]string{
		*nf.ChainHookPrerouting: "prerouting", *nf.ChainHookInput: "input", *nf.ChainHookForward: "forward",
		*nf.ChainHookOutput: "output", *nf.ChainHookPostrouting: "postrouting",
	}
	h := &filter.Hook{Name: names[*c.Hooknum], Policy: filter.Accept}
	if c.Type != nf.ChainTypeFilter {
		r.other(fmt.Sprintf("chain %s of type %s", c.Name, c.Type))
	}
	if c.Priority != nil {
		h.Priority = int(*c.Priority)
	}
	if c.Policy != nil && *c.Policy == nf.ChainPolicyDrop {
		h.Policy = filter.Drop
	}
	return h
}

func tableName(t *nf.Table) string {
	families := map[nf.TableFamily]string{
		nf.TableFamilyINet: "inet", nf.TableFamilyIPv4: "ip", nf.TableFamilyIPv6: "ip6",
		nf.TableFamilyARP: "arp", nf.TableFamilyBridge: "bridge", nf.TableFamilyNetdev: "netdev",
	}
	return strings.TrimSpace(families[t.Family] + " " + t.Name)
}
