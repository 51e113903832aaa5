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
	var list strings.Builder
	const n = 2*pieceElements + 1
	for i := range n {
		fmt.Fprintf(&list, "\t10.%d.%d.0/24,\n", i>>8, i&255)
	}
	block := "add element inet t s {\n" + strings.TrimSuffix(list.String(), ",\n") + "\n}\n"
	p, err := Split([]byte("add table inet t\n" + block + "flush chain inet t c\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(bytes.Join(p.Frame, nil)); got != "add table inet t\nflush chain inet t c\n" {
		t.Errorf("frame %q", got)
	}
	elements := 0
	for _, piece := range p.Elements {
		text := string(piece.Text)
		elements += strings.Count(text, "/24")
		if piece.Set != "s" || !strings.HasPrefix(text, "flush set inet t s\nadd element inet t s {\n\t10.") || !strings.HasSuffix(text, "/24\n}\n") {
			t.Errorf("piece of set %q: %.80q", piece.Set, text)
		}
	}
	if len(p.Elements) != 3 || elements != n {
		t.Errorf("%d pieces with %d elements; want 3 with %d", len(p.Elements), elements, n)
	}
}

// TestSplitLeavesWhatIsStrange holds that a block with anything but prefixes is loaded
// as it stands.
func TestSplitLeavesWhatIsStrange(t *testing.T) {
	block := "add element inet t s {\n" + strings.Repeat("\t10.0.0.1,\n", pieceElements) + "\t10.0.0.2 } ; add rule inet t c accept\n}\n"
	p, err := Split([]byte(block))
	if err != nil || len(p.Elements) != 0 || string(bytes.Join(p.Frame, nil)) != block {
		t.Errorf("%d pieces, %v", len(p.Elements), err)
	}
}
