package netset

import "strings"

// cutLast splits the last label off a name: "www.example.com" is "www.example" and
// "com". The last one leaves "".
func cutLast(name string) (rest, label string) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name
	}
	return name[:i], name[i+1:]
}

// IsHostLabel reports whether s is one label of a host name: 1 to 63 letters, digits
// and inner hyphens (RFC 1123 section 2.1).
func IsHostLabel(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return s != "" && len(s) <= maxLabel && strings.Trim(s, letters+"-") == "" && strings.Trim(s, "-") == s
}

// hasEmptyLabel reports whether a name cannot be one, because a label of it is empty.
func hasEmptyLabel(name string) bool {
	return name == "" || name[0] == '.' || name[len(name)-1] == '.' || strings.Contains(name, "..")
}

// matchLabel reports whether glob, in which each star stands for zero or more
// characters, matches a whole label.
//
// Stars of label are plain characters. As only a star of glob can match one,
// matchLabel(p, q) also tells whether the glob p matches every label that the glob q
// matches.
func matchLabel(glob, label string) bool {
	g, l := 0, 0
	star, resume := -1, 0 // the last star of glob seen, and the place in label to try next after it
	for l < len(label) {
		switch {
		case g < len(glob) && glob[g] == '*':
			star, resume = g, l
			g++
		case g < len(glob) && glob[g] == label[l]:
			g++
			l++
		case star >= 0:
			resume++
			g, l = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(glob[g:], "*") == ""
}

// overlapLabel reports whether a label matches both globs. If both have a star, what
// stands before the first and after the last stars decides: all that is between fits
// into the other's stars.
func overlapLabel(a, b string) bool {
	firstA, firstB := strings.IndexByte(a, '*'), strings.IndexByte(b, '*')
	if firstA < 0 {
		return matchLabel(b, a)
	}
	if firstB < 0 {
		return matchLabel(a, b)
	}
	headA, headB := a[:firstA], b[:firstB]
	tailA, tailB := a[strings.LastIndexByte(a, '*')+1:], b[strings.LastIndexByte(b, '*')+1:]
	return (strings.HasPrefix(headA, headB) || strings.HasPrefix(headB, headA)) &&
		(strings.HasSuffix(tailA, tailB) || strings.HasSuffix(tailB, tailA))
}
