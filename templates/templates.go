// Package templates holds the text/template files of the generators, one folder
// each. Templates are syntax: they decide nothing, quote nothing and never loop
// over the elements of a set, which a view holds as one text even where each is a line
// or a command of its own.
package templates

import (
	"embed"
	"fmt"
	"sync"
	"text/template"
)

// FS holds every template as <generator>/<file>.tmpl.
//
//go:embed */*.tmpl
var FS embed.FS

// Execute renders the template at a path in FS with a generator's view. Nothing
// is returned on an error: text/template may have written a part by then, and
// half a firewall is worse than none.
func Execute(path string, view any) ([]byte, error) {
	t, err := parse(path)
	if err != nil {
		return nil, err
	}
	var w text
	if err := t.Execute(&w, view); err != nil {
		return nil, fmt.Errorf("template %s: %w", path, err)
	}
	return w, nil
}

// ExecutePart renders one of the templates that the file at a path defines.
func ExecutePart(path, part string, view any) ([]byte, error) {
	t, err := parse(path)
	if err != nil {
		return nil, err
	}
	var w text
	if err := t.ExecuteTemplate(&w, part, view); err != nil {
		return nil, fmt.Errorf("template %s: %w", path, err)
	}
	return w, nil
}

// text grows by a quarter when it is large, where bytes.Buffer doubles.
type text []byte

func (t *text) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	return len(p), nil
}

// parsed holds templates by path: one is rendered many times for Squid's lists.
var parsed sync.Map

func parse(path string) (*template.Template, error) {
	if t, ok := parsed.Load(path); ok {
		return t.(*template.Template), nil
	}
	source, err := FS.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := template.New(path).Option("missingkey=error").Parse(string(source))
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", path, err)
	}
	parsed.Store(path, t)
	return t, nil
}
