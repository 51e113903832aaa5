package main

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatewright/cmd/gatewright/internal/report"
	"gatewright/generators"
)

var update = flag.Bool("update", false, "write the expected files anew")

const repository = "../.."

// exampleCommands are the commands of a document: the lines of its console blocks
// that start with "$ gatewright".
func exampleCommands(t *testing.T, document string) []string {
	t.Helper()
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	console := false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			console = line == "```console"
		case console && strings.HasPrefix(line, "$ gatewright "):
			commands = append(commands, strings.TrimPrefix(line, "$ "))
		}
	}
	if len(commands) == 0 {
		t.Fatalf("%s shows no command", document)
	}
	return commands
}

// program builds the tool once and returns a function that runs a shell line in a
// folder, with the tool on its PATH.
func program(t *testing.T) func(dir, line string) (string, error) {
	t.Helper()
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "gatewright"), "gatewright/cmd/gatewright")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return func(dir, line string) (string, error) {
		c := exec.Command("sh", "-ec", line)
		c.Dir, c.Env = dir, append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		out, err := c.CombinedOutput()
		return string(out), err
	}
}

// tree returns the files below a folder by slash path, without the folder's own
// state.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".gatewright" {
				return filepath.SkipDir
			}
			return nil
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestExamples runs the commands of every example in a copy of its folder. What
// they write to out/ is what stands there.
func TestExamples(t *testing.T) {
	examples, err := os.ReadDir(filepath.Join(repository, "examples"))
	if err != nil {
		t.Fatal(err)
	}
	shell := program(t)
	for _, e := range examples {
		if !e.IsDir() || e.Name() == "debian" { // what a package holds, which .ci/install uses
			continue
		}
		t.Run(e.Name(), func(t *testing.T) {
			source, err := filepath.Abs(filepath.Join(repository, "examples", e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				regenerate(t, source)
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
				t.Fatal(err)
			}
			for _, line := range exampleCommands(t, filepath.Join(dir, "README.md")) {
				if out, err := shell(dir, line); err != nil {
					t.Fatalf("%s: %v\n%s", line, err, out)
				}
			}
			compareTrees(t, tree(t, filepath.Join(source, "out")), tree(t, filepath.Join(dir, "out")))
		})
	}
}

// regenerate writes an example's out/ anew.
func regenerate(t *testing.T, dir string) {
	t.Helper()
	t.Chdir(dir)
	if err := os.RemoveAll("out"); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if code := run([]string{"generate", "-o", "out"}, nil, &stderr, &stderr); code != exitOK {
		t.Fatal(stderr.String())
	}
	if err := os.RemoveAll(filepath.Join("out", ".gatewright")); err != nil {
		t.Fatal(err)
	}
}

func compareTrees(t *testing.T, want, got map[string]string) {
	t.Helper()
	if len(want) == 0 {
		t.Error("the example has no output; `make golden` writes it")
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is not made any more", name)
		}
	}
	for name, text := range got {
		if want[name] != text {
			t.Errorf("%s differs; `make golden` writes it anew\n%s", name, report.Unified(name, []byte(want[name]), []byte(text)))
		}
	}
}

// TestWorkflow runs the shell lines of the CI example with the real program.
func TestWorkflow(t *testing.T) {
	source, err := filepath.Abs(filepath.Join(repository, "examples", "ci"))
	if err != nil {
		t.Fatal(err)
	}
	shell := program(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	workflow, err := os.ReadFile(filepath.Join(dir, "workflow.yml"))
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^ *run: (.+)$`).FindAllStringSubmatch(string(workflow), -1)
	if len(lines) < 3 {
		t.Fatalf("the workflow has %d run lines, want generate, check and list", len(lines))
	}
	for _, line := range lines {
		if out, err := shell(dir, line[1]); err != nil {
			t.Errorf("%s: %v\n%s", line[1], err, out)
		}
	}
	stale := filepath.Join(dir, "out", "proxy.pac")
	if err := os.WriteFile(stale, []byte("function FindProxyForURL() { return 'DIRECT'; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := shell(dir, "gatewright check"); err == nil || !strings.Contains(out, "proxy.pac:1: not written by Gatewright") {
		t.Errorf("check of a changed file: %v\n%s", err, out)
	}
}

// recipeLines are the shell lines of a recipe: those after "run:", also as a block, or
// below "script:" and "after_script:".
func recipeLines(text string) (lines []string) {
	var list, block string // what a line of the list, or of the block, begins with
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		word := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(word)]
		command, isRun := strings.CutPrefix(strings.TrimPrefix(word, "- "), "run: ")
		switch {
		case block != "" && strings.HasPrefix(line, block):
			lines = append(lines, word)
			continue
		case list != "" && strings.HasPrefix(line, list):
			lines = append(lines, strings.TrimPrefix(line, list))
			continue
		case command == "|":
			block = indent + "    "
		case isRun:
			lines = append(lines, command)
		}
		if list = ""; strings.HasSuffix(word, "script:") {
			list = indent + "  - "
		}
	}
	return lines
}

// TestRecipes runs the shell lines of every recipe in a new repository with nothing but
// the site file, its output and the program: they pass, and fail once an expectation
// does.
func TestRecipes(t *testing.T) {
	source, err := filepath.Abs(filepath.Join(repository, "examples", "ci"))
	if err != nil {
		t.Fatal(err)
	}
	shell := program(t)
	for name, want := range map[string]int{"README.md": 1, "action.yml": 1, "gitlab-ci.yml": 2, "pre-commit": 0} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(filepath.Join(dir, "out"), os.DirFS(filepath.Join(source, "out"))); err != nil {
				t.Fatal(err)
			}
			site, err := os.ReadFile(filepath.Join(source, "gatewright.json"))
			if err != nil {
				t.Fatal(err)
			}
			broken := strings.Replace(string(site), `"deny": "outbound tcp any:3389`, `"deny": "outbound tcp any:443`, 1)
			recipe, err := os.ReadFile(filepath.Join(source, name))
			if err != nil {
				t.Fatal(err)
			}
			lines := recipeLines(string(recipe))
			if name == "README.md" {
				_, run, _ := strings.Cut(shortRecipe(t), "{ run: ")
				run, _, _ = strings.Cut(run, " }")
				lines = []string{run}
			}
			if len(lines) != want {
				t.Fatalf("%d shell lines, want %d: %q", len(lines), want, lines)
			}
			if want == 0 {
				lines = []string{"git init -q . && git add . && " + filepath.Join(source, name)}
			}
			for text, passes := range map[string]bool{string(site): true, broken: false} {
				if err := os.WriteFile(filepath.Join(dir, "gatewright.json"), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				for _, line := range lines {
					if out, err := shell(dir, line); (err == nil) != passes {
						t.Errorf("%s: %v\n%s", line, err, out)
					}
				}
			}
		})
	}
}

// TestHookGoesByTheIndex holds that the hook checks what is committed, and not what
// lies in the working tree.
func TestHookGoesByTheIndex(t *testing.T) {
	source, err := filepath.Abs(filepath.Join(repository, "examples", "ci"))
	if err != nil {
		t.Fatal(err)
	}
	shell, dir := program(t), t.TempDir()
	run := func(passes bool, line string) {
		t.Helper()
		if out, err := shell(dir, line); (err == nil) != passes {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	run(true, "git init -q . && cp -r "+source+"/out "+source+"/gatewright.json . && cp "+source+"/pre-commit .git/hooks/ && git config user.name t && git config user.email t@t.test && git add . && git commit -q -m one")
	run(true, "sed -i 's|10.1.1.11|10.1.1.12|' gatewright.json && ! git diff --quiet && gatewright generate -q && git add gatewright.json")
	run(false, "git commit -q -m 'the site without its files'")
	run(true, "git add out && git commit -q -m both")
	run(true, "echo broken >gatewright.json && git commit -q --allow-empty -m none && git checkout -q gatewright.json")
}

// shortRecipe is the check alone, as the README of the recipes shows it.
func shortRecipe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "examples", "ci", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if indented, ok := strings.CutPrefix(line, "    "); ok {
			lines = append(lines, indented)
		}
	}
	if len(lines) > 5 {
		t.Errorf("the check alone takes more than five lines: %q", lines)
	}
	return strings.Join(lines, "")
}

// TestRecipesAreYAML asks Python's reader, where there is one, which .ci/deps installs.
func TestRecipesAreYAML(t *testing.T) {
	if exec.Command("python3", "-c", "import yaml").Run() != nil {
		t.Log("python3 has no yaml here; .ci/deps installs it")
		return
	}
	texts := map[string]string{"README.md": shortRecipe(t)}
	for _, name := range []string{"workflow.yml", "action.yml", "gitlab-ci.yml", "scheduled.yml", "gitlab-scheduled.yml"} {
		text, err := os.ReadFile(filepath.Join(repository, "examples", "ci", name))
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	for name, text := range texts {
		read := exec.Command("python3", "-c", "import sys, yaml; assert isinstance(yaml.safe_load(sys.stdin), dict)")
		read.Stdin = strings.NewReader(text)
		if out, err := read.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if strings.Count(text, "\n") > 40 {
			t.Errorf("%s is more than a screen", name)
		}
	}
}

// TestGeneratorDocumentation holds the sections of every generator's README and
// runs its examples.
func TestGeneratorDocumentation(t *testing.T) {
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	shell := program(t)
	for _, g := range generators.All() {
		t.Run(g.Name(), func(t *testing.T) {
			document := filepath.Join(root, "generators", strings.ReplaceAll(g.Name(), "-", ""), "README.md")
			data, err := os.ReadFile(document)
			if err != nil {
				t.Fatal(err)
			}
			var sections []string
			for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(string(data), -1) {
				sections = append(sections, m[1])
			}
			for _, want := range []string{"Name", "Description", "Output", "Limits", "Examples"} {
				if !slices.Contains(sections, want) {
					t.Errorf("no section %q; expected one of %q", want, sections)
				}
			}
			for _, o := range g.Options() {
				if !strings.Contains(string(data), "`"+o.Name+"`") {
					t.Errorf("option %s is not described", o.Name)
				}
			}
			dir := t.TempDir()
			for _, line := range exampleCommands(t, document) {
				if out, err := shell(dir, line); err != nil {
					t.Errorf("%s: %v\n%s", line, err, out)
				}
			}
		})
	}
}
