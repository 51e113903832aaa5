package feed

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestIsInside(t *testing.T) {
	for _, inside := range []string{
		"127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192",
		"0.0.0.0", "0.1.2.3", "255.255.255.255", "224.0.0.1", "240.0.0.1", "198.18.0.1", "::1", "::", "fe80::1%eth0", "fd00:ec2::254", "fc00::1", "fec0::1", "ff02::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::1", "2002:c0a8:101::", "::10.0.0.1",
		"::ffff:0:7f00:1", "::ffff:0:10.0.0.1", "64:ff9b:1::8.8.8.8", "64:ff9b:1:ffff::1", "2001:2::1",
		"2001:0:808:808:0:0:80ff:fffe", "2001:0:808:808::5601:5601", "2001:0:a00:1::f7f7:f7f7", // Teredo: of 127.0.0.1, 169.254.169.254, by 10.0.0.1
		"2606:4700::5efe:127.0.0.1", "2606:4700::200:5efe:10.0.0.1", "2002:808:808::5efe:192.168.0.1", // ISATAP
	} {
		if !isInside(netip.MustParseAddr(inside)) {
			t.Errorf("%s is not inside", inside)
		}
	}
	if !isInside(netip.Addr{}) {
		t.Error("no address is not inside")
	}
	for _, public := range []string{
		"8.8.8.8", "172.32.0.1", "172.15.255.255", "100.63.255.255", "100.128.0.1", "192.0.1.1", "198.20.0.1", "168.63.129.17", "2606:4700::1", "::ffff:8.8.8.8",
		"64:ff9b::808:808", "2002:808:808::1", "::ffff:0:808:808", "2001:0:808:808::f7f7:f7f7", "2606:4700::5efe:8.8.8.8", "2606:4700::5eff:127.0.0.1",
	} {
		if isInside(netip.MustParseAddr(public)) {
			t.Errorf("%s is inside", public)
		}
	}
}

func TestIsInsideName(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST.": true, "a.localhost": true, "printer": true, "metadata.google.internal": true, "nas.local": true, "router.lan": true,
		"a.home.arpa": true, "home.arpa": true, "HOME.ARPA.": true, "local": true, "internal": true, "localdomain": true, "localhost.localdomain": true, "localhost6.localdomain6": true,
		"::ffff:0:7f00:1": true, "2001:0:808:808::80ff:fffe": true, "１２７.0.0.1": true, "127。0。0。1": true, "bücher.example": true, "arpa.example": false, "127.0.0.1": true, "::1": true, "169.254.169.254": true, "2130706433": true, "10.1": true, "0x7f.1": true, "127.0.0.0x1": true,
		"example.com": false, "internal.example.com": false, "8.8.8.8": false, "2606:4700::1": false, "local.example": false,
	} {
		if isInsideName(host) != want {
			t.Errorf("%s: %t, want %t", host, !want, want)
		}
	}
}

// led is a redirect from a public address to a server on loopback.
func led(t *testing.T) (*redirects, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return &redirects{host: "https://evil.example", outside: true}, listener.Addr().String()
}

// TestRedirectInside holds that a redirect is judged by the address that is dialled,
// whatever its name was a moment before.
func TestRedirectInside(t *testing.T) {
	r, address := led(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	const want = "bad redirect to https://evil.example, which has the address 127.0.0.1: it leads to this machine or into an internal network, which is not allowed for a publisher; if the server is yours, fetch from its own URL"
	for _, to := range []string{address, "localhost:" + port} {
		conn, err := r.dial(context.Background(), net.Dialer{}, "tcp4", to)
		if err == nil {
			conn.Close()
			t.Fatalf("%s: connected", to)
		}
		if got := reason(err).Error(); got != want || !isFinal(err) {
			t.Errorf("%s: %q, final %t; want %q", to, got, isFinal(err), want)
		}
	}
	for _, allowed := range []*redirects{{host: "https://a"}, {host: "https://a", proxied: true, outside: true}, {}} {
		conn, err := allowed.dial(context.Background(), net.Dialer{}, "tcp", address)
		if err != nil {
			t.Errorf("%+v: %v", allowed, err)
			continue
		}
		conn.Close()
	}
}

// TestFirstAddressInside holds that who fetches from an inner address is led on there.
func TestFirstAddressInside(t *testing.T) {
	end := publish(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "data") })
	p := publish(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, end.URL, http.StatusFound) })
	p.Roots.AddCert(end.Certificate())
	if a, err := p.get(); err != nil || string(a.Data) != "data" {
		t.Errorf("%q, %v", a.Data, err)
	}
}

// TestRedirectThroughProxy holds that what a proxy asks is judged by name, and that
// this is said.
func TestRedirectThroughProxy(t *testing.T) {
	via := []*http.Request{httptest.NewRequest("GET", "https://feeds.example.com/a?secret", nil)}
	for target, want := range map[string]string{
		"https://cdn.example.net/b":               "",
		"https://localhost/b":                     "bad redirect to https://localhost: " + errInside.Error(),
		"https://169.254.169.254/b?secret":        "bad redirect to https://169.254.169.254: " + errInside.Error(),
		"https://metadata.google.internal:8443/b": "bad redirect to https://metadata.google.internal:8443: " + errInside.Error(),
		"https://[fd00:ec2::254]/b":               "bad redirect to https://[fd00:ec2::254]: " + errInside.Error(),
		"https://[::ffff:0:7f00:1]/b":             "bad redirect to https://[::ffff:0:7f00:1]: " + errInside.Error(),
		"https://home.arpa/b":                     "bad redirect to https://home.arpa: " + errInside.Error(),
		"http://cdn.example.net/b?secret":         "bad redirect to http://cdn.example.net: only https is followed, without user and password",
		"https://me:secret@cdn.example.net/b":     "bad redirect to https://cdn.example.net: only https is followed, without user and password",
	} {
		var said []string
		r := &redirects{
			proxy: func(*http.Request) (*url.URL, error) { return url.Parse("http://127.0.0.1:3128") },
			say:   func(format string, _ ...any) { said = append(said, format) },
		}
		if err := r.ask(via[0]); err != nil {
			t.Fatal(err)
		}
		err := r.check(httptest.NewRequest("GET", target, nil), via)
		if got := errorText(err); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
		if told := slices.Equal(said, []string{"%s leads to %s, which a proxy asks, so that its name alone could be checked and not its address"}); told != (want == "") {
			t.Errorf("%s: said %q", target, said)
		}
	}
}

// TestRedirectsOnTheWay holds that one public address on the way, asked by a proxy or
// not, leads nowhere inside any more, and that inner ones may lead to one another.
func TestRedirectsOnTheWay(t *testing.T) {
	_, address := led(t)
	for _, c := range []struct {
		way  string // the hosts asked one after the other; all but .lan and .local are public, by their names or addresses
		want string // the error at the last
	}{
		{"proxied.lan proxied.local", ""},
		{"proxied.lan proxied.example proxied.local", "bad redirect to http://proxied.local: " + errInside.Error()},
		{"proxied.lan proxied.example direct.lan", "bad redirect to http://direct.lan, which has the address 127.0.0.1: " + errInside.Error()},
		{"proxied.lan direct.lan proxied.local direct.lan", ""},
		{"direct.lan direct.lan", ""},
		{"direct.lan proxied.lan proxied.example direct.lan", "bad redirect to http://direct.lan, which has the address 127.0.0.1: " + errInside.Error()},
		{"proxied.example proxied.example2", ""},
		{"direct.lan direct.lan direct.example direct.example direct.lan", "bad redirect to http://direct.lan, which has the address 127.0.0.1: " + errInside.Error()},
		{"direct.example proxied.local", "bad redirect to http://proxied.local: " + errInside.Error()},
	} {
		r := &redirects{
			proxy: func(r *http.Request) (*url.URL, error) {
				if strings.HasPrefix(r.URL.Host, "direct") {
					return nil, nil
				}
				return url.Parse("http://127.0.0.1:3128")
			},
			say: func(string, ...any) {},
		}
		var via []*http.Request
		var err error
		for _, host := range strings.Fields(c.way) {
			if err != nil {
				t.Fatalf("%s: %v before %s", c.way, err, host)
			}
			next := httptest.NewRequest("GET", "http://"+host, nil)
			if len(via) == 0 {
				err = r.ask(next)
			} else {
				err = r.check(next, via)
			}
			if via = append(via, next); err == nil {
				if host == "direct.example" {
					r.reached(net.TCPAddrFromAddrPort(netip.MustParseAddrPort("8.8.8.8:443")))
					continue
				}
				var conn net.Conn
				if conn, err = r.dial(context.Background(), net.Dialer{}, "tcp4", address); err == nil {
					conn.Close()
				}
			}
		}
		if err != nil {
			err = reason(err)
		}
		if got := errorText(err); got != c.want {
			t.Errorf("%s: %q, want %q", c.way, got, c.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestPlainHTTP holds that http is followed only by who asked for it, and never again
// once TLS was there.
func TestPlainHTTP(t *testing.T) {
	target := "/end"
	p := publish(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "data") })
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			io.WriteString(w, "plain")
			return
		}
		http.Redirect(w, r, target, http.StatusFound)
	}))
	defer plain.Close()
	p.HTTP = true
	get := func(url string) string {
		a, err := p.Get(context.Background(), Query{URL: url})
		return string(a.Data) + errorText(err)
	}
	if got := get(plain.URL); got != "plain" {
		t.Errorf("http: %q", got)
	}
	if target = p.URL; get(plain.URL) != "data" {
		t.Errorf("http, then https: %q", get(plain.URL))
	}
	back := publish(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain.URL+"/end", http.StatusFound) })
	p.Roots.AddCert(back.Certificate())
	const want = ": only https is followed, without user and password"
	if got := get(back.URL); !strings.HasSuffix(got, "bad redirect to "+plain.URL+want) {
		t.Errorf("https, then http: %q", got)
	}
	target = back.URL
	if got := get(plain.URL); !strings.HasSuffix(got, "bad redirect to "+plain.URL+want) {
		t.Errorf("http, https, then http: %q", got)
	}
}

// TestNoSecretInErrors holds that errors which net/http makes of an address show
// nothing of it.
func TestNoSecretInErrors(t *testing.T) {
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "https://me:secret@%zz/?secret")
		w.WriteHeader(http.StatusFound)
	})
	p.fails(t, 1, "bad redirect: its Location is not a URL")
	p.Proxy = func(*http.Request) (*url.URL, error) {
		_, err := url.Parse("http://me:secret@%zz")
		return nil, &url.Error{Op: "invalid proxy address", URL: "http://me:secret@%zz", Err: err}
	}
	p.requests.Store(0)
	p.fails(t, 0, "HTTPS_PROXY or HTTP_PROXY is not the URL of a proxy; write one such as http://proxy.example.com:8080")
}
