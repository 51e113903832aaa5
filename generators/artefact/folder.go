package artefact

import (
	"fmt"
	"path"
	"strings"
)

// MaxFolder limits the characters of a folder's path in an artefact, so every line that
// names it stays short.
const MaxFolder = 120

// CheckFolder refuses a path that is not a clean absolute path. It also refuses a path
// that a backend's configuration, a shell or sed would not read as one plain word. The
// example is a valid path.
func CheckFolder(dir, example string) error {
	switch {
	case !strings.HasPrefix(dir, "/"):
		return fmt.Errorf("%q is not an absolute path; write one such as %s", dir, example)
	case len(dir) > MaxFolder:
		return fmt.Errorf("%q has %d characters; write a path of at most %d", dir[:MaxFolder]+"...", len(dir), MaxFolder)
	case strings.ContainsFunc(dir, func(r rune) bool { return !isPlain(r) && r != '/' }):
		return fmt.Errorf("%q has a character that needs quoting; write a path of letters, digits, and - _ . /", dir)
	case dir != path.Clean(dir) || dir == "/":
		return fmt.Errorf("%q is not a plain path to a folder; write it without trailing slash, empty parts, . and ..", dir)
	}
	return nil
}

func isPlain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)
}
