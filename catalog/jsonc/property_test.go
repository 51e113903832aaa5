package jsonc

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// randomAny returns a value as encoding/json would decode it.
func randomAny(r *rand.Rand, depth int) any {
	kinds := 7
	if depth == 0 {
		kinds = 5
	}
	switch r.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return json.Number([]string{"0", "-0", "443", "-1.5", "1e9", "2E-07", "0.10e+3", "12345678901234567890"}[r.IntN(8)])
	case 3, 4:
		return randomString(r)
	case 5:
		all := []any{}
		for range r.IntN(6) {
			all = append(all, randomAny(r, depth-1))
		}
		return all
	}
	all := map[string]any{}
	for range r.IntN(2) * r.IntN(40) {
		all[randomString(r)] = randomAny(r, depth-1)
	}
	return all
}

func randomString(r *rand.Rand) string {
	alphabet := []rune("abc0~/\\\"'\n\t\r\x00\x1f\x7f,:]}*é€\u2028\ufeff\ufffd😀\U0010ffff")
	var b strings.Builder
	for range r.IntN(24) {
		b.WriteRune(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

// writeLoosely writes a value as a person might: with comments, trailing commas,
// white space, and any of the escapes that stand for a character.
func writeLoosely(r *rand.Rand, b *strings.Builder, value any) {
	writeSpace(r, b)
	switch v := value.(type) {
	case string:
		writeString(r, b, v)
	case []any:
		b.WriteByte('[')
		for i, element := range v {
			writeLoosely(r, b, element)
			writeComma(r, b, i == len(v)-1)
		}
		writeSpace(r, b)
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		i := 0
		for key, element := range v {
			i++
			writeSpace(r, b)
			writeString(r, b, key)
			writeSpace(r, b)
			b.WriteByte(':')
			writeLoosely(r, b, element)
			writeComma(r, b, i == len(v))
		}
		writeSpace(r, b)
		b.WriteByte('}')
	case nil:
		b.WriteString("null")
	default:
		fmt.Fprint(b, v)
	}
	writeSpace(r, b)
}

func writeComma(r *rand.Rand, b *strings.Builder, last bool) {
	if !last || r.IntN(2) == 0 {
		b.WriteByte(',')
	}
}

func writeSpace(r *rand.Rand, b *strings.Builder) {
	choices := []string{" ", "\n", "\r\n", "\t", "// \", ] }\n", "//\r", "/* \" // é ] */", "/**/", "/***/"}
	for range r.IntN(3) * r.IntN(2) {
		b.WriteString(choices[r.IntN(len(choices))])
	}
}

func writeString(r *rand.Rand, b *strings.Builder, s string) {
	short := map[rune]string{'\n': `\n`, '\r': `\r`, '\t': `\t`, '"': `\"`, '\\': `\\`, '/': `\/`}
	b.WriteByte('"')
	for _, c := range s {
		escape, ok := short[c]
		switch {
		case ok && r.IntN(2) == 0:
			b.WriteString(escape)
		case c < 0x20 || c == '"' || c == '\\' || r.IntN(5) == 0:
			for _, unit := range utf16.Encode([]rune{c}) {
				fmt.Fprintf(b, []string{`\u%04x`, `\u%04X`}[r.IntN(2)], unit)
			}
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
}

func TestParseReadsWhatWasWritten(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 1))
		want := randomAny(r, 5)
		var b strings.Builder
		writeLoosely(r, &b, want)
		doc, err := Parse("random.json", []byte(b.String()))
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, b.String())
		}
		if got := toAny(doc.Root()); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: got %#v, want %#v\n%s", seed, got, want, b.String())
		}
		if b.Len() < 2048 {
			checkPlaces(t, doc.Root(), want)
		}
	}
}

func TestParseEqualsEncodingJSONOnStrictText(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 2))
		text, err := json.MarshalIndent(randomAny(r, 5), "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		want, err := decodeAny(text)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := Parse("random.json", text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if got := toAny(doc.Root()); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: got %#v, want %#v\n%s", seed, got, want, text)
		}
	}
}

// TestTruncatedIsRefused cuts documents at every byte.
func TestTruncatedIsRefused(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 3))
		var b strings.Builder
		writeLoosely(r, &b, []any{randomAny(r, 2)})
		text := b.String()
		if len(text) > 1024 {
			continue
		}
		for i := range strings.LastIndexByte(text, ']') {
			if _, err := Parse("cut.json", []byte(text[:i])); err == nil && !json.Valid(plain([]byte(text[:i]))) {
				t.Fatalf("seed %d: %q was accepted", seed, text[:i])
			}
		}
	}
}

// checkPlaces holds that the pointer of every value leads to it in what
// encoding/json read, and that its position is where a slow count puts it.
func checkPlaces(t *testing.T, v Value, root any) {
	t.Helper()
	if got, want := toAny(v), resolve(root, v.Pointer()); !reflect.DeepEqual(got, want) {
		t.Fatalf("%s leads to %#v, want %#v", v.Pointer(), want, got)
	}
	checkPosition(t, v)
	for _, element := range v.Elements() {
		checkPlaces(t, element, root)
	}
	for key, value := range v.Members() {
		if key.Pointer() != value.Pointer() {
			t.Fatalf("key at %q, its value at %q", key.Pointer(), value.Pointer())
		}
		checkPosition(t, key)
		if !strings.HasSuffix(key.Pointer(), "…") {
			checkPlaces(t, value, root)
		}
	}
}

func checkPosition(t *testing.T, v Value) {
	t.Helper()
	wantLine, wantCol, last := 1, 1, rune(0)
	for _, c := range string(v.doc.data[:v.doc.nodes[v.i].offset()]) {
		switch {
		case c == '\n' && last == '\r':
		case c == '\n' || c == '\r':
			wantLine, wantCol = wantLine+1, 1
		default:
			wantCol++
		}
		last = c
	}
	if line, col := v.Pos(); line != wantLine || col != wantCol {
		t.Fatalf("%q: %s is at %d:%d, want %d:%d", v.doc.data, v.Pointer(), line, col, wantLine, wantCol)
	}
}

// resolve follows an RFC 6901 pointer.
func resolve(v any, pointer string) any {
	if pointer == "" {
		return v
	}
	for _, token := range strings.Split(pointer[1:], "/") {
		switch container := v.(type) {
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i >= len(container) {
				return fmt.Errorf("no element %q", token)
			}
			v = container[i]
		case map[string]any:
			element, ok := container[strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")]
			if !ok {
				return fmt.Errorf("no member %q", token)
			}
			v = element
		}
	}
	return v
}
