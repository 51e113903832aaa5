package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"gatewright/cmd/gatewright/internal/report"
)

// TestBadInput gives the tool every bad file of testdata/bad in place of a good
// one. The whole error is as the archive says, the exit status is 3, and nothing is
// written, neither to stdout nor to the output folder of an earlier run.
//
// An archive holds pairs of sections, NAME.json and NAME.want with the error, after
// the good file. A NAME.want alone is of one of madeInputs.
func TestBadInput(t *testing.T) {
	count := 0
	for kind, args := range map[string][]string{
		"catalog": {"generate", "-o", "out", "--catalog", "bad.json"},
		"site":    {"generate", "-o", "out", "--site", "bad.json"},
	} {
		t.Run(kind, func(t *testing.T) {
			archive, err := filepath.Abs(filepath.Join("testdata", "bad", kind+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			head, sections := readArchive(t, archive)
			input := madeInputs(kind)
			prepareBadInput(t, sections[0], args)
			before := tree(t, ".")
			for i, s := range sections[1:] {
				name, wants := strings.CutSuffix(s.name, ".want")
				if !wants {
					input[strings.TrimSuffix(s.name, ".json")] = s.data
					continue
				}
				count++
				t.Run(name, func(t *testing.T) {
					data, ok := input[name]
					if !ok {
						t.Fatalf("no input for %s", s.name)
					}
					delete(input, name)
					got := failedRun(t, data, args)
					compareTrees(t, before, tree(t, "."))
					if *update {
						sections[1+i].data = got
					} else if got != s.data {
						t.Errorf("%s\nthe error has changed:\n%s", data[:min(len(data), 500)], report.Unified(s.name, []byte(s.data), []byte(got)))
					}
				})
			}
			for name := range input {
				t.Errorf("no %s.want", name)
			}
			if *update {
				writeArchive(t, archive, head, sections)
			}
		})
	}
	if count < 60 {
		t.Errorf("%d bad inputs, want 60 at least", count)
	}
}

// prepareBadInput leaves a folder with what a good run made, and without the file
// that is to be bad.
func prepareBadInput(t *testing.T, good section, args []string) {
	t.Helper()
	own, err := os.ReadFile(filepath.Join("testdata", "bad", "own.json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for name, data := range map[string]string{"bad.json": good.data, "own.json": string(own)} {
		if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	if status := run(args, nil, &stdout, &stderr); status != exitOK {
		t.Fatalf("%s: status %d\n%s", good.name, status, &stderr)
	}
	if err := os.Remove("bad.json"); err != nil {
		t.Fatal(err)
	}
}

// failedRun runs the tool on a bad file and returns the error.
func failedRun(t *testing.T, data string, args []string) string {
	t.Helper()
	if err := os.WriteFile("bad.json", []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	defer os.Remove("bad.json")
	var stdout, stderr bytes.Buffer
	if status := run(args, nil, &stdout, &stderr); status != exitFailed {
		t.Errorf("exit status %d, want %d", status, exitFailed)
	}
	if stdout.Len() > 0 {
		t.Errorf("on stdout: %s", &stdout)
	}
	for line := range strings.Lines(stderr.String()) {
		if !strings.HasPrefix(line, "gatewright: error: ") || len(line) > 1500 {
			t.Errorf("on stderr: %s", line)
		}
	}
	return stderr.String()
}

// madeInputs are the bad files that an archive cannot hold.
func madeInputs(kind string) map[string]string {
	entry := func(member string) string {
		return `{"catalog": "c", "revision": "1", "title": "c", "entries": [{"id": "a", ` + member +
			`, "direction": "outbound", "role": "clients", "services": "tcp 443"}]}`
	}
	deep := strings.Repeat(`{"entries":[`, 5_000) + strings.Repeat("]}", 5_000)
	made := map[string]string{
		"empty-file":         "",
		"spaces-alone":       " \n\t\n",
		"byte-order-alone":   "\ufeff",
		"depth-10000":        deep,
		"utf16-without-mark": utf16Text(`{"catalog": "c"}`),
		"utf16-cut":          "\xff\xfe{",
		"utf8-invalid":       "{\"title\": \"caf\xe9\"}",
		"nul":                "{\"title\": \"\x00\"}",
		"bell":               "{\"title\": \"\a\"}",
		"cr-lf-position":     "{\r\n  \"title\": \"a\",\r\n  \"title\": \"b\"\r\n}\r\n",
	}
	if kind == "site" {
		made["string-1MiB"] = `{"output": "` + strings.Repeat("x", 1<<20) + `"}`
		made["list-of-500-faults"] = `{"catalogs": [` + strings.Repeat("1,", 500) + `]}`
		return made
	}
	made["string-1MiB"] = entry(`"title": "` + strings.Repeat("x", 1<<20) + `", "endpoints": ["192.0.2.1"]`)
	made["endpoint-1MiB"] = entry(`"title": "a", "endpoints": ["` + strings.Repeat("x.", 1<<19) + `"]`)
	made["key-1MiB"] = `{"` + strings.Repeat("k", 1<<20) + `": 1}`
	made["title-201-bytes"] = entry(`"title": "` + strings.Repeat("x", 201) + `", "endpoints": ["192.0.2.1"]`)
	made["500-bad-endpoints"] = entry(`"title": "a", "endpoints": ["` + strings.Repeat(`bad endpoint", "`, 500) + `"]`)
	return made
}

// utf16Text is s in little-endian UTF-16 without a byte-order mark.
func utf16Text(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}
