package nftables

import (
	"bytes"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/filter"
	"gatewright/templates"
)

// Sizes of pieces. A transaction in a user namespace is limited by the size of a
// socket's buffer, 208 KiB on Linux as it comes: 10,000 prefixes are too many. The
// sizes of what nft sends are estimates from above.
const (
	pieceElements = 1000       // prefixes, each of at most two elements of 90 bytes
	pieceSize     = 180 * 1000 // bytes

	ruleSize      = 1000
	elementSize   = 2 * 90
	statementSize = 200
)

// Pieces is an artefact in parts that are small enough for a transaction each.
type Pieces struct {
	// Frame are the statements in their order, without the elements of large sets and
	// maps.
	Frame [][]byte

	// Elements put a part of a large set's or map's elements in place of those that it
	// holds.
	Elements []Piece
}

// Piece is a part of the elements of a set or map.
type Piece struct {
	Set  string
	Text []byte
}

// pieceView is what templates/nftables/piece.nft.tmpl renders.
type pieceView struct {
	Kind     keyword // "set" or "map"
	Table    tableSpec
	Name     name
	Elements elements
}

// Split cuts an artefact into pieces, for engines that cannot load it whole. What is
// not as this package writes it stays in the frame.
func Split(text []byte) (Pieces, error) {
	var s splitter
	lines := strings.SplitAfter(string(text), "\n")
	for len(lines) > 0 {
		n := 1
		if strings.HasPrefix(lines[0], "\t") && strings.HasSuffix(lines[0], " {\n") {
			for n < len(lines) && lines[n-1] != "\t}\n" {
				n++
			}
		}
		if err := s.add(lines[:n]); err != nil {
			return Pieces{}, err
		}
		lines = lines[n:]
	}
	s.cut()
	return s.pieces, nil
}

// splitter gathers statements; open is the line that opened a table's block.
type splitter struct {
	pieces Pieces
	part   []byte
	size   int
	open   string
}

func (s *splitter) add(statement []string) error {
	first := statement[0]
	switch {
	case strings.HasPrefix(first, "table ") && strings.HasSuffix(first, " {\n"):
		s.open = first
	case first == "}\n":
		s.open = ""
	case s.size > pieceSize:
		s.cut()
	}
	if len(statement) > 1 && s.open != "" {
		var err error
		if statement, err = s.takeElements(statement); err != nil {
			return err
		}
	}
	s.part = append(s.part, strings.Join(statement, "")...)
	s.size += sizeOf(statement)
	return nil
}

// cut ends a part of the frame, within a table's block if need be.
func (s *splitter) cut() {
	if s.open != "" {
		s.part = append(s.part, "}\n"...)
	}
	s.pieces.Frame = append(s.pieces.Frame, s.part)
	s.part, s.size = []byte(s.open), 0
}

// sizeOf estimates what nft sends for a statement.
func sizeOf(statement []string) int {
	size := 0
	for _, line := range statement {
		switch {
		case strings.HasPrefix(line, "\t\t\t"):
			size += elementSize
		case strings.HasPrefix(line, "\t\t"):
			size += ruleSize
		case strings.TrimSpace(line) != "" && line[0] != '#':
			size += statementSize
		}
	}
	return size
}

// takeElements returns a set or map without its elements if they are more than one
// piece holds, which go into pieces of their own.
func (s *splitter) takeElements(statement []string) ([]string, error) {
	words := strings.Fields(statement[0])
	from := slices.Index(statement, "\t\telements = {\n")
	to := slices.Index(statement, "\t\t}\n")
	if from < 0 || to-from <= pieceElements || words[0] != "set" && words[0] != "map" {
		return statement, nil
	}
	list := slices.DeleteFunc(slices.Clone(statement[from+1:to]), func(line string) bool { return strings.HasPrefix(line, "\t\t\t#") })
	table := strings.TrimSuffix(strings.TrimPrefix(s.open, "table "), " {\n")
	for part := range slices.Chunk(list, pieceElements) {
		text, err := templates.Execute("nftables/piece.nft.tmpl", pieceView{
			Kind: keyword(words[0]), Table: tableSpec(table), Name: name(words[1]),
			Elements: elements(bytes.TrimSpace([]byte(strings.Join(part, "")))),
		})
		if err != nil {
			return nil, err
		}
		s.pieces.Elements = append(s.pieces.Elements, Piece{words[1], text})
	}
	return append(slices.Clone(statement[:from]), statement[to+1:]...), nil
}

// Join puts the elements of a piece, which the kernel holds, to those that were
// gathered of its set or map. It reports false if an element of one overlaps one of the
// other: nft refuses such a set as a whole.
func (p Piece) Join(gathered, held *filter.Ruleset) bool {
	if more, ok := held.Set(p.Set); ok {
		have, ok := gathered.Set(p.Set)
		if !ok {
			gathered.Sets = append(gathered.Sets, *more)
			gathered.Sort()
			return true
		}
		disjoint := !have.Prefixes.Overlaps(more.Prefixes)
		have.Prefixes = have.Prefixes.Union(more.Prefixes)
		return disjoint
	}
	more, ok := held.Map(p.Set)
	if !ok {
		return false
	}
	have, ok := gathered.Map(p.Set)
	if !ok {
		gathered.Maps = append(gathered.Maps, *more)
		gathered.Sort()
		return true
	}
	return joinElements(have, more)
}

// joinElements adds the elements of a map to another's.
func joinElements(have, more *filter.Map) bool {
	disjoint := !allOf(have).Overlaps(allOf(more))
	for _, e := range more.Elements {
		i := slices.IndexFunc(have.Elements, func(h filter.Element) bool { return h.Chain == e.Chain })
		if i < 0 {
			have.Elements = append(have.Elements, e)
			continue
		}
		have.Elements[i].Prefixes = have.Elements[i].Prefixes.Union(e.Prefixes)
	}
	return disjoint
}

func allOf(m *filter.Map) netset.PrefixSet {
	var b netset.PrefixBuilder
	for _, e := range m.Elements {
		b.AddSet(e.Prefixes)
	}
	return b.Build()
}
