package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/jsonc"
)

// TestGoldenReference holds that catalog/README.md has a table of every key with what
// the code says of it. -update writes the tables anew.
func TestGoldenReference(t *testing.T) {
	file := filepath.Join(repository, "catalog", "README.md")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, d := range schemaDocuments() {
		start, end := "<!-- keys: "+d.name+" -->\n", "<!-- end -->\n"
		before, rest, found := strings.Cut(text, start)
		_, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Fatalf("%s has no %s%s", file, start, end)
		}
		var rows []string
		referenceRows(&rows, "", d.schema)
		if len(rows) < 40 {
			t.Errorf("%s: %d keys", d.name, len(rows))
		}
		text = before + start + "| key | value | |\n|---|---|---|\n" + strings.Join(rows, "") + end + after
	}
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != string(data) {
		t.Errorf("%s is not what the code says; run the test with -update", file)
	}
}

// referenceRows adds a row for each key below a path: a key of an object after a dot,
// any key as *, an element of a list as [].
func referenceRows(rows *[]string, path string, s jsonc.Schema) {
	for _, one := range s.AnyOf {
		referenceRows(rows, path, one)
	}
	if s.Items != nil {
		referenceRows(rows, path+"[]", *s.Items)
	}
	if values, ok := s.Others.(jsonc.Schema); ok {
		referenceRows(rows, path+".*", values)
	}
	for _, p := range s.Properties {
		at := strings.TrimPrefix(path+"."+p.Key, ".")
		value := valueWords(p.Schema)
		if slices.Contains(s.Required, p.Key) {
			value += "; required"
		}
		if strings.HasPrefix(at, "outputs.*.") {
			*rows = append(*rows, fmt.Sprintf("| `%s` | as `%s` | of this output |\n", at, p.Key))
			continue
		}
		doc := strings.NewReplacer("|", `\|`, "<", "`<", ">", ">`", "*", `\*`).Replace(p.Description)
		*rows = append(*rows, fmt.Sprintf("| `%s` | %s | %s |\n", at, value, doc))
		referenceRows(rows, at, p.Schema)
	}
}

// valueWords says what a value may be: the spelling that a person would write, where a
// list of one word, or a number, is taken, too.
func valueWords(s jsonc.Schema) string {
	values, free := s.Others.(jsonc.Schema)
	switch {
	case s.AnyOf != nil:
		var all []string
		for _, one := range s.AnyOf {
			words := valueWords(one)
			if words != "" && words != "number" && one.MaxItems != 1 && !slices.Contains(all, words) {
				all = append(all, words)
			}
		}
		return strings.Join(all, ", or ")
	case s.Pattern == "^<.*>$":
		return "" // a blank
	case s.Enum != nil:
		return "`" + strings.Join(s.Enum, "`, `") + "`"
	case s.Items != nil:
		return "list of " + strings.ReplaceAll(valueWords(*s.Items), ", or ", " or ")
	case free:
		return "object; each is " + valueWords(values)
	}
	return map[string]string{"string": "text", "boolean": "`true`, `false`", "number": "number", "object": "object"}[s.Type]
}
