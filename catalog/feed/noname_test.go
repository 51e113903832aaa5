package feed

import (
	"net"
	"net/http"
	"net/url"
	"testing"
)

// TestNoSuchHost holds that a machine that finds no name is told of proxies, unless it
// asks one.
func TestNoSuchHost(t *testing.T) {
	u := &url.URL{Scheme: "https", Host: "feed.example", Path: "/list"}
	missing := &url.Error{Op: "Get", URL: u.String(), Err: &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "feed.example", IsNotFound: true}}}
	const told = "https://feed.example/list: dial tcp: lookup feed.example: no such host, 4 times in a row; try again later"
	for _, c := range []struct {
		proxy *url.URL
		want  string
	}{
		{nil, told + ", or set HTTPS_PROXY if this machine reaches the internet by a proxy"},
		{&url.URL{Scheme: "http", Host: "proxy.example:3128"}, told},
	} {
		client := &Client{Proxy: func(*http.Request) (*url.URL, error) { return c.proxy, nil }}
		if err := client.explain(u, missing, 4); err.Error() != c.want {
			t.Errorf("by proxy %v: %v, want %s", c.proxy, err, c.want)
		}
	}
}
