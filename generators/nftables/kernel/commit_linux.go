package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
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

// step is what a message of a batch does.
type step struct {
	text   string // "add chain gatewright_x"
	object string // of a chain, set or counter that is removed: it is kept if others use it
}

// Commit makes the changes, all or none of them, from one moment to the next. What goes
// and is still used by rules that are not ours stays, without rules or elements of ours,
// and is returned by name.
func (c *Conn) Commit(changes *Changes) (kept []string, err error) {
	gen := changes.Have.gen
	for _, one := range changes.steps() {
		if one.clears { // nothing that decides about a packet; others may have changed theirs
			gen = 0
		}
		if err := c.commitStep(one, gen); err != nil {
			return nil, err
		}
		if gen++; gen == 0 {
			gen = 1
		}
	}
	return changes.sorted(), nil
}

func (c *Conn) commitStep(changes *Changes, gen uint32) error {
	for {
		var b writer
		b.write(changes, gen)
		busy, err := c.transact(&b)
		if err != nil || len(busy) == 0 {
			return err
		}
		for _, object := range busy {
			if changes.kept[object] {
				return fmt.Errorf("%s is in use", object)
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
func (w *writer) write(c *Changes, gen uint32) {
	w.family, w.table = familyAndName(c.Want.Name)
	w.kept = c.kept
	w.steps = append(w.steps, step{text: "the transaction"})
	w.beginRaw(msgBatchBegin, syscall.NLM_F_REQUEST, 0, subsystemNFTables)
	if gen != 0 {
		w.number(batchGeneration, gen)
	}
	w.end()
	for _, name := range c.drops {
		w.dropTable(name)
	}
	if c.table {
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

// dropTable removes a table, which may be another one.
func (w *writer) dropTable(name string) {
	family, table := familyAndName(name)
	ours := w.family
	w.family = family
	w.message(msgDelTable, 0, step{text: "delete table " + name}, func() { w.string(tableNameAttr, table) })
	w.family = ours
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
