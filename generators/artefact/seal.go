package artefact

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// digestLine starts the header line that holds a file's digest: SHA-256 of the whole
// file with zeros in place of the digest's own digits.
const digestLine = "digest: sha256:"

// unsealed are the digits before Seal.
var unsealed = strings.Repeat("0", hex.EncodedLen(sha256.Size))

// headerLines is how far into a file the digest may stand, in lines.
const headerLines = 6

// Seal writes a file's digest into its header, in place, and returns the file. A file
// without the line stays as it is.
func Seal(data []byte) []byte {
	if at, ok := digestIn(data); ok {
		copy(data[at:], unsealed)
		sum := sha256.Sum256(data)
		hex.Encode(data[at:], sum[:])
	}
	return data
}

// Sealed reports whether a file's header holds the digest of what the file holds. It
// is false for one that was changed since it was generated, in whatever way.
func Sealed(data []byte) bool {
	_, ok := digestIn(data)
	return ok && bytes.Equal(data, Seal(bytes.Clone(data)))
}

// Unsealed returns a copy of a file with zeros for its digest: what two files that
// differ in nothing else have in common.
func Unsealed(data []byte) []byte {
	data = bytes.Clone(data)
	if at, ok := digestIn(data); ok {
		copy(data[at:], unsealed)
	}
	return data
}

// unsealedText is Unsealed as text, copied once.
func unsealedText(data []byte) string {
	at, ok := digestIn(data)
	if !ok {
		return string(data)
	}
	var b strings.Builder
	b.Grow(len(data))
	b.Write(data[:at])
	b.WriteString(unsealed)
	b.Write(data[at+len(unsealed):])
	return b.String()
}

// digestIn returns where the digits of the digest in a file's header begin; false if
// there are none: nothing else may stand in their place, where no comparison looks.
func digestIn(data []byte) (at int, ok bool) {
	for range headerLines {
		line, _, more := bytes.Cut(data[at:], []byte("\n"))
		before, digits, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\r")), []byte(digestLine))
		if ok && len(digits) == len(unsealed) && len(bytes.Trim(digits, "0123456789abcdef")) == 0 {
			return at + len(before) + len(digestLine), true
		}
		if !more {
			break
		}
		at += len(line) + 1
	}
	return 0, false
}
