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

// step is what a message of a batch does.
type step struct {
	text   string // "add chain gatewright_x"
	object string // of a chain, set or counter that is removed: it is kept if others use it
	part   any    // the rule or the set that comes: a restore leaves it out if it has to
}

// Commit makes all changes or none. ErrLeft means that this failed. An object that
// should be removed but is still used by rules that are not ours stays, without our
// rules and elements. Its name is returned. The objects that Stays returns stay, too.
func (c *Conn) Commit(changes *Changes) (kept []string, err error) {
	prepare, change, clear := changes.steps()
	gen := changes.Have.gen
	prepared, err := c.commitStep(prepare, gen)
	if err != nil {
		return nil, c.takeBack(changes.none(), err)
	}
	if prepared {
		gen = following(gen)
	}
	changed, err := c.commitStep(change, gen)
	if err != nil {
		return nil, c.takeBack(prepare, err)
	}
	// Nothing of it decides about a packet, and others may have changed theirs.
	if _, err := c.commitStep(clear, 0); err != nil && !prepared && !changed {
		return nil, c.takeBack(changes.none(), err)
	} else if err != nil {
		changes.stays, changes.staysFor = clear, err
	}
	return changes.sorted(), nil
}

// following is the generation after one. None has the number 0, which stands for any.
func following(gen uint32) uint32 {
	if gen == 0 {
		return 0
	}
	return max(gen+1, 1)
}

// unknownError says that a transaction was sent, and not what became of it.
type unknownError struct{ error }

func (e unknownError) Unwrap() error { return e.error }

// takeBack removes what was made first, because of an error; but not where the change
// may have been made, which would need it.
func (c *Conn) takeBack(prepare *Changes, err error) error {
	if errors.As(err, new(unknownError)) {
		return fmt.Errorf("%w; %w", err, ErrLeft)
	}
	if _, failed := c.commitStep(prepare.inverse(), 0); failed != nil {
		return fmt.Errorf("%w; %w: %w", err, ErrLeft, failed)
	}
	return err
}

// Restore is Commit that leaves out rules and sets that the kernel does not take again.
// It returns them, and what had to be kept, as text.
func (c *Conn) Restore(changes *Changes) (other []string, err error) {
	changes.left = map[any]string{}
	kept, err := c.Commit(changes)
	for _, name := range kept {
		other = append(other, name+", which others use, stays")
	}
	return append(other, slices.Sorted(maps.Values(changes.left))...), err
}

// commitStep makes changes in one transaction, and reports whether there were any:
// older kernels do not acknowledge one of nothing, and none counts it.
func (c *Conn) commitStep(changes *Changes, gen uint32) (made bool, err error) {
	for {
		var b writer
		b.write(changes, gen)
		if b.isEmpty() {
			return false, nil
		}
		a, err := c.transact(&b)
		if err != nil {
			return false, err
		}
		if a.passing || len(a.busy)+len(a.refused) == 0 {
			err = errors.Join(a.errs...)
			return err == nil, err
		}
		for _, object := range a.busy {
			if !changes.keep(object) {
				return false, fmt.Errorf("%s is in use", object)
			}
		}
		maps.Copy(changes.left, a.refused)
		if len(a.refused) == 0 && len(a.errs) > 0 {
			return false, errors.Join(a.errs...)
		}
	}
}

// answer is what became of a batch.
type answer struct {
	busy         []string       // what could not be removed because it is in use
	refused      map[any]string // what a restore can leave out, by step.part
	errs         []error        // which may follow from what was refused
	passing      bool           // one of them says nothing about what was to be made
	acknowledged bool
}

// passingErrors are of the machine and of this process, at this time.
var passingErrors = []syscall.Errno{syscall.ENOMEM, syscall.ENOBUFS, syscall.ENFILE, syscall.EPERM, syscall.EINTR, syscall.EAGAIN}

func (a *answer) take(m message, s step, leaves bool) {
	switch {
	case m.kind != syscall.NLMSG_ERROR:
	case m.errno == 0:
		a.acknowledged = true
	case m.errno == errRestart:
		a.errs = append(a.errs, ErrChanged)
	case m.errno == syscall.EBUSY && s.object != "":
		a.busy = append(a.busy, s.object)
	case s.part != nil && leaves && !slices.Contains(passingErrors, m.errno):
		a.refused[s.part] = fmt.Sprintf("%s: %v", s.text, m.errno)
	default:
		a.errs = append(a.errs, fmt.Errorf("%s: %w", s.text, m.errno))
		a.passing = a.passing || slices.Contains(passingErrors, m.errno)
	}
}

// transact sends a batch and reads what became of it.
func (c *Conn) transact(b *writer) (a answer, err error) {
	if len(b.data) > queueSize {
		if err := c.socket.SetWriteBuffer(len(b.data) + len(b.data)/8); err != nil {
			return a, err
		}
	}
	err = c.send(b.data)
	if errors.Is(err, syscall.EMSGSIZE) {
		return a, fmt.Errorf("the kernel does not accept a transaction of %d MiB from this user: %w; run this as root of the machine, not of a container or namespace", len(b.data)>>20, err)
	}
	if err != nil {
		return a, err
	}
	if a, err = c.outcome(b); err != nil {
		err = unknownError{err}
	}
	return a, err
}

// outcome reads what became of a batch. The kernel answers before the sending returns.
func (c *Conn) outcome(b *writer) (answer, error) {
	a := answer{refused: map[any]string{}}
	for wait := true; ; wait = false {
		data, err := c.receive(wait)
		if errors.Is(err, syscall.ENOBUFS) {
			return a, fmt.Errorf("the kernel's answer is lost: %w", err)
		}
		if err == nil && len(data) == 0 && len(a.errs)+len(a.busy)+len(a.refused) == 0 && !a.acknowledged {
			err = errors.New("the kernel does not answer")
		}
		if err != nil || len(data) == 0 {
			return a, err
		}
		err = eachMessage(data, func(m message) { a.take(m, b.stepAt(m.seq), b.left != nil) })
		if err != nil {
			return a, err
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
	left   map[any]string
}

// isEmpty reports whether a transaction changes nothing.
func (w *writer) isEmpty() bool { return w.last == 0 }

// isLeft reports whether a rule or a set is left out.
func (w *writer) isLeft(part any) bool { return w.left[part] != "" }

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
	w.kept, w.left = c.kept, c.left
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
			if e.new != nil && !w.isLeft(e.new) {
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
		if c.undoes {
			w.message(msgDelRule, 0, step{text: "delete the rules of chain " + one.have.Name}, func() {
				w.string(ruleTable, w.table)
				w.string(ruleChain, one.have.Name)
			})
		}
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
	if c.untable {
		w.removeEmptyTable()
	}
}

// removeEmptyTable removes the table unless somebody has put something into it.
func (w *writer) removeEmptyTable() {
	const notRecursive = 0x100 // NLM_F_NONREC
	if object := "table " + w.table; !w.kept[object] {
		w.message(msgDelTable, notRecursive, step{text: "delete " + object, object: object}, func() { w.string(tableNameAttr, w.table) })
	}
}

// remove removes an object that goes, unless it is kept.
func (w *writer) remove(kind uint16, object string, f func()) {
	if !w.kept[object] {
		w.message(kind, 0, step{text: "delete " + object, object: object}, f)
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
