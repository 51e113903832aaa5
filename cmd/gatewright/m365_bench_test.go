package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// webServiceDocument writes a document of the Microsoft 365 web service with n
// prefixes in ten sets, one in ten of them IPv6, none of which merge.
func webServiceDocument(b *testing.B, n int) string {
	b.Helper()
	var doc bytes.Buffer
	for i := range n {
		if i%(n/10) == 0 {
			if i > 0 {
				doc.WriteString("]},")
			}
			fmt.Fprintf(&doc, `{"id": %d, "serviceArea": "Exchange", "serviceAreaDisplayName": "Exchange Online", "tcpPorts": "80,443",
"expressRoute": true, "category": "Optimize", "required": true, "urls": ["h%d.example.com"], "ips": [`, i/(n/10)+1, i/(n/10))
		} else {
			doc.WriteByte(',')
		}
		if i%10 == 9 {
			fmt.Fprintf(&doc, `"2001:db8:%x:%x::/64"`, i>>15, i<<1&0xffff)
			continue
		}
		v := uint32(16<<24) + uint32(i)<<9
		fmt.Fprintf(&doc, `"%d.%d.%d.0/24"`, v>>24, v>>16&255, v>>8&255)
	}
	file := filepath.Join(b.TempDir(), "web-service.json")
	if err := os.WriteFile(file, []byte("["+doc.String()+"]}]\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	return file
}

// BenchmarkGenerateM365 is the whole command, from the web service's JSON to the
// ruleset's text.
func BenchmarkGenerateM365(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("prefixes=%d", n), func(b *testing.B) { benchmarkGenerate(b, webServiceDocument(b, n), "nftables") })
	}
	if folder := os.Getenv("GATEWRIGHT_DATA"); folder != "" {
		worldwide := filepath.Join(folder, "m365", "Worldwide_2020080600.json")
		for _, name := range []string{"nftables", "pac", "trusted-sites"} {
			b.Run("worldwide/"+name, func(b *testing.B) { benchmarkGenerate(b, worldwide, name) })
		}
		b.Run("worldwide/all", func(b *testing.B) {
			benchmarkGenerate(b, worldwide, "nftables", "iptables", "pac", "squid", "-o", b.TempDir())
		})
	}
}

func benchmarkGenerate(b *testing.B, file string, args ...string) {
	args = append([]string{"generate", "-q", "--catalog", file}, args...)
	b.ReportAllocs()
	for b.Loop() {
		var stderr bytes.Buffer
		if code := run(args, nil, io.Discard, &stderr); code != 0 {
			b.Fatalf("exit status %d: %s", code, stderr.String())
		}
	}
}
