package proof

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/generators/box"
	"gatewright/generators/engine"
)

// prover asks one engine, or several of a kind, about the artefacts of a generator.
type prover struct {
	generator string
	engines   bool // whether programs that are not ours take part
	prove     func(context.Context, *rule.Policy, artefact.Settings, []artefact.Artefact) (Result, error)
}

// provers returns one for each generator. A packet filter without an engine here is
// proved by what is read of its files: {"name", false, ByReading(name.Generator{},
// artefact.FilterOf)}.
func provers() []prover {
	return []prover{
		{"nftables", true, NFTables},
		{"iptables", true, Iptables},
		{"pac", true, PAC},
		{"squid", true, Squid},
		{"trusted-sites", false, TrustedSites},
	}
}

func proverOf(generator string) (prover, error) {
	all := provers()
	i := slices.IndexFunc(all, func(p prover) bool { return p.generator == generator })
	if i < 0 {
		return prover{}, fmt.Errorf("no engine proves generator %q", generator)
	}
	return all[i], nil
}

// Job is what is to be proved of one policy.
type Job struct {
	Policy  *rule.Policy
	Outputs []Output
	Limit   time.Duration // of the proof of an output, which then fails with a *LimitError; 0 for none
}

// Output is the output of one generator, or the files that replace it.
type Output struct {
	Generator string
	Settings  artefact.Settings
	Artefacts []artefact.Artefact
}

// Prove proves one output of the job in this process.
func (j Job) Prove(ctx context.Context, o Output) (Result, error) {
	p, err := proverOf(o.Generator)
	if err != nil {
		return Result{}, err
	}
	return bounded(ctx, j.Limit, func(ctx context.Context) (Result, error) {
		return p.prove(ctx, j.Policy, o.Settings, o.Artefacts)
	})
}

// Boxed is a job whose engines run in a box.
type Boxed struct {
	job     Job
	box     *box.Box
	end     context.CancelFunc // of the box
	failed  error              // why there is no box
	answers *json.Decoder
}

// answer is what a box says of an output.
type answer struct {
	Result Result
	Error  string
}

// mostAnswers bounds what is read of a box, in bytes.
const mostAnswers = 256 << 20

// Box starts a box for the job, if any of it needs one. Close ends it.
func (j Job) Box(ctx context.Context) *Boxed {
	b := &Boxed{job: j}
	inBox := Job{Policy: j.Policy, Limit: j.Limit}
	for _, o := range j.Outputs {
		if p, err := proverOf(o.Generator); err == nil && p.engines {
			inBox.Outputs = append(inBox.Outputs, o)
		}
	}
	if len(inBox.Outputs) == 0 {
		return b
	}
	work, err := json.Marshal(inBox)
	if err != nil {
		b.failed = err
		return b
	}
	ctx, b.end = context.WithCancel(ctx)
	if b.box, b.failed = box.Start(ctx, engine.Needs(), work); b.failed == nil {
		b.answers = json.NewDecoder(io.LimitReader(b.box, mostAnswers))
	}
	return b
}

// Prove returns what is proved of an output of the job, which are asked in their order.
// From the box that is the word of the engines: one that is not what it should be can
// have it say anything. Where the machine cannot make a box, the error is a
// *box.UnavailableError.
func (b *Boxed) Prove(ctx context.Context, o Output) (Result, error) {
	p, err := proverOf(o.Generator)
	if err != nil || !p.engines {
		return b.job.Prove(ctx, o)
	}
	if b.failed != nil {
		return Result{}, b.failed
	}
	var a answer
	if err := b.await(&a); err != nil {
		b.failed = cmp.Or(b.Close(), fmt.Errorf("the box does not answer: %w", err))
		return Result{}, b.failed
	}
	a.Result.Generator = o.Generator
	if a.Error != "" {
		return a.Result, errors.New(a.Error)
	}
	return a.Result, nil
}

// await reads an answer of the box, which ends when it keeps no limit.
func (b *Boxed) await(a *answer) error {
	if b.job.Limit == 0 {
		return b.answers.Decode(a)
	}
	hanging := time.AfterFunc(b.job.Limit+boxEnds, b.end)
	err := b.answers.Decode(a)
	if err != nil && !hanging.Stop() {
		return fmt.Errorf("the box hangs: %w", &LimitError{b.job.Limit})
	}
	hanging.Stop()
	return err
}

// Close ends the box, if there is one. It may be called again.
func (b *Boxed) Close() error {
	if b.box == nil {
		return nil
	}
	err := b.box.Close()
	b.end()
	b.box = nil
	return err
}

// DoInBox is to be called first in main: in a box it does the job, and does not return.
func DoInBox() {
	box.Main(func(work []byte, answers io.Writer) error {
		var j Job
		if err := json.Unmarshal(work, &j); err != nil {
			return err
		}
		to := json.NewEncoder(answers)
		for _, o := range j.Outputs {
			r, err := j.Prove(context.Background(), o)
			a := answer{Result: r}
			if err != nil {
				a.Error = err.Error()
			}
			if err := to.Encode(a); err != nil {
				return err
			}
		}
		return nil
	})
}
