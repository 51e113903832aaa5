package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// parseTime is how long Squid may take to read its configuration, and watchTime how long
// it is watched after it was told: it reads the files after it has answered, and ends
// where it cannot go on.
const (
	parseTime = 5 * time.Minute
	watchTime = 2 * time.Second
)

// reloadSquid has Squid read its configuration once for errors, and then for good. A
// Squid that does not run reads it when it starts.
func reloadSquid() (string, error) {
	if out, err := squidControl("parse"); err != nil {
		return "", fmt.Errorf("squid -k parse refuses the configuration: %w%s", err, complaints(out))
	}
	if _, err := squidControl("check"); err != nil {
		return "Squid does not run here; it reads the rules when it starts", nil
	}
	if out, err := squidControl("reconfigure"); err != nil {
		return "", fmt.Errorf("squid -k reconfigure: %w%s", err, complaints(out))
	}
	for end := time.Now().Add(watchTime); time.Now().Before(end); time.Sleep(watchTime / 10) {
		if out, err := squidControl("check"); err != nil {
			return "", fmt.Errorf("Squid ended after it was told to read the rules; start it again, and see its cache.log: %w%s", err, complaints(out))
		}
	}
	return "", nil
}

// squidControl runs squid -k with a word, in an environment of its own.
func squidControl(word string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), parseTime)
	defer cancel()
	path, err := exec.LookPath("squid")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/squid")
	}
	if err != nil {
		return nil, errors.New("squid is not installed here")
	}
	cmd := exec.CommandContext(ctx, path, "-k", word)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.Bytes(), err
}

// complaints are the lines in which Squid says what is wrong, and no more than three.
func complaints(out []byte) string {
	const most = 3
	var lines []string
	for line := range strings.Lines(string(out)) {
		for _, word := range []string{"FATAL", "ERROR", "Bungled"} {
			if _, text, found := strings.Cut(line, word); found && len(lines) < most {
				lines = append(lines, word+strings.TrimSpace(text))
			}
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return ": " + strings.Join(lines, "; ")
}
