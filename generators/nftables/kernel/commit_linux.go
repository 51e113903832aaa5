package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"syscall"
)

// Numbers of netlink messages that change something.
const (
	create = 0x400 // NLM_F_CREATE
	atEnd  = 0x800 // NLM_F_APPEND
	ack    = 0x4   // NLM_F_ACK

	// mostElements bounds the elements of a message in bytes: a list of them is an
	// attribute, whose size the kernel keeps in 16 bits.
	mostElements = 60 << 10
)

// errno of linux/errno.h that a batch has for rules of another generation.
const errRestart = syscall.Errno(85)

// ErrChanged says that somebody else changed rules since they were read. Nothing was
// changed.
var ErrChanged = errors.New("the rules in the kernel changed meanwhile")

// step is what a message of a batch does.
type step struct {
	text   string // "add chain gatewright_x"
	object string // of a chain, set or counter that is removed: it is kept if others use it
}

// Commit makes the changes, all or none of them, in one transaction. What goes and is
// still used by rules that are not ours stays, without rules or elements of ours, and is
// returned by name.
func (c *Conn) Commit(changes *Changes) (kept []string, err error) {
	for {
		var b writer
		b.write(changes)
		busy, err := c.transact(&b)
		if err != nil || len(busy) == 0 {
			return changes.sorted(), err
		}
		for _, object := range busy {
			if changes.kept[object] {
				return nil, fmt.Errorf("%s is in use", object)
			}
			changes.kept[object] = true
		}
	}
}

// transact sends a batch and reads what became of it: what could not be removed because
// it is in use, or an error. The kernel answers before it returns.
func (c *Conn) transact(b *writer) (busy []string, err error) {
	if len(b.data) > queueSize {
		if err := c.socket.SetWriteBuffer(len(b.data) + len(b.data)/8); err != nil {
			return nil, err
		}
	}
	err = c.send(b.data)
	if errors.Is(err, syscall.EMSGSIZE) {
		return nil, fmt.Errorf("the kernel takes no transaction of %d MiB from this user: %w; run this as root of the machine", len(b.data)>>20, err)
	}
	if err != nil {
		return nil, err
	}
	var errs []error
	acknowledged := false
	for wait := true; ; wait = false {
		data, err := c.receive(wait)
		if errors.Is(err, syscall.ENOBUFS) {
			return nil, fmt.Errorf("the kernel's answer is lost: %w", err)
		}
		if err != nil || len(data) == 0 {
			if err == nil && len(errs)+len(busy) == 0 && !acknowledged {
				err = errors.New("the kernel does not answer")
			}
			return busy, errors.Join(append(errs, err)...)
		}
		err = eachMessage(data, func(m message) {
			s := b.stepAt(m.seq)
			switch {
			case m.kind != syscall.NLMSG_ERROR:
			case m.errno == 0:
				acknowledged = true
			case m.errno == errRestart:
				errs = append(errs, ErrChanged)
			case m.errno == syscall.EBUSY && s.object != "":
				busy = append(busy, s.object)
			default:
				errs = append(errs, fmt.Errorf("%s: %w", s.text, m.errno))
			}
		})
		if err != nil {
			return nil, err
		}
	}
}

// writer writes the messages of a transaction.
type writer struct {
	batch
	family byte
	table  string
	ids    uint32 // of sets
	last   int    // where the last message starts, which the kernel acknowledges
	kept   map[string]bool
}

func (w *writer) stepAt(seq uint32) step {
	if int(seq) < len(w.steps) {
		return w.steps[seq]
	}
	return step{text: "the transaction"}
}

// message writes a message of the table.
func (w *writer) message(kind, flags uint16, s step, f func()) {
	w.last = len(w.data)
	w.steps = append(w.steps, s)
	w.begin(kind, syscall.NLM_F_REQUEST|flags, w.family)
	f()
	w.end()
}

// write writes everything: first what others refer to, rules last; and what goes in the
// opposite order.
func (w *writer) write(c *Changes) {
	w.family, w.table = familyAndName(c.Want.Name)
	w.kept = c.kept
	w.steps = append(w.steps, step{text: "the transaction"})
	w.beginRaw(msgBatchBegin, syscall.NLM_F_REQUEST, 0, subsystemNFTables)
	w.number(batchGeneration, c.Have.gen)
	w.end()
	if c.Have.Missing || c.Have.Flags != c.Want.Flags {
		w.addTable(c.Want.Flags)
	}
	w.removeRules(c)
	for _, one := range c.chains {
		if one.replaced {
			w.removeChain(one.have)
		}
	}
	for _, one := range c.chains {
		if one.want != nil && (one.have == nil || one.replaced || one.newPolicy()) {
			w.addChain(one.want)
		}
	}
	for _, name := range c.counters.add {
		w.addCounter(name)
	}
	w.changeSets(c)
	for _, one := range c.chains {
		for _, e := range one.edits {
			if e.new != nil {
				w.addRule(one.want.Name, e)
			}
		}
	}
	w.removeObjects(c)
	binary.NativeEndian.PutUint16(w.data[w.last+6:], syscall.NLM_F_REQUEST|ack|binary.NativeEndian.Uint16(w.data[w.last+6:]))
	w.beginRaw(msgBatchEnd, syscall.NLM_F_REQUEST, 0, subsystemNFTables)
	w.end()
}

func (w *writer) addTable(flags uint32) {
	w.message(msgNewTable, create, step{text: "add table " + w.table}, func() {
		w.string(tableNameAttr, w.table)
		w.number(tableFlagsAttr, flags)
	})
}

func (w *writer) removeRules(c *Changes) {
	for _, one := range c.chains {
		for _, e := range one.edits {
			if e.gone == nil {
				continue
			}
			w.message(msgDelRule, 0, step{text: "delete a rule of chain " + one.have.Name}, func() {
				w.string(ruleTable, w.table)
				w.string(ruleChain, one.have.Name)
				w.number64(ruleHandle, e.gone.handle)
			})
		}
	}
}

// removeObjects removes chains and counters that go, but those that are kept. Sets are
// gone by then.
func (w *writer) removeObjects(c *Changes) {
	for _, one := range c.chains {
		if one.want == nil {
			w.removeChain(one.have)
		}
	}
	for _, name := range c.counters.del {
		w.remove(msgDelObject, "counter "+name, func() {
			w.string(objectTable, w.table)
			w.string(objectName, name)
			w.number(objectType, objectCounter)
		})
	}
}

// remove removes an object that goes, unless it is kept.
func (w *writer) remove(kind uint16, object string, f func()) {
	if !w.kept[object] {
		w.message(kind, 0, step{"delete " + object, object}, f)
	}
}

func (w *writer) removeChain(c *chain) {
	w.remove(msgDelChain, "chain "+c.Name, func() {
		w.string(chainTable, w.table)
		w.string(chainName, c.Name)
	})
}

func (w *writer) addChain(c *chain) {
	w.message(msgNewChain, create, step{text: "add chain " + c.Name}, func() {
		w.string(chainTable, w.table)
		w.string(chainName, c.Name)
		if c.Hook == nil {
			return
		}
		w.beginList(chainHook)
		w.number(hookNumber, c.Hook.Number)
		w.number(hookPriority, uint32(c.Hook.Priority))
		w.data = append(w.data, c.Hook.More...)
		w.endList()
		w.number(chainPolicy, c.Hook.Policy)
		w.string(chainType, c.Hook.Kind)
	})
}

func (w *writer) addCounter(name string) {
	w.message(msgNewObject, create, step{text: "add counter " + name}, func() {
		w.string(objectTable, w.table)
		w.string(objectName, name)
		w.number(objectType, objectCounter)
		w.beginList(objectData)
		w.number64(counterBytes, 0)
		w.number64(counterPackets, 0)
		w.endList()
	})
}

const counterBytes, counterPackets = 1, 2

// changeSets removes elements and sets before it adds others: intervals may not overlap.
func (w *writer) changeSets(c *Changes) {
	for _, one := range c.sets {
		switch {
		case one.replaced || one.want == nil:
			if w.kept["set "+one.have.Name] {
				w.writeElements(msgDelElement, one.have, one.have.Elements, 0)
				continue
			}
			w.remove(msgDelSet, "set "+one.have.Name, func() {
				w.string(setTable, w.table)
				w.string(setName, one.have.Name)
			})
		case len(one.del) > 0:
			w.writeElements(msgDelElement, one.have, one.del, 0)
		}
	}
	for _, one := range c.sets {
		if one.want == nil {
			continue
		}
		if one.have == nil || one.replaced {
			w.addSet(one.want)
		}
		w.writeElements(msgNewElement, one.want, one.add, 0)
	}
}

// addSet declares a set and, of one that is kept as it is, adds its elements.
func (w *writer) addSet(s *set) (id uint32) {
	w.ids++
	w.message(msgNewSet, create, step{text: "add set " + s.Name}, func() {
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
	w.writeRaw(s, w.ids)
	return w.ids
}

// writeElements writes elements in as many messages as it takes.
func (w *writer) writeElements(kind uint16, s *set, list elements, id uint32) {
	const most = 512 // bytes of one element
	for len(list) > 0 {
		w.elementsMessage(kind, s.Name, id, func() {
			for start := len(w.data); len(list) > 0 && len(w.data)-start < mostElements-most; list = list[1:] {
				w.element(kind, s, list[0])
			}
		})
	}
}

func (w *writer) elementsMessage(kind uint16, name string, id uint32, f func()) {
	flags, verb := uint16(0), "delete"
	if kind == msgNewElement {
		flags, verb = create, "add"
	}
	w.message(kind, flags, step{text: verb + " elements of " + name}, func() {
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
	w.value(e.First, s)
	if kind == msgNewElement {
		if e.Target >= 0 {
			w.target(s.Targets[e.Target])
		}
		w.data = append(w.data, s.Notes[e.First]...)
	}
	w.endList()
	if s.Spec.Flags&flagInterval == 0 || e.Last == greatest(s.Spec.KeySize) {
		return
	}
	w.beginList(listElement)
	w.value(e.Last.next(), s)
	w.number(elementFlags, flagIntervalEnd)
	w.endList()
}

func (w *writer) value(n number, s *set) {
	w.beginList(elementKey)
	var buffer [net6]byte
	w.bytes(dataValue, n.append(buffer[:0], s.Spec.KeySize))
	w.endList()
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
func (w *writer) writeRaw(s *set, id uint32) {
	for list := s.Raw; len(list) > 0; {
		w.elementsMessage(msgNewElement, s.Name, id, func() {
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
		ids[name] = w.addSet(&s)
		w.writeElements(msgNewElement, &s, s.Elements, ids[name])
	}
	flags := uint16(create)
	if e.before == nil {
		flags |= atEnd
	}
	w.message(msgNewRule, flags, step{text: "add a rule of chain " + chain}, func() {
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
	data := x.Data
	if attrs, err := attributesOf(data); err == nil && x.Name == "lookup" && ids[text(attrs[lookupSet])] > 0 {
		id := ids[text(attrs[lookupSet])]
		data = appendAttribute(nil, lookupSetID, binary.BigEndian.AppendUint32(nil, id))
		for _, kind := range slices.Sorted(maps.Keys(attrs)) {
			switch kind {
			case lookupSetID:
			case lookupSet:
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
