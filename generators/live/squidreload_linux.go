package live

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// watchTime is how long Squid is watched after it was told: it reads the files after it
// has answered, and ends where it cannot go on.
const watchTime = 2 * time.Second

// reloadSquid has Squid read its configuration once for errors, and then for good. A
// Squid that does not run reads it when it starts.
func reloadSquid() (string, error) {
	if err := tellSquid("parse"); err != nil {
		return "", fmt.Errorf("Squid refuses the configuration: %w", err)
	}
	switch err := tellSquid("check"); {
	case saysGone(err):
		return "Squid does not run here; it reads the rules when it starts", nil
	case err != nil:
		return "", fmt.Errorf("it is not known whether Squid runs: %w", err)
	}
	if err := tellSquid("reconfigure"); err != nil {
		return "", err
	}
	for end := time.Now().Add(watchTime); time.Now().Before(end); time.Sleep(watchTime / 10) {
		if err := tellSquid("check"); err != nil {
			return "", fmt.Errorf("Squid exited after it reloaded the rules; see its cache.log and start it again: %w", err)
		}
	}
	return "", nil
}

// saysGone reports whether Squid says that no other one runs: there is no file with the
// number of its process, or no such process.
func saysGone(err error) bool {
	var failed *programError
	if !errors.As(err, &failed) {
		return false
	}
	return strings.Contains(failed.said, "failed to open") && strings.Contains(failed.said, "(2) No such file or directory") ||
		strings.Contains(failed.said, "(3) No such process")
}

// tellSquid runs squid -k with a word. The error holds the lines in which Squid says
// what is wrong, of all that it says.
func tellSquid(word string) error {
	_, err := Machine{}.run(nil, "squid", "-k", word)
	var failed *programError
	if errors.As(err, &failed) {
		return fmt.Errorf("squid -k %s: %w", word, &programError{failed.failed, complaints(failed.said)})
	}
	return err
}

// complaints are the lines in which Squid says what is wrong, and no more than three:
// the last one is why it ends.
func complaints(said string) string {
	const most = 3
	var lines []string
	for line := range strings.Lines(said) {
		if strings.Contains(line, "| Processing: ") {
			continue // with a directive, whatever that holds
		}
		for _, word := range []string{"FATAL", "ERROR", "Bungled"} {
			if _, text, found := strings.Cut(line, word); found {
				lines = append(lines, word+strings.TrimRight(text, "\n"))
				break
			}
		}
	}
	return strings.Join(lines[max(0, len(lines)-most):], "; ")
}
