package netset

// NameIndex finds patterns by the names that they share with another. Unlike a NameSet,
// it keeps those that others cover. The zero value has none.
type NameIndex struct{ trie *nameTrie }

// NameIndexOf returns an index of the patterns without zero values.
func NameIndexOf(patterns []Pattern) NameIndex {
	if len(patterns) == 0 {
		return NameIndex{}
	}
	trie := newNameTrie(len(patterns))
	for _, p := range patterns {
		if p.text != "" {
			trie.insert(p.text)
		}
	}
	return NameIndex{trie}
}

// Covering returns the patterns that match every name that p matches, in the order of
// Pattern.Compare. Time is that of NameSet.Match.
func (x NameIndex) Covering(p Pattern) []Pattern { return x.Matching(p.text) }

// Matching returns the patterns that match a name, in the order of Pattern.Compare. Time
// is that of NameSet.Match.
func (x NameIndex) Matching(name string) []Pattern {
	if x.trie == nil || name == "" {
		return nil
	}
	return sortNames(x.trie.appendCovering(nil, 0, "", name))
}

// Overlapping returns the patterns that match a name that p matches, in the order of
// Pattern.Compare. Time is that of NameSet.Overlapping.
func (x NameIndex) Overlapping(p Pattern) []Pattern {
	if x.trie == nil || p.text == "" {
		return nil
	}
	return sortNames(x.trie.appendOverlapping(nil, 0, "", p.text))
}

// appendCovering adds the patterns below the node that cover the name, which may be a
// pattern as in covers. The node's own labels are behind.
func (t *nameTrie) appendCovering(list []Pattern, at int32, behind, name string) []Pattern {
	if t.nodes[at].deep {
		list = append(list, Pattern{"*" + behind})
	}
	rest, label := cutLast(name)
	leads := func(to int32) bool {
		under := "." + t.nodes[to].label + behind
		switch {
		case rest != "":
			list = t.appendCovering(list, to, under, rest)
		case t.nodes[to].end:
			list = append(list, Pattern{under[1:]})
		}
		return false // go on with the next
	}
	if to := t.edges[trieEdge{at, label}]; to != 0 {
		leads(to)
	}
	t.anyGlob(at, label, leads)
	return list
}
