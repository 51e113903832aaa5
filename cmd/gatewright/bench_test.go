package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// prefixCatalog writes a catalogue of n prefixes, one in ten of them IPv6, none of
// which merge with a neighbour.
func prefixCatalog(b testing.TB, n int) string {
	b.Helper()
	var doc bytes.Buffer
	doc.WriteString(`{"catalog": "bench", "revision": "1", "title": "bench", "entries": [{"id": "all", "title": "all", "area": "bench",
"direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": [`)
	for i := range n {
		if i > 0 {
			doc.WriteByte(',')
		}
		if i%10 == 9 {
			fmt.Fprintf(&doc, `"2001:db8:%x:%x::/64"`, i>>15, i<<1&0xffff)
			continue
		}
		v := uint32(16<<24) + uint32(i)<<9
		fmt.Fprintf(&doc, `"%d.%d.%d.0/24"`, v>>24, v>>16&255, v>>8&255)
	}
	doc.WriteString("]}]}\n")
	file := filepath.Join(b.TempDir(), "bench.json")
	if err := os.WriteFile(file, doc.Bytes(), 0o644); err != nil {
		b.Fatal(err)
	}
	return file
}

// BenchmarkGenerateNFTables is the whole command, from the catalogue's bytes to the
// ruleset's.
func BenchmarkGenerateNFTables(b *testing.B) {
	for _, n := range []int{300, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("prefixes=%d", n), func(b *testing.B) {
			file := prefixCatalog(b, n)
			for b.Loop() {
				var stderr bytes.Buffer
				if code := run([]string{"generate", "nftables", "-q", "--catalog", file}, nil, io.Discard, &stderr); code != 0 {
					b.Fatalf("exit status %d: %s", code, stderr.String())
				}
			}
		})
	}
}

// BenchmarkDiff is the whole command, of two catalogues that differ in one name in a
// hundred thousand prefixes and in a million.
func BenchmarkDiff(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("prefixes=%d", n), func(b *testing.B) {
			old := prefixCatalog(b, n)
			data, err := os.ReadFile(old)
			if err != nil {
				b.Fatal(err)
			}
			new := filepath.Join(b.TempDir(), "new.json")
			if err := os.WriteFile(new, bytes.Replace(data, []byte("]}]}"), []byte(`, "new.example.com"]}]}`), 1), 0o644); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				var stderr bytes.Buffer
				if code := run([]string{"diff", old, new}, nil, io.Discard, &stderr); code != exitDifferent {
					b.Fatalf("exit status %d: %s", code, stderr.String())
				}
			}
		})
	}
}
