package engine

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gatewright/generators/artefact"
)

var squidProgram = program{name: "squid", pkg: "squid", use: noRights, reads: []string{"/etc/squid/errorpage.css", "/etc/mime.types"}}

// Squid is a running Squid on a loopback port, with the artefacts of the squid
// generator and the http_access rules of Debian's squid.conf around them.
// It refuses what they allow with an error of its own, before it resolves a name
// or opens a connection, so no request leaves the machine.
type Squid struct {
	process *exec.Cmd
	said    *bytes.Buffer
	exited  chan struct{} // closed when the process has ended
	dir     string
	address string
}

// StartSquid runs Squid until Stop, or until ctx ends. place is where the
// artefacts are included: "first" or "conf.d". The lists are written to a folder
// of the engine's own and named there; nothing else of the artefacts is changed.
func StartSquid(ctx context.Context, artefacts []artefact.Artefact, place string) (*Squid, error) {
	path, err := squidProgram.path()
	if err != nil {
		return nil, err
	}
	dir, fragment, err := writeSquid(artefacts)
	if err != nil {
		return nil, err
	}
	// A port that is free when it is chosen may be taken when Squid opens it.
	var s *Squid
	for range 5 {
		if s, err = startSquid(ctx, path, dir, fragment, place); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

func startSquid(ctx context.Context, path, dir, fragment, place string) (*Squid, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	if err := writeRuntime(dir, fragment, place, address); err != nil {
		return nil, err
	}
	s := &Squid{said: &bytes.Buffer{}, exited: make(chan struct{}), dir: dir, address: address}
	s.process = exec.CommandContext(ctx, path, "-N", "-n", serviceOf(address), "-f", filepath.Join(dir, "runtime.conf"))
	s.process.Dir, s.process.WaitDelay = dir, lastWords
	if err := squidProgram.confine(s.process); err != nil {
		return nil, err
	}
	s.process.Stdout, s.process.Stderr = s.said, s.said
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("squid: %w", err)
	}
	go func() {
		s.process.Wait()
		close(s.exited)
	}()
	return s, s.await(ctx)
}

// serviceOf names a Squid by its port. Squids of one name share memory, and the name
// that Squid gives itself is that of the machine's own.
func serviceOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return "gatewright" + port
}

// freeAddress returns a loopback address with a TCP port that nobody has open.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// await returns when Squid takes connections, or with what it said when it ended.
func (s *Squid) await(ctx context.Context) error {
	for {
		select {
		case <-s.exited:
			s.removeShared()
			log, _ := os.ReadFile(filepath.Join(s.dir, "cache.log"))
			if crash := s.crash(); crash != nil {
				return crash
			}
			return fmt.Errorf("squid does not start%s", said(s.said.String()+complaints(log)))
		case <-ctx.Done():
			s.process.Process.Kill()
			<-s.exited
			s.removeShared()
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
		if conn, err := net.Dial("tcp", s.address); err == nil {
			return conn.Close()
		}
	}
}

// crash returns an error if Squid was ended by a signal, which nobody here has sent.
func (s *Squid) crash() error {
	select {
	case <-s.exited:
		log, _ := os.ReadFile(filepath.Join(s.dir, "cache.log"))
		return squidProgram.crash(s.process.ProcessState, s.said.String()+complaints(log))
	case <-time.After(100 * time.Millisecond): // it may be ending
		return nil
	}
}

// Stop ends Squid and removes its folder. It may be called again.
func (s *Squid) Stop() {
	s.process.Process.Kill()
	<-s.exited
	s.removeShared()
	os.RemoveAll(s.dir)
}

// removeShared removes what a Squid that was killed leaves of its shared memory
// (shm_overview(7)).
func (s *Squid) removeShared() {
	files, _ := filepath.Glob("/dev/shm/" + serviceOf(s.address) + "-*.shm")
	for _, f := range files {
		os.Remove(f)
	}
}

// ParseSquid has `squid -k parse` read the artefacts inside this machine's
// squid.conf, included at place ("first" or "conf.d"), with another working
// directory. Squid ends with status 0 in spite of lists that it could not read, so
// each line of its output with WARNING, ERROR or FATAL is an error.
func ParseSquid(ctx context.Context, artefacts []artefact.Artefact, place string) error {
	path, err := squidProgram.path()
	if err != nil {
		return err
	}
	dir, fragment, err := writeSquid(artefacts)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	conf, err := aroundFragment(place, fragment)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "squid.conf"), []byte(conf), 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, "-k", "parse", "-f", filepath.Join(dir, "squid.conf"))
	cmd.Dir = "/"
	if err := squidProgram.confine(cmd); err != nil {
		return err
	}
	text, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	lines := complaints(text)
	if err != nil {
		return fmt.Errorf("squid -k parse: %w%s", err, said(lines))
	}
	if lines != "" {
		return fmt.Errorf("squid -k parse%s", said(lines))
	}
	return nil
}

// complaints returns the lines of Squid's output that say what is wrong.
func complaints(text []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "| Processing: ") {
			continue // the configuration itself
		}
		for _, word := range []string{"WARNING", "ERROR", "FATAL", "Bungled", "Segment Violation"} {
			if strings.Contains(line, word) {
				b.WriteString(line)
				break
			}
		}
	}
	return b.String()
}
