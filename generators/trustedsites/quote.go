package trustedsites

import (
	"bytes"
	"strings"

	"gatewright/generators/artefact"
)

// Types that views hold. Only this file makes values of them.
type (
	comment string // one line of ASCII text
	keyPath string // a registry key from its hive on
)

// maxComment is the most characters of a comment.
const maxComment = 1000

// Comments are lines.
func (Generator) Comments() artefact.CommentSyntax { return artefact.CommentSyntax{Sign: ";"} }

// commentOf makes a text fit one comment line: line breaks and control characters
// become spaces, other characters outside ASCII "?", and what is over maxComment
// characters is cut off and shown as "...". A backslash becomes "/": at the end of
// a line it could join the next one.
func commentOf(s string) comment {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029':
			return ' '
		case r > '~':
			return '?'
		case r == '\\':
			return '/'
		}
		return r
	}, s)
	s = strings.ReplaceAll(s, "##", "# ") // "##[error]" commands the runner of a pipeline that shows the file
	return comment(artefact.Cut(s, maxComment))
}

func comments(lines []string) []comment {
	out := make([]comment, len(lines))
	for i, l := range lines {
		out[i] = commentOf(l)
	}
	return out
}

// domainsKey is where the zone map has its names, below either hive.
const domainsKey = `Software\Microsoft\Windows\CurrentVersion\Internet Settings\ZoneMap\Domains`

// pathOf returns the whole path of a key. Names of patterns have no character that
// means anything in a path or a registry file.
func pathOf(hive string, k key) keyPath {
	root := `HKEY_CURRENT_USER\`
	if hive == hiveMachine {
		root = `HKEY_LOCAL_MACHINE\`
	}
	path := root + domainsKey + `\` + k.domain
	if k.below != "" {
		path += `\` + k.below
	}
	return keyPath(path)
}

// crlf ends each line as the registry editors do.
func crlf(data []byte) []byte {
	return bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
}
