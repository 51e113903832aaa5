package engine

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

// TestMachineLeavesNothing holds that a closed machine leaves no folder.
func TestMachineLeavesNothing(t *testing.T) {
	m, err := NewMachine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	m.Close()
	if _, err := os.Stat(m.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", m.dir, err)
	}
}
