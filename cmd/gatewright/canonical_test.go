package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
	"gatewright/cmd/gatewright/internal/report"
)

// scrambler rewrites catalogues in ways that change no meaning.
type scrambler struct{ *rand.Rand }

// plain turns a value into what encoding/json makes of it.
func plain(v jsonc.Value) any {
	switch v.Kind() {
	case jsonc.Object:
		object := map[string]any{}
		for k, m := range v.Members() {
			object[k.Text()] = plain(m)
		}
		return object
	case jsonc.Array:
		list := []any{}
		for _, e := range v.Elements() {
			list = append(list, plain(e))
		}
		return list
	case jsonc.Bool:
		return v.Text() == "true"
	}
	return v.Text()
}

// document shuffles and repeats entries, and the parts of each.
func (s scrambler) document(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonc.Parse(file, data)
	if err != nil {
		t.Fatal(err)
	}
	document := plain(doc.Root()).(map[string]any)
	entries := document["entries"].([]any)
	for range 3 {
		entries = append(entries, entries[s.IntN(len(entries))])
	}
	for i, e := range entries {
		entries[i] = s.entry(maps.Clone(e.(map[string]any)))
	}
	s.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	document["entries"] = entries
	out, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s scrambler) entry(e map[string]any) map[string]any {
	if endpoints, ok := e["endpoints"].([]any); ok {
		var list []any
		for _, one := range endpoints {
			list = append(list, s.endpoint(one.(string))...)
		}
		s.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		e["endpoints"] = list
	}
	if services, ok := e["services"].(string); ok {
		e["services"] = s.services(services)
	}
	if instances, ok := e["instance"].([]any); ok {
		e["instance"] = append([]any{instances[len(instances)-1]}, instances...)
	}
	return e
}

// endpoint writes an endpoint in other words: a prefix as its halves, a name in
// another case, either of them twice.
func (s scrambler) endpoint(text string) []any {
	p, err := netip.ParsePrefix(text)
	switch {
	case err == nil && p.IsSingleIP():
		return []any{p.Addr().String(), text}
	case err == nil:
		half := netip.PrefixFrom(p.Addr(), p.Bits()+1)
		other := half.Addr().AsSlice()
		other[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
		second, _ := netip.AddrFromSlice(other)
		return []any{half.String(), netip.PrefixFrom(second, half.Bits()).String(), half.String()}
	}
	host, path, _ := strings.Cut(text, "/")
	if path != "" {
		path = "/" + path
	}
	if !strings.Contains(host, "<") {
		host = strings.ToUpper(host) + "."
	}
	return []any{host + path, text}
}

// services cuts ranges into pieces, and repeats them.
func (s scrambler) services(text string) string {
	set, err := netset.ParseServices(text)
	if err != nil {
		return text
	}
	var pieces []string
	for _, protocol := range []netset.Protocol{netset.UDP, netset.TCP} {
		for _, r := range set.Ports(protocol) {
			cut := r.First + uint16(s.IntN(int(r.Last-r.First)+1))
			pieces = append(pieces, fmt.Sprintf("%v %d-%d", protocol, r.First, cut), fmt.Sprintf("%v %d-%d", protocol, cut, r.Last))
		}
	}
	s.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
	return strings.Join(pieces, "; ")
}

// TestOrderChangesNoByte is law 2 through the whole tool: neither the order of a
// catalogue nor the way in which its prefixes, ports and names are written changes
// a byte of any file of any generator.
func TestOrderChangesNoByte(t *testing.T) {
	hybrid := filepath.Join(repository, "examples", "hybrid")
	files := []string{
		filepath.Join(repository, "catalog", "data", "m365-additional@2025-01-08.json"),
		filepath.Join(hybrid, "exchange-online.json"),
	}
	site, err := os.ReadFile(filepath.Join(hybrid, "gatewright.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := scrambler{rand.New(rand.NewPCG(1, 2))}
	var documents [][][]byte
	for range 8 {
		var pair [][]byte
		for _, file := range files {
			pair = append(pair, s.document(t, file))
		}
		documents = append(documents, pair)
	}
	var first [][]byte
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		first = append(first, data)
	}
	t.Chdir(t.TempDir())
	generated := func(pair [][]byte, group string) map[string]string {
		for name, data := range map[string][]byte{"m365.json": pair[0], "exchange.json": pair[1], defaultSite: bytes.Replace(site, []byte("{\n"), []byte("{\n  \"group\": \""+group+"\",\n"), 1)} {
			if err := os.WriteFile(name, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var stdout, stderr bytes.Buffer
		if status := run([]string{"generate", "-o", "out", "--catalog", "m365.json", "--catalog", "exchange.json", "--coverage"}, nil, &stdout, &stderr); status != exitOK {
			t.Fatalf("status %d\n%s", status, &stderr)
		}
		return tree(t, "out")
	}
	for _, group := range []string{"area", "entry", "none"} {
		want := generated(first, group)
		for _, pair := range documents {
			for name, text := range generated(pair, group) {
				if want[name] != text {
					t.Errorf("group by %s: %s has changed\n%s", group, name, report.Unified(name, []byte(want[name]), []byte(text)))
				}
			}
			if len(tree(t, "out")) != len(want) {
				t.Errorf("group by %s: %d files, want %d", group, len(tree(t, "out")), len(want))
			}
		}
	}
}
