package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// editor is the client of a language server for JSON.
type editor struct {
	t    *testing.T
	in   io.Writer
	out  *textproto.Reader
	last int
	dir  string
}

// openEditor starts the language server in a folder with the schemas.
func openEditor(t *testing.T) *editor {
	t.Helper()
	dir := t.TempDir()
	for _, name := range documents() {
		var schema, stderr bytes.Buffer
		if status := run([]string{"schema", name}, nil, &schema, &stderr); status != exitOK {
			t.Fatalf("status %d\n%s", status, &stderr)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".schema.json"), schema.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	server := exec.Command("vscode-json-languageserver", "--stdio")
	server.Dir = dir
	in, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatalf("%v; .ci/deps installs it", err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	e := &editor{t: t, in: in, out: textproto.NewReader(bufio.NewReader(out)), dir: dir}
	e.ask("initialize", map[string]any{
		"processId": os.Getpid(), "rootUri": "file://" + dir,
		"initializationOptions": map[string]any{"handledSchemaProtocols": []string{"file"}},
		"capabilities": map[string]any{"textDocument": map[string]any{
			"completion": map[string]any{"completionItem": map[string]any{"documentationFormat": []string{"plaintext"}, "snippetSupport": true}},
			"diagnostic": map[string]any{"dynamicRegistration": false},
		}},
	}, nil)
	e.send(map[string]any{"method": "initialized", "params": map[string]any{}})
	return e
}

func (e *editor) send(message map[string]any) {
	e.t.Helper()
	message["jsonrpc"] = "2.0"
	text, err := json.Marshal(message)
	if err == nil {
		_, err = fmt.Fprintf(e.in, "Content-Length: %d\r\n\r\n%s", len(text), text)
	}
	if err != nil {
		e.t.Fatal(err)
	}
}

// message is what the server says.
type message struct {
	ID     json.RawMessage
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  json.RawMessage
}

func (e *editor) receive() (m message) {
	e.t.Helper()
	header, err := e.out.ReadMIMEHeader()
	if err != nil {
		e.t.Fatal(err)
	}
	length, err := strconv.Atoi(header.Get("Content-Length"))
	if err != nil {
		e.t.Fatal(err)
	}
	text := make([]byte, length)
	if _, err = io.ReadFull(e.out.R, text); err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		e.t.Fatal(err)
	}
	return m
}

// ask sends a request and reads its answer. What the server asks meanwhile it is not
// told.
func (e *editor) ask(method string, params any, answer any) {
	e.t.Helper()
	e.last++
	id := strconv.Itoa(e.last)
	e.send(map[string]any{"id": e.last, "method": method, "params": params})
	for {
		m := e.receive()
		switch {
		case m.Method != "" && m.ID != nil:
			e.send(map[string]any{"id": m.ID, "result": nil})
			continue
		case string(m.ID) != id:
			continue
		case m.Error != nil:
			e.t.Fatalf("%s: %s", method, m.Error)
		case answer != nil:
			if err := json.Unmarshal(m.Result, answer); err != nil {
				e.t.Fatalf("%s: %v\n%s", method, err, m.Result)
			}
		}
		return
	}
}

// open opens a document; ‸ is where the cursor is.
func (e *editor) open(name, text string) (uri string, position map[string]any) {
	before, _, _ := strings.Cut(text, "‸")
	uri = "file://" + filepath.Join(e.dir, name)
	e.send(map[string]any{"method": "textDocument/didOpen", "params": map[string]any{
		"textDocument": map[string]any{"uri": uri, "languageId": "json", "version": 1, "text": strings.Replace(text, "‸", "", 1)},
	}})
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return uri, map[string]any{"line": strings.Count(before, "\n"), "character": len(line)}
}

// completion is what an editor offers.
type completion struct {
	Label         string
	Documentation any
}

// TestEditor asks the language server of an editor what it offers, and what it finds
// wrong.
func TestEditor(t *testing.T) {
	e := openEditor(t)
	site := "{\n  // by gatewright\n  \"$schema\": \"./site.schema.json\",\n  %s\n}\n"
	entry := `{"$schema": "./catalog.schema.json", "catalog": "own", "revision": "1", "title": "Own", "entries": [{"id": "a", "title": "A", %s}]}`
	for i, c := range []struct {
		text   string
		offers []string
		not    string
	}{
		{fmt.Sprintf(site, `"‸"`), []string{"catalogs", "select", "bind", "answers", "options", "expect", "output"}, "entries"},
		{fmt.Sprintf(site, `"select": {"‸"}`), []string{"area", "category", "required_only", "exclude"}, "bind"},
		{fmt.Sprintf(site, `"bind": {"exchange": {"‸"}}`), []string{"addresses", "published"}, "select"},
		{fmt.Sprintf(site, `"answers": {"m365-additional/stream": {"‸"}}`), []string{"remote", "services", "dismissed"}, "select"},
		{fmt.Sprintf(site, `"options": {"‸"}`), []string{"nftables", "pac", "trusted-sites"}, "mode"},
		{fmt.Sprintf(site, `"options": {"pac": {"‸"}}`), []string{"proxy", "roles", "fallback"}, "mode"},
		{fmt.Sprintf(site, `"options": {"nftables": {"mode": ‸}}`), []string{`"chains"`, `"mark"`, `"enforce"`}, `"allow"`},
		{fmt.Sprintf(site, `"generators": [‸]`), []string{`"nftables"`, `"squid"`}, `"catalog"`},
		{fmt.Sprintf(site, `"expect": [{"‸"}]`), []string{"allow", "deny", "only", "in"}, "bind"},
		{fmt.Sprintf(site, `"tolerate": {"‸"}`), []string{"nftables", "squid"}, "bind"},
		{fmt.Sprintf(site, `"catalogs": [‸]`), []string{`"m365-worldwide"`, `"m365-additional"`}, "bind"},
		{fmt.Sprintf(entry, `"‸"`), []string{"endpoints", "services", "direction", "role", "unsaid"}, "entries"},
		{fmt.Sprintf(entry, `"unsaid": {"remote": {"‸"}}`), []string{"why", "ask", "elsewhere"}, "title"},
		{fmt.Sprintf(entry, `"direction": ‸`), []string{`"outbound"`, `"inbound"`, `"bidirectional"`}, `"flow"`},
	} {
		uri, position := e.open(fmt.Sprintf("%d.json", i), c.text)
		var answer struct{ Items []completion }
		e.ask("textDocument/completion", map[string]any{"textDocument": map[string]any{"uri": uri}, "position": position}, &answer)
		var labels []string
		for _, item := range answer.Items {
			if labels = append(labels, item.Label); !strings.HasPrefix(item.Label, `"`) && item.Documentation == nil {
				t.Errorf("%s: %s is offered without a description", c.text, item.Label)
			}
		}
		for _, want := range c.offers {
			if !slices.Contains(labels, want) {
				t.Errorf("%s: %q, without %s", c.text, labels, want)
			}
		}
		if slices.Contains(labels, c.not) {
			t.Errorf("%s: %q, with %s", c.text, labels, c.not)
		}
	}
	for i, c := range []struct{ text, found string }{
		{fmt.Sprintf(site, `"select": {"area": ["exchange"]},`), ""},
		{fmt.Sprintf(site, `"select": {"areas": ["exchange"]}`), "4:14 Property areas is not allowed."},
		{fmt.Sprintf(site, `"lint": "fatal"`), `4:11 Value is not accepted. Valid values: "error", "warning", "off".`},
		{fmt.Sprintf(entry, `"notes": "x"`), `1:136 Incorrect type. Expected "array".`},
	} {
		uri, _ := e.open(fmt.Sprintf("wrong%d.json", i), c.text)
		if found := e.diagnostics(uri); found != c.found {
			t.Errorf("%s: %s, want %s", c.text, found, c.found)
		}
	}
}

// diagnostics are what the server finds wrong in a document, each with its place.
func (e *editor) diagnostics(uri string) string {
	e.t.Helper()
	for {
		m := e.receive()
		var found struct {
			URI         string
			Diagnostics []struct {
				Message string
				Range   struct{ Start struct{ Line, Character int } }
			}
		}
		if m.Method != "textDocument/publishDiagnostics" || json.Unmarshal(m.Params, &found) != nil || found.URI != uri {
			continue
		}
		var all []string
		for _, d := range found.Diagnostics {
			all = append(all, fmt.Sprintf("%d:%d %s", d.Range.Start.Line+1, d.Range.Start.Character+1, d.Message))
		}
		return strings.Join(all, "; ")
	}
}
