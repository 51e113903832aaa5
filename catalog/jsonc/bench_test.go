package jsonc

import (
	"fmt"
	"strings"
	"testing"
)

// feed returns a document of about size bytes in the shape of a publisher's web
// service: entries with names, prefixes, ports and attributes, indented.
func feed(size int) []byte {
	var b strings.Builder
	b.WriteString("[")
	for id := 0; b.Len() < size; id++ {
		fmt.Fprintf(&b, "\n  {\n    \"id\": %d,\n    \"serviceArea\": \"Exchange\",\n    \"urls\": [\n", id)
		fmt.Fprintf(&b, "      \"host%d.outlook.example.com\",\n      \"*.protection%d.outlook.example.com\"\n    ],\n    \"ips\": [\n", id, id)
		for i := range 20 {
			fmt.Fprintf(&b, "      \"10.%d.%d.%d/28\",\n", id%256, i, i*8)
		}
		fmt.Fprintf(&b, "      \"2001:db8:%x::/64\"\n    ],\n    \"tcpPorts\": \"80,443\",\n    \"expressRoute\": true,\n    \"category\": \"Optimize\",\n    \"required\": true\n  },", id%65536)
	}
	return []byte(strings.TrimSuffix(b.String(), ",") + "\n]\n")
}

func BenchmarkParse(b *testing.B) {
	data := feed(20 << 20)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("", data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseWalk reads every string of the document besides.
func BenchmarkParseWalk(b *testing.B) {
	data := feed(20 << 20)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		doc, err := Parse("", data)
		if err != nil {
			b.Fatal(err)
		}
		size := 0
		for _, entry := range doc.Root().Elements() {
			for key, value := range entry.Members() {
				size += len(key.Bytes()) + len(value.Bytes())
				for _, element := range value.Elements() {
					size += len(element.Bytes())
				}
			}
		}
		if size == 0 {
			b.Fatal("nothing read")
		}
	}
}
