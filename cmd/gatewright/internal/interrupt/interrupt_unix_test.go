//go:build unix

package interrupt

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// TestSignalsAreHeld holds that the signals that end programs end no write.
func TestSignalsAreHeld(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if signal.Ignored(s) {
			continue // as under nohup, where the tool ignores it, too
		}
		ctx, release := Hold()
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
			t.Errorf("%v ends nothing", s)
		}
		release()
	}
}
