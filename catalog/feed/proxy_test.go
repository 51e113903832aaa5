package feed

import (
	"context"
	"strings"
	"testing"
)

// TestBadProxy holds that what cannot be read as a proxy is no reason to ask without
// one, and is not shown.
func TestBadProxy(t *testing.T) {
	names := []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}
	for _, name := range names {
		t.Setenv(name, "")
	}
	for _, value := range []string{
		"http://me:secret@[::1", "http://me:secret@proxy.example.com:port", "ftp://me:secret@proxy.example.com", "http://", "http:/me:secret", "://secret",
		"http://me:secret@", "me:secret@proxy.example.com:99999", "http://proxy.example.com:8080\n", "http://a secret",
	} {
		for _, name := range names {
			t.Setenv(name, value)
			c := NewClient(func(string, ...any) {})
			c.HTTP = true
			_, err := c.Get(context.Background(), Query{URL: "https://feed.example.com/"})
			want := name + " is not the URL of a proxy, such as http://proxy.example.com:8080; correct it, or unset it"
			if err == nil || err.Error() != want {
				t.Errorf("%s=%q: error %v; want %s", name, value, err, want)
			}
			t.Setenv(name, "")
		}
	}
	for _, value := range []string{
		"http://proxy.example.com:8080", "https://me:p%40ss@proxy.example.com/", "proxy.example.com:8080", "proxy", "socks5://[::1]:1080", "socks5h://192.0.2.1", "10.0.0.1:3128", "me:secret@proxy:3128",
	} {
		if !isProxy(value) {
			t.Errorf("%q is refused", strings.ReplaceAll(value, "secret", "..."))
		}
	}
}
