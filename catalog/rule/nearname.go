package rule

import (
	"fmt"
	"strings"

	"gatewright/catalog/netset"
)

// Distances of names from patterns: what people take for covered comes first.
const (
	atApex     = 1
	belowExact = 2
	starTooFew = 3
	endsAlike  = 4
	aboveAll   = 5
)

// Confusable returns how a name misses the patterns, if people may take it for one
// that is covered: "the apex is not covered by *.example.com".
func Confusable(s netset.NameSet, name string) (why string, ok bool) {
	why, distance := nearestName(s, name)
	return why, distance < loose
}

// nearestName returns how a name misses the patterns, by the nearest of them, and
// how far that is.
func nearestName(s netset.NameSet, name string) (string, int) {
	nearest, distance := "", far
	for p := range s.Patterns() {
		if why, d := missedName(p, name); d < distance {
			nearest, distance = why, d
		}
	}
	return nearest, distance
}

// missedName returns how a name misses a pattern, and how far.
func missedName(p netset.Pattern, name string) (string, int) {
	text := p.String()
	apex, subdomains := p.Subdomains()
	if !subdomains {
		apex = text
	}
	switch depth := strings.Count(name, ".") - strings.Count(text, "."); {
	case subdomains && name == apex:
		return fmt.Sprintf("the apex is not covered by %s", p), atApex
	case p.IsExact() && strings.HasSuffix(name, "."+text):
		return fmt.Sprintf("%s deeper than %s, which is listed without its subdomains", labels(depth), p), belowExact
	case !p.IsExact() && !subdomains && bridged(p, name):
		return fmt.Sprintf("a star inside %s stands for no dot, and a label that is a star for one label", p), starTooFew
	case strings.HasSuffix(name, apex):
		return fmt.Sprintf("it ends like %s, but is another domain", apex), endsAlike
	case strings.HasSuffix(text, "."+name):
		return fmt.Sprintf("it is above %s", p), aboveAll
	}
	if common := commonLabels(text, name); common >= 2 {
		return fmt.Sprintf("of the same domain, only %s is listed", p), loose + 200 - common
	}
	return "", far
}

func labels(n int) string {
	if n == 1 {
		return "one label"
	}
	if n == 2 {
		return "two labels"
	}
	return fmt.Sprintf("%d labels", n)
}

// bridged reports whether a pattern would match a name if its stars crossed dots.
func bridged(p netset.Pattern, name string) bool {
	pieces := strings.Split(p.String(), "*")
	last := len(pieces) - 1
	if !strings.HasPrefix(name, pieces[0]) || !strings.HasSuffix(name, pieces[last]) {
		return false
	}
	rest := name[len(pieces[0]):]
	for _, piece := range pieces[1:] {
		i := strings.Index(rest, piece)
		if i < 0 {
			return false
		}
		rest = rest[i+len(piece):]
	}
	return true
}

// commonLabels counts the labels that two names have in common from the right.
func commonLabels(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	n := 0
	for n < min(len(as), len(bs)) && as[len(as)-1-n] == bs[len(bs)-1-n] {
		n++
	}
	return n
}
