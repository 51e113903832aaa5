package netset

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a name in its text form, without trailing dot: RFC 1035 section 2.3.4.
const (
	maxLabel = 63
	maxName  = 253
)

// ParsePattern reads an FQDN pattern. Upper case, one trailing dot and runs of stars
// are normalized.
//
// Two labels at least, no star in the last two, no label over 63 and no name over 253
// characters (a star inside a label counts as none, a star label as one). URLs, paths,
// ports, IP literals and names outside ASCII are errors; each says what to write
// instead.
func ParsePattern(s string) (Pattern, error) {
	text, err := normalizeName(s)
	if err != nil {
		return Pattern{}, err
	}
	for strings.Contains(text, "**") {
		text = strings.ReplaceAll(text, "**", "*")
	}
	if err := checkStars(s, text); err != nil {
		return Pattern{}, err
	}
	if strings.IndexByte(text, '.') < 0 {
		return Pattern{}, fmt.Errorf("%q is a single label; write the full name with its domain, such as %q", clip(s), clip(text)+".example.com")
	}
	if err := checkLabels(s, text); err != nil {
		return Pattern{}, err
	}
	return Pattern{text}, nil
}

// ParseName reads one name without stars, as a flow names its remote side, and returns
// it in lower case without its trailing dot. One label is enough. The errors are those
// of ParsePattern.
func ParseName(s string) (string, error) {
	name, err := normalizeName(s)
	if err != nil {
		return "", err
	}
	if strings.IndexByte(name, '*') >= 0 {
		return "", fmt.Errorf(`%q has a star; write one whole name, such as "www.example.com"`, clip(s))
	}
	if err := checkLabels(s, name); err != nil {
		return "", err
	}
	return name, nil
}

// normalizeName lower-cases s and drops one trailing dot. Every character of the result
// may stand in a pattern.
func normalizeName(s string) (string, error) {
	name := strings.TrimSuffix(s, ".")
	if name == "" {
		return "", errors.New(`empty name; write one such as "www.example.com" or "*.example.com"`)
	}
	upper := false
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.', c == '-', c == '_', c == '*':
		case 'A' <= c && c <= 'Z':
			upper = true
		default:
			return "", explainName(s)
		}
	}
	if upper {
		name = strings.ToLower(name)
	}
	return name, nil
}

// checkStars holds the last two labels free of stars. Wider patterns would name what
// whole registries hold.
func checkStars(s, text string) error {
	last := strings.LastIndexByte(text, '*')
	switch {
	case last < 0 || strings.Count(text[last:], ".") >= 2:
		return nil
	case text == "*":
		return errors.New(`"*" matches every name; write the domains that are meant, such as "*.example.com"`)
	}
	return fmt.Errorf(`%q has a star in its last two labels; write two labels after the last star, as in "*.example.com"`, clip(s))
}

// checkLabels judges the labels of text, which is s normalized.
func checkLabels(s, text string) error {
	if strings.HasPrefix(text, ".") && !hasEmptyLabel(text[1:]) {
		return fmt.Errorf("%q starts with a dot; write %q for the names below it, and %q for itself", clip(s), "*"+clip(text), clip(text[1:]))
	}
	if hasEmptyLabel(text) {
		return fmt.Errorf("%q has an empty label; write one dot between labels", clip(s))
	}
	total := 0
	for rest, label := cutLast(text); ; rest, label = cutLast(rest) {
		length := shortest(label)
		if length > maxLabel {
			return fmt.Errorf("%q has a label of %d characters; write at most %d between two dots", clip(s), length, maxLabel)
		}
		total += length + 1
		if rest == "" {
			break
		}
	}
	if total-1 > maxName {
		return fmt.Errorf("%q has %d characters; write a name of at most %d", clip(s), total-1, maxName)
	}
	if _, last := cutLast(text); isNumeric(last) {
		return literalError(s)
	}
	return nil
}

// shortest is the length of the shortest label that glob matches.
func shortest(glob string) int {
	return max(1, len(glob)-strings.Count(glob, "*"))
}

// isNumeric reports whether a name that ends in this label is read as an IPv4 address,
// as in "127.1" and "0x7f.1": WHATWG URL standard, "ends in a number checker".
func isNumeric(label string) bool {
	if digits, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// EndsAsNumber reports whether the last label of s, without a trailing dot, makes it an
// IPv4 address in the eyes of a browser, if an odd one such as "127.1" or "0x7f000001".
func EndsAsNumber(s string) bool {
	_, last := cutLast(strings.ToLower(strings.TrimSuffix(s, ".")))
	return last != "" && isNumeric(last)
}

// isName reports whether a text of good characters is within the bounds of a name.
func isName(text string) bool { return checkLabels(text, text) == nil }

func literalError(s string) error {
	return fmt.Errorf("%q is an IP literal or ends like one, so it is not a name; write an address as a prefix", clip(s))
}

// explainName says why s, which has a character that no name has, is not a name, and
// what to write.
func explainName(s string) error {
	if shown := WithoutSecrets(s); shown != s && !strings.Contains(s, "://") {
		return fmt.Errorf("%q has a user or a query, as URLs have; write only the host%s", shown, suggestHost(shown))
	}
	s = WithoutSecrets(s)
	if _, rest, ok := strings.Cut(s, "://"); ok {
		return fmt.Errorf("%q is a URL; write only the host%s", clip(s), suggestHost(rest))
	}
	if isLiteral(s) {
		return literalError(s)
	}
	if strings.IndexByte(s, '/') >= 0 {
		return fmt.Errorf("%q has a path; write only the host%s", clip(s), suggestHost(s))
	}
	if strings.IndexByte(s, ':') >= 0 {
		return fmt.Errorf("%q has a port; write only the host%s, and the port under services", clip(s), suggestHost(s))
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%q is not UTF-8; write the name in letters, digits and hyphens", clip(s))
	}
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			return fmt.Errorf("%q has a space or a control character; write one name without it", clip(s))
		}
	}
	for _, r := range s {
		if r >= utf8.RuneSelf {
			return fmt.Errorf("%q is not ASCII; write the name in its A-label form%s", clip(s), suggestALabels(s))
		}
	}
	return fmt.Errorf(`%q has a character that is not allowed in a name; write letters, digits, "-", "_" and ".", and "*" in a pattern`, clip(s))
}

// isLiteral reports whether s is an address or prefix, bare or in brackets, with or
// without port.
func isLiteral(s string) bool {
	if strings.HasPrefix(s, "[") {
		return true
	}
	if _, err := netip.ParseAddrPort(s); err == nil {
		return true
	}
	if _, err := netip.ParsePrefix(s); err == nil {
		return true
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

// suggestHost returns `, "host"` for the host at the start of s, or "" if that is no
// good name either.
func suggestHost(s string) string {
	if i := strings.IndexAny(s, "/:?#"); i >= 0 {
		s = s[:i]
	}
	if host, err := normalizeName(s); err == nil && isName(host) {
		return fmt.Sprintf(", %q", host)
	}
	return ""
}

// suggestALabels returns `, "xn--..."` for s, or "" if a label needs more than the
// encoding: what IDNA maps or refuses.
func suggestALabels(s string) string {
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	for i, label := range labels {
		a, ok := aLabel(label)
		if !ok {
			return ""
		}
		labels[i] = a
	}
	if name := strings.Join(labels, "."); isName(name) {
		return fmt.Sprintf(", %q", name)
	}
	return ""
}
