package generators

import (
	"maps"
	"slices"
	"sync"
	"testing"
)

// figure is how much an engine was asked: the flows, each once as the engine sees it;
// the questions, which are those flows in all their spellings and under all settings;
// and the witnesses of coverage verdicts among them.
type figure struct{ flows, questions, witnesses int }

// figures are those of a test, by engine and policy.
type figures struct {
	lock sync.Mutex
	by   map[string]map[string]figure
}

// newFigures returns figures that are logged when the test has passed, with its
// subtests, in one form for all tests.
func newFigures(t *testing.T) *figures {
	f := &figures{by: map[string]map[string]figure{}}
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		for _, engine := range slices.Sorted(maps.Keys(f.by)) {
			sum := f.sum(engine)
			t.Logf("proved: %s: %d flows, %d questions, %d policies, %d witnesses", engine, sum.flows, sum.questions, len(f.by[engine]), sum.witnesses)
		}
	})
	return f
}

func (f *figures) sum(engine string) figure {
	var sum figure
	for _, one := range f.by[engine] {
		sum.flows += one.flows
		sum.questions += one.questions
		sum.witnesses += one.witnesses
	}
	return sum
}

// least is the number of flows of the engine that was asked the fewest.
func (f *figures) least() int {
	var all []int
	for engine := range f.by {
		all = append(all, f.sum(engine).flows)
	}
	if len(all) == 0 {
		return 0
	}
	return slices.Min(all)
}

// counter adds what an engine was asked about a policy. What it is asked under another
// setting are more questions, but no more flows than under the setting with the most.
type counter func(engine string, asked figure)

func (f *figures) of(policy string) counter {
	return func(engine string, asked figure) {
		f.lock.Lock()
		defer f.lock.Unlock()
		if f.by[engine] == nil {
			f.by[engine] = map[string]figure{}
		}
		sum := f.by[engine][policy]
		f.by[engine][policy] = figure{max(sum.flows, asked.flows), sum.questions + asked.questions, sum.witnesses + asked.witnesses}
	}
}
