package squid

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
)

// Types that views hold. Only this file makes values of them.
type (
	comment  string // one line of text
	aclName  string // the name of an ACL of ours
	aclRef   string // an ACL's name in an http_access line, with "!" if it must not match
	aclType  string // an ACL's type with its flags
	filePath string // an absolute path that needs no quoting
	tokens   string // the tokens of a list file, one a line
)

// ACL types. -n: no DNS look-ups, neither of names for dst nor of literals for
// dstdomain, where a PTR record would decide. Squid has lower-cased the host by the
// time that it matches it.
const (
	typeSrc         aclType = "src"
	typePort        aclType = "port"
	typeDst         aclType = "dst -n"
	typeDomain      aclType = "dstdomain -n"
	typeDomainRegex aclType = "dstdom_regex -n"
)

// notManager keeps requests for Squid's own cache manager out of every rule: they
// are no flow of a policy.
const notManager aclRef = "!manager"

const (
	aclPrefix  = "gatewright_"
	maxACLName = 63   // Squid 5.7 refuses 64
	maxComment = 1200 // characters; Squid reads lines of list files in pieces of 2,048
)

// Comments are lines.
func (Generator) Comments() artefact.CommentSyntax { return artefact.CommentSyntax{Sign: "#"} }

// commentOf makes a text fit one comment line: line breaks and control characters
// become spaces, what else is not printable ASCII becomes "?", and what is over
// maxComment characters is cut off and shown as "...".
func commentOf(s string) comment {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case r > '~':
			return '?'
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

// aclNameOf returns the name of an ACL of ours. Squid quotes no names: letters,
// digits, "-" and "_" alone.
func aclNameOf(stem string) (aclName, error) {
	name := aclPrefix + stem
	if len(name) > maxACLName {
		return "", fmt.Errorf("ACL name %q has %d characters; Squid takes at most %d", name, len(name), maxACLName)
	}
	if i := strings.IndexFunc(name, func(r rune) bool { return !isPlain(r) }); i >= 0 {
		return "", fmt.Errorf("ACL name %q has a character that Squid's syntax does not take; expect letters, digits, - and _", name)
	}
	return aclName(name), nil
}

func isPlain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

func match(n aclName) aclRef  { return aclRef(n) }
func except(n aclName) aclRef { return aclRef("!" + n) }

// checkDir refuses folders that squid.conf, a shell and sed would not all read as
// one plain word, and one whose files Squid reads by itself.
func checkDir(dir string) error {
	if dir == confDDir {
		return fmt.Errorf("squid.conf reads the folder %q anyway, so the rules would be loaded twice; write another folder such as %s", dir, defaultDir)
	}
	return artefact.CheckFolder(dir, defaultDir)
}

// pathOf joins a checked folder and a file name made of an ACL's name.
func pathOf(dir, file string) filePath { return filePath(dir + "/" + file) }

// subdomainsToken is the dstdomain token for a domain with all its subdomains.
func subdomainsToken(apex string) string { return "." + apex }

// expression returns the POSIX extended regular expression that matches the names
// of a pattern and nothing else.
func expression(p netset.Pattern) string {
	labels := strings.Split(p.String(), ".")
	for i, label := range labels {
		switch {
		case label != "*":
			labels[i] = strings.ReplaceAll(label, "*", `[^.]*`)
		case i == 0:
			labels[i] = `[^.]+(\.[^.]+)*`
		default:
			labels[i] = `[^.]+`
		}
	}
	return "^" + strings.Join(labels, `\.`) + "$"
}

func tokenList(words []string) list {
	return list{sections: []section{{Tokens: tokens(strings.Join(words, "\n"))}}, elements: len(words)}
}

func prefixList(s netset.PrefixSet) list {
	const separator = "\n"
	var l list
	var text []byte
	for _, part := range aroundMapped(s) {
		if len(text) > 0 && !part.IsEmpty() {
			text = append(text, separator...)
		}
		text = part.AppendText(text, separator)
		l.elements += part.Len()
	}
	l.sections = []section{{Tokens: tokens(text)}}
	return l
}

func portList(s netset.ServiceSet) list {
	var words []string
	for _, r := range s.Ports(netset.TCP) {
		words = append(words, portWord(r))
	}
	return tokenList(words)
}

func portWord(r netset.PortRange) string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return strconv.Itoa(int(r.First)) + "-" + strconv.Itoa(int(r.Last))
}
