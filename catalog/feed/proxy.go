package feed

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
)

// checkProxies refuses proxies of the environment that net/http cannot read: it would
// pass over them, and ask without a proxy. Those for http matter if a URL may be of it.
// No error shows the value, which may hold a password.
func checkProxies(http bool) error {
	names := []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}
	if !http {
		names = names[:2]
	}
	for _, name := range names {
		if value := os.Getenv(name); value != "" && !isProxy(value) {
			return fmt.Errorf("%s is not the URL of a proxy, such as http://proxy.example.com:8080; correct it, or unset it", name)
		}
	}
	return nil
}

// isProxy reports whether a value is a URL of a proxy, or its host alone, with or
// without a port.
func isProxy(value string) bool {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) || u.Opaque != "" {
		return false
	}
	if strings.ContainsAny(u.Hostname(), " \t%/@") {
		return false
	}
	port := u.Port()
	if _, err := net.LookupPort("tcp", port); port != "" && err != nil {
		return false
	}
	return u.Hostname() != "" && !strings.HasSuffix(u.Host, ":")
}
