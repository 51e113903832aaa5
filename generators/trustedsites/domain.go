package trustedsites

import "strings"

// splitDomain splits a host into the domain under which Windows files it in the
// zone map and the rest: "secure.aadcdn.microsoftonline-p.com" is
// "microsoftonline-p.com" and "secure.aadcdn". The rest of a domain itself is
// empty. ok is false for what Windows takes for a public suffix, such as "co.uk".
//
// Windows goes by no list of public suffixes. Its rule, which urlmon's conformance
// tests in the Wine project show: two labels are a domain, but three where the last
// has two letters and the one before is short (at most two letters, or one of the
// old generic domains).
func splitDomain(host string) (domain, rest string, ok bool) {
	labels := strings.Split(host, ".")
	n := 2
	if last := len(labels) - 1; last >= 1 && len(labels[last]) <= 2 && isSuffixLabel(labels[last-1]) {
		n = 3
	}
	if len(labels) < n {
		return "", "", false
	}
	cut := len(labels) - n
	return strings.Join(labels[cut:], "."), strings.Join(labels[:cut], "."), true
}

func isSuffixLabel(label string) bool {
	switch label {
	case "com", "edu", "gov", "int", "mil", "net", "org":
		return true
	}
	return len(label) <= 2
}
