package artefact

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

const sealedText = "# Gatewright: a file; format 2\n# load: x\n# digest: sha256:%s\n# source: a 1\nrule\n"

func zeros() string { return strings.Repeat("0", 64) }

func TestSeal(t *testing.T) {
	blank := fmt.Sprintf(sealedText, zeros())
	want := fmt.Sprintf(sealedText, fmt.Sprintf("%x", sha256.Sum256([]byte(blank))))
	if got := string(Seal([]byte(blank))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(Seal([]byte(want))); got != want {
		t.Errorf("sealed twice: %s, want %s", got, want)
	}
	if got := string(Unsealed([]byte(want))); got != blank {
		t.Errorf("unsealed: %s, want %s", got, blank)
	}
	if !Sealed([]byte(want)) {
		t.Error("the digest of the file is taken for another")
	}
}

func TestSealedSeesEveryChange(t *testing.T) {
	whole := Seal(fmt.Appendf(nil, sealedText, zeros()))
	for i := range whole {
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		if Sealed(changed) {
			t.Errorf("byte %d was changed and the digest holds", i)
		}
	}
	if Sealed(nil) || Sealed([]byte("# digest: sha256:\n")) {
		t.Error("a file without a digest is sealed")
	}
}

// Nothing hides in the place of the digest's digits, which no comparison looks at.
func TestUnsealedHidesNothing(t *testing.T) {
	for _, digits := range []string{zeros() + " ", zeros()[1:], zeros()[1:] + "\r", zeros()[3:] + "\u2028", "evil()" + zeros()[6:], strings.Repeat("A", 64)} {
		text := fmt.Sprintf(sealedText, digits)
		if got := string(Unsealed([]byte(text))); got != text {
			t.Errorf("%q is compared as %q", text, got)
		}
	}
}
