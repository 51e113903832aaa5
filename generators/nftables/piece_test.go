package nftables

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSplitKeepsSmallFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.nft.golden")
	if err != nil || len(files) < 10 {
		t.Fatalf("expected files %v: %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Split(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Join(p.Frame, nil); !bytes.Equal(got, text) || len(p.Elements) != 0 {
			t.Errorf("%s is not the same in pieces:\n%s", file, got)
		}
	}
}

func TestSplitCutsLargeSets(t *testing.T) {
	for _, c := range []struct{ kind, to string }{{"set", ""}, {"map", " : goto c"}} {
		var list strings.Builder
		const n = 2*pieceElements + 1
		for i := range n {
			if i%700 == 0 {
				list.WriteString("\t\t\t# a title\n")
			}
			fmt.Fprintf(&list, "\t\t\t10.%d.%d.0/24%s,\n", i>>8, i&255, c.to)
		}
		head := "\t" + c.kind + " s {\n\t\ttype x; flags interval;\n"
		p, err := Split([]byte("add table inet t\ntable inet t {\n" + head + "\t\telements = {\n" + list.String() + "\t\t}\n\t}\n\tchain c {\n\t}\n}\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(bytes.Join(p.Frame, nil)); got != "add table inet t\ntable inet t {\n"+head+"\t}\n\tchain c {\n\t}\n}\n" {
			t.Errorf("frame %q", got)
		}
		elements := 0
		for _, piece := range p.Elements {
			text := string(piece.Text)
			elements += strings.Count(text, "/24")
			if piece.Set != "s" || !strings.HasPrefix(text, "flush "+c.kind+" inet t s\nadd element inet t s {\n\t10.") || !strings.HasSuffix(text, "/24"+c.to+",\n}\n") {
				t.Errorf("piece of set %q: %.80q", piece.Set, text)
			}
		}
		if len(p.Elements) != 3 || elements != n {
			t.Errorf("%d pieces with %d elements; want 3 with %d", len(p.Elements), elements, n)
		}
	}
}

// TestSplitCutsLongFrames holds that each part of a frame is whole statements, and none
// too large for one transaction.
func TestSplitCutsLongFrames(t *testing.T) {
	var text strings.Builder
	text.WriteString("table inet t {\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "\tchain c%d {\n\t\ttcp dport 443 accept\n\t}\n", i)
	}
	text.WriteString("}\n")
	p, err := Split([]byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	chains := 0
	for _, part := range p.Frame {
		chains += strings.Count(string(part), "\tchain ")
		if !strings.HasPrefix(string(part), "table inet t {\n") || !strings.HasSuffix(string(part), "}\n") || len(part) > 20_000 {
			t.Errorf("a part of %d bytes: %.60q", len(part), part)
		}
	}
	if chains != 1000 || len(p.Frame) < 5 {
		t.Errorf("%d chains in %d parts", chains, len(p.Frame))
	}
}
