package jsonc

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// malformed holds the whole error of each input.
var malformed = []struct{ name, in, err string }{
	{"empty", "", `f.json:1:1: empty input; expected a JSON value`},
	{"mark alone", "\xef\xbb\xbf", `f.json:1:1: empty input; expected a JSON value`},
	{"space alone", " \n ", `f.json:2:2: expected a value, found the end of the file`},
	{"comment alone", "// nothing\n", `f.json:2:1: expected a value, found the end of the file`},
	{"trailing word", "{} x", `f.json:1:4: expected the end of the file after the value, found "x"`},
	{"second value", "1 2", `f.json:1:3: expected the end of the file after the value, found "2"`},
	{"second document", "{}\n{}\n", `f.json:2:1: expected the end of the file after the value, found '{'`},
	{"closing bracket too many", "[]]", `f.json:1:3: expected the end of the file after the value, found ']'`},
	{"comma after the value", "1,", `f.json:1:2: expected the end of the file after the value, found ','`},

	{"array not closed", "[1, 2", `f.json:1:6: expected "," or "]" in the array opened at 1:1, found the end of the file`},
	{"array not closed after a comma", "[1,", `f.json:1:4: /1: expected a value, found the end of the file`},
	{"array closed as an object", "{\"a\": [1, 2}", `f.json:1:12: /a: expected "," or "]" in the array opened at 1:7, found '}'`},
	{"comma missing", "[1\n 2]", `f.json:2:2: expected "," or "]" in the array opened at 1:1, found "2"`},
	{"comma missing after a nested array", "{\"a\": [[1] [2]]}", `f.json:1:12: /a: expected "," or "]" in the array opened at 1:7, found '['`},
	{"comma first", "[,1]", `f.json:1:2: /0: expected a value, found ','`},
	{"comma alone", "[,]", `f.json:1:2: /0: expected a value, found ','`},
	{"comma twice", "[1,,2]", `f.json:1:4: /1: expected a value, found ','`},
	{"trailing comma twice", "[1,,]", `f.json:1:4: /1: expected a value, found ','`},
	{"colon in an array", "[\"a\": 1]", `f.json:1:5: expected "," or "]" in the array opened at 1:1, found ':'`},

	{"object not closed", "{\"a\": {\"b\": 1}", `f.json:1:15: expected "," or "}" in the object opened at 1:1, found the end of the file`},
	{"object not closed after the key", "{\"a\"", `f.json:1:5: /a: expected ":" after the key "a", found the end of the file`},
	{"object not closed after the colon", "{\"a\":", `f.json:1:6: /a: expected a value, found the end of the file`},
	{"object closed as an array", "{\"a\": 1]", `f.json:1:8: expected "," or "}" in the object opened at 1:1, found ']'`},
	{"key without quotes", "{id: 1}", `f.json:1:2: expected a key in double quotes, found "id"`},
	{"key in single quotes", "{'id': 1}", `f.json:1:2: expected a key in double quotes, found '\''`},
	{"number as key", "{1: 2}", `f.json:1:2: expected a key in double quotes, found "1"`},
	{"comma alone in an object", "{,}", `f.json:1:2: expected a key in double quotes, found ','`},
	{"member without value", "{\"a\": }", `f.json:1:7: /a: expected a value, found '}'`},
	{"member without colon", "{\"a\" 1}", `f.json:1:6: /a: expected ":" after the key "a", found "1"`},
	{"equals sign", "{\"a\" = 1}", `f.json:1:6: /a: expected ":" after the key "a", found '='`},
	{"comma missing between members", "{\"a\": 1 \"b\": 2}", `f.json:1:9: expected "," or "}" in the object opened at 1:1, found '"'`},
	{"duplicate key", "{\"id\": 1,\n \"id\": 2}", `f.json:2:2: /id: key "id" was already given at 1:2; keep one of the two`},
	{"duplicate key written with an escape", "{\"id\": 1, \"\\u0069d\": 2}", `f.json:1:11: /id: key "id" was already given at 1:2; keep one of the two`},
	{"duplicate key inside", "[{\"a/b\": {\"~\": 1, \"x\": [{}], \"~\": 2}}]", `f.json:1:30: /0/a~1b/~0: key "~" was already given at 1:11; keep one of the two`},
	{"duplicate among many keys", "{" + manyKeys(40) + "\"k20\": 0}", `f.json:41:1: /k20: key "k20" was already given at 21:1; keep one of the two`},
	{"duplicate empty key", "{\"\": 1, \"\": 2}", `f.json:1:9: /: key "" was already given at 1:2; keep one of the two`},

	{"upper case literal", "[True]", `f.json:1:2: /0: expected a value, found "True"; did you mean true?`},
	{"misspelt literal", "[flase]", `f.json:1:2: /0: expected a value, found "flase"; did you mean false?`},
	{"literal run on", "[nullx]", `f.json:1:2: /0: expected a value, found "nullx"; did you mean null?`},
	{"no number", "[NaN]", `f.json:1:2: /0: expected a value, found "NaN"; text takes double quotes`},
	{"infinity", "[-Infinity]", `f.json:1:2: /0: "-Infinity" has no digit after the minus sign`},
	{"word", "{\"id\": exchange}", `f.json:1:8: /id: expected a value, found "exchange"; text takes double quotes`},
	{"single quotes", "['a']", `f.json:1:2: /0: expected a value, found '\''; text takes double quotes`},
	{"hash comment", "# note\n{}", `f.json:1:1: expected a value, found '#'; a comment starts with //`},
	{"character outside ASCII", "[é]", `f.json:1:2: /0: expected a value, found 'é'`},
	{"byte-order mark inside", "[\ufeff1]", `f.json:1:2: /0: expected a value, found '\ufeff'`},
	{"no-break space", "[\u00a01]", `f.json:1:2: /0: expected a value, found '\u00a0'`},
	{"escape sequence of a terminal", "[\x1b[31m]", `f.json:1:2: /0: expected a value, found '\x1b'`},
	{"vertical tab", "[\v1]", `f.json:1:2: /0: expected a value, found '\v'`},

	{"leading zero", "[01]", `f.json:1:2: /0: "01" has a leading zero`},
	{"leading zero, negative", "[-007]", `f.json:1:2: /0: "-007" has a leading zero`},
	{"minus alone", "[-]", `f.json:1:2: /0: "-" has no digit after the minus sign`},
	{"plus", "[+1]", `f.json:1:2: /0: expected a value, found "+1"; a number starts with a digit or a minus sign`},
	{"no integer part", "[.5]", `f.json:1:2: /0: expected a value, found ".5"; a number starts with a digit or a minus sign`},
	{"no fraction", "[1.]", `f.json:1:2: /0: "1." has no digit after the decimal point`},
	{"no exponent", "[1e]", `f.json:1:2: /0: "1e" has no digit in its exponent`},
	{"no exponent after the sign", "[1e+]", `f.json:1:2: /0: "1e+" has no digit in its exponent`},
	{"hexadecimal", "[0x1F]", `f.json:1:2: /0: "0x1F" is not a number; text takes double quotes`},
	{"underscore", "[1_000]", `f.json:1:2: /0: "1_000" is not a number; text takes double quotes`},
	{"address without quotes", "{\"prefixes\": [10.0.0.0/8]}", `f.json:1:15: /prefixes/0: "10.0.0.0" is not a number; text takes double quotes`},
	{"range without quotes", "[50000-59999]", `f.json:1:2: /0: "50000-59999" is not a number; text takes double quotes`},

	{"string not closed", "{\"a\": \"bc", `f.json:1:7: /a: string is not closed; expected a double quote`},
	{"string ends after a backslash", "[\"a\\", `f.json:1:4: /0: string is not closed; it ends after a backslash`},
	{"line break in a string", "[\"a\nb\"]", `f.json:1:4: /0: line break in a string; close the string or write \n`},
	{"CR in a string", "[\"a\r\nb\"]", `f.json:1:4: /0: line break in a string; close the string or write \n`},
	{"tab in a string", "[\"a\tb\"]", `f.json:1:4: /0: control character U+0009 in a string; write \u0009`},
	{"control character in a string", "[\"\x1b[2J\"]", `f.json:1:3: /0: control character U+001B in a string; write \u001b`},
	{"Windows path", `["C:\Program Files"]`, `f.json:1:5: /0: a backslash and 'P' are not an escape sequence; write \\ for a backslash`},
	{"escape outside ASCII", `["\é"]`, `f.json:1:3: /0: a backslash and 'é' are not an escape sequence; write \\ for a backslash`},
	{"short unicode escape", `["\u12"]`, `f.json:1:3: /0: \u takes four hexadecimal digits`},
	{"unicode escape without digits", `["\uzzzz"]`, `f.json:1:3: /0: \u takes four hexadecimal digits`},
	{"high surrogate alone", `["a\ud83d"]`, `f.json:1:4: /0: \ud83d is half of a surrogate pair; write both halves, as in \ud83d\ude00`},
	{"high surrogate twice", `["\ud83d\ud83d"]`, `f.json:1:3: /0: \ud83d is half of a surrogate pair; write both halves, as in \ud83d\ude00`},
	{"low surrogate first", `["\ude00\ud83d"]`, `f.json:1:3: /0: \ude00 is half of a surrogate pair; write both halves, as in \ud83d\ude00`},
	{"surrogate in a key", `{"\udfff": 1}`, `f.json:1:3: \udfff is half of a surrogate pair; write both halves, as in \ud83d\ude00`},

	{"comment not closed", "[1, /* two\n2]", `f.json:1:5: comment is not closed; expected */`},
	{"comment not closed inside", "{\"a\": [1, {\"b\": 2 /*/}", `f.json:1:19: /a/1: comment is not closed; expected */`},
	{"comment not closed after the value", "[[1]] /*", `f.json:1:7: comment is not closed; expected */`},
	{"single slash", "[1 / 2]", `f.json:1:4: a single '/' starts no comment; write // or /*`},
	{"comment at the end hides the bracket", "[1 // ]", `f.json:1:8: expected "," or "]" in the array opened at 1:1, found the end of the file`},

	{"NUL", "[1, \"a\", 2]    \n\x00", `f.json:2:1: NUL character; a text file holds none`},
	{"NUL in a comment", "// abc\x00\n1", `f.json:1:7: NUL character; a text file holds none`},
	{"invalid UTF-8", "{\"a\":\n \"é\xff\"}", `f.json:2:4: byte 0xff is not valid UTF-8; save the file as UTF-8`},
	{"UTF-8 cut short", "[\"\xe2\x82\"]", `f.json:1:3: byte 0xe2 is not valid UTF-8; save the file as UTF-8`},
	{"surrogate in UTF-8", "[\"\xed\xa0\x80\"]", `f.json:1:3: byte 0xed is not valid UTF-8; save the file as UTF-8`},
	{"overlong UTF-8", "[\"\xc0\xaf\"]", `f.json:1:3: byte 0xc0 is not valid UTF-8; save the file as UTF-8`},
	{"invalid UTF-8 in a comment", "// \xfe\n{}", `f.json:1:4: byte 0xfe is not valid UTF-8; save the file as UTF-8`},
	{"gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "f.json: this is gzip and no text; unpack it first, with gunzip"},
	{"UTF-16 without a mark, little-endian", "{\x00}\x00", `f.json: NUL in the first bytes: this looks like UTF-16 without a byte-order mark; save the file as UTF-8`},
	{"UTF-16 without a mark, big-endian", "\x00{\x00}", `f.json: NUL in the first bytes: this looks like UTF-16 without a byte-order mark; save the file as UTF-8`},
	{"UTF-32", "\xff\xfe\x00\x00{\x00\x00\x00", `f.json: text is UTF-32; save the file as UTF-8`},
	{"UTF-16 with half a character", "\xff\xfe{\x00}\x00\n", `f.json:1:3: UTF-16 text ends inside a character; save the file as UTF-8`},
	{"UTF-16 with half a pair", "\xfe\xff\x00[\x00\"\xd8\x3d\x00\"\x00]", `f.json:1:3: half of a surrogate pair is not valid UTF-16; save the file as UTF-8`},
	{"UTF-16 that ends with half a pair", "\xfe\xff\x00[\xd8\x3d", `f.json:1:2: half of a surrogate pair is not valid UTF-16; save the file as UTF-8`},
	{"UTF-16 of nothing", "\xff\xfe", `f.json:1:1: empty input; expected a JSON value`},

	{"position counts characters", "{\"é😀\": x}", `f.json:1:8: /é😀: expected a value, found "x"; text takes double quotes`},
	{"position after CR LF", "{\r\n\r\n  x}", `f.json:3:3: expected a key in double quotes, found "x"`},
	{"position after CR", "{\r\r  x}", `f.json:3:3: expected a key in double quotes, found "x"`},
	{"long word is cut", "[" + strings.Repeat("x", 200) + "]", `f.json:1:2: /0: expected a value, found "` + strings.Repeat("x", 80) + `"…; text takes double quotes`},
	{"long key is cut", "{\"" + strings.Repeat("é", 200) + "\": x}", `f.json:1:206: /` + strings.Repeat("é", 80) + `…: expected a value, found "x"; text takes double quotes`},
	{"hostile key is escaped", "{\"a\u202e\u2028\\n\\u001b[2J\": x}", `f.json:1:20: /a\u202e\u2028\n\x1b[2J: expected a value, found "x"; text takes double quotes`},
	{"too deep", strings.Repeat("[", 65), `f.json:1:65: ` + strings.Repeat("/0", MaxDepth) + `: nesting is deeper than the limit of 64 levels`},
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\"k%d\": [0],\n", i)
	}
	return b.String()
}

func TestMalformed(t *testing.T) {
	for _, c := range malformed {
		doc, err := Parse("f.json", []byte(c.in))
		if doc != nil || err == nil {
			t.Errorf("%s: %q was accepted", c.name, c.in)
			continue
		}
		if err.Error() != c.err {
			t.Errorf("%s\n got %s\nwant %s", c.name, err, c.err)
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: error is a %T", c.name, err)
		}
	}
}

// wellFormed is written by hand where the random documents might be blind.
var wellFormed = []struct {
	name, in string
	want     any
}{
	{"null", "null", nil},
	{"true with a final line break", "true\n", true},
	{"number at the end of the input", "-0", json.Number("-0")},
	{"number", " 10.25e-3 ", json.Number("10.25e-3")},
	{"empty string", `""`, ""},
	{"empty array", "[ ]", []any{}},
	{"empty object", "{\n}", map[string]any{}},
	{"trailing commas", `{"a": [1,], }`, map[string]any{"a": []any{json.Number("1")}}},
	{"comments everywhere", "/*1*/{//2\n\"a\"/*3*/:/*4*/true/*5*/,/*6*/}//7", map[string]any{"a": true}},
	{"comment ends with CR", "//\r1", json.Number("1")},
	{"comment of stars", "/***/1/* / * **/", json.Number("1")},
	{"comment beside a number", "[1/**/,2//\n]", []any{json.Number("1"), json.Number("2")}},
	{"no comment in a string", `"// /* */ # ,]"`, "// /* */ # ,]"},
	{"every escape", `"\"\\\/\b\f\n\r\t\u0000\u00e9\u20AC\ud83d\ude00"`, "\"\\/\b\f\n\r\t\x00é€😀"},
	{"escape at each end", `"\n..\n"`, "\n..\n"},
	{"escaped backslash before the quote", `"\\"`, `\`},
	{"characters outside ASCII", `"é€😀` + "\u2028\ufeff\x7f\"", "é€😀\u2028\ufeff\x7f"},
	{"replacement character is a character", `"` + "\ufffd" + `\ufffd"`, "\ufffd\ufffd"},
	{"byte-order mark", "\xef\xbb\xbf[]", []any{}},
	{"equal keys in different objects", `[{"a": {"a": null}}, {"a": null}]`,
		[]any{map[string]any{"a": map[string]any{"a": nil}}, map[string]any{"a": nil}}},
	{"keys that differ in case", `{"a": 1, "A": 2}`, map[string]any{"a": json.Number("1"), "A": json.Number("2")}},
}

func TestWellFormed(t *testing.T) {
	for _, c := range wellFormed {
		doc, err := Parse("f.json", []byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := toAny(doc.Root()); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v, want %#v", c.name, got, c.want)
		}
	}
}

func TestManyKeysAreKept(t *testing.T) {
	doc, err := Parse("f.json", []byte("{"+manyKeys(5000)+"}"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for key := range doc.Root().Members() {
		if want := fmt.Sprintf("k%d", n); key.Text() != want {
			t.Fatalf("member %d is %q, want %q", n, key.Text(), want)
		}
		n++
	}
	if n != 5000 {
		t.Errorf("%d members, want 5000", n)
	}
}

func TestStringsStopAtEveryAlignment(t *testing.T) {
	for _, stop := range []byte{'"', '\\', 0x00, 0x01, '\n', 0x1f} {
		for before := range 20 {
			for after := range 20 {
				text := strings.Repeat("\x20\x7f\x80\xff!#[]", 3)
				b := []byte(text[:before] + string([]byte{stop}) + text[:after])
				if got := stringStop(b, 0); got != before {
					t.Fatalf("stringStop(%q) = %d, want %d", b, got, before)
				}
			}
		}
	}
	if got := stringStop([]byte("abcdefghij"), 0); got != 10 {
		t.Errorf("without a stop: %d, want 10", got)
	}
}

func TestLimits(t *testing.T) {
	nested := func(depth int) string {
		return strings.Repeat("[", depth) + strings.Repeat("]", depth)
	}
	text := func(size int) string { return `"` + strings.Repeat("a", size) + `"` }
	for _, c := range []struct {
		name   string
		reader Reader
		in     string
		err    string
	}{
		{"depth at the limit", Reader{}, nested(MaxDepth), ""},
		{"depth above the limit", Reader{}, nested(MaxDepth + 1), `f.json:1:65: ` + strings.Repeat("/0", MaxDepth) + `: nesting is deeper than the limit of 64 levels`},
		{"depth of ten thousand", Reader{}, nested(10_000), `f.json:1:65: ` + strings.Repeat("/0", MaxDepth) + `: nesting is deeper than the limit of 64 levels`},
		{"depth of objects", Reader{}, strings.Repeat(`{"a":`, 10_000), `f.json:1:321: ` + strings.Repeat("/a", MaxDepth) + `: nesting is deeper than the limit of 64 levels`},
		{"depth counts what is open", Reader{}, "[" + strings.Repeat(nested(60)+",", 100) + "]", ""},
		{"string at the limit", Reader{}, text(MaxString), ""},
		{"string above the limit", Reader{}, text(MaxString + 1), `f.json:1:1: string of 65537 bytes is over the limit of 65536 bytes`},
		{"string of 1 MiB", Reader{}, "{\"a\": [" + text(1<<20) + "]}", `f.json:1:8: /a/0: string of 1048576 bytes is over the limit of 65536 bytes`},
		{"key of 1 MiB", Reader{}, "{" + text(1<<20) + ": 1}", `f.json:1:2: string of 1048576 bytes is over the limit of 65536 bytes`},
		{"string of 1 MiB not closed", Reader{}, text(1 << 20)[:1<<20], `f.json:1:1: string is not closed; expected a double quote`},
		{"size at the limit", Reader{MaxBytes: 10}, text(8), ""},
		{"size above the limit", Reader{MaxBytes: 10}, text(9), `f.json: input of 11 bytes is over the limit of 10 bytes`},
		{"size above the default", Reader{}, strings.Repeat(" ", MaxBytes+1), `f.json: input of 67108865 bytes is over the limit of 67108864 bytes`},
		{"larger by option", Reader{MaxBytes: MaxBytes + 8}, strings.Repeat(" ", MaxBytes) + "1", ""},
		{"negative option is the default", Reader{MaxBytes: -1}, "1", ""},
	} {
		_, err := c.reader.Parse("f.json", []byte(c.in))
		if got := fmt.Sprint(err); got != c.err && !(err == nil && c.err == "") {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.err)
		}
	}
}
