package fetch

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/output"
)

// documentedID is the ClientRequestId of the publisher's examples, which must not be
// used.
const documentedID = "b10c5ed1-bad1-445f-b386-b919946339a7"

// requestID returns the GUID by which the web service knows this machine's user,
// made at the first call and kept in the user's configuration.
func requestID() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the ClientRequestId: %w; set HOME or XDG_CONFIG_HOME", err)
	}
	dir = filepath.Join(dir, "gatewright")
	file := filepath.Join(dir, "client-request-id")
	data, err := plainfile.Named(file).Read(1 << 10)
	if errors.Is(err, fs.ErrNotExist) {
		return newRequestID(dir, filepath.Base(file))
	}
	if err != nil {
		return "", fmt.Errorf("ClientRequestId: %w", err)
	}
	id := strings.ToLower(strings.TrimSpace(string(data)))
	if !isGUID(id) || id == documentedID {
		return "", fmt.Errorf("%s does not hold a GUID made by this machine; remove the file, and fetch makes a new one", file)
	}
	return id, nil
}

func newRequestID(dir, name string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("ClientRequestId: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("ClientRequestId: %w", err)
	}
	defer root.Close()
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4, RFC 9562 section 5.4
	id := fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	if err := output.Replace(root, name, []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("ClientRequestId: %w", err)
	}
	return id, nil
}

// isGUID reports whether s is 32 lower-case hexadecimal digits in groups of 8, 4, 4, 4
// and 12.
func isGUID(s string) bool {
	for i, group := range strings.Split(s, "-") {
		if i > 4 || len(group) != [...]int{8, 4, 4, 4, 12}[i] || strings.Trim(group, "0123456789abcdef") != "" {
			return false
		}
	}
	return strings.Count(s, "-") == 4
}
