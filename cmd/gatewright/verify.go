package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/pflag"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/proof"
)

// prover asks one engine, or several of a kind, about the artefacts of a generator.
type prover struct {
	generator string
	prove     func(context.Context, *rule.Policy, artefact.Settings, []artefact.Artefact) (proof.Result, error)
}

// provers returns them in the order of the generators, at least one for each.
func provers() []prover {
	return []prover{
		{"nftables", proof.NFTables},
		{"iptables", proof.Iptables},
		{"pac", proof.PAC},
		{"squid", proof.Squid},
		{"trusted-sites", proof.TrustedSites},
	}
}

func verifyCommand() command {
	return command{
		name:    "verify",
		summary: "prove the rule files against the policy in the real engines",
		usage: `gatewright verify [GENERATOR...] [-o DIR]

Loads the rule files into the engines that they are made for, on this machine
but away from its own rules, and compares the engines' answers with the
policy's. The files in DIR are proved as they stand (default: the site file's
output); without a folder, what generate would write now. Every disagreement is
told with both answers, and an engine that is missing is an error. Packet
filters are loaded in network namespaces: as root, or else in a user namespace.

    gatewright verify -o out
    gatewright verify nftables iptables --site gatewright.json

Exit status: 0 all is proved; 1 a disagreement; 3 an engine is missing or
failed.
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.StringVarP(&inv.output, "output", "o", "", "`DIR` that holds the files, or - for what generate would write now")
			flags.BoolVar(&inv.json, "json", false, "as JSON")
			flags.BoolVarP(&inv.talk.quiet, "quiet", "q", false, "say nothing but errors; the exit status tells")
		},
		run: verify,
	}
}

// verdict is what became of one proof, as --json tells it.
type verdict struct {
	Generator     string             `json:"generator"`
	Engine        string             `json:"engine"`
	Proved        bool               `json:"proved"`
	Compared      string             `json:"compared,omitempty"`
	Disagreements []disagreementInfo `json:"disagreements,omitempty"`
	Error         string             `json:"error,omitempty"`
}

type disagreementInfo struct {
	What    string `json:"what"`
	Policy  string `json:"policy"`
	Backend string `json:"backend"`
}

func verify(inv *invocation, names []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !engine.MayMakeNamespaces() {
		// If that is not to be had, the engines that need it say so.
		if status, err := engine.EnterUserNamespace(ctx); err == nil {
			return statusError(status)
		}
	}
	p, err := inv.produce(names)
	if err != nil {
		return err
	}
	if p.dir != "" {
		if err := inv.takeFiles(p); err != nil {
			return err
		}
	}
	verdicts, failed := inv.proveAll(ctx, p)
	if ctx.Err() != nil {
		return errors.New("interrupted; nothing is proved")
	}
	if inv.json {
		failed = errors.Join(writeJSON(inv.stdout, verdicts), failed)
	}
	switch {
	case failed != nil:
		return failed
	case slices.ContainsFunc(verdicts, func(v verdict) bool { return !v.Proved }):
		return errDifferent
	}
	return nil
}

// proveAll asks every prover, also after one that failed.
func (inv *invocation) proveAll(ctx context.Context, p *production) (verdicts []verdict, failed error) {
	for _, o := range p.outputs {
		for _, one := range provers() {
			if one.generator != o.name || ctx.Err() != nil {
				continue
			}
			done := inv.talk.progress("proving " + o.name)
			result, err := one.prove(ctx, p.result.Policy, o.settings, o.Artefacts)
			done()
			if err != nil {
				err = fmt.Errorf("%s is not proved: %w", o.name, err)
				failed = errors.Join(failed, err)
			}
			verdicts = append(verdicts, verdictOf(o.name, result, err))
			inv.tellVerdict(result, err)
		}
	}
	return verdicts, failed
}

// takeFiles replaces the artefacts by the files that stand in the folder, as their
// generators have read them: no engine gets anything else.
func (inv *invocation) takeFiles(p *production) error {
	root, err := p.folder.OpenFolder()
	if err != nil {
		return err
	}
	defer root.Close()
	if interrupted(root) {
		return fmt.Errorf("%s: an earlier run was interrupted; run generate again to finish it", p.dir)
	}
	f, err := p.readOutputs(root)
	if err != nil {
		return err
	}
	var errs []error
	for i := range p.outputs {
		errs = append(errs, inv.takeOutput(p, &p.outputs[i], f))
	}
	return errors.Join(errs...)
}

// takeOutput replaces the artefacts of one generator. A list that the folder's files do
// not name is left out, and one that they name besides comes first.
func (inv *invocation) takeOutput(p *production, o *generated, f folder) error {
	reading, err := f.of(o.name)
	if err != nil {
		return inFolder(p.folder, err)
	}
	var missing []error
	var taken []artefact.Artefact
	for _, a := range o.Artefacts {
		data, ok := f.files[a.Name]
		if !ok {
			missing = append(missing, fmt.Errorf("%s is missing; run generate, or name a folder that has it with -o", p.path(a.Name)))
		}
		if ok && !bytes.Equal(data, a.Data) {
			inv.talk.warnf("%s is not what generate would write; it is proved as it stands", p.path(a.Name))
		}
		if a.Data = data; slices.Contains(reading.Read, a.Name) {
			taken = append(taken, a)
		}
	}
	for _, name := range reading.Read {
		if !slices.ContainsFunc(taken, func(a artefact.Artefact) bool { return a.Name == name }) {
			taken = slices.Insert(taken, 0, artefact.Artefact{Name: name, Data: f.files[name]})
		}
	}
	o.Artefacts = taken
	return errors.Join(missing...)
}

func (inv *invocation) tellVerdict(r proof.Result, err error) {
	if err != nil || inv.json || inv.talk.quiet {
		return
	}
	fmt.Fprintln(inv.stdout, r)
}

func verdictOf(generator string, r proof.Result, err error) verdict {
	v := verdict{Generator: generator, Engine: r.Engine, Proved: err == nil && r.Proved(), Compared: r.Compared}
	for _, d := range r.Disagreements {
		v.Disagreements = append(v.Disagreements, disagreementInfo{d.What, d.Model, d.Backend})
	}
	if err != nil {
		v.Error = err.Error()
	}
	return v
}
