package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/interrupt"
	"gatewright/cmd/gatewright/internal/output"
	"gatewright/generators/artefact"
	"gatewright/generators/box"
	"gatewright/generators/proof"
)

func verifyCommand() command {
	return command{
		name:    "verify",
		summary: "prove the rule files against the policy in the real engines",
		usage: `gatewright verify [GENERATOR...] [-o DIR]

Loads the rule files into the engines that they are made for, on this machine
but away from its own rules, and compares the engines' answers with the
policy's. The files in DIR are proved as they stand (default: the site file's
output); without a folder, what generate would write now. Every disagreement is
told with both answers, and an engine that is missing is an error. A file that
holds a line which generate does not write is refused before an engine starts.

Engines run in a box of their own, made by root and by ordinary users alike: no
network but its own loopback, a root that holds system programs alone and cannot
be written, nothing of your files and processes, no rights outside; when verify
ends, also by kill -9, the box ends with all that is in it. Where the machine
cannot make one, verify says what is missing and stops. --unboxed then runs the
engines as you, with all that you may do: for files that you trust.

A proof that takes longer than --timeout is given up, its engines are ended, and
the others go on; what is not proved is told, and the exit status is then 3.

    gatewright verify -o out
    gatewright verify nftables iptables --site gatewright.json

Exit status: 0 all is proved; 1 a disagreement; 3 an engine, or the box, is
missing or failed.
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.StringVarP(&inv.output, "output", "o", "", "`DIR` that holds the files, or - for what generate would write now")
			flags.BoolVar(&inv.unboxed, "unboxed", false, "run the engines without a box, with all that you may do")
			flags.DurationVar(&inv.timeout, "timeout", 15*time.Minute, "`TIME` that the proof of one generator may take")
			flags.BoolVar(&inv.json, "json", false, "as JSON")
			flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "say nothing but errors; the exit status tells")
		},
		operands: generatorNames,
		run:      verify,
	}
}

// verdict is what became of one proof, as --json tells it.
type verdict struct {
	Output        string               `json:"output,omitempty"` // of a site file with several
	Generator     string               `json:"generator"`
	Engine        string               `json:"engine"`
	Proved        bool                 `json:"proved"`
	Compared      string               `json:"compared,omitempty"`
	Disagreements []proof.Disagreement `json:"disagreements,omitempty"`
	Error         string               `json:"error,omitempty"`
}

func verify(inv *invocation, names []string) error {
	if inv.timeout <= 0 {
		return usagef("verify: --timeout %v: expect a time above zero, such as 90s or 1h", inv.timeout)
	}
	var all []*production
	err := inv.eachOutput(names, func(one *invocation, names []string) error {
		p, err := one.produce(names)
		if all = append(all, p); err != nil || p.dir == "" {
			return err
		}
		return one.takeFiles(p)
	})
	if err != nil {
		return err
	}
	return interrupt.During(func(ctx context.Context) error { return inv.tellProofs(ctx, all) })
}

func (inv *invocation) tellProofs(ctx context.Context, all []*production) error {
	var verdicts []verdict
	var failed error
	for _, p := range all {
		if p.site.Name != "" {
			inv.console.Sayf("output %s:", p.site.Name)
		}
		some, err := inv.proveAll(ctx, p)
		for i := range some {
			some[i].Output = p.site.Name
		}
		verdicts, failed = append(verdicts, some...), errors.Join(failed, err)
		if ctx.Err() != nil {
			return interrupt.Err
		}
	}
	if inv.json {
		failed = errors.Join(console.WriteJSONList(inv.stdout, "proofs", slices.Values(verdicts)), failed)
	}
	switch {
	case failed != nil:
		return failed
	case slices.ContainsFunc(verdicts, func(v verdict) bool { return !v.Proved }):
		return errDifferent
	}
	return nil
}

// proveAll proves every output, also after one that failed: in a box, unless that is
// not wanted.
func (inv *invocation) proveAll(ctx context.Context, p *production) (verdicts []verdict, failed error) {
	job := jobOf(p, inv.timeout)
	prove := job.Prove
	if !inv.unboxed {
		b := job.Box(ctx)
		defer b.Close()
		prove = b.Prove
	}
	var noBox *box.UnavailableError
	var unboxed []string // generators that a box is missing for
	for _, o := range job.Outputs {
		if ctx.Err() != nil {
			break
		}
		done := inv.console.Progress("proving " + o.Generator)
		result, err := prove(ctx, o)
		done()
		switch {
		case errors.As(err, &noBox):
			unboxed = append(unboxed, o.Generator)
		case err != nil:
			err = fmt.Errorf("%s is not proved: %w", o.Generator, err)
			failed = errors.Join(failed, err)
		}
		verdicts = append(verdicts, verdictOf(o.Generator, result, err))
		inv.tellVerdict(result, err)
	}
	if unboxed != nil {
		failed = errors.Join(failed, fmt.Errorf("not proved: %s: %w; --unboxed runs them without it, as you, for files that you trust", strings.Join(unboxed, ", "), noBox))
	}
	return verdicts, failed
}

func jobOf(p *production, limit time.Duration) proof.Job {
	job := proof.Job{Policy: p.result.Policy, Limit: limit}
	for _, o := range p.outputs {
		job.Outputs = append(job.Outputs, proof.Output{Generator: o.Generator, Settings: o.Settings, Artefacts: o.Artefacts})
	}
	return job
}

// takeFiles replaces the artefacts by the files that stand in the folder, as their
// generators have read them: no engine gets anything else.
func (inv *invocation) takeFiles(p *production) error {
	root, err := p.folder.OpenFolder()
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(p.noFolder())
	}
	if err != nil {
		return err
	}
	defer root.Close()
	if output.Interrupted(root) {
		return fmt.Errorf("%s: %w", p.dir, output.ErrMixed)
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
func (inv *invocation) takeOutput(p *production, o *artefact.Made, f folder) error {
	reading, err := f.of(o.Generator)
	if err != nil {
		return output.In(p.folder, err)
	}
	var missing []error
	var taken []artefact.Artefact
	for _, a := range o.Artefacts {
		data, ok := f.files[a.Name]
		if !ok {
			missing = append(missing, fmt.Errorf("%s is missing; run generate, or name a folder that has it with -o", p.path(a.Name)))
		}
		if ok && !bytes.Equal(data, a.Data) {
			inv.console.Warnf("%s is not what generate would write; it is proved as it stands", p.path(a.Name))
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
	if err != nil || inv.json || inv.console.Quiet {
		return
	}
	const shown = 20 // --json has them all
	fmt.Fprintln(inv.stdout, r.Text(shown))
}

func verdictOf(generator string, r proof.Result, err error) verdict {
	v := verdict{Generator: generator, Engine: r.Engine, Proved: err == nil && r.Proved(), Compared: r.Compared, Disagreements: r.Disagreements}
	if err != nil {
		v.Error = err.Error()
	}
	return v
}
