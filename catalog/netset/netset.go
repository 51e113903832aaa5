// Package netset is the algebra of what a rule names: sets of prefixes, of FQDN
// patterns and of services.
//
// Every set is an immutable value in one canonical form: two sets with the same members
// are Equal and print the same, in whatever order and pieces they were given. The zero
// value of a set is empty, and the zero value of everything else matches nothing.
// Values may be shared between goroutines; builders may not.
//
// The package knows no file format, no rule and no backend, and it never resolves a
// name.
package netset

// clip shortens hostile input for an error message, and takes the secrets of a URL out
// of it.
func clip(s string) string {
	s = WithoutSecrets(s)
	const limit = 120
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}
