package fetch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRequestID(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	id, err := requestID()
	again, errAgain := requestID()
	if err != nil || errAgain != nil || !isGUID(id) || id != again {
		t.Fatalf("%q, %v; %q, %v", id, err, again, errAgain)
	}
	file := filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "gatewright", "client-request-id")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for _, text := range []string{"", "x", documentedID, id + "\n" + id} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := requestID(); err == nil || !strings.Contains(err.Error(), file+" does not hold a GUID made by this machine; remove the file, and fetch makes a new one") {
			t.Errorf("%q: error %v", text, err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if other, err := requestID(); err != nil || other == id {
		t.Errorf("a new one: %q, %v", other, err)
	}
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("HOME", "")
	if _, err := requestID(); err == nil || !strings.Contains(err.Error(), "set HOME or XDG_CONFIG_HOME") {
		t.Errorf("without a folder: %v", err)
	}
}
