package main

import (
	"encoding/json"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNothingIsReachedByTestsAlone holds that what a product package declares is used
// by the program: the functions, methods, types and variables that main leads to. A
// method is used by itself, or with all methods of its name through an interface.
func TestNothingIsReachedByTestsAlone(t *testing.T) {
	list := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export,Dir,GoFiles,Standard", ".")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	type listed struct {
		ImportPath, Export, Dir string
		GoFiles                 []string
		Standard                bool
	}
	exports := map[string]string{}
	var own []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, "gatewright/") {
			own = append(own, p)
		}
	}
	fset := token.NewFileSet()
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", lookup)}
	u := uses{of: map[string][]string{}, at: map[string]string{}}
	for _, p := range own {
		var files []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		info := types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
		if _, err := config.Check(p.ImportPath, fset, files, &info); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			for _, d := range f.Decls {
				u.add(fset, &info, d)
			}
		}
	}
	reached := map[string]bool{}
	for _, root := range append([]string{"", "gatewright/cmd/gatewright.main"}, called...) {
		u.reach(root, reached)
	}
	var dead []string
	for name, at := range u.at {
		if !reached[name] && !slices.Contains(exceptions, name) {
			dead = append(dead, at+": "+name)
		}
	}
	for _, name := range exceptions {
		if u.at[name] == "" || reached[name] {
			t.Errorf("%s needs no exception any more", name)
		}
	}
	slices.Sort(dead)
	for _, d := range dead {
		t.Errorf("%s is reached by tests alone; move it to their files, or remove it", d)
	}
}

// probes are what tests of other packages ask of a part of a proof.
var probes = []string{
	"gatewright/generators/engine.ParseSquid", "gatewright/generators/engine.aroundFragment",
	"gatewright/generators/proof.Interpreter.PAC", "gatewright/generators/proof.PACFlows",
	"gatewright/generators/proof.IptablesRules", "gatewright/generators/proof.NFTablesRules",
}

// frame is what a packet filter of another kind stands on: the generator of a router
// that the tests of package generators hold is the first.
var frame = []string{
	"gatewright/generators/filter.Flat", "gatewright/generators/filter.line.apart", "gatewright/generators/filter.line.remote",
	"gatewright/generators/artefact.SomeFilterOptions", "gatewright/generators/artefact.OneByOne",
	"gatewright/generators/proof.Reader", "gatewright/generators/proof.ByReading",
	"gatewright/generators/proof.compareReading", "gatewright/generators/proof.byPairs",
	"gatewright/generators/iptables.Generator.Comments", "gatewright/generators/iptables.quotedComment",
	"gatewright/generators/nftables.Generator.Comments", "gatewright/generators/nftables.quotedComment",
}

var exceptions = slices.Concat(probes, frame)

// called are methods that the standard library calls through its own interfaces.
var called = []string{".String", ".Error", ".Unwrap", ".MarshalJSON", ".UnmarshalJSON", ".MarshalText", ".UnmarshalText", ".GobEncode", ".GobDecode", ".Write", ".Read", ".Type"}

// uses are what declarations name, by declaration; "" for what runs by itself.
type uses struct {
	of map[string][]string
	at map[string]string // where it is declared
}

// nameOf is a package's name of an object: a function's, a method's with its type, or
// that of a method of any interface.
func nameOf(o types.Object) string {
	f, isFunc := o.(*types.Func)
	switch {
	case o.Pkg() == nil:
		return ""
	case isFunc && f.Signature().Recv() != nil:
		recv := f.Signature().Recv().Type()
		if p, ok := recv.(*types.Pointer); ok {
			recv = p.Elem()
		}
		n, named := recv.(*types.Named)
		if !named || types.IsInterface(recv) {
			return "." + o.Name()
		}
		return o.Pkg().Path() + "." + n.Obj().Name() + "." + o.Name()
	case o.Parent() != o.Pkg().Scope():
		return ""
	}
	return o.Pkg().Path() + "." + o.Name()
}

func (u *uses) add(fset *token.FileSet, info *types.Info, d ast.Decl) {
	var names []string
	declare := func(id *ast.Ident) {
		if id.Name == "_" || id.Name == "init" {
			names = append(names, "")
			return
		}
		name := nameOf(info.Defs[id])
		names = append(names, name)
		u.at[name] = fset.Position(id.Pos()).String()
	}
	note := func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && info.Uses[id] != nil {
				for _, name := range names {
					u.of[name] = append(u.of[name], nameOf(info.Uses[id]))
				}
			}
			return true
		})
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		declare(d.Name)
		if d.Recv != nil {
			by := "." + d.Name.Name
			u.of[by] = append(u.of[by], names...)
		}
		note(d)
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				names = nil
				declare(s.Name)
				note(s)
			case *ast.ValueSpec:
				names = nil
				for _, id := range s.Names {
					declare(id)
					if d.Tok == token.CONST { // a list of words may be longer than what is said
						delete(u.at, nameOf(info.Defs[id]))
					}
				}
				note(s)
			}
		}
	}
}

func (u *uses) reach(name string, reached map[string]bool) {
	if reached[name] {
		return
	}
	reached[name] = true
	for _, next := range u.of[name] {
		u.reach(next, reached)
	}
}
