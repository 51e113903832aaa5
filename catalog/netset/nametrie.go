package netset

import (
	"slices"
	"strings"
)

// nameTrie holds patterns by their labels from the right. Node 0 is the root; no edge leads to it, so it also stands
// for "none".
type nameTrie struct {
	nodes []trieNode
	edges map[trieEdge]int32
	globs map[int32]*globIndex // of the edges whose labels have stars, by the node they leave
}

type trieNode struct {
	label   string
	child   int32 // the newest child
	sibling int32 // the next older child of the same parent
	end     bool  // a pattern ends here
	deep    bool  // a pattern goes on with the first label "*": one or more labels of any kind
}

type trieEdge struct {
	from  int32
	label string
}

// globIndex finds the globs that can match a label by what they have before their first and after their last star.
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
	t.nodes = append(t.nodes, trieNode{label: label, sibling: t.nodes[parent].child})
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

// covers reports whether a pattern below the node matches name, all of whose labels are non-empty. Stars of name are
// plain characters, as in matchLabel, so name may be a pattern.
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

// anyGlob reports whether leads holds for a child whose label has a star and matches label, and is not label itself.
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

// overlaps reports whether a name matches both the pattern and one below the node.
func (t *nameTrie) overlaps(at int32, pattern string) bool {
	node := &t.nodes[at]
	if node.deep {
		return true
	}
	rest, glob := cutLast(pattern)
	if rest == "" && glob == "*" {
		return node.child != 0
	}
	leads := func(to int32) bool {
		if rest == "" {
			return t.nodes[to].end
		}
		return t.overlaps(to, rest)
	}
	if strings.IndexByte(glob, '*') < 0 {
		to := t.edges[trieEdge{at, glob}]
		return to != 0 && leads(to) || t.anyGlob(at, glob, leads)
	}
	for to := node.child; to != 0; to = t.nodes[to].sibling {
		if overlapLabel(t.nodes[to].label, glob) && leads(to) {
			return true
		}
	}
	return false
}

// appendOverlapping adds the patterns below the node that match a name that the pattern matches. The node's own labels
// are behind.
func (t *nameTrie) appendOverlapping(list []Pattern, at int32, behind, pattern string) []Pattern {
	rest, glob := cutLast(pattern)
	if rest == "" && glob == "*" {
		return t.appendBelow(list, at, behind)
	}
	if t.nodes[at].deep {
		list = append(list, Pattern{"*" + behind})
	}
	leads := func(to int32) bool {
		under := "." + t.nodes[to].label + behind
		switch {
		case rest != "":
			list = t.appendOverlapping(list, to, under, rest)
		case t.nodes[to].end:
			list = append(list, Pattern{under[1:]})
		}
		return false // go on with the next
	}
	if strings.IndexByte(glob, '*') < 0 {
		if to := t.edges[trieEdge{at, glob}]; to != 0 {
			leads(to)
		}
		t.anyGlob(at, glob, leads)
		return list
	}
	for to := t.nodes[at].child; to != 0; to = t.nodes[to].sibling {
		if overlapLabel(t.nodes[to].label, glob) {
			leads(to)
		}
	}
	return list
}

// appendBelow adds every pattern below the node.
func (t *nameTrie) appendBelow(list []Pattern, at int32, behind string) []Pattern {
	if t.nodes[at].deep {
		list = append(list, Pattern{"*" + behind})
	}
	for to := t.nodes[at].child; to != 0; to = t.nodes[to].sibling {
		under := "." + t.nodes[to].label + behind
		if t.nodes[to].end {
			list = append(list, Pattern{under[1:]})
		}
		list = t.appendBelow(list, to, under)
	}
	return list
}
