package jsonc

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"
)

// toUTF16 encodes text with a byte-order mark.
func toUTF16(text string, order binary.AppendByteOrder) []byte {
	b := order.AppendUint16(nil, 0xfeff)
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return b
}

func TestEveryEncodingReadsTheSame(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 4))
		want := randomAny(r, 4)
		var b strings.Builder
		writeLoosely(r, &b, want)
		for name, data := range map[string][]byte{
			"UTF-8":                        []byte(b.String()),
			"UTF-8 with a byte-order mark": []byte("\ufeff" + b.String()),
			"UTF-16 LE":                    toUTF16(b.String(), binary.LittleEndian),
			"UTF-16 BE":                    toUTF16(b.String(), binary.BigEndian),
		} {
			doc, err := Parse("", data)
			if err != nil {
				t.Fatalf("seed %d, %s: %v", seed, name, err)
			}
			if string(doc.data) != b.String() {
				t.Fatalf("seed %d, %s: transcoded to %q, want %q", seed, name, doc.data, b.String())
			}
			if got := toAny(doc.Root()); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, %s: got %#v, want %#v", seed, name, got, want)
			}
		}
	}
}

func TestColumnsAreThoseOfTheText(t *testing.T) {
	text := "{\r\n  \"é😀\": [1,\t2 3]}"
	const want = "f.json:2:15: /é😀: expected \",\" or \"]\" in the array opened at 2:9, found \"3\""
	for _, data := range [][]byte{
		[]byte(text),
		[]byte("\ufeff" + text),
		toUTF16(text, binary.LittleEndian),
		toUTF16(text, binary.BigEndian),
	} {
		if _, err := Parse("f.json", data); err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", data, err, want)
		}
	}
}

// TestIsPlain asks for characters that Unicode calls default ignorable, and for some
// that have a shape.
func TestIsPlain(t *testing.T) {
	for _, r := range []rune{0, '\n', 0x7f, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x180b, 0x180e, 0x200b, 0x202e, 0x2060, 0x2065, 0x206f, 0x3164, 0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xfff0, 0x1bca0, 0x1d173, 0xe0001, 0xe0100, 0xe01ef, 0xe0fff} {
		if IsPlain(r) {
			t.Errorf("%U is plain", r)
		}
	}
	for _, r := range "aZ ~é漢ㅎ☁" {
		if !IsPlain(r) {
			t.Errorf("%U is not plain", r)
		}
	}
}
