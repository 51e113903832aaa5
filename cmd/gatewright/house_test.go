package main

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "gatewright"

// goPackage is what `go list -json` says of a package.
type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// allImports are those of the package and of its tests.
func (p goPackage) allImports() []string {
	return slices.Concat(p.Imports, p.TestImports, p.XTestImports)
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	list.Dir = repository
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// layers says which of our packages each package may import; a package that is not
// here has no place yet. "generators/*" stands for every backend.
func layers() map[string][]string {
	return map[string][]string{
		"catalog/netset":             {},
		"catalog/suggest":            {},
		"catalog/jsonc":              {"catalog/suggest"},
		"templates":                  {},
		"catalog/plainfile":          {},
		"catalog/rule":               {"catalog/suggest", "catalog/netset"},
		"catalog":                    {"catalog/jsonc", "catalog/suggest", "catalog/netset"},
		"catalog/lint":               {"catalog", "catalog/netset"},
		"catalog/feed":               {"catalog", "catalog/jsonc", "catalog/suggest", "catalog/netset", "catalog/plainfile"},
		"catalog/site":               {"catalog/feed", "catalog/lint", "catalog", "catalog/jsonc", "catalog/suggest", "catalog/netset", "catalog/plainfile", "catalog/rule"},
		"generators/artefact":        {"catalog/suggest", "catalog/rule", "catalog/netset"},
		"generators/filter":          {"generators/artefact", "catalog/rule", "catalog/netset"},
		"generators/bounded":         {},
		"generators/lcs":             {},
		"generators/nftables/kernel": {"generators/filter", "generators/lcs", "catalog/netset"},
		"generators/*":               {"generators/filter", "generators/lcs", "generators/artefact", "templates", "catalog/rule", "catalog/netset"},
		"generators/expect":          {"generators/artefact", "catalog/rule", "catalog/netset"},
		"generators/box":             {"generators/bounded"},
		"generators/engine":          {"generators/box", "generators/artefact", "generators/nftables/kernel", "templates", "catalog/rule", "catalog/netset"},
		"generators/proof":           {"generators/*", "generators/filter", "generators/artefact", "generators/box", "generators/engine", "generators/nftables/kernel", "templates", "catalog/rule", "catalog/netset"},
		"generators/live":            {"generators/*", "generators/bounded", "generators/filter", "generators/artefact", "generators/nftables/kernel", "catalog/plainfile", "catalog/rule", "catalog/netset"},
		"generators":                 {"generators/*", "generators/filter", "generators/artefact", "catalog/suggest", "catalog/rule", "catalog/netset"},

		"cmd/gatewright/internal/console": {"catalog/feed", "catalog", "catalog/netset"},
		"cmd/gatewright/internal/fetch": {
			"cmd/gatewright/internal/console", "cmd/gatewright/internal/output", "cmd/gatewright/internal/words",
			"catalog", "catalog/feed", "catalog/plainfile",
		},
		"cmd/gatewright/internal/git":       {"generators/bounded"},
		"cmd/gatewright/internal/interrupt": {},
		"cmd/gatewright/internal/words":     {"catalog/site", "catalog/rule", "catalog"},
		"cmd/gatewright/internal/change": {
			"cmd/gatewright/internal/console", "cmd/gatewright/internal/words",
			"generators/artefact", "catalog/site", "catalog/rule", "catalog/netset",
		},
		"cmd/gatewright/internal/report": {
			"cmd/gatewright/internal/change", "cmd/gatewright/internal/console", "cmd/gatewright/internal/words",
			"generators/artefact", "generators/expect", "generators/lcs", "catalog", "catalog/lint", "catalog/site", "catalog/rule", "catalog/netset",
		},
		"cmd/gatewright/internal/output": {"cmd/gatewright/internal/interrupt", "generators/artefact", "catalog/plainfile"},
		"cmd/gatewright": {
			"cmd/gatewright/internal/console", "cmd/gatewright/internal/fetch", "cmd/gatewright/internal/git", "cmd/gatewright/internal/interrupt", "cmd/gatewright/internal/change", "cmd/gatewright/internal/output", "cmd/gatewright/internal/report", "cmd/gatewright/internal/words",
			"catalog/site", "catalog/lint", "catalog/feed", "catalog", "catalog/suggest", "catalog/plainfile", "catalog/rule", "catalog/netset",
			"generators", "generators/*", "generators/artefact", "generators/expect", "generators/box", "generators/engine", "generators/live", "generators/nftables/kernel", "generators/proof",
		},
	}
}

// allowedImports returns which of our packages a package may import. A package of
// test tools, rule/ruletest, may import the one that it is for, and what that may.
func allowedImports(name string) (allowed []string, ok bool) {
	dir := path.Dir(name)
	if path.Base(name) == path.Base(dir)+"test" {
		allowed, ok = layers()[layer(dir)]
		return append(allowed, layer(dir), "catalog/rule/ruletest"), ok
	}
	allowed, ok = layers()[layer(name)]
	return allowed, ok
}

// layer returns the name of a package in layers.
func layer(name string) string {
	if _, ok := layers()[name]; !ok && path.Dir(name) == "generators" {
		return "generators/*"
	}
	return name
}

// TestLayers holds that imports run one way.
func TestLayers(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		allowed, ok := allowedImports(name)
		if !ok {
			t.Errorf("package %s has no place in the layers; give it one in layers", name)
			continue
		}
		for _, i := range p.Imports {
			other, ours := strings.CutPrefix(i, module+"/")
			if ours && !slices.Contains(allowed, layer(other)) && !slices.Contains(allowed, other) {
				t.Errorf("package %s imports %s; it may import %s", name, other, strings.Join(allowed, ", "))
			}
		}
	}
}

// TestDependencies holds that pflag and nftables are the only modules that are
// imported, each in one place, and that no template is an HTML template.
func TestDependencies(t *testing.T) {
	places := map[string]string{"github.com/spf13/pflag": "cmd/gatewright", "github.com/google/nftables": "generators/nftables/kernel"}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, i := range p.allImports() {
			first, _, _ := strings.Cut(i, "/")
			place, known := "", false
			for dependency, where := range places {
				if i == dependency || strings.HasPrefix(i, dependency+"/") {
					place, known = where, true
				}
			}
			switch {
			case i == "html/template":
				t.Errorf("package %s imports html/template, which quotes for browsers; rules take text/template", name)
			case strings.Contains(first, ".") && !known:
				t.Errorf("package %s imports %s; only pflag and nftables may be imported beside the standard library", name, i)
			case known && name != place:
				t.Errorf("package %s imports %s; only %s may", name, i, place)
			}
		}
	}
	data, err := os.ReadFile(filepath.Join(repository, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require"))
		if len(words) < 2 || !strings.HasPrefix(words[1], "v") || slices.Contains(words, "indirect") {
			continue
		}
		if _, known := places[words[0]]; !known {
			t.Errorf("go.mod requires %s; only pflag and nftables may be required directly", words[0])
		}
	}
}

// TestFilesAreOpenedInOnePlace holds that what reads files which somebody else may have
// put there goes by plainfile. Engines read what they wrote themselves, and a box what
// the kernel shows.
func TestFilesAreOpenedInOnePlace(t *testing.T) {
	opens := regexp.MustCompile(`\b(os|[a-z.]*[rR]oot)\.(ReadFile|Open|OpenFile|OpenInRoot|OpenRoot|DirFS|Create)\(`)
	allowed := map[string]int{ // how often, with the reason
		"cmd/gatewright/internal/output/stage.go":     1, // create: only what is not there yet
		"cmd/gatewright/internal/output/lock_unix.go": 2, // lock, and a folder to be synced: without waiting
		"cmd/gatewright/session.go":                   2, // what the kernel shows of processes
		"generators/live/trial_linux.go":              2, // what the kernel shows; a lock in a folder of root's
		"generators/live/watch_linux.go":              1, // the same
		"generators/live/run_linux.go":                1, // a folder of root's that nobody else enters
		"generators/nftables/kernel/open_linux.go":    1, // a network namespace
		"cmd/gatewright/internal/fetch/requestid.go":  1, // the user's own configuration
		"cmd/gatewright/usage.go":                     1, // what the user names: a log of any size, read line by line
		"cmd/gatewright/internal/fetch/state.go":      1, // the user's own cache
	}
	for _, dir := range []string{"catalog", "cmd", "generators"} {
		err := filepath.WalkDir(filepath.Join(repository, dir), func(file string, d fs.DirEntry, err error) error {
			name := filepath.ToSlash(strings.TrimPrefix(file, repository+string(filepath.Separator)))
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			for _, own := range []string{"catalog/plainfile/", "generators/box/", "generators/engine/", "generators/artefact/artefacttest/"} {
				if strings.HasPrefix(name, own) {
					return nil
				}
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if n := len(opens.FindAll(data, -1)); n != allowed[name] {
				t.Errorf("%s opens files by itself in %d places, and %d are allowed; read by plainfile what somebody else may have put there", name, n, allowed[name])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestTopLevel holds that the repository's top level has these names alone.
func TestTopLevel(t *testing.T) {
	allowed := []string{
		"cmd", "generators", "templates", "catalog", "examples",
		"go.mod", "go.sum", "Makefile", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", ".gitignore", ".ci",
	}
	for _, name := range topLevel(t) {
		if !slices.Contains(allowed, name) {
			t.Errorf("%s stands at the top level; only %s do", name, strings.Join(allowed, ", "))
		}
	}
}

// TestTrackedFiles holds that no file is larger than a text of ours, such as a program
// that was built beside its source.
func TestTrackedFiles(t *testing.T) {
	git := exec.Command("git", "ls-files", "-z")
	git.Dir = repository
	out, _ := git.Output() // none outside of a git checkout
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if info, err := os.Lstat(filepath.Join(repository, name)); err == nil && info.Mode().IsRegular() && info.Size() > 1<<20 {
			t.Errorf("%s has %d bytes", name, info.Size())
		}
	}
}

// topLevel returns the names that git tracks at the top level; outside of a git
// checkout, those that are there and that .gitignore does not name.
func topLevel(t *testing.T) []string {
	t.Helper()
	git := exec.Command("git", "ls-files")
	git.Dir = repository
	out, err := git.Output()
	if err == nil && len(out) > 0 {
		var names []string
		for file := range strings.Lines(string(out)) {
			name, _, _ := strings.Cut(strings.TrimSpace(file), "/")
			names = append(names, name)
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	files, err := os.ReadDir(repository)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		if !slices.Contains([]string{".git", "bin", "out"}, f.Name()) {
			names = append(names, f.Name())
		}
	}
	return names
}
