package proof

import (
	"context"
	"fmt"
	"time"
)

// LimitError says that a proof was given up, which shows nothing of the files.
type LimitError struct{ Limit time.Duration }

func (e *LimitError) Error() string {
	return fmt.Sprintf("its proof took longer than %v and was stopped; prove less at a time with --area or --entry, or allow more time with --timeout", e.Limit)
}

// Times that a proof has beyond its limit: to end its engines and remove its files, and
// in a box before that ends with all that is in it.
const (
	tidying = 5 * time.Second
	boxEnds = 2 * tidying
)

// bounded is what prove finds within the limit; zero is none. A proof that goes on
// after its context has ended is left alone.
func bounded(ctx context.Context, limit time.Duration, prove func(context.Context) (Result, error)) (Result, error) {
	if limit == 0 {
		return prove(ctx)
	}
	within, stop := context.WithTimeout(ctx, limit)
	defer stop()
	type outcome struct {
		result Result
		err    error
	}
	ended := make(chan outcome, 1)
	go func() {
		r, err := prove(within)
		ended <- outcome{r, err}
	}()
	select {
	case o := <-ended:
		return o.result, o.err
	case <-within.Done():
	}
	select {
	case o := <-ended:
		if o.err == nil || ctx.Err() != nil {
			return o.result, o.err
		}
	case <-time.After(tidying):
	}
	return Result{}, &LimitError{limit}
}
