package proof

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A proof ends at its limit, whether or not it heeds its context, and one that ends in
// time is what it is.
func TestBounded(t *testing.T) {
	const tooLong = "its proof took longer than 1m0s and was stopped; prove less at a time with --area or --entry, or allow more time with --timeout"
	for _, c := range []struct {
		name  string
		prove func(ctx context.Context, free <-chan struct{}) (Result, error)
		took  time.Duration
		err   string
	}{
		{"in time", func(context.Context, <-chan struct{}) (Result, error) {
			time.Sleep(59 * time.Second)
			return Result{Asked: 7}, nil
		}, 59 * time.Second, ""},
		{"a failure in time", func(context.Context, <-chan struct{}) (Result, error) {
			return Result{Asked: 7}, errors.New("broken")
		}, 0, "broken"},
		{"too long, and ends when told", func(ctx context.Context, _ <-chan struct{}) (Result, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			return Result{}, ctx.Err()
		}, 61 * time.Second, tooLong},
		{"too long, and hangs", func(_ context.Context, free <-chan struct{}) (Result, error) {
			<-free
			return Result{Asked: 7}, nil
		}, 65 * time.Second, tooLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				free := make(chan struct{})
				defer close(free)
				start := time.Now()
				r, err := bounded(t.Context(), time.Minute, func(ctx context.Context) (Result, error) { return c.prove(ctx, free) })
				told := ""
				if err != nil {
					told = err.Error()
				}
				if took := time.Since(start); told != c.err || took != c.took || c.err == "" && r.Asked != 7 {
					t.Errorf("%+v, %q after %v; want %q after %v", r, told, took, c.err, c.took)
				}
			})
		})
	}
}

// What a proof asks is bounded by the number of rules before it starts, and every rule
// has its share.
func TestAffordable(t *testing.T) {
	flows := make([]int, 300_000)
	for rules, want := range map[int]int{0: 300_000, 1: 300_000, 200: 300_000, 3_000: 20_000, 10_000: 40_000} {
		if got := len(affordable(flows, rules)); got != want {
			t.Errorf("%d rules: %d flows, want %d", rules, got, want)
		}
	}
	if got := len(affordable(flows[:10], 10_000)); got != 10 {
		t.Errorf("%d of 10 flows", got)
	}
}
