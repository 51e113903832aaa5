package kernel

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"syscall"
	"testing"

	"gatewright/generators/engine"
	"gatewright/generators/filter"
)

const testTable = "inet gatewright"

// connected is a machine of its own, and a socket there.
func connected(t *testing.T) (m *engine.Machine, c *Conn) {
	t.Helper()
	m, err := engine.NewMachine(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	if err := m.Do(func() error { c, err = Open(""); return err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return m, c
}

// twoChains is a base chain that leads to one of rules, of which it has so many.
func twoChains(t *testing.T, rules int) *Table {
	t.Helper()
	const led = "gatewright_out"
	base := filter.Chain{Name: "forward", Hook: &filter.Hook{Name: "forward", Policy: filter.Drop}, Rules: []filter.Rule{{Verdict: filter.Jump, Target: led}}}
	other := filter.Chain{Name: led}
	for range rules {
		other.Rules = append(other.Rules, filter.Rule{Verdict: filter.Accept})
	}
	want, err := Lower(testTable, filter.Ruleset{Chains: []filter.Chain{other, base}})
	if err != nil {
		t.Fatal(err)
	}
	return want
}

func verdictText(r filter.Rule) string { return string(r.Verdict) }

func (c *Conn) readAll(t *testing.T) *Table {
	t.Helper()
	have, err := c.Read(testTable, func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	return have
}

// meddled is a socket at which something happens before it is written, or after it is
// read, for the n-th time.
type meddled struct {
	syscall.RawConn
	write, read *meddling
}

type meddling struct {
	n       int
	happens func() error
}

func (m *meddling) next() error {
	if m == nil {
		return nil
	}
	if m.n--; m.n == 0 {
		return m.happens()
	}
	return nil
}

func (m meddled) Write(f func(uintptr) bool) error {
	if err := m.write.next(); err != nil {
		return err
	}
	return m.RawConn.Write(f)
}

func (m meddled) Read(f func(uintptr) bool) error {
	return errors.Join(m.RawConn.Read(f), m.read.next())
}

// TestLostAnswer holds that nothing is taken back of a change that may have been made,
// and was.
func TestLostAnswer(t *testing.T) {
	_, c := connected(t)
	want := twoChains(t, 3)
	raw, changes := c.raw, Compare(c.readAll(t), want)
	// The first two find out that what comes first was made.
	c.raw = meddled{RawConn: raw, read: &meddling{3, func() error { return syscall.ENOBUFS }}}
	_, err := c.Commit(changes)
	if c.raw = raw; !errors.Is(err, ErrLeft) || !errors.Is(err, syscall.ENOBUFS) {
		t.Errorf("error %v", err)
	}
	if left := Compare(c.readAll(t), want); !left.IsEmpty() {
		t.Errorf("there remains to be changed %+v", left.List(verdictText))
	}
}

// TestNothingIsTakenBackOfWhatOthersUse holds that a chain that somebody leads to keeps
// its rules where a change failed, and that this is told.
func TestNothingIsTakenBackOfWhatOthersUse(t *testing.T) {
	m, c := connected(t)
	want := twoChains(t, 3)
	raw, changes := c.raw, Compare(c.readAll(t), want)
	c.raw = meddled{RawConn: raw, write: &meddling{2, func() error {
		return m.LoadNFT([]byte("add chain " + testTable + " theirs\nadd rule " + testTable + " theirs jump gatewright_out\n"))
	}}}
	_, err := c.Commit(changes)
	if c.raw = raw; !errors.Is(err, ErrChanged) || !errors.Is(err, ErrLeft) || !strings.HasSuffix(err.Error(), ": chain gatewright_out is in use") {
		t.Errorf("error %v", err)
	}
	for _, chain := range c.readAll(t).Chains {
		if chain.Name == "gatewright_out" && len(chain.Rules) != 3 {
			t.Errorf("%d rules are left", len(chain.Rules))
		}
	}
}

// TestNothingIsSent holds that a transaction of nothing is not sent, which has no
// answer.
func TestNothingIsSent(t *testing.T) {
	bad := &set{Name: "bad"}
	c := &Changes{Have: &Table{Name: testTable}, Want: &Table{Name: testTable}, left: map[any]string{bad: "refused"}, sets: []setChange{{want: bad}}}
	if made, err := new(Conn).commitStep(c, 1); made || err != nil { // of no socket
		t.Errorf("%t, %v", made, err)
	}
}

// TestRestoreWithoutAnySet holds that rules come back where all that comes before them
// is left out.
func TestRestoreWithoutAnySet(t *testing.T) {
	_, c := connected(t)
	if _, err := c.Commit(Compare(c.readAll(t), twoChains(t, 1))); err != nil {
		t.Fatal(err)
	}
	old := twoChains(t, 2)
	old.Sets = []*set{{Name: "bad", Spec: spec{KeyType: typeIPv4, KeySize: 1 << 10}}}
	other, err := c.Restore(Compare(c.readAll(t), old))
	if err != nil || len(other) != 1 || other[0] != "add set bad: invalid argument" {
		t.Errorf("%q, error %v", other, err)
	}
	old.Sets = nil
	if left := Compare(c.readAll(t), old); !left.IsEmpty() {
		t.Errorf("there remains to be changed %+v", left.List(verdictText))
	}
}

// TestTakenBackWithoutASet holds that what was left out of what comes first is not
// missed when that goes again.
func TestTakenBackWithoutASet(t *testing.T) {
	_, c := connected(t)
	want := twoChains(t, 2)
	want.Sets = []*set{{Name: "bad", Spec: spec{KeyType: typeIPv4, KeySize: 1 << 10}}}
	changes := Compare(c.readAll(t), want)
	raw := c.raw
	c.raw = meddled{RawConn: raw, write: &meddling{3, func() error { return syscall.EIO }}}
	_, err := c.Restore(changes)
	if c.raw = raw; !errors.Is(err, syscall.EIO) || errors.Is(err, ErrLeft) {
		t.Errorf("error %v", err)
	}
}

// TestRestoreWithoutMemory holds that a restore fails where the kernel says nothing
// about what was to be made, so that it is tried again.
func TestRestoreWithoutMemory(t *testing.T) {
	_, c := connected(t)
	old := twoChains(t, 2)
	bad := spec{KeyType: typeIPv4, KeySize: 1 << 10}
	old.Sets = []*set{{Name: "one", Spec: bad}, {Name: "two", Spec: bad}}
	changes := Compare(c.readAll(t), old)
	raw := c.raw
	c.raw = meddled{RawConn: raw, read: &meddling{1, func() error {
		noMemory := -int32(syscall.ENOMEM)
		binary.NativeEndian.PutUint32(c.buffer[syscall.NLMSG_HDRLEN:], uint32(noMemory))
		return nil
	}}}
	_, err := c.Restore(changes)
	if c.raw = raw; !errors.Is(err, syscall.ENOMEM) || len(changes.left) > 0 {
		t.Errorf("error %v; left out are %v", err, changes.left)
	}
	if !c.readAll(t).Missing {
		t.Error("a part was made")
	}
}

// TestErrorsThatPass holds what a restore leaves out: what the kernel does not take,
// and nothing because of what may be otherwise in a while.
func TestErrorsThatPass(t *testing.T) {
	for errno, passes := range map[syscall.Errno]bool{
		syscall.EINVAL: false, syscall.ENOENT: false, syscall.EOPNOTSUPP: false, syscall.EEXIST: false,
		syscall.ENOMEM: true, syscall.ENFILE: true, syscall.EPERM: true, syscall.EINTR: true,
	} {
		a := answer{refused: map[any]string{}}
		a.take(message{kind: syscall.NLMSG_ERROR, errno: errno}, step{text: "add a rule", part: &rule{}}, true)
		if a.passing != passes || len(a.refused) > 0 == passes || len(a.errs) > 0 != passes {
			t.Errorf("%v: %+v", errno, a)
		}
	}
}
