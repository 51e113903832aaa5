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

// Matching returns the patterns that match a name, in the order of Pattern.Compare.
// Time is that of NameSet.Match.
func (x NameIndex) Matching(name string) []Pattern {
	if x.trie == nil || name == "" {
		return nil
	}
	return x.trie.list(x.trie.covering, name)
}

// Overlapping returns the patterns that match a name that p matches, in the order of
// Pattern.Compare. Time is that of NameSet.Overlapping.
func (x NameIndex) Overlapping(p Pattern) []Pattern {
	if x.trie == nil || p.text == "" {
		return nil
	}
	return x.trie.list(x.trie.overlapping, p.text)
}
