// Package interrupt lets a command clean up when a signal ends it.
package interrupt

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// Err ends a run that a signal told to end.
var Err = errors.New("interrupted")

// endingSignals are the signals that end the tool, but those that it was started to
// ignore, as by nohup.
func endingSignals() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
	return slices.DeleteFunc(all, signal.Ignored)
}

// Hold keeps signals from ending the tool while it writes, which is soon over, until
// release is called: they end the context, and what was begun is undone or finished.
func Hold() (ctx context.Context, release func()) {
	return signal.NotifyContext(context.Background(), endingSignals()...)
}

// During calls f and returns its error. A signal ends the context of f. f then has a
// second to clean up, after which During returns Err without waiting for it. Commands
// that leave nothing behind do not need this.
func During(f func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), endingSignals()...)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(time.Second):
		return Err
	}
}
