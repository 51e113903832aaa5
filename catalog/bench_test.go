package catalog

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkRead100k(b *testing.B) { benchmarkRead(b, 100_000, 1) }

func BenchmarkRead1M(b *testing.B) { benchmarkRead(b, 1_000_000, 10) }

// benchmarkRead reads a document of mixed prefixes, one in eight of them IPv6.
func benchmarkRead(b *testing.B, prefixes, entries int) {
	var doc strings.Builder
	doc.WriteString(`{"catalog": "bench", "revision": "1", "title": "bench", "entries": [`)
	for e := range entries {
		fmt.Fprintf(&doc, `{"id": "entry-%d", "title": "entry", "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": [`, e)
		for i := range prefixes / entries {
			n := uint32(e*prefixes/entries+i) * 2654435761
			if i%8 == 0 {
				fmt.Fprintf(&doc, "\n%q,", fmt.Sprintf("2001:db8:%x:%x::/64", n>>16, n&0xffff))
			} else {
				fmt.Fprintf(&doc, "\n%q,", fmt.Sprintf("%d.%d.%d.%d/28", n>>24|1, n>>16&255, n>>8&255, n&0xf0))
			}
		}
		doc.WriteString("]},")
	}
	doc.WriteString("]}")
	data := []byte(doc.String())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read("bench.json", data); err != nil {
			b.Fatal(err)
		}
	}
}
