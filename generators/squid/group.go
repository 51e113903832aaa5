package squid

import (
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// member is a rule of a group, with its names as Squid takes them.
type member struct {
	*rule.Rule
	names names
}

// alike is what rules of one group have in common. A rule of any remote has no lists
// to share, and is alone.
type alike struct {
	role  rule.Role
	ports string
	any   rule.ID
}

// groupsOf puts the rules that a proxy carries into groups of one role and the same
// ports, each into the first one in which no token of another overlaps any of its own:
// of tokens that overlap Squid drops or refuses one, and nobody could tell whose it
// was. Squid looks a list up in the logarithm of its size, and goes through lines one
// by one.
func groupsOf(p *rule.Policy) (groups [][]member) {
	var members []member
	var kinds []alike
	of := map[alike][]int{}
	for i := range p.Rules {
		r := &p.Rules[i]
		if !carried(r) {
			continue
		}
		kind := alike{role: r.Role, ports: r.Services.Only(netset.TCP).String()}
		m := member{Rule: r}
		if r.Remote.Any {
			kind.any = r.ID
		} else {
			m.names = splitNames(r.Remote.Names())
		}
		of[kind] = append(of[kind], len(members))
		members, kinds = append(members, m), append(kinds, kind)
	}
	number := make([]int, len(members)) // of a rule's group, of those of its kind
	for _, same := range of {
		numberGroups(members, same, number)
	}
	type place struct {
		alike
		number int
	}
	known := map[place]int{}
	for i, m := range members {
		at, ok := known[place{kinds[i], number[i]}]
		if !ok {
			at = len(groups)
			known[place{kinds[i], number[i]}] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], m)
	}
	return groups
}

// numberGroups gives each of the members of one kind its group's number.
func numberGroups(members []member, same []int, number []int) {
	if len(same) == 1 {
		return
	}
	var names forest[string]
	var prefixes forest[netip.Prefix]
	for _, i := range same {
		for _, token := range members[i].names.domains {
			names.add(i, domainKey(token))
		}
		for _, token := range members[i].names.expressions {
			names.add(i, token+"\n") // within nothing, like a host
		}
		for p := range members[i].Remote.Prefixes().Prefixes() {
			prefixes.add(i, p)
		}
	}
	nodes := names.nodes(nil, strings.Compare, func(a, b string) bool { return strings.HasPrefix(b, a) })
	nodes = prefixes.nodes(nodes, netip.Prefix.Compare, func(a, b netip.Prefix) bool { return a.Overlaps(b) })
	for _, i := range same {
		number[i] = firstFree(nodes[i])
	}
}

// domainKey turns a dstdomain token around, so that a domain's key starts those of all
// that it matches: ".example.com" is "com.example." and "example.com" "com.example.\n".
func domainKey(token string) string {
	labels := strings.Split(strings.TrimPrefix(token, "."), ".")
	slices.Reverse(labels)
	key := strings.Join(labels, ".") + "."
	if !strings.HasPrefix(token, ".") {
		key += "\n"
	}
	return key
}

// forest is tokens of members. Of two tokens that overlap one holds the other.
type forest[T comparable] struct {
	tokens []T
	owners []int
}

func (f *forest[T]) add(owner int, token T) {
	f.tokens, f.owners = append(f.tokens, token), append(f.owners, owner)
}

// node is a token that overlaps another one.
type node struct {
	in         *node   // the smallest token that holds it
	at, within big.Int // groups that have it, and that have what it holds
}

// nodes adds to the nodes of each member those of its tokens that overlap another
// member's. A token is sorted before those that it holds.
func (f *forest[T]) nodes(all map[int][]*node, compare func(a, b T) int, holds func(a, b T) bool) map[int][]*node {
	if all == nil {
		all = map[int][]*node{}
	}
	order := make([]int, len(f.tokens))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return compare(f.tokens[i], f.tokens[j]) })
	for from := 0; from < len(order); {
		root, to := f.tokens[order[from]], from+1
		for to < len(order) && holds(root, f.tokens[order[to]]) {
			to++
		}
		if to > from+1 {
			f.addTree(all, order[from:to], holds)
		}
		from = to
	}
	return all
}

// addTree adds the nodes of the tokens that the first one holds.
func (f *forest[T]) addTree(all map[int][]*node, order []int, holds func(a, b T) bool) {
	type open struct {
		token T
		node  *node
	}
	var stack []open // each holds the next
	for _, i := range order {
		token := f.tokens[i]
		for len(stack) > 0 && !holds(stack[len(stack)-1].token, token) {
			stack = stack[:len(stack)-1]
		}
		if len(stack) == 0 || stack[len(stack)-1].token != token {
			one := open{token, &node{}}
			if len(stack) > 0 {
				one.node.in = stack[len(stack)-1].node
			}
			stack = append(stack, one)
		}
		all[f.owners[i]] = append(all[f.owners[i]], stack[len(stack)-1].node)
	}
}

// firstFree returns the number of the first group that has nothing that overlaps one of
// the nodes, and puts them into it.
func firstFree(nodes []*node) int {
	var taken big.Int
	for _, n := range nodes {
		taken.Or(&taken, &n.within)
		for ; n != nil; n = n.in {
			taken.Or(&taken, &n.at)
		}
	}
	free := int(new(big.Int).Not(&taken).TrailingZeroBits())
	for _, n := range nodes {
		n.at.SetBit(&n.at, free, 1)
		for n = n.in; n != nil; n = n.in {
			n.within.SetBit(&n.within, free, 1)
		}
	}
	return free
}
