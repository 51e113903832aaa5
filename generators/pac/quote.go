package pac

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Types that views hold. Only this file makes values of them.
type (
	comment string // one line of printable ASCII after "//"
	literal string // a string literal
	block   string // the elements of an array of string literals, one a line
	call    string // a function's name and its first arguments
)

// proxy is "PROXY host:port" or another kind with its "[address]:port", made by
// parseProxy.
type proxy string

const (
	maxComment = 1000  // bytes
	maxLine    = 500   // bytes of words in one literal
	maxLines   = 10000 // literals in one array; engines of ECMAScript 3 take at most 65,535
)

// Comments are lines.
func (Generator) Comments() artefact.CommentSyntax { return artefact.CommentSyntax{Sign: "//"} }

// commentOf makes a text fit one comment line: white space becomes a space, and
// what is not printable ASCII a question mark. A space breaks up "*/" and "</",
// which would end a comment or a script that somebody puts around the line. What
// is over maxComment bytes is cut off and shown as "...".
func commentOf(s string) comment {
	return comment(artefact.Cut(commentEnds.Replace(artefact.OneLine(s)), maxComment))
}

// commentEnds parts what ends a comment, or a script in a page.
var commentEnds = strings.NewReplacer("*/", "* /", "</", "< /")

func commentsOf(lines []string) []comment {
	out := make([]comment, len(lines))
	for i, l := range lines {
		out[i] = commentOf(l)
	}
	return out
}

// quote returns the string literal of s, in ASCII (ECMA-262 3rd edition, section
// 7.8.4). Angle brackets, and a slash after a star, are escaped, so that neither a
// script nor a comment around it ends. Text that is not UTF-8 is refused.
func quote(s string) (literal, error) {
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("%q is not UTF-8 and cannot be in a PAC file; write it in UTF-8", s)
	}
	b := make([]byte, 0, len(s)+2)
	b = append(b, '\'')
	star := false
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\' || r == '/' && star:
			b = append(b, '\\', byte(r))
		case r == '<' || r == '>' || r < ' ' || r > '~':
			b = appendEscape(b, r)
		default:
			b = append(b, byte(r))
		}
		star = r == '*'
	}
	return literal(append(b, '\'')), nil
}

// appendEscape writes \uXXXX, twice for a rune that needs two UTF-16 units.
func appendEscape(b []byte, r rune) []byte {
	for _, unit := range utf16.AppendRune(nil, r) {
		b = fmt.Appendf(b, `\u%04X`, unit)
	}
	return b
}

// blocksOf quotes words without spaces, as many on a line as have the same group
// and fit maxLine, so that a new word changes few lines.
func blocksOf(words []string, group func(string) string) ([]block, error) {
	var lines []string
	for len(words) > 0 {
		line, rest := splitLine(words, group)
		lines, words = append(lines, strings.Join(line, " ")), rest
	}
	var blocks []block
	for part := range slices.Chunk(lines, maxLines) {
		b, err := blockOf(part)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// blockOf quotes lines of words.
func blockOf(lines []string) (block, error) {
	quoted := make([]string, len(lines))
	for i, line := range lines {
		text, err := quote(line)
		if err != nil {
			return "", err
		}
		quoted[i] = string(text)
	}
	return block(strings.Join(quoted, ",\n")), nil
}

func splitLine(words []string, group func(string) string) (line, rest []string) {
	n, size := 1, len(words[0])
	for n < len(words) && group(words[n]) == group(words[0]) && size+1+len(words[n]) <= maxLine {
		size += 1 + len(words[n])
		n++
	}
	return words[:n], words[n:]
}

// domain groups names by their last two labels.
func domain(name string) string {
	last := strings.LastIndexByte(name, '.')
	return name[strings.LastIndexByte(name[:max(0, last)], '.')+1:]
}

// network groups prefixes by what stands before the first dot or colon.
func network(prefix string) string {
	return prefix[:max(0, strings.IndexAny(prefix, ".:"))]
}

// together puts all words in one group.
func together(string) string { return "" }

func portWords(s netset.ServiceSet) []string {
	var words []string
	for _, r := range s.Ports(netset.TCP) {
		words = append(words, r.String())
	}
	return words
}

func prefixWords(s []netip.Prefix) []string {
	words := make([]string, len(s))
	for i, p := range s {
		words[i] = p.String()
	}
	return words
}

func callServices(class, route int) call {
	return call("addServices(" + strconv.Itoa(class) + ", " + strconv.Itoa(route))
}

func callNames(table string, class int) call {
	return call("addNames(" + table + ", " + strconv.Itoa(class))
}

func callPatterns(class int) call { return call("addPatterns(" + strconv.Itoa(class)) }

func callPrefixes(table string, class int) call {
	return call("addPrefixes(" + table + ", " + strconv.Itoa(class))
}

// answerOf returns the literal of what FindProxyForURL says for proxies that are
// tried in order.
func answerOf(proxies []proxy, fallback bool) (literal, error) {
	return quote(answerText(proxies, fallback))
}

// answerText is what FindProxyForURL says for proxies that are tried in order;
// DIRECT for none.
func answerText(proxies []proxy, fallback bool) string {
	if len(proxies) == 0 {
		return directAnswer
	}
	var words []string
	for _, p := range proxies {
		words = append(words, string(p))
	}
	if fallback {
		words = append(words, directAnswer)
	}
	return strings.Join(words, answerSeparator)
}

const (
	directAnswer    = "DIRECT"
	answerSeparator = "; "
)

// isAnswer reports whether a text is what answerText returns for some proxies.
func isAnswer(text string) bool {
	words := strings.Split(text, answerSeparator)
	last := len(words) - 1
	if words[last] == directAnswer {
		words = words[:last]
	}
	for _, w := range words {
		if p, err := parseProxy(w); err != nil || string(p) != w {
			return false
		}
	}
	return true
}

// proxyKinds are the words of answers that name a proxy.
var proxyKinds = []string{"PROXY", "HTTPS", "SOCKS", "SOCKS5"}

// parseProxy reads "host:port", "192.0.2.1:port" or "[2001:db8::1]:port", with or
// without the kind of proxy and a space before it; PROXY is the usual one.
func parseProxy(s string) (proxy, error) {
	const want = `write one proxy as HOST:PORT, such as "proxy.example.com:8080" or "[2001:db8::1]:8080", or of another kind as "HTTPS HOST:PORT", "SOCKS HOST:PORT" or "SOCKS5 HOST:PORT"`
	kind, address, found := strings.Cut(s, " ")
	if !found || !slices.Contains(proxyKinds, kind) {
		kind, address = proxyKinds[0], s
	}
	host, port, ok := cutPort(address)
	if !ok {
		return "", fmt.Errorf("%q is not a host with a port; %s", s, want)
	}
	if _, err := netset.ParsePortRange(port); err != nil || strings.Contains(port, "-") {
		return "", fmt.Errorf("%q has no valid port; %s", s, want)
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Zone() != "" || a.Is6() != strings.HasPrefix(address, "[") {
			return "", fmt.Errorf("%q is not a host with a port; %s", s, want)
		}
		return proxy(kind + " " + address), nil
	}
	if _, err := netset.ParseName(host); err != nil {
		return "", fmt.Errorf("%q: %w; %s", s, err, want)
	}
	return proxy(kind + " " + address), nil
}

// cutPort splits at the last colon; brackets stand around an IPv6 address alone.
func cutPort(s string) (host, port string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", "", false
	}
	host, port = s[:i], s[i+1:]
	if inner, found := strings.CutPrefix(host, "["); found {
		host, found = strings.CutSuffix(inner, "]")
		return host, port, found && strings.Contains(host, ":")
	}
	return host, port, !strings.Contains(host, ":")
}

// CheckVia refuses what is no way of a route.
func CheckVia(v rule.Via) error {
	_, err := parseVia(v, nil)
	return err
}

// parseVia returns the proxies that a route names; none for Direct.
func parseVia(v rule.Via, proxied []proxy) ([]proxy, error) {
	switch v {
	case rule.Direct:
		return nil, nil
	case rule.Proxied:
		return proxied, nil
	}
	var list []proxy
	for text := range strings.SplitSeq(string(v), ",") {
		p, err := parseProxy(strings.Trim(text, " "))
		if err != nil {
			return nil, fmt.Errorf(`%w, or the route as %q or %q`, err, rule.Direct, rule.Proxied)
		}
		list = append(list, p)
	}
	return list, nil
}

// parseLocal reads a prefix without host bits, or an address.
func parseLocal(s string) (netip.Prefix, error) {
	if all, err := netip.ParsePrefix(s); err == nil && all.Bits() == 0 {
		return all, fmt.Errorf("%q is every address; list the networks that are local", s)
	}
	p, note, err := netset.ParsePrefix(s)
	if err != nil {
		return p, err
	}
	if _, bare := netip.ParseAddr(s); bare != nil && note != "" {
		return p, fmt.Errorf("%q: %s; write %q", s, note, p.String())
	}
	return p, nil
}

// parseInternal reads a name pattern, or else what parseLocal reads. The prefix is
// not valid for a pattern.
func parseInternal(s string) (netset.Pattern, netip.Prefix, error) {
	address, _, _ := strings.Cut(s, "/")
	if _, err := netip.ParseAddr(address); err == nil || netset.EndsAsNumber(address) {
		p, err := parseLocal(s)
		return netset.Pattern{}, p, err
	}
	n, err := netset.ParsePattern(s)
	return n, netip.Prefix{}, err
}
