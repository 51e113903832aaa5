package artefact

import (
	"regexp"
	"strings"
)

// CommentSyntax is how a backend marks what it passes over.
type CommentSyntax struct {
	Sign   string         // in front of a line that is a comment: "#"
	Beside *regexp.Regexp // a whole comment on a line with data; nil where there is none
}

// IsLine reports whether a line is a comment and nothing else.
func (c CommentSyntax) IsLine(line string) bool {
	return strings.HasPrefix(strings.TrimSpace(line), c.Sign)
}
