package netset

import "strings"

// WithoutSecrets returns a text that may hold a URL, or one that lacks its scheme, as a
// message may show it: without user, password, query and fragment. A catalogue's
// name@revision and NAME= before a URL stay.
func WithoutSecrets(s string) string {
	if strings.IndexAny(s, "@?#") < 0 {
		return s
	}
	words := strings.Split(s, " ")
	for i, word := range words {
		words[i] = wordWithoutSecrets(word)
	}
	return strings.Join(words, " ")
}

func wordWithoutSecrets(s string) string {
	prefix := ""
	if name, rest, ok := strings.Cut(s, "="); ok && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz.-_") == "" {
		prefix, s = name+"=", rest
	}
	before, rest, isURL := strings.Cut(s, "://")
	switch {
	case !isURL:
		rest = s
	case strings.Contains(before, ":"): // perhaps of a password
		return prefix + "..."
	default:
		prefix += before[strings.LastIndexAny(before, "@?#/")+1:] + "://"
	}
	host, path := rest, ""
	if i := strings.IndexAny(rest, `/?#\`); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	at := strings.LastIndexByte(host, '@')
	hasUser := at >= 0 && (isURL || path != "" || strings.Contains(host[:at], ":"))
	if hasUser {
		host = host[at+1:]
	}
	cut := strings.IndexAny(path, "?#")
	if cut >= 0 && (isURL || hasUser || path[cut] == '?' && cut+1 < len(path) && strings.Contains(strings.Trim(host, "."), ".")) {
		path = path[:cut] + afterQuery(path[cut:])
	}
	if strings.Contains(path, "@") && (isURL || strings.Contains(host, ":")) { // of a password with a slash, perhaps
		return prefix + "..."
	}
	return prefix + host + path
}

// afterQuery keeps an "@" of what is cut: it may end a password.
func afterQuery(query string) string {
	if strings.Contains(query, "@") {
		return "@"
	}
	return ""
}
