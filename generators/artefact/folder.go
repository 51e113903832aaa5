package artefact

import (
	"fmt"
	"path"
	"strings"
)

// MaxFolder is how many characters a folder's path may have in an artefact, so that every
// line that names it stays short.
const MaxFolder = 120

// CheckFolder refuses a path that a backend's configuration, a shell and sed would not all
// read as one plain word, or that is no clean absolute path. The example is one that is.
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
