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
		summary: "prove that the real engines answer as the policy does",
		usage: `gatewright verify [GENERATOR...] [-o DIR]

Loads the rule files into the engines that they are made for, and compares the
engines' answers with the policy's. This machine's own rules are not touched.
The files in DIR are proved unchanged (default: the site file's "output").
Without a folder, verify proves what generate would write now. Every
disagreement is shown with both answers. A missing engine is an error. A file
with a line that generate does not write is refused before any engine starts.

The engines run in a sandbox, called the box, for root and ordinary users alike.
It has no network except its own loopback. Its root file system is read-only and
holds only system programs. It sees none of your files and processes and has no
rights outside. When verify ends, even by kill -9, the box ends with everything
in it. If the machine cannot make a box, verify says what is missing and stops.
--unboxed then runs the engines with your own rights: use it only for files that
you trust.

A proof that takes longer than --timeout is stopped with its engines, and the
other proofs go on. verify names what is not proved, and exits with status 3.

    gatewright verify -o out
    gatewright verify nftables iptables --site gatewright.json

Exit status: 0 everything is proved; 1 a disagreement; 3 an engine or the box is
missing or failed.
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			inv.site.register(flags)
			flags.StringVarP(&inv.output, "output", "o", "", "`DIR` that holds the files, or - for what generate would write now")
			flags.BoolVar(&inv.unboxed, "unboxed", false, "run the engines without the box, with your own rights")
			flags.DurationVar(&inv.timeout, "timeout", 15*time.Minute, "stop the proof of one generator after this `TIME`")
			flags.BoolVar(&inv.json, "json", false, "print JSON")
			flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "print only errors; see the exit status")
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
		failed = errors.Join(failed, fmt.Errorf("not proved: %s: %w; for files that you trust, --unboxed runs the engines without the box, with your own rights", strings.Join(unboxed, ", "), noBox))
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
			missing = append(missing, fmt.Errorf("%s is missing; run generate, or name the folder that has it with -o", p.path(a.Name)))
		}
		if ok && !bytes.Equal(data, a.Data) {
			inv.console.Warnf("%s is not what generate would write; verify proves the file as it is", p.path(a.Name))
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
