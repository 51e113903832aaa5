// Package words formats the short phrases of the tool: counts, shortened lists, and the
// facts of an entry.
package words

import (
	"fmt"
	"iter"
	"net/netip"
	"strings"

	"gatewright/catalog/rule"
)

// Count is a number with a noun in the singular or plural: "1 entry", "2 entries".
func Count(n int, noun string) string {
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return Plural(n, noun, stem+"ies")
	}
	return Plural(n, noun, noun+"s")
}

// Plural is a number with a noun whose plural is given.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// RolesHave is "role a has" or "roles a, b have".
func RolesHave(roles []rule.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	if len(names) == 1 {
		return "role " + names[0] + " has"
	}
	return "roles " + strings.Join(names, ", ") + " have"
}

// Some names up to seven ids, or the first six of more and how many these are.
func Some(ids []string) string { return some(ids, 6, ", ") }

// Endpoints names up to four endpoints, or the first three of more and how many these
// are.
func Endpoints(list []string) string { return some(list, 3, " ") }

func some(list []string, shown int, between string) string {
	if more := len(list) - shown; more > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:shown], between), more)
	}
	return strings.Join(list, between)
}

// Texts are the texts of a sequence; the list is never nil.
func Texts[T fmt.Stringer](all iter.Seq[T]) []string {
	list := []string{}
	for one := range all {
		list = append(list, one.String())
	}
	return list
}

// Address leaves out the length of a prefix that is one address, and says any for
// one that is a whole family.
func Address(prefix string) string {
	p, err := netip.ParsePrefix(prefix)
	switch {
	case err == nil && p.IsSingleIP():
		return p.Addr().String()
	case err == nil && p.Bits() == 0 && p.Addr().Is4():
		return "any IPv4 address"
	case err == nil && p.Bits() == 0:
		return "any IPv6 address"
	}
	return prefix
}

// Except is " except " and a list; empty for an empty one.
func Except(but []string) string {
	if len(but) == 0 {
		return ""
	}
	return " except " + strings.Join(but, ", ")
}
