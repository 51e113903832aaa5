package kernel

import (
	"errors"
	"slices"
	"syscall"
)

// A dump walks a set from its start for each message of 32 KiB, which takes the square
// of its size. A large set is asked instead for what it should hold.
const (
	fewestByKey = 300_000           // elements from which on that is faster; of a map, half as many
	answerSize  = 8 << 10           // more than an answer takes of the queue, in bytes
	mostByKey   = mostElements / 40 // questions of a request, each of 36 bytes at most
)

// measure finds out how many answers the queue has room for: the kernel gives all of
// them before the sending returns.
func (c *Conn) measure() error {
	size := 0
	var failed error
	err := c.raw.Control(func(fd uintptr) {
		size, failed = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
	})
	c.room = max(2, min(size/answerSize, mostByKey))
	return errors.Join(err, failed)
}

// readByKey reads a set by asking for what it should hold. It reports whether that is
// there and nothing else; if not, the set has to be dumped.
//
// Each interval is asked for by its last value, which finds where it starts and that
// nothing else does before its end. The kernel's count leaves one element open that is
// not asked for. Alone, it is an end that ends nothing, or starts an interval that
// lasts up to the next one, or for ever: then the last value of a gap is found.
func (r *tableReader) readByKey(s *set) bool {
	want := r.want.set(s.Name)
	if want == nil || !want.Spec.isKnown() || !want.Spec.sameAs(s.Spec) || len(want.intervals()) < len(want.Elements) {
		return false
	}
	n := want.size()
	worth := n
	if len(want.Targets) > 0 {
		worth *= 2
	}
	if worth < r.fewest || !s.counts(n) {
		return false
	}
	d := elementReader{set: s, known: true, targets: map[string]int32{}, bounds: make([]bound, 0, n)}
	if !r.takeEach(&d, want.Elements) || !r.findsNone(s, want.gaps()) {
		r.drain()
		return false
	}
	return d.finish() == nil
}

func (s *set) isInterval() bool { return s.Spec.Flags&flagInterval != 0 }

// size is how many elements the kernel has for a set: an interval is two, but for one
// that lasts up to the greatest value.
func (s *set) size() int {
	n := len(s.Elements)
	if !s.isInterval() || n == 0 {
		return n
	}
	if s.Elements[n-1].Last == greatest(s.Spec.KeySize) {
		return 2*n - 1
	}
	return 2 * n
}

// counts reports whether the kernel counts so many elements; of intervals it tells half
// of the number, rounded down.
func (s *set) counts(n int) bool {
	if s.isInterval() {
		n /= 2
	}
	return n > 0 && int(s.count) == n
}

// takeEach asks for the elements of intervals and takes the answers. It reports whether
// they are these.
func (r *tableReader) takeEach(d *elementReader, list elements) bool {
	var b batch
	var answers []bound
	for len(list) > 0 {
		n := min(r.room/2, len(list))
		before := len(d.bounds)
		b.data = b.data[:0]
		answers = d.questions(&b, list, n, answers[:0])
		err := r.askElements(d.set, ack, b.data, d.take)
		same := func(a, b bound) bool { return a.number == b.number && a.flags == b.flags }
		if err != nil || !slices.EqualFunc(d.bounds[before:], answers, same) {
			return false
		}
		list = list[n:]
	}
	return true
}

// questions asks for the first n intervals of a list, and appends the answers. Where
// one starts as another ends, the kernel may find either: the end is asked for by the
// value before.
func (s *set) questions(b *batch, list elements, n int, answers []bound) []bound {
	b.beginList(elementsList)
	for i, e := range list[:n] {
		b.key(e.Last, 0, s)
		answers = append(answers, bound{number: e.First})
		if !s.isInterval() || e.Last == greatest(s.Spec.KeySize) {
			continue
		}
		end := e.Last.next()
		answers = append(answers, bound{number: end, flags: flagIntervalEnd})
		if i+1 < len(list) && list[i+1].First == end {
			b.key(e.Last, flagIntervalEnd, s)
		} else {
			b.key(end, flagIntervalEnd, s)
		}
	}
	b.endList()
	return answers
}

// gaps are the last values before intervals that nothing holds, the greatest value
// likewise, and what the kernel does not count: an element for everything else.
func (s *set) gaps() (list []bound) {
	list = append(make([]bound, 0, len(s.Elements)+2), bound{flags: flagCatchAll})
	if !s.isInterval() {
		return list
	}
	free := number{} // up to the next interval
	for _, e := range s.Elements {
		if free != e.First {
			list = append(list, bound{number: e.First.before()})
		}
		free = e.Last.next()
	}
	if end := greatest(s.Spec.KeySize); s.Elements[len(s.Elements)-1].Last != end {
		list = append(list, bound{number: end})
	}
	return list
}

// findsNone asks for elements that are not there, each on its own, and reports whether
// that is so.
func (r *tableReader) findsNone(s *set, list []bound) bool {
	var b batch
	for some := range slices.Chunk(list, r.room) {
		b.data = b.data[:0]
		for _, one := range some {
			b.begin(msgGetElement, syscall.NLM_F_REQUEST|ack, r.family)
			b.string(elementsTable, r.name)
			b.string(elementsSet, s.Name)
			b.beginList(elementsList)
			b.key(one.number, one.flags, s)
			b.endList()
			b.end()
		}
		if !r.missAll(b.data, len(some)) {
			return false
		}
	}
	return true
}

// missAll sends n requests and reports whether none of them finds anything.
func (c *Conn) missAll(requests []byte, n int) bool {
	err := c.send(requests)
	for n > 0 && err == nil {
		var data []byte
		if data, err = c.receive(true); err != nil {
			return false
		}
		failed := eachMessage(data, func(m message) {
			if n--; m.kind != syscall.NLMSG_ERROR || m.errno != syscall.ENOENT {
				err = errElement
			}
		})
		err = errors.Join(err, failed)
	}
	return err == nil
}

// drain takes what is left of answers.
func (c *Conn) drain() {
	for data, err := c.receive(false); err == nil && len(data) > 0; {
		data, err = c.receive(false)
	}
}
