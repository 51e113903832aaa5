package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/site"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

// document is a kind of document that has a schema.
type document struct {
	name   string
	schema jsonc.Schema
	read   func(text string) error
}

func schemaDocuments() []document {
	return []document{
		{"site", site.Schema(backends()), readSite},
		{"catalog", catalog.Schema(), func(text string) error { _, err := catalog.Read("d", []byte(text)); return err }},
	}
}

// readSite reads a site file, and what the tool knows of the generators that it names.
func readSite(text string) error {
	s, err := site.Read("d", []byte(text))
	if err != nil {
		return err
	}
	var errs []error
	for _, one := range append(s.Outputs, s) {
		errs = append(errs, checkBackends(one))
	}
	return errors.Join(errs...)
}

// checkBackends returns what is wrong with the names and options of generators.
func checkBackends(s *site.Site) error {
	names := slices.Clone(s.Generators)
	for _, e := range s.Expectations {
		names = append(names, e.In...)
	}
	for _, one := range s.Tolerations {
		names = append(names, one.Generators...)
	}
	for _, name := range append(names, slices.Collect(maps.Keys(s.Options))...) {
		g, err := generators.ByName(name)
		if err != nil {
			return err
		}
		if _, err := artefact.Configure(g.Options(), s.Options[name]); err != nil {
			return err
		}
	}
	return nil
}

// describedObject is an object that a schema describes, and the text around it in a
// document.
type describedObject struct {
	before, after string
	jsonc.Schema
}

// objectsOf returns the objects with known keys in a schema.
func objectsOf(s jsonc.Schema, before, after string) (all []describedObject) {
	for _, one := range s.AnyOf {
		all = append(all, objectsOf(one, before, after)...)
	}
	if s.Items != nil {
		all = append(all, objectsOf(*s.Items, before+"[", "]"+after)...)
	}
	if values, ok := s.Others.(jsonc.Schema); ok {
		all = append(all, objectsOf(values, before+`{"clients": `, "}"+after)...)
	}
	if len(s.Properties) > 0 {
		all = append(all, describedObject{before, after, s})
	}
	for _, p := range s.Properties {
		all = append(all, objectsOf(p.Schema, before+`{"`+p.Key+`": `, "}"+after)...)
	}
	return all
}

// TestSchemaKeys asks the readers which keys each object may have: they are those of
// the schema, each with a description.
func TestSchemaKeys(t *testing.T) {
	known := regexp.MustCompile(`/zzzzzz: unknown key "zzzzzz"; known keys: (.*)`)
	whole := strings.NewReplacer(`[{"from": [`, `[{"only": "inbound to clients", "from": [`, `[{"to": [`, `[{"only": "outbound from clients", "to": [`)
	asked := map[string]int{}
	for _, d := range schemaDocuments() {
		for _, o := range objectsOf(d.schema, "", "") {
			if strings.Contains(o.before, `{"options"`) || strings.HasSuffix(o.before, `{"tolerate": `) {
				continue // of generators, which the reader of the site file does not know
			}
			asked[d.name]++
			text := whole.Replace(o.before) + `{"zzzzzz": 1}` + o.after
			var keys []string
			for _, p := range o.Properties {
				if p.Description == "" {
					t.Errorf("%s: %s has no description", text, p.Key)
				}
				if p.Key != "$schema" {
					keys = append(keys, `"`+p.Key+`"`)
				}
			}
			read := known.FindStringSubmatch(fmt.Sprint(d.read(text)))
			if read == nil || read[1] != strings.Join(keys, ", ") {
				t.Errorf("%s: the schema has %s, and the reader says %v", text, keys, d.read(text))
			}
		}
	}
	if asked["site"] != 19 || asked["catalog"] != 11 {
		t.Errorf("%v objects were asked for: one is not described as such, or is new", asked)
	}
}

// TestSchemaOptions asks generators which options they have: they are those of the
// schema.
func TestSchemaOptions(t *testing.T) {
	t.Chdir(t.TempDir())
	known := regexp.MustCompile(`unknown option "zzzzzz"; expect one of (.*)\n`)
	asked := 0
	for _, o := range objectsOf(site.Schema(backends()), "", "") {
		generator, ok := strings.CutPrefix(o.before, `{"options": {"`)
		if !ok {
			continue
		}
		asked++
		if err := os.WriteFile("gatewright.json", []byte(o.before+`{"zzzzzz": "x"}`+o.after), 0o644); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		run([]string{"generate", strings.TrimSuffix(generator, `": `), "-o", "out"}, nil, &stdout, &stderr)
		var keys []string
		for _, p := range o.Properties {
			keys = append(keys, p.Key)
		}
		if read := known.FindStringSubmatch(stderr.String()); read == nil || read[1] != strings.Join(keys, ", ") {
			t.Errorf("%s: the schema has %s, and the generator says %s", o.before, keys, &stderr)
		}
	}
	if asked != len(generators.All()) {
		t.Errorf("options of %d generators", asked)
	}
}

// validator reads a schema and documents, one JSON text a line, and prints for each
// document what the JSON Schema validator of Python finds, one line each.
const validator = `
import json, sys, jsonschema
schema = json.loads(sys.stdin.readline())
jsonschema.Draft7Validator.check_schema(schema)
checker = jsonschema.Draft7Validator(schema)
for line in sys.stdin:
    print("; ".join(e.message.replace("\n", " ") for e in checker.iter_errors(json.loads(line))))
`

// validate returns what a validator outside the tool finds in documents; empty for
// those that are valid.
func validate(t *testing.T, schema jsonc.Schema, documents []string) []string {
	t.Helper()
	var input, stderr bytes.Buffer
	if err := json.NewEncoder(&input).Encode(schema); err != nil {
		t.Fatal(err)
	}
	for _, text := range documents {
		input.WriteString(plainJSON(t, text) + "\n")
	}
	ask := exec.Command("python3", "-c", validator)
	ask.Stdin, ask.Stderr = &input, &stderr
	out, err := ask.Output()
	if err != nil {
		t.Fatalf("python3 with jsonschema, which .ci/deps installs: %v\n%s", err, &stderr)
	}
	found := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(found) != len(documents) {
		t.Fatalf("%d answers for %d documents", len(found), len(documents))
	}
	return found
}

// plainJSON is a document without comments and trailing commas, in one line.
func plainJSON(t *testing.T, text string) string {
	t.Helper()
	doc, err := jsonc.Parse("d", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return plainValue(doc.Root(), nil)
}

// plainValue is the text of a value, in which another takes the place of the one at a
// pointer.
func plainValue(v jsonc.Value, instead func(jsonc.Value) (string, bool)) string {
	if instead != nil {
		if text, ok := instead(v); ok {
			return text
		}
	}
	var parts []string
	switch v.Kind() {
	case jsonc.Object:
		for k, one := range v.Members() {
			key, _ := json.Marshal(k.Text())
			parts = append(parts, string(key)+":"+plainValue(one, instead))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case jsonc.Array:
		for _, one := range v.Elements() {
			parts = append(parts, plainValue(one, instead))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case jsonc.String:
		text, _ := json.Marshal(v.Text())
		return string(text)
	}
	return string(v.Bytes())
}

// repositoryDocuments returns the documents of a kind in the repository, also those in
// text archives, by their names: what the tool reads.
func repositoryDocuments(t *testing.T, d document) map[string]string {
	t.Helper()
	all := map[string]string{}
	add := func(name, text string) {
		_, err := jsonc.Parse(name, []byte(text))
		own := strings.Contains(text, `"entries"`) && strings.Contains(text, `"catalog"`)
		if err == nil && own == (d.name == "catalog") && (own || site.IsSite([]byte(text))) && d.read(text) == nil {
			all[name] = text
		}
	}
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.IsDir():
			return err
		case strings.HasSuffix(path, ".json"):
			data, err := os.ReadFile(path)
			add(path, string(data))
			return err
		case strings.HasSuffix(path, ".txtar") && !strings.Contains(path, "bad"):
			_, sections := readArchive(t, path)
			for _, s := range sections {
				add(path+"/"+s.name, s.data)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSchemaTakesWhatIsRead holds that every document of the repository is valid by its
// schema, and that one which changes in one value is, too, if the tool reads it.
func TestSchemaTakesWhatIsRead(t *testing.T) {
	for _, d := range schemaDocuments() {
		documents := repositoryDocuments(t, d)
		var texts, names []string
		for name, text := range documents {
			texts, names = append(texts, text), append(names, name)
			for _, changed := range changes(t, text) {
				if d.read(changed) == nil {
					texts, names = append(texts, changed), append(names, name+", changed")
				}
			}
		}
		for i, found := range validate(t, d.schema, texts) {
			if found != "" {
				t.Errorf("%s is read, and the schema says %s\n%s", names[i], found, texts[i])
			}
		}
		t.Logf("%s: %d documents, %d with a change", d.name, len(documents), len(texts)-len(documents))
	}
}

// changes returns documents in which one value is of another kind, or a blank.
func changes(t *testing.T, text string) (all []string) {
	t.Helper()
	doc, err := jsonc.Parse("d", []byte(text))
	if err != nil || len(text) > 10_000 {
		return nil
	}
	count := 0
	plainValue(doc.Root(), func(jsonc.Value) (string, bool) { count++; return "", false })
	for place := range count {
		for _, other := range []string{`"<CIDR>"`, `"any"`, `[]`, `{}`, `7`, `null`} {
			at := -1
			all = append(all, plainValue(doc.Root(), func(jsonc.Value) (string, bool) { at++; return other, at == place }))
		}
	}
	return all
}

// TestSchemaRefusesWhatIsNotRead holds that slips are refused by the schema and by the
// tool.
func TestSchemaRefusesWhatIsNotRead(t *testing.T) {
	bad := map[string]map[string]string{
		"site": {
			`{"select": {"areas": ["exchange"]}}`:           `/select/areas: unknown key "areas"`,
			`{"Bind": {}}`:                                  `/Bind: unknown key "Bind"`,
			`{"group": "entries"}`:                          `/group: unknown value "entries"; known values: "area", "entry", "none"`,
			`{"bind": {"exchange": 7}}`:                     `/bind/exchange: expected the addresses of role exchange, such as ["192.0.2.10"] or {"published": ["192.0.2.10"]}, found a number`,
			`{"bind": {"exchange": []}}`:                    `/bind/exchange: no address for role exchange; write ["192.0.2.10"], or {"published": ["192.0.2.10"]} for machines behind a DNAT, or remove the role`,
			`{"bind": {"exchange": {"publish": []}}}`:       `/bind/exchange/publish: unknown key "publish"`,
			`{"answers": {"m365/x": {"remotes": "any"}}}`:   `/answers/m365~1x/remotes: unknown key "remotes"`,
			`{"answers": {"m365/x": {"remote": "all"}}}`:    `/answers/m365~1x/remote: expected a list of prefixes and FQDNs, {"from": "an entry's id"}, {"role": "a role of this site"} or the word "any"`,
			`{"answers": {"m365/x": {"direction": "in"}}}`:  `/answers/m365~1x/direction: unknown value "in"; known values: "outbound", "inbound", "bidirectional"`,
			`{"routes": [{"category": ["optimize"]}]}`:      `/routes/0: missing required key "via"`,
			`{"routes": {"via": "direct"}}`:                 `/routes: expected an array, found an object`,
			`{"tolerate": {"nftables": ["none"]}}`:          `/tolerate/nftables/0: unknown value "none"; known values: "narrower", "wider", "absent"`,
			`{"tolerate": [{"verdicts": ["absent"]}]}`:      `/tolerate/0: missing required key "reason"`,
			`{"expect": [{"forbid": "any"}]}`:               `/expect/0/forbid: unknown key "forbid"`,
			`{"expect": [{"allow": "a.example", "in": 1}]}`: `/expect/0/in: expected an array, found a number`,
			`{"lint": "fatal"}`:                             `/lint: unknown value "fatal"; known values: "error", "warning", "off"`,
			`{"generators": ["nftable"]}`:                   `unknown generator "nftable"; expect one of ` + everyGenerator() + `; did you mean "nftables"?`,
			`{"generators": ["pac", "pac"]}`:                `/generators/1: "pac" occurs twice in the list; remove one`,
			`{"options": {"pac": {"plain": "maybe"}}}`:      `option plain: unknown value "maybe"; expect one of direct, proxy`,
			`{"options": {"pac": {"proxies": "a:1"}}}`:      `unknown option "proxies"; expect one of proxy, `,
			`{"catalogs": [{"name": "x"}]}`:                 `/catalogs/0: missing required key "file"`,
			`{"output": ""}`:                                `/output: empty text; write something, or remove it`,
			`{"$schema": 1}`:                                `/$schema: expected a string, found a number`,
			`[]`:                                            `expected an object, found an array`,
		},
		"catalog": {
			`{"catalog": "own", "revision": "1", "title": "Own"}`:                                    `missing required key "entries"`,
			entryOf(`"titel": "A"`):                                                                  `/entries/0/titel: unknown key "titel"`,
			entryOf(`"title": "A", "direction": "out"`):                                              `/entries/0/direction: unknown value "out"; known values: "outbound", "inbound", "bidirectional"`,
			entryOf(`"title": "A", "endpoints": "10.0.0.0/8"`):                                       `/entries/0/endpoints: expected an array, found a string`,
			entryOf(`"title": "A", "endpoints": []`):                                                 `/entries/0/endpoints: no endpoints; list prefixes or FQDNs, or write "remote" under "unsaid"`,
			entryOf(`"title": "A", "services": ["tcp 443"]`):                                         `/entries/0/services: expected services as one text, such as "tcp 80, 443; udp 3478", found an array`,
			entryOf(`"title": "A", "role": "Exchange"`):                                              `/entries/0/role: bad name "Exchange"; write a lower-case letter, then at most 15 lower-case letters, digits or hyphens`,
			entryOf(`"title": "A", "date": "1.2.2025"`):                                              `/entries/0/date: bad date "1.2.2025"; write a day as YYYY-MM-DD`,
			entryOf(`"title": "A", "unsaid": {"remote": {}}`):                                        `/entries/0/unsaid/remote: missing required key "why"`,
			entryOf(`"title": "A", "unsaid": {"services": {"why": "x", "from": ["m365/exchange"]}}`): `/entries/0/unsaid/services/from: unknown key "from"`,
			entryOf(`"title": "A", "inferred": {"ports": "x"}`):                                      `/entries/0/inferred/ports: unknown key "ports"`,
			entryOf(`"title": "A", "remote": {"from": "x"}`):                                         `/entries/0/remote: missing required key "role"`,
			entryOf(`"title": "A", "required": "yes"`):                                               `/entries/0/required: expected true or false, found a string`,
			entryOf(`"title": "A", "instance": ["Europe"]`):                                          `/entries/0/instance/0: unknown value "Europe"; known values: "Worldwide", "USGovDoD", "USGovGCCHigh", "China", "Germany"`,
		},
	}
	for _, d := range schemaDocuments() {
		texts := slices.Sorted(maps.Keys(bad[d.name]))
		found := validate(t, d.schema, texts)
		for i, text := range texts {
			if read := fmt.Sprint(d.read(text)); found[i] == "" || !strings.Contains(read, bad[d.name][text]) {
				t.Errorf("%s: the schema says %q, the tool\n%s\nwant\n%s", text, found[i], read, bad[d.name][text])
			}
		}
	}
}

// everyGenerator names all generators, as errors do.
func everyGenerator() string {
	var names []string
	for _, g := range generators.All() {
		names = append(names, g.Name())
	}
	return strings.Join(names, ", ")
}

func entryOf(members string) string {
	return `{"catalog": "own", "revision": "1", "title": "Own", "entries": [{"id": "a", ` + members + `}]}`
}

// TestSchemaCommand holds what the command prints, and its errors.
func TestSchemaCommand(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		stderr string
	}{
		{[]string{"site"}, exitOK, ""},
		{[]string{"catalog", "--json"}, exitOK, ""},
		{nil, exitUsage, "gatewright: error: schema: name one kind of document: site or catalog\n"},
		{[]string{"sites"}, exitUsage, `gatewright: error: schema: unknown document "sites"; expect one of site, catalog; did you mean "site"?` + "\n"},
	} {
		var stdout, stderr bytes.Buffer
		status := run(append([]string{"schema"}, c.args...), nil, &stdout, &stderr)
		if status != c.status || stderr.String() != c.stderr || json.Valid(stdout.Bytes()) != (status == exitOK) {
			t.Errorf("%q: status %d\n%s%s", c.args, status, &stdout, &stderr)
		}
	}
}
