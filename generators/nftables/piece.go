package nftables

import (
	"net/netip"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/templates"
)

// Sizes of pieces. A transaction in a user namespace is limited by the size of a
// socket's buffer, 208 KiB on Linux as it comes: 10,000 prefixes are too many. The sizes
// of what nft sends are estimates from above.
const (
	pieceElements = 2000       // prefixes, each of at most two elements of 44 bytes
	pieceSize     = 180 * 1000 // bytes

	ruleSize      = 1000
	elementSize   = 2 * 44
	statementSize = 200
)

// Pieces is an artefact in parts that are small enough for a transaction each.
type Pieces struct {
	// Frame are the statements in their order, without the elements of large sets.
	Frame [][]byte

	// Elements put a part of a large set's elements in place of those that it holds.
	Elements []Piece
}

// Piece is a part of a set's elements.
type Piece struct {
	Set  string
	Text []byte
}

type pieceView struct {
	Table    tableSpec
	Name     name
	Elements elements
}

// Split cuts an artefact into pieces, for engines that cannot load it whole. What is
// not as this package writes it stays in the frame.
func Split(text []byte) (Pieces, error) {
	var p Pieces
	var part []byte
	size := 0
	lines := strings.SplitAfter(string(text), "\n")
	for len(lines) > 0 {
		block := 1
		if strings.HasSuffix(lines[0], "{\n") {
			for block < len(lines) && lines[block-1] != "}\n" {
				block++
			}
		}
		statement := lines[:block]
		lines = lines[block:]
		pieces, err := splitElements(statement)
		if err != nil {
			return Pieces{}, err
		}
		p.Elements = append(p.Elements, pieces...)
		if pieces == nil {
			part = append(part, strings.Join(statement, "")...)
			size += sizeOf(statement)
		}
		if size > pieceSize || len(lines) == 0 {
			p.Frame = append(p.Frame, part)
			part, size = nil, 0
		}
	}
	return p, nil
}

// sizeOf estimates what nft sends for a statement.
func sizeOf(statement []string) int {
	switch {
	case len(statement) > 1:
		return statementSize + elementSize*len(statement)
	case strings.HasPrefix(statement[0], "add rule "):
		return ruleSize
	case strings.TrimSpace(statement[0]) == "" || statement[0][0] == '#':
		return 0
	}
	return statementSize
}

// splitElements returns the pieces of a statement that adds more elements than one
// piece holds; nil for any other statement.
func splitElements(statement []string) ([]Piece, error) {
	words := strings.Fields(statement[0])
	if len(statement) <= pieceElements+2 || len(words) != 6 || words[0] != "add" || words[1] != "element" {
		return nil, nil
	}
	view := pieceView{Table: tableSpec(words[2] + " " + words[3]), Name: name(words[4])}
	list := statement[1 : len(statement)-1]
	for _, line := range list {
		if !isElement(line) {
			return nil, nil
		}
	}
	var pieces []Piece
	for len(list) > 0 {
		n := min(pieceElements, len(list))
		view.Elements = elements(strings.TrimSuffix(strings.TrimSpace(strings.Join(list[:n], "")), ","))
		text, err := templates.Execute("nftables/piece.nft.tmpl", view)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, Piece{words[4], text})
		list = list[n:]
	}
	return pieces, nil
}

// isElement reports whether a line is an address or a prefix, with a comma or without.
func isElement(line string) bool {
	text := strings.TrimSuffix(strings.TrimSpace(line), ",")
	_, prefixErr := netip.ParsePrefix(text)
	_, err := netip.ParseAddr(text)
	return prefixErr == nil || err == nil
}

// Join puts the elements of a piece, which the kernel holds in rs, to those that were
// gathered of its set. It reports false if an element of one overlaps one of the other:
// nft refuses such a set as a whole.
func (p Piece) Join(gathered map[string]netset.PrefixSet, rs Ruleset) bool {
	have, more := gathered[p.Set], rs.Prefixes[p.Set]
	gathered[p.Set] = have.Union(more)
	return !have.Overlaps(more)
}
