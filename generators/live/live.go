// Package live compares what runs on this machine with a policy, and changes it in one
// step. Each backend reads what runs into the same Reading that its generator makes
// from files, so both differences are reported in the same way.
package live

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/filter"
	"gatewright/generators/nftables/kernel"
)

// Machine is where a backend runs.
type Machine struct {
	Namespace string // file of a network namespace; empty for the one of this process
}

// Backend is what runs here of one generator.
type Backend interface {
	// Generator is the generator's name.
	Generator() string

	// Compare compares what runs with the policy.
	Compare(Machine, *rule.Policy, artefact.Settings) (*Comparison, error)

	// Forgets reports whether the running rules are lost at boot unless our files are
	// loaded.
	Forgets() bool
}

// Restorer is a Backend that can bring back what ran.
type Restorer interface {
	Backend

	// Restore brings back what Comparison.Saved returned, and holds that it is there. A
	// LeftOutError says what of it cannot be made again.
	Restore(m Machine, saved []byte) error
}

// Comparison is what runs, held against what is wanted.
type Comparison struct {
	Place   string   // what is compared: "table inet filter"
	Changes []Change // that make what is wanted of what runs
	Unread  error    // why it is unknown what runs; nil if it is known
	Unled   []string // chains wanted that no rule of the site's leads to
	Others  []Other  // what runs of ours besides

	admits   func(remote netip.Addr, local netip.AddrPort) bool
	readings func() (running, wanted artefact.Reading)
	commit   func() (Committed, error)
	save     func() ([]byte, error) // nil for a backend that is no Restorer
}

// Committed is what a change left, and what was said of it.
type Committed struct {
	Kept  []string // what had to stay, because something that is not ours still uses it: "set allowed"
	Stays []Change // what could not be removed, of what does nothing any more
	Said  []string // what else a person should know of them
}

// Other is what runs of ours beside what is compared: of another mode, place or table.
type Other struct {
	Place   string
	Does    artefact.Reading
	Unread  error    // why it is unknown what it does; nil if it is known
	Stays   string   // why it stays and what to do, for a person; empty for what goes
	Changes []Change // that would remove it, where it stays; for what goes they are the comparison's
}

// Change is one thing that comes or goes.
type Change = filter.Change

// IsEmpty reports whether what runs is what is wanted.
func (c *Comparison) IsEmpty() bool { return len(c.Changes) == 0 }

// Admits reports whether what is wanted lets a remote connect by TCP to an address and
// port of this machine, as far as it decides about that.
func (c *Comparison) Admits(remote netip.Addr, local netip.AddrPort) bool {
	return c.admits(remote, local)
}

// Readings returns what runs and what is wanted by what they do.
func (c *Comparison) Readings() (running, wanted artefact.Reading) { return c.readings() }

// Commit makes all changes or none. ErrChanged means that the running rules have
// changed since they were compared.
func (c *Comparison) Commit() (Committed, error) { return c.commit() }

// Saved returns what runs, for Restorer.Restore. An error says what would go and could
// not be made again.
func (c *Comparison) Saved() ([]byte, error) {
	if c.save == nil {
		return nil, errors.New("what runs cannot be brought back; apply without --confirm")
	}
	return c.save()
}

// ErrBusy says that another process changes rules here.
var ErrBusy = errors.New("another apply or confirm is running here; wait for it to end")

// ErrChanged says that somebody else changed what runs since it was compared. Nothing
// was changed.
var ErrChanged = kernel.ErrChanged

// ErrLeft says that a change was not made as a whole, or that it is not known whether
// it was, and that what ran before did not come back.
var ErrLeft = kernel.ErrLeft

// LeftOutError says that what ran before is back, but for this.
type LeftOutError struct{ Left []string }

func (e *LeftOutError) Error() string {
	return "the old rules are back, but for what could not be made again: " + strings.Join(e.Left, "; ")
}

// checkFiles refuses a network namespace for what is made of files, which it has not by
// itself.
func (m Machine) checkFiles() error {
	if m.Namespace != "" {
		return errors.New("files are the same in every network namespace; omit --netns, or run this with `ip netns exec`")
	}
	return nil
}

// Generators returns the names of the generators that can be live.
func Generators() (names []string) {
	for _, b := range backends() {
		names = append(names, b.Generator())
	}
	return names
}

// Of returns the backend of a generator; the error lists those that there are.
func Of(generator string) (Backend, error) {
	all := backends()
	if i := slices.IndexFunc(all, func(b Backend) bool { return b.Generator() == generator }); i >= 0 {
		return all[i], nil
	}
	return nil, fmt.Errorf("the output of %s cannot be applied on this machine; expect one of %s", generator, strings.Join(Generators(), ", "))
}
