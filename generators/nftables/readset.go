package nftables

import (
	"errors"
	"strings"

	"gatewright/generators/artefact"
	"gatewright/generators/filter"
)

// takeSet reads a set or a map up to its closing brace.
func (r *reader) takeSet(kind, text string) error {
	if _, err := readName(text); err != nil {
		return err
	}
	if r.declared[text] > 0 {
		return errors.New("every set only once")
	}
	r.declared[text] = r.lines.At
	r.lines.Next()
	f, isMap, err := readSetType(r.lines.Line)
	if err == nil && isMap != (kind == "map") {
		err = errors.New("a map of verdicts, or a set")
	}
	if err != nil {
		return err
	}
	r.lines.Next()
	start := *r.lines
	words := make([]string, 0, countElements(start))
	for {
		word, ok := nextElement(r.lines)
		if !ok {
			break
		}
		words = append(words, word)
	}
	bad := 0
	if isMap {
		bad, err = r.addMap(text, f, words)
	} else {
		bad, err = r.addSet(text, f, words)
	}
	if err != nil && bad < len(words) {
		for range bad + 1 {
			nextElement(&start)
		}
		return start.Foreign(err)
	}
	return err
}

// nextElement goes to the next element of a set or a map, or to its closing brace.
func nextElement(lines *artefact.Lines) (word string, ok bool) {
	for lines.Next() && lines.Line != "\t\t}" {
		if word, ok = strings.CutPrefix(lines.Line, "\t\t\t"); ok && !strings.HasPrefix(word, "#") {
			return strings.TrimSuffix(word, ","), true
		}
	}
	return "", false
}

// countElements counts the elements that follow.
func countElements(lines artefact.Lines) (n int) {
	for {
		if _, ok := nextElement(&lines); !ok {
			return n
		}
		n++
	}
}

func (r *reader) addSet(text string, f filter.Family, words []string) (bad int, err error) {
	s := filter.Set{Name: text, Family: f}
	if f == filter.Both {
		s.Ports, bad, err = readPortList(words)
	} else {
		s.Prefixes, bad, err = readPrefixes(words, f)
	}
	if err == nil && len(words) == 0 {
		err = errors.New("an element")
	}
	r.held.Sets = append(r.held.Sets, s)
	r.listed[text] = [][]string{words}
	return bad, err
}

// addMap reads elements, those of a chain together.
func (r *reader) addMap(text string, f filter.Family, words []string) (bad int, err error) {
	m := filter.Map{Name: text, Family: f}
	var keys, all []string
	flush := func() {
		if len(keys) > 0 && err == nil {
			last := &m.Elements[len(m.Elements)-1]
			last.Prefixes, bad, err = readPrefixes(keys, f)
			bad += len(all) - len(keys)
			r.listed[text] = append(r.listed[text], keys)
			keys = nil
		}
	}
	for i, word := range words {
		key, chain, ok := strings.Cut(word, " : goto ")
		if _, known := r.chains[chain]; !ok || !known {
			return i, errors.New("an address and a chain of this file")
		}
		if n := len(m.Elements); n == 0 || m.Elements[n-1].Chain != chain {
			flush()
			m.Elements = append(m.Elements, filter.Element{Chain: chain})
		}
		keys, all = append(keys, key), append(all, key)
	}
	flush()
	if err == nil {
		_, bad, err = readPrefixes(all, f)
	}
	r.held.Maps = append(r.held.Maps, m)
	return bad, err
}
