package kernel

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"syscall"
)

// bound is where an interval starts, or the first value after it.
type bound struct {
	number
	target int32
	flags  uint32
}

func (b bound) isEnd() bool { return b.flags&flagIntervalEnd != 0 }

// readSet reads the elements of a set. If one of a set of ours cannot be read, all are
// kept as they are.
func (r *tableReader) readSet(s *set) error {
	if r.readByKey(s) {
		return nil
	}
	s.clear()
	d := elementReader{set: s, known: s.Spec.isKnown(), targets: map[string]int32{}}
	err := r.dumpElements(s, d.take)
	if err == nil && d.known {
		err = d.finish()
	}
	if errors.Is(err, errElement) {
		s.clear()
		err = r.dumpElements(s, (&elementReader{set: s}).take)
	}
	return err
}

func (s *set) clear() { s.Elements, s.Targets, s.Notes = nil, nil, nil }

// errElement says that an element is not of a form that is known.
var errElement = errors.New("an element that cannot be read")

// dumpElements calls f with each element of a set.
func (r *tableReader) dumpElements(s *set, f func([]byte) error) error {
	return r.askElements(s, syscall.NLM_F_DUMP, nil, f)
}

// askElements asks for elements of a set, and calls f with each that the kernel
// answers.
func (r *tableReader) askElements(s *set, flags uint16, which []byte, f func([]byte) error) error {
	request := appendAttribute(nil, elementsTable, append([]byte(r.name), 0))
	request = appendAttribute(request, elementsSet, append([]byte(s.Name), 0))
	request = append(request, which...)
	return r.ask(msgGetElement, flags, r.family, request, func(m message) error {
		return attributes(m.data, func(kind uint16, value []byte) error {
			if kind != elementsList {
				return nil
			}
			return attributes(value, func(_ uint16, value []byte) error { return f(value) })
		})
	})
}

// elementReader puts the elements of one set together.
type elementReader struct {
	*set
	known   bool
	bounds  []bound
	targets map[string]int32
	key     []byte // of targets
}

// take reads one element of the kernel's.
func (d *elementReader) take(data []byte) error {
	if !d.known {
		d.Raw = append(d.Raw, slices.Clone(data))
		return nil
	}
	b := bound{target: -1}
	var notes []byte
	size := 0
	err := attributes(data, func(kind uint16, value []byte) error {
		switch kind {
		case elementKey:
			return attributes(value, func(_ uint16, value []byte) error {
				b.number, size = numberOf(value), len(value)
				return nil
			})
		case elementFlags:
			if len(value) == 4 {
				b.flags = binary.BigEndian.Uint32(value)
			}
		case elementVerdict:
			return d.verdict(value, &b)
		case elementPad:
		default:
			notes = appendAttribute(notes, kind, value)
		}
		return nil
	})
	switch {
	case err == nil && b.flags == flagCatchAll && size == 0:
		b.number = everythingElse(0).First
	case err != nil || b.flags&^flagIntervalEnd != 0 || size != int(d.Spec.KeySize):
		return errElement
	}
	if notes != nil {
		if d.Notes == nil {
			d.Notes = map[number][]byte{}
		}
		d.Notes[b.number] = notes
	}
	d.bounds = append(d.bounds, b)
	return nil
}

// verdict reads what an element of a map decides.
func (d *elementReader) verdict(data []byte, b *bound) error {
	code, chain := int32(0), []byte(nil)
	err := attributes(data, func(kind uint16, value []byte) error {
		if kind != dataVerdict {
			return nil
		}
		return attributes(value, func(kind uint16, value []byte) error {
			switch {
			case kind == verdictCode && len(value) == 4:
				code = int32(binary.BigEndian.Uint32(value))
			case kind == verdictChain && len(value) > 0:
				chain = value[:len(value)-1]
			}
			return nil
		})
	})
	d.key = append(append(d.key[:0], verdictWords[code]...), chain...)
	at, known := d.targets[string(d.key)]
	if !known {
		at = int32(len(d.Targets))
		d.targets[string(d.key)] = at
		d.Targets = append(d.Targets, string(d.key))
	}
	b.target = at
	return err
}

// verdictWords are the verdicts of nf_tables.h and netfilter.h that a map can hold.
var verdictWords = map[int32]string{dropCode: "drop", acceptCode: "accept", 3: "queue", -1: "continue", -2: "break", -5: "return", jumpCode: "jump ", gotoCode: "goto "}

// verdictOf reads what verdict writes.
func verdictOf(target string) (code int32, chain string) {
	for code, word := range verdictWords {
		if target == word {
			return code, ""
		}
		if chain, ok := strings.CutPrefix(target, word); ok && strings.HasSuffix(word, " ") {
			return code, chain
		}
	}
	return 0, ""
}

// finish makes intervals of bounds. The kernel keeps an interval as an element where it
// starts and one after its end, which is marked; the last interval may have no end.
func (d *elementReader) finish() error {
	order := func(a, b bound) int {
		if c := a.compare(b.number); c != 0 || a.flags == b.flags {
			return c
		}
		if a.isEnd() || b.flags == flagCatchAll {
			return -1
		}
		return 1
	}
	if n := len(d.bounds); n > 1 && order(d.bounds[0], d.bounds[n-1]) > 0 {
		slices.Reverse(d.bounds)
	}
	if !slices.IsSortedFunc(d.bounds, order) {
		slices.SortFunc(d.bounds, order)
	}
	intervals := d.Spec.Flags&flagInterval != 0
	d.Elements = make(elements, 0, len(d.bounds))
	open := false
	for _, b := range d.bounds {
		last := len(d.Elements) - 1
		switch {
		case b.flags == flagCatchAll:
			d.Elements = append(d.Elements, everythingElse(b.target))
		case !intervals:
			d.Elements = append(d.Elements, element{b.number, b.number, b.target})
		case b.isEnd() && open:
			d.Elements[last].Last, open = b.before(), false
		case b.isEnd(): // before the first interval
		case open:
			return errElement // an interval without an end
		default:
			d.Elements, open = append(d.Elements, element{b.number, greatest(d.Spec.KeySize), b.target}), true
		}
	}
	d.bounds = nil
	return nil
}
