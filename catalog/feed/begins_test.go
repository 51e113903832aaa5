package feed

import (
	"os"
	"path/filepath"
	"testing"
)

func TestBegins(t *testing.T) {
	for text, want := range map[string]bool{
		`{"catalog": "a", "entries": [`:                true,
		"// ours\n/* too */ { // yes\n \"revision\" :": true,
		`[{"id": 1, "serviceArea": "x" "urls"`:         true,
		`{"syncToken": "1", `:                          true,
		`{"ipv4_prefixes": [`:                          true,
		`["192.0.2.0/24", oops`:                        true,
		"192.0.2.0/24\nb a d\n":                        true,
		"# a list\n\na.example.com # one\n$\n":         true,
		"0.0.0.0 a.example.com\n":                      true,
		"ip_prefix,region\n192.0.2.0/24,$\n":           true,
		"Region,Prefix\n$,$\n":                         true,
		"192.0.2.0/24,US,,,\nx,,\n":                    true,
		"[default]\nkey = 1\n":                         false,
		`{"password": "x"`:                             false,
		`{"catalog"`:                                   false,
		`{"catalog" "x"`:                               false,
		`["hunter2"]`:                                  false,
		`{hunter2}`:                                    false,
		"// hunter2":                                   false,
		"/* hunter2":                                   false,
		"[[[[":                                         false,
		"{":                                            false,
		"":                                             false,
		"\n":                                           false,
		"# hunter2\n":                                  false,
		"hunter2\n192.0.2.1\n":                         false,
		"machine a.example.com login b\n":              false,
		"user;password\n192.0.2.1;hunter2\n":           false,
		"user,password\n192.0.2.1,hunter2\n":           false,
		"\xff\xfe\x00":                                 false,
	} {
		if got := Begins([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestRealFeedsBegin holds that every feed that is read begins like one, so that its
// faults are shown.
func TestRealFeedsBegin(t *testing.T) {
	data := os.Getenv("GATEWRIGHT_DATA")
	if data == "" {
		t.Skip("GATEWRIGHT_DATA is not set")
	}
	tried := 0
	for _, pattern := range []string{"cloud/*", "lists/*", "m365/*"} {
		files, err := filepath.Glob(filepath.Join(data, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // a folder
			}
			if _, err := Read(file, text, Naming{}); err != nil {
				continue
			}
			if tried++; !Begins(text) {
				t.Errorf("%s does not", file)
			}
		}
	}
	if tried < 10 {
		t.Errorf("%d feeds", tried)
	}
}
