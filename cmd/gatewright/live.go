package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog/site"
	"gatewright/cmd/gatewright/internal/change"
	"gatewright/generators"
	"gatewright/generators/artefact"
	"gatewright/generators/live"
)

// registerLive adds the flags that commands on what runs have in common.
func (inv *invocation) registerLive(flags *pflag.FlagSet) {
	flags.StringVar(&inv.netns, "netns", "", "use the network namespace `NAME` of `ip netns` instead of this process's")
	flags.BoolVar(&inv.json, "json", false, "print JSON, with everything that text output shortens")
	flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "print only errors; see the exit status")
}

// liveNames offers the generators that can run here and are not named yet.
func liveNames(_ *invocation, before []string) []candidate {
	return candidates(slices.DeleteFunc(live.Generators(), func(name string) bool { return slices.Contains(before, name) })...)
}

// machine is where the command works.
func (inv *invocation) machine() (live.Machine, error) {
	switch {
	case inv.netns == "":
		return live.Machine{}, nil
	case inv.netns != filepath.Base(inv.netns) || inv.netns == "." || inv.netns == "..":
		return live.Machine{}, usagef("--netns %q: expect a name as `ip netns list` shows it", inv.netns)
	}
	return live.Machine{Namespace: filepath.Join(namedNamespaces, inv.netns)}, nil
}

// namedNamespaces is where ip-netns(8) keeps them.
const namedNamespaces = "/run/netns"

// wanted is what one generator wants of this machine.
type wanted struct {
	artefact.Made
	*live.Comparison
}

// compareLive holds what runs against what the site wants of the generators that the
// arguments name or, without any, of those of the site that can run here.
func (inv *invocation) compareLive(command string, names []string) (*production, []wanted, error) {
	m, err := inv.machine()
	if err != nil {
		return nil, nil, err
	}
	if err := inv.noteWaiting(m); err != nil {
		return nil, nil, err
	}
	p, err := inv.produceLive(command, names)
	if err != nil {
		return nil, nil, err
	}
	compared, err := inv.runsAgainst(m, p)
	return p, compared, err
}

// produceLive makes the outputs that can run here. The default catalogues are for a
// first look at files: a machine gets what somebody wrote for it.
func (inv *invocation) produceLive(command string, names []string) (*production, error) {
	for _, name := range names {
		if _, err := live.Of(name); err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", command, err)}
		}
	}
	if file, found := inv.site.atHand(); !found && inv.site.file == "" && len(inv.site.catalogs) == 0 {
		return nil, usagef("%s: no %s in this folder; run the command in the site's folder, or name the file with --site", command, file)
	}
	return inv.produceChosen(func(s *site.Site) ([]generators.Generator, error) {
		if len(names) > 0 {
			return choose(s, names), nil
		}
		those := slices.DeleteFunc(slices.Clone(s.Generators), func(name string) bool { return !slices.Contains(live.Generators(), name) })
		if len(those) == 0 {
			return nil, usagef("%s: no generator of the site file runs on this machine; name one of %s", command, strings.Join(live.Generators(), ", "))
		}
		return choose(s, those), nil
	})
}

// runsAgainst holds what runs on a machine against the outputs.
func (inv *invocation) runsAgainst(m live.Machine, p *production) ([]wanted, error) {
	var all []wanted
	for _, o := range p.outputs {
		backend, err := live.Of(o.Generator)
		if err != nil {
			return nil, err
		}
		c, err := backend.Compare(m, p.result.Policy, o.Settings)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Generator, err)
		}
		all = append(all, wanted{o, c})
	}
	return all, nil
}

// siteName is what is wanted, in words.
func (inv *invocation) siteName() string {
	if file, found := inv.site.atHand(); found {
		return file
	}
	return "the default catalogues"
}

// warnOf tells of rules that no packet meets, and of those that stay beside.
func (inv *invocation) warnOf(w wanted) {
	for _, o := range w.Others {
		if o.Stays != "" {
			inv.console.Warnf("%s: %s", o.Place, o.Stays)
		}
	}
	if len(w.Unled) > 0 {
		inv.console.Warnf("%s: no rule of yours jumps to %s, so no packet meets the rules there; the first lines of the generated file show the jumps", w.Place, strings.Join(w.Unled, ", "))
	}
}

// addLive adds how what runs differs from what is wanted; drifted turns that around.
// What stays beside is no part of a plan.
func addLive(r *change.Diff, w wanted, drifted bool) error {
	r.Live = append(r.Live, w.report(drifted)...)
	for _, o := range w.Others {
		if o.Stays != "" {
			r.Left = append(r.Left, o.Place+": "+o.Stays)
		}
		if o.Stays == "" || drifted {
			if err := addReadings(r, o.Place, o.Unread, o.Does, artefact.Reading{}, drifted); err != nil {
				return err
			}
		}
	}
	if w.IsEmpty() {
		return nil
	}
	running, wanted := w.Readings()
	return addReadings(r, w.Place, w.Unread, running, wanted, drifted)
}

// addReadings adds how the wanted differs from what runs in a place. What drops the
// rest is known even if not all of it is.
func addReadings(r *change.Diff, place string, unread error, running, wanted artefact.Reading, drifted bool) error {
	if drifted {
		running, wanted = wanted, running
	}
	if unread != nil {
		r.Unknown = append(r.Unknown, fmt.Sprintf("%s: %v", place, unread))
		r.AddDrops(running, wanted)
		return nil
	}
	files := r.Files
	err := r.AddReadings(running, wanted)
	r.Files = files // the statements tell what comes and goes
	return err
}

// dropped tells what no longer drops the rest. It takes no comparison of flows.
func dropped(w wanted) []string {
	r := change.New()
	for _, o := range w.Others {
		if o.Stays == "" {
			r.AddDrops(o.Does, artefact.Reading{})
		}
	}
	r.AddDrops(w.Readings())
	r.Finish(true)
	return r.Opens
}

// report returns what comes and goes; drifted turns that around, and tells what stays
// besides as well.
func (w wanted) report(drifted bool) (all []change.Live) {
	add := func(place string, changes []live.Change) {
		for _, c := range changes {
			if drifted {
				c = c.Invert()
			}
			all = append(all, change.Live{Place: cmp.Or(c.Place, place), Sign: string(c.Sign), Kind: c.Kind, In: c.In, Text: c.Text})
		}
	}
	add(w.Place, w.Changes)
	for _, o := range w.Others {
		if drifted {
			add(o.Place, o.Changes)
		}
	}
	return all
}
