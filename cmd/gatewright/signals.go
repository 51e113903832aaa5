package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// errInterrupted ends a run that was told to.
var errInterrupted = errors.New("interrupted")

// endingSignals are the signals that end the tool, but those that it was started to
// ignore, as by nohup.
func endingSignals() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
	return slices.DeleteFunc(all, signal.Ignored)
}

// holdSignals keeps signals from ending the tool while it writes, which is soon over: they end the
// context, and what was begun is undone or finished.
func holdSignals() (ctx context.Context, release func()) {
	return signal.NotifyContext(context.Background(), endingSignals()...)
}

// interruptible calls f, which has a second to put its things in order after a signal
// ended its context, and is then left alone. Commands that leave nothing behind need no
// such care: the signals end them.
func interruptible(f func(context.Context) error) error {
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
		return errInterrupted
	}
}
