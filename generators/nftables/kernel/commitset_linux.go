package kernel

import (
	"encoding/binary"
	"maps"
	"slices"
)

// changeSets removes elements and sets before it adds others: intervals may not
// overlap.
func (w *writer) changeSets(c *Changes) {
	for _, one := range c.sets {
		switch {
		case one.replaced || one.want == nil:
			if w.kept[one.have.kind()+" "+one.have.Name] {
				w.writeElements(msgDelElement, one.have, one.have.Elements, 0, nil)
				continue
			}
			w.remove(msgDelSet, one.have.kind()+" "+one.have.Name, func() {
				w.string(setTable, w.table)
				w.string(setName, one.have.Name)
			})
		case len(one.del) > 0:
			w.writeElements(msgDelElement, one.have, one.del, 0, nil)
		}
	}
	for _, one := range c.sets {
		if one.want == nil || w.isLeft(one.want) {
			continue
		}
		if one.have == nil || one.replaced {
			w.addSet(one.want, one.want)
		}
		w.writeElements(msgNewElement, one.want, one.add, 0, one.want)
	}
}

// addSet declares a set and, of one that is kept as it is, adds its elements. part is
// what has to be left out without it.
func (w *writer) addSet(s *set, part any) (id uint32) {
	w.ids++
	w.message(msgNewSet, create, step{text: "add set " + s.Name, part: part}, func() {
		w.string(setTable, w.table)
		w.string(setName, s.Name)
		w.number(setFlags, s.Spec.Flags)
		w.number(setKeyType, s.Spec.KeyType)
		w.number(setKeySize, s.Spec.KeySize)
		if s.Spec.Flags&flagMap != 0 {
			w.number(setDataType, s.Spec.DataType)
		}
		w.number(setID, w.ids)
		w.data = append(w.data, s.Spec.More...)
	})
	w.writeRaw(s, w.ids, part)
	return w.ids
}

// writeElements writes elements in as many messages as it takes.
func (w *writer) writeElements(kind uint16, s *set, list elements, id uint32, part any) {
	const most = 512 // bytes of one element
	for len(list) > 0 {
		w.elementsMessage(kind, s.Name, id, part, func() {
			for start := len(w.data); len(list) > 0 && len(w.data)-start < mostElements-most; list = list[1:] {
				w.element(kind, s, list[0])
			}
		})
	}
}

func (w *writer) elementsMessage(kind uint16, name string, id uint32, part any, f func()) {
	flags, verb := uint16(0), "delete"
	if kind == msgNewElement {
		flags, verb = create, "add"
	}
	w.message(kind, flags, step{text: verb + " elements of " + name, part: part}, func() {
		w.string(elementsTable, w.table)
		w.string(elementsSet, name)
		if id != 0 {
			w.number(elementsSetID, id)
		}
		w.beginList(elementsList)
		f()
		w.endList()
	})
}

// element writes an interval: where it starts, with its verdict unless it is to be
// removed, and one after its end. The last interval has no end.
func (w *writer) element(kind uint16, s *set, e element) {
	w.beginList(listElement)
	if e.isEverythingElse() {
		w.number(elementFlags, flagCatchAll)
	} else {
		w.value(e.First, s)
	}
	if kind == msgNewElement {
		if e.Target >= 0 {
			w.target(s.Targets[e.Target])
		}
		w.data = append(w.data, s.Notes[e.First]...)
	}
	w.endList()
	if s.Spec.Flags&flagInterval == 0 || e.isEverythingElse() || e.Last == greatest(s.Spec.KeySize) {
		return
	}
	w.key(e.Last.next(), flagIntervalEnd, s)
}

// key writes an element that is no more than its value.
func (b *batch) key(n number, flags uint32, s *set) {
	b.beginList(listElement)
	if flags != flagCatchAll {
		b.value(n, s)
	}
	if flags != 0 {
		b.number(elementFlags, flags)
	}
	b.endList()
}

func (b *batch) value(n number, s *set) {
	b.beginList(elementKey)
	var buffer [net6]byte
	b.bytes(dataValue, n.append(buffer[:0], s.Spec.KeySize))
	b.endList()
}

// target writes a verdict of verdictWords and its chain.
func (w *writer) target(t string) {
	code, chain := verdictOf(t)
	w.beginList(elementVerdict)
	w.beginList(dataVerdict)
	w.number(verdictCode, uint32(code))
	if chain != "" {
		w.string(verdictChain, chain)
	}
	w.endList()
	w.endList()
}

// writeRaw writes elements that are kept as they are.
func (w *writer) writeRaw(s *set, id uint32, part any) {
	for list := s.Raw; len(list) > 0; {
		w.elementsMessage(msgNewElement, s.Name, id, part, func() {
			for start := len(w.data); len(list) > 0 && (len(w.data) == start || len(w.data)-start+len(list[0]) < mostElements); list = list[1:] {
				w.bytes(listElement|nested, list[0])
			}
		})
	}
}

// anonymous is the name of a set for which the kernel finds one.
const anonymous = "__set%d"

// addRule adds a rule in its place, with its sets that have no names of their own.
func (w *writer) addRule(chain string, e edit) {
	ids := map[string]uint32{}
	for _, name := range slices.Sorted(maps.Keys(e.new.Sets)) {
		s := *e.new.Sets[name]
		s.Name = anonymous
		ids[name] = w.addSet(&s, e.new)
		w.writeElements(msgNewElement, &s, s.Elements, ids[name], e.new)
	}
	flags := uint16(create)
	if e.before == nil {
		flags |= atEnd
	}
	w.message(msgNewRule, flags, step{text: "add a rule of chain " + chain, part: e.new}, func() {
		w.string(ruleTable, w.table)
		w.string(ruleChain, chain)
		w.beginList(ruleExpressions)
		for _, x := range e.new.Expressions {
			w.expression(x, ids)
		}
		w.endList()
		if e.before != nil {
			w.number64(rulePosition, e.before.handle)
		}
		if len(e.new.UserData) > 0 {
			w.bytes(ruleUserData, e.new.UserData)
		}
	})
}

// expression writes an expression; a set without a name of its own is told by its id.
func (w *writer) expression(x expression, ids map[string]uint32) {
	data, refers := x.Data, setReferences[x.Name]
	if attrs, err := attributesOf(data); err == nil && refers.name > 0 && ids[text(attrs[refers.name])] > 0 {
		id := ids[text(attrs[refers.name])]
		data = appendAttribute(nil, refers.id, binary.BigEndian.AppendUint32(nil, id))
		for _, kind := range slices.Sorted(maps.Keys(attrs)) {
			switch kind {
			case refers.id:
			case refers.name:
				data = appendAttribute(data, kind, append([]byte(anonymous), 0))
			default:
				data = appendAttribute(data, kind, attrs[kind])
			}
		}
	}
	w.beginList(listElement)
	w.string(expressionName, x.Name)
	w.bytes(expressionData|nested, data)
	w.endList()
}
