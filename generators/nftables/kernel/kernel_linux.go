package kernel

import (
	"fmt"
	"strings"

	nf "github.com/google/nftables"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/nftables"
)

// Read returns what the kernel holds in the network namespace of the calling thread,
// by netlink (linux/netfilter/nf_tables.h): one table,
// such as "inet gatewright", and by name whatever else there is.
//
// A rule that package nftables does not render is an error that says where it stands.
func Read(table string) (nftables.Ruleset, error) {
	rs, err := read(table)
	if err != nil {
		return nftables.Ruleset{}, fmt.Errorf("table %s in the kernel: %w", table, err)
	}
	return rs, nil
}

func read(table string) (nftables.Ruleset, error) {
	conn, rules, err := connect()
	if err != nil {
		return nftables.Ruleset{}, err
	}
	defer conn.CloseLasting()
	tables, err := conn.ListTables()
	if err != nil {
		return nftables.Ruleset{}, err
	}
	r := reader{conn: conn, rules: rules, ruleset: nftables.Ruleset{
		Prefixes: map[string]netset.PrefixSet{}, Ports: map[string][]netset.PortRange{},
	}}
	for _, t := range tables {
		if tableName(t) == table {
			r.table = t
		} else {
			r.other("table " + tableName(t))
		}
	}
	if r.table == nil {
		return nftables.Ruleset{}, fmt.Errorf("there is no such table")
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
			if !s.Anonymous {
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
	ruleset nftables.Ruleset
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
		rules, err := r.readChain(c)
		if err != nil {
			return fmt.Errorf("chain %s: %w", c.Name, err)
		}
		direction, ours := nftables.DirectionOf(c.Name)
		switch {
		case c.Hooknum != nil:
			r.ruleset.Hooks = append(r.ruleset.Hooks, hookOf(c, rules))
		case ours:
			err = r.addRules(direction, rules)
		default:
			r.other("chain " + c.Name)
		}
		if err != nil {
			return fmt.Errorf("chain %s: %w", c.Name, err)
		}
	}
	return nil
}

func (r *reader) readChain(c *nf.Chain) ([]nftables.HookRule, error) {
	list := r.rules[chainKey{byte(r.table.Family), r.table.Name, c.Name}]
	rules := make([]nftables.HookRule, len(list))
	for i, one := range list {
		var err error
		if rules[i], err = r.decode(one); err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
	}
	return rules, nil
}

// addRules takes the rules of one of our two chains, which accept and match nothing
// but addresses, services and interfaces.
func (r *reader) addRules(d rule.Direction, rules []nftables.HookRule) error {
	for i, one := range rules {
		if one.Verdict != "accept" || len(one.Beside) > 0 || one.Cleared != 0 {
			return fmt.Errorf("rule %d: %q is not how a rule of ours accepts", i+1, one.String())
		}
		one.Direction = d
		r.ruleset.Rules = append(r.ruleset.Rules, one.Line)
	}
	return nil
}

func hookOf(c *nf.Chain, rules []nftables.HookRule) nftables.Hook {
	names := map[nf.ChainHook]string{
		*nf.ChainHookPrerouting: "prerouting", *nf.ChainHookInput: "input", *nf.ChainHookForward: "forward",
		*nf.ChainHookOutput: "output", *nf.ChainHookPostrouting: "postrouting",
	}
	h := nftables.Hook{Chain: c.Name, Type: string(c.Type), Hook: names[*c.Hooknum], Policy: "accept", Rules: rules}
	if c.Priority != nil {
		h.Priority = int(*c.Priority)
	}
	if c.Policy != nil && *c.Policy == nf.ChainPolicyDrop {
		h.Policy = "drop"
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
