package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gatewright/cmd/gatewright/internal/report"
)

// section is one file of a text archive: a line "-- name --", then its content.
type section struct{ name, data string }

// readArchive returns the text before the first section, and the sections.
func readArchive(t *testing.T, file string) (head string, sections []section) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	to := &head
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(name, " --") {
			sections = append(sections, section{name: strings.TrimSuffix(name, " --")})
			to = &sections[len(sections)-1].data
			continue
		}
		*to += line
	}
	return head, sections
}

func writeArchive(t *testing.T, file, head string, sections []section) {
	t.Helper()
	text := head
	for _, s := range sections {
		text += "-- " + s.name + " --\n" + s.data
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// script is a run of testdata/script/*.txtar: commands, a line each, and the files
// that they find in their folder. "!" before a command negates it.
//
//	gatewright ARG...               runs the tool, which must succeed
//	status N                        the last exit status
//	stdin FILE                      what the next gatewright reads
//	stdout REGEXP, stderr REGEXP    some line matches
//	cmp FILE WANT                   equal; FILE may be stdout or stderr; -update writes WANT anew
//	exists FILE...                  there are such files
//	cp FROM TO, rm FILE..., mkdir DIR..., env NAME=VALUE, exec COMMAND...
type script struct {
	*testing.T
	sections []section
	status   int
	stdin    string
	output   map[string]string // "stdout" and "stderr"
}

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			file, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			head, sections := readArchive(t, file)
			t.Chdir(t.TempDir())
			s := &script{T: t, sections: sections}
			for _, one := range sections {
				s.check(os.MkdirAll(filepath.Dir(one.name), 0o755))
				s.check(os.WriteFile(one.name, []byte(one.data), 0o644))
			}
			number := 0
			for line := range strings.Lines(head) {
				number++
				if words := splitWords(line); len(words) > 0 {
					s.do(number, words)
				}
			}
			if *update {
				writeArchive(t, file, head, s.sections)
			}
		})
	}
}

// splitWords splits at spaces outside single quotes; # starts a comment.
func splitWords(line string) []string {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t\n")
		switch {
		case line == "" || line[0] == '#':
			return words
		case line[0] == '\'':
			word, rest, _ := strings.Cut(line[1:], "'")
			words, line = append(words, word), rest
		default:
			i := strings.IndexAny(line+" ", " \t\n")
			words, line = append(words, line[:i]), line[i:]
		}
	}
}

func (s *script) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *script) do(number int, words []string) {
	s.Helper()
	not := words[0] == "!"
	if not {
		words = words[1:]
	}
	name, args := words[0], words[1:]
	commands := map[string]func([]string) bool{
		"gatewright": s.gatewright, "status": s.hasStatus, "cmp": s.equal, "exists": s.exist, "exec": s.exec,
		"stdout": func(a []string) bool { return regexp.MustCompile("(?m)" + a[0]).MatchString(s.output[name]) },
		"stderr": func(a []string) bool { return regexp.MustCompile("(?m)" + a[0]).MatchString(s.output[name]) },
		"stdin":  func(a []string) bool { s.stdin = s.read(a[0]); return true },
		"cp":     func(a []string) bool { return os.WriteFile(a[1], []byte(s.read(a[0])), 0o644) == nil },
		"rm":     func(a []string) bool { return s.all(a, os.RemoveAll) },
		"mkdir":  func(a []string) bool { return s.all(a, func(dir string) error { return os.MkdirAll(dir, 0o755) }) },
		"env":    func(a []string) bool { key, value, _ := strings.Cut(a[0], "="); s.Setenv(key, value); return true },
	}
	if command, ok := commands[name]; !ok || command(args) == not {
		s.Fatalf("line %d: %q\nstatus %d\nstdout: %s\nstderr: %s", number, words, s.status, s.output["stdout"], s.output["stderr"])
	}
}

func (s *script) gatewright(args []string) bool {
	var stdout, stderr bytes.Buffer
	s.status = run(args, strings.NewReader(s.stdin), &stdout, &stderr)
	s.stdin, s.output = "", map[string]string{"stdout": stdout.String(), "stderr": stderr.String()}
	return s.status == exitOK
}

func (s *script) hasStatus(args []string) bool { return strconv.Itoa(s.status) == args[0] }

func (s *script) exec(args []string) bool {
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	s.output = map[string]string{"stdout": string(out)}
	return err == nil
}

func (s *script) equal(args []string) bool {
	have, want := s.read(args[0]), s.read(args[1])
	if have == want {
		return true
	}
	for i := range s.sections {
		if *update && s.sections[i].name == args[1] {
			s.sections[i].data = have
			return true
		}
	}
	s.Log(report.Unified(args[1], []byte(want), []byte(have)))
	return false
}

func (s *script) exist(args []string) bool {
	return s.all(args, func(file string) error { _, err := os.Lstat(file); return err })
}

func (s *script) all(args []string, do func(string) error) bool {
	for _, arg := range args {
		if do(arg) != nil {
			return false
		}
	}
	return true
}

func (s *script) read(file string) string {
	if text, ok := s.output[file]; ok {
		return text
	}
	data, err := os.ReadFile(file)
	s.check(err)
	return string(data)
}
