package netset

import (
	"slices"
	"strings"
)

// nameTrie holds patterns by their labels from the right. Node 0 is the root; no edge
// leads to it, so it also stands for "none".
type nameTrie struct {
	nodes []trieNode
	edges map[trieEdge]int32
	globs map[int32]*globIndex // of the edges whose labels have stars, by the node they leave
}

type trieNode struct {
	label   string
	parent  int32
	child   int32 // the newest child
	sibling int32 // the next older child of the same parent
	end     bool  // a pattern ends here
	deep    bool  // a pattern goes on with the first label "*": one or more labels of any kind
}

type trieEdge struct {
	from  int32
	label string
}

// globIndex finds the globs that can match a label by what they have before their first
// and after their last star.
type globIndex struct {
	shapes []globShape
	byEnds map[globEnds][]int32
}

type globEnds struct{ head, tail string }

// globShape is the lengths of a globEnds.
type globShape struct{ head, tail int }

func endsOf(glob string) globEnds {
	return globEnds{glob[:strings.IndexByte(glob, '*')], glob[strings.LastIndexByte(glob, '*')+1:]}
}

func newNameTrie(size int) *nameTrie {
	return &nameTrie{
		nodes: make([]trieNode, 1, size+1),
		edges: make(map[trieEdge]int32, size),
		globs: make(map[int32]*globIndex),
	}
}

func (t *nameTrie) insert(pattern string) {
	at := int32(0)
	for rest, label := cutLast(pattern); ; rest, label = cutLast(rest) {
		if rest == "" && label == "*" {
			t.nodes[at].deep = true
			return
		}
		at = t.descend(at, label)
		if rest == "" {
			t.nodes[at].end = true
			return
		}
	}
}

// descend returns the child of a node by its label, and makes it if there is none.
func (t *nameTrie) descend(from int32, label string) int32 {
	edge := trieEdge{from, label}
	to := t.edges[edge]
	if to == 0 {
		to = t.newNode(from, label)
		t.edges[edge] = to
		if strings.IndexByte(label, '*') >= 0 {
			t.addGlob(from, to)
		}
	}
	return to
}

func (t *nameTrie) newNode(parent int32, label string) int32 {
	to := int32(len(t.nodes))
	t.nodes = append(t.nodes, trieNode{label: label, parent: parent, sibling: t.nodes[parent].child})
	t.nodes[parent].child = to
	return to
}

func (t *nameTrie) addGlob(from, to int32) {
	index := t.globs[from]
	if index == nil {
		index = &globIndex{byEnds: make(map[globEnds][]int32)}
		t.globs[from] = index
	}
	ends := endsOf(t.nodes[to].label)
	if shape := (globShape{len(ends.head), len(ends.tail)}); !slices.Contains(index.shapes, shape) {
		index.shapes = append(index.shapes, shape)
	}
	index.byEnds[ends] = append(index.byEnds[ends], to)
}

// covers reports whether a pattern below the node matches name, all of whose labels are
// non-empty. Stars of name are plain characters, as in matchLabel, so name may be a
// pattern.
func (t *nameTrie) covers(at int32, name string) bool {
	node := &t.nodes[at]
	if node.deep {
		return true
	}
	rest, label := cutLast(name)
	leads := func(to int32) bool {
		if rest == "" {
			return t.nodes[to].end
		}
		return t.covers(to, rest)
	}
	if to := t.edges[trieEdge{at, label}]; to != 0 && leads(to) {
		return true
	}
	return t.anyGlob(at, label, leads)
}

// covering calls found for each pattern below the node that matches name, as covers has
// it, until found returns true: with the node at which the pattern ends, and deep where
// it goes on with the first label "*".
func (t *nameTrie) covering(at int32, name string, found func(at int32, deep bool) bool) bool {
	if t.nodes[at].deep && found(at, true) {
		return true
	}
	rest, label := cutLast(name)
	leads := func(to int32) bool {
		if rest == "" {
			return t.nodes[to].end && found(to, false)
		}
		return t.covering(to, rest, found)
	}
	to := t.edges[trieEdge{at, label}]
	return to != 0 && leads(to) || t.anyGlob(at, label, leads)
}

// anyGlob reports whether leads holds for a child whose label has a star and matches
// label, and is not label itself.
func (t *nameTrie) anyGlob(at int32, label string, leads func(to int32) bool) bool {
	index := t.globs[at]
	if index == nil {
		return false
	}
	for _, shape := range index.shapes {
		tail := len(label) - shape.tail
		if tail < shape.head {
			continue
		}
		for _, to := range index.byEnds[globEnds{label[:shape.head], label[tail:]}] {
			glob := t.nodes[to].label
			if glob != label && matchLabel(glob, label) && leads(to) {
				return true
			}
		}
	}
	return false
}

// overlapping is covering for the patterns that match a name that the given pattern
// matches.
func (t *nameTrie) overlapping(at int32, pattern string, found func(at int32, deep bool) bool) bool {
	if t.nodes[at].deep && found(at, true) {
		return true
	}
	rest, glob := cutLast(pattern)
	leads := func(to int32) bool {
		if rest == "" && t.nodes[to].end && found(to, false) {
			return true
		}
		switch {
		case rest != "":
			return t.overlapping(to, rest, found)
		case glob == "*":
			return t.overlapping(to, glob, found) // of any number of labels
		}
		return false
	}
	if strings.IndexByte(glob, '*') < 0 {
		to := t.edges[trieEdge{at, glob}]
		return to != 0 && leads(to) || t.anyGlob(at, glob, leads)
	}
	for to := t.nodes[at].child; to != 0; to = t.nodes[to].sibling {
		if overlapLabel(t.nodes[to].label, glob) && leads(to) {
			return true
		}
	}
	return false
}

// anyPattern is for overlapping where it does not matter which pattern it is.
func anyPattern(int32, bool) bool { return true }

// list returns the patterns that a walk finds, in the order of Pattern.Compare.
func (t *nameTrie) list(walk func(at int32, name string, found func(int32, bool) bool) bool, name string) []Pattern {
	var list []Pattern
	walk(0, name, func(at int32, deep bool) bool {
		list = append(list, t.pattern(at, deep))
		return false
	})
	return sortNames(list)
}

// pattern returns the pattern that ends at a node, or goes on there with the first
// label "*".
func (t *nameTrie) pattern(at int32, deep bool) Pattern {
	var labels []string
	if deep {
		labels = append(labels, "*")
	}
	for ; at != 0; at = t.nodes[at].parent {
		labels = append(labels, t.nodes[at].label)
	}
	return Pattern{strings.Join(labels, ".")}
}
