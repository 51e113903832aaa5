package output

import (
	"path/filepath"
	"strings"
	"testing"
)

// FuzzRecords holds that no manifest names a file outside of its folder or the folder's
// own state, and that what is read is written alike.
func FuzzRecords(f *testing.F) {
	f.Add(string(formatRecords(recordsOf(oldRun()))))
	f.Add(strings.Repeat("0", 64) + "  one  ../a\n")
	f.Fuzz(func(t *testing.T, text string) {
		records, err := parseRecords(Manifest, []byte(text), anyFile)
		if err != nil {
			return
		}
		for _, r := range records {
			if path := filepath.Join("/out", r.name); !strings.HasPrefix(path, "/out/") || strings.HasPrefix(strings.ToLower(path+"/"), "/out/.gatewright/") {
				t.Errorf("%q names %q", text, r.name)
			}
		}
		if again := string(formatRecords(records)); again != text && again != text+"\n" {
			t.Errorf("%q is written as %q", text, again)
		}
	})
}
