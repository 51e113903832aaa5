package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/generators/live"
)

func planCommand() command {
	return command{
		name:    "plan",
		summary: "tell what apply would change on this machine",
		usage: `gatewright plan [GENERATOR...]

Holds what runs on this machine against what generate would write for the site,
and tells what apply would change: the flows that would be newly accepted and no
longer, in the words of diff, and the elements, rules and chains. Nothing is
changed. The exit status is 1 if there is something to change.

    gatewright plan
    gatewright plan nftables --netns edge --format markdown

Reading what runs takes root.
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			inv.registerLive(flags)
			flags.StringVar(&inv.format, "format", "text", "`FORMAT`: text, or markdown for a pull request")
		},
		run: plan,
	}
}

// registerLive adds the flags that commands on what runs have in common.
func (inv *invocation) registerLive(flags *pflag.FlagSet) {
	flags.StringVar(&inv.netns, "netns", "", "the network namespace `NAME` of `ip netns`, in place of this process's")
	flags.BoolVar(&inv.json, "json", false, "as JSON, with everything that text shortens")
	flags.BoolVarP(&inv.talk.quiet, "quiet", "q", false, "say nothing but errors; the exit status tells")
}

// machine is where the command works.
func (inv *invocation) machine() (live.Machine, error) {
	switch {
	case inv.netns == "":
		return live.Machine{}, nil
	case inv.netns != filepath.Base(inv.netns) || inv.netns == "." || inv.netns == "..":
		return live.Machine{}, usagef("--netns %q: expect a name, such as `ip netns list` shows", inv.netns)
	}
	return live.Machine{Namespace: filepath.Join(namedNamespaces, inv.netns)}, nil
}

// namedNamespaces is where ip-netns(8) keeps them.
const namedNamespaces = "/run/netns"

func plan(inv *invocation, names []string) error {
	if inv.format != "text" && inv.format != "markdown" {
		return usagef("plan: --format %q: expect text or markdown", inv.format)
	}
	compared, err := inv.compareLive("plan", names)
	if err != nil {
		return err
	}
	r := newReport()
	r.Old.Name, r.New.Name = "this machine", inv.siteName()
	for _, c := range compared {
		if err := r.addLive(c, false); err != nil {
			return err
		}
	}
	return inv.showDifference(r)
}

// showDifference shows a report and ends with exitDifferent if there is a difference.
func (inv *invocation) showDifference(r report) error {
	r.finish(true)
	if err := inv.show(r); err != nil {
		return err
	}
	if !r.Equal {
		return errDifferent
	}
	return nil
}

// siteName is what is wanted, in words.
func (inv *invocation) siteName() string {
	if file, found := inv.site.atHand(); found {
		return file
	}
	return "the default catalogues"
}

// wanted is what one generator wants of this machine.
type wanted struct {
	generated
	backend live.Backend
	*live.Comparison
}

// liveNames are the generators that the arguments name, or those of the site file that
// can be live.
func (inv *invocation) liveNames(command string, names []string, p *production) ([]string, error) {
	if len(names) > 0 {
		return names, nil
	}
	for _, g := range choose(p.site, nil) {
		if slices.Contains(live.Generators(), g.Name()) {
			names = append(names, g.Name())
		}
	}
	if len(names) == 0 {
		return nil, usagef("%s: none of the site file's generators is changed where it runs; name one of %s", command, strings.Join(live.Generators(), ", "))
	}
	return names, nil
}

// compareLive holds what runs against what the site wants.
func (inv *invocation) compareLive(command string, names []string) ([]wanted, error) {
	m, err := inv.machine()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := live.Of(name); err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", command, err)}
		}
	}
	if len(names) == 0 {
		names = live.Generators()
	}
	p, err := inv.produce(names)
	if err != nil {
		return nil, err
	}
	var all []wanted
	for _, o := range p.outputs {
		backend, err := live.Of(o.name)
		if err != nil {
			return nil, err
		}
		c, err := backend.Compare(m, p.result.Policy, o.settings)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.name, err)
		}
		for _, note := range c.Notes {
			inv.talk.warnf("%s: %s", c.Place, note)
		}
		all = append(all, wanted{o, backend, c})
	}
	return all, nil
}

// addLive adds how what runs differs from what is wanted; drifted turns that around.
func (r *report) addLive(w wanted, drifted bool) error {
	if w.IsEmpty() {
		return nil
	}
	for _, c := range w.Changes {
		if drifted {
			c = c.Invert()
		}
		r.Live = append(r.Live, reportLive{Place: w.Place, Sign: string(c.Sign), Kind: c.Kind, In: c.In, Text: c.Text})
	}
	old, new := w.Readings()
	if drifted {
		old, new = new, old
	}
	return r.addReadings(old, new)
}

// reportLive is one thing that comes or goes where it runs.
type reportLive struct {
	Place string `json:"place"`
	Sign  string `json:"sign"` // "+" or "-"
	Kind  string `json:"kind"` // "element", "rule", "chain", "set", "map", "counter", "policy", "table"
	In    string `json:"in,omitempty"`
	Text  string `json:"text"`
}

// shownLive is how many things that come or go in one set or chain are shown; JSON has
// all.
const shownLive = 20

// liveSection tells what comes and goes, those of a set or chain together.
func liveSection(changes []reportLive) diffSection {
	s := diffSection{title: "statements that come and go: " + liveCounts(changes)}
	shown := map[string]int{}
	more := map[string]int{}
	for _, c := range changes {
		of := c.Place + " " + c.In
		if c.In != "" && shown[of] >= shownLive {
			more[of]++
			continue
		}
		shown[of]++
		where := c.Place
		if c.In != "" {
			where = c.In
		}
		s.add(c.Sign[0], "%s %s: %s", c.Kind, where, c.Text)
	}
	for _, c := range changes {
		if of := c.Place + " " + c.In; more[of] > 0 {
			s.add(' ', "%s: %d more; --json shows them all", c.In, more[of])
			delete(more, of)
		}
	}
	return s
}

// liveCounts counts what comes and goes by kind, in the order of the first of each.
func liveCounts(changes []reportLive) string {
	var kinds []string
	counts := map[string]int{}
	for _, c := range changes {
		kind := c.Sign + " " + c.Kind
		if counts[kind] == 0 {
			kinds = append(kinds, kind)
		}
		counts[kind]++
	}
	words := make([]string, len(kinds))
	for i, kind := range kinds {
		sign, name, _ := strings.Cut(kind, " ")
		words[i] = sign + count(counts[kind], name)
	}
	return strings.Join(words, ", ")
}
