package feed

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// publisher is a TLS server on loopback and a client that trusts it, whose clock
// stands still but for the pauses that the client makes.
type publisher struct {
	*httptest.Server
	*Client
	requests atomic.Int32
	pauses   []time.Duration
	said     []string
}

// startTime is when the tests run.
var startTime = time.Date(2020, 8, 6, 12, 0, 0, 0, time.UTC)

func publish(t testing.TB, handle http.HandlerFunc) *publisher {
	t.Helper()
	p := &publisher{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.requests.Add(1)
		handle(w, r)
	}))
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.StartTLS()
	t.Cleanup(p.Server.Close)
	now := startTime
	p.Client = &Client{
		Limits: Limits{
			Connect: time.Second, Headers: time.Second, Try: time.Second, Total: 5 * time.Second,
			Tries: 3, Pause: 100 * time.Second, Wait: time.Minute, Bytes: 1 << 20,
		},
		Roots: x509.NewCertPool(),
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
		Now:   func() time.Time { return now },
		Sleep: func(_ context.Context, d time.Duration) error {
			p.pauses = append(p.pauses, d)
			now = now.Add(d)
			return nil
		},
		Say: func(format string, args ...any) { p.said = append(p.said, format) },
	}
	p.Roots.AddCert(p.Certificate())
	return p
}

func (p *publisher) get() (Answer, error) {
	return p.Get(context.Background(), Query{URL: p.URL + "/feed?secret=1"})
}

// uncounted stands for a number of requests that depends on the machine's speed.
const uncounted = -1

// fails holds that a Get fails after a number of requests, with an error that holds
// the words and never the query.
func (p *publisher) fails(t *testing.T, requests int, words ...string) {
	t.Helper()
	_, err := p.get()
	if err == nil {
		t.Error("no error")
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("error %q tells the query", err)
	}
	if n := int(p.requests.Load()); n != requests && requests != uncounted {
		t.Errorf("%d requests, want %d (%v)", n, requests, err)
	}
}

func TestGet(t *testing.T) {
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Last-Modified", "Thu, 06 Aug 2020 00:00:00 GMT")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		w.Header().Set("Age", "600")
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, "data")
	})
	a, err := p.get()
	want := Answer{Data: []byte("data"), ETag: `"1"`, LastModified: "Thu, 06 Aug 2020 00:00:00 GMT", Fresh: 50 * time.Minute}
	if err != nil || string(a.Data) != "data" || a.ETag != want.ETag || a.LastModified != want.LastModified || a.Fresh != want.Fresh || a.Unchanged {
		t.Errorf("%+v, %v; want %+v", a, err, want)
	}
	a, err = p.Get(context.Background(), Query{URL: p.URL, ETag: a.ETag})
	if err != nil || !a.Unchanged || len(a.Data) > 0 {
		t.Errorf("with its ETag: %+v, %v", a, err)
	}
}

func TestSlowHeaders(t *testing.T) {
	stop := make(chan struct{})
	p := publish(t, func(w http.ResponseWriter, r *http.Request) { <-stop })
	defer close(stop)
	p.Limits.Headers = 20 * time.Millisecond
	p.fails(t, uncounted, "the answer did not arrive completely in time", "3 times in a row")
}

func TestSlowBody(t *testing.T) {
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			io.WriteString(w, " ")
			w.(http.Flusher).Flush()
			time.Sleep(time.Millisecond)
		}
	})
	p.Limits.Try = 100 * time.Millisecond
	p.fails(t, uncounted, "the answer did not arrive completely in time", "3 times in a row")
}

func TestTotalIsBounded(t *testing.T) {
	p := publish(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	p.Limits.Total = 30 * time.Millisecond
	p.Client.Sleep = sleep
	p.fails(t, uncounted, "the answer did not arrive completely in time")
}

func TestTruncated(t *testing.T) {
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
	})
	p.fails(t, 3, "cut short", "3 times in a row; try again later")
}

func TestTruncatedThenWhole(t *testing.T) {
	first := true
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		if first {
			w.Header().Set("Content-Length", "100")
		}
		first = false
		io.WriteString(w, "data")
	})
	if a, err := p.get(); err != nil || string(a.Data) != "data" {
		t.Errorf("%q, %v", a.Data, err)
	}
	if len(p.said) != 1 {
		t.Errorf("told %q of one pause", p.said)
	}
}

// TestBackOff holds that pauses double and that a random share of up to a half is off.
func TestBackOff(t *testing.T) {
	for _, code := range []int{500, 502, 503, 504, 408} {
		p := publish(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) })
		p.fails(t, 3, "status ", "3 times in a row")
		for i, pause := range p.pauses {
			most := p.Limits.Pause << i
			if pause < most/2 || pause > most {
				t.Errorf("status %d: pause %d is %v; want %v to %v", code, i, pause, most/2, most)
			}
		}
		if len(p.pauses) != 2 {
			t.Errorf("status %d: pauses %v", code, p.pauses)
		}
	}
}

func TestFinalStatus(t *testing.T) {
	for _, code := range []int{400, 401, 403, 404, 410, 204, 304} {
		p := publish(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) })
		p.fails(t, 1, "status ")
	}
}

func TestLimited(t *testing.T) {
	for _, c := range []struct {
		name, retryAfter string
		code, requests   int
		wait             time.Duration // in the error
		slept            []time.Duration
	}{
		{"without a wait", "", 429, 1, time.Hour, nil},
		{"no wait at all", "soon", 429, 1, time.Hour, nil},
		{"a long wait", "7200", 429, 1, 2 * time.Hour, nil},
		{"a wait of years", "2000000000", 429, 1, 24 * time.Hour, nil},
		{"a long wait by date", "Thu, 06 Aug 2020 15:00:00 GMT", 429, 1, 3 * time.Hour, nil},
		{"a short wait, again and again", "20", 429, 3, 20 * time.Second, []time.Duration{20 * time.Second, 20 * time.Second}},
		{"a long wait for maintenance", "7200", 503, 1, 2 * time.Hour, nil},
	} {
		p := publish(t, func(w http.ResponseWriter, r *http.Request) {
			if c.retryAfter != "" {
				w.Header().Set("Retry-After", c.retryAfter)
			}
			w.WriteHeader(c.code)
		})
		_, err := p.get()
		var wait *WaitError
		status := fmt.Sprintf("answers status %d %s and wants to be asked later", c.code, http.StatusText(c.code))
		if !errors.As(err, &wait) || wait.For != c.wait || !wait.Until.Equal(p.Now().Add(c.wait)) || !strings.Contains(err.Error(), status) {
			t.Errorf("%s: error %v, want a wait of %v", c.name, err, c.wait)
		}
		if !slices.Equal(p.pauses, c.slept) || int(p.requests.Load()) != c.requests {
			t.Errorf("%s: %d requests, pauses %v; want %d, %v", c.name, p.requests.Load(), p.pauses, c.requests, c.slept)
		}
	}
}

func TestLimitedOnce(t *testing.T) {
	first := true
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		if first {
			first = false
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		io.WriteString(w, "data")
	})
	if a, err := p.get(); err != nil || string(a.Data) != "data" || !slices.Equal(p.pauses, []time.Duration{5 * time.Second}) {
		t.Errorf("%q, %v, pauses %v", a.Data, err, p.pauses)
	}
}

func TestRedirects(t *testing.T) {
	referers := map[string]bool{}
	target := ""
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		referers[r.Header.Get("Referer")] = true
		if r.URL.Path == "/end" {
			io.WriteString(w, "data")
			return
		}
		http.Redirect(w, r, target, http.StatusFound)
	})
	target = "/end"
	if a, err := p.get(); err != nil || string(a.Data) != "data" {
		t.Errorf("%q, %v", a.Data, err)
	}
	if len(referers) != 1 || !referers[""] {
		t.Errorf("referers %v; want none", referers)
	}
	p.requests.Store(0)
	target = "/again"
	p.fails(t, maxRedirects+1, "more than 5", "loop")
	p.requests.Store(0)
	target = "http://" + p.Listener.Addr().String() + "/plain?secret"
	p.fails(t, 1, "redirect to http://", "only https is followed")
}

func TestGzip(t *testing.T) {
	pack := func(data []byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write(data)
		w.Close()
		return b.Bytes()
	}
	packed := pack([]byte("data"))
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed)
	})
	if a, err := p.get(); err != nil || string(a.Data) != "data" {
		t.Errorf("%q, %v", a.Data, err)
	}
	p.requests.Store(0)
	packed = pack(make([]byte, p.Limits.Bytes))
	if a, err := p.get(); err != nil || int64(len(a.Data)) != p.Limits.Bytes {
		t.Errorf("at the limit: %d bytes, %v", len(a.Data), err)
	}
	p.requests.Store(0)
	packed = pack(make([]byte, p.Limits.Bytes+1))
	p.fails(t, 1, "over the limit of 1048576 bytes, unpacked")
	p.requests.Store(0)
	packed = pack(bytes.Repeat([]byte("x y z "), 1000))
	packed = packed[:len(packed)/2]
	p.fails(t, 3, "cut short")
}

func TestHeaderBomb(t *testing.T) {
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X", strings.Repeat("x", 2*maxHeaderBytes))
	})
	p.fails(t, 3, "times in a row")
}

func TestUnfitValidators(t *testing.T) {
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"`+strings.Repeat("x", 600)+`"`)
		w.Header().Set("Last-Modified", "\u00e9")
		io.WriteString(w, "data")
	})
	if a, err := p.get(); err != nil || a.ETag != "" || a.LastModified != "" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestConnectionRefused(t *testing.T) {
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {})
	p.Server.Close()
	p.fails(t, 0, "refused", "3 times in a row")
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p := publish(t, func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	if _, err := p.Get(ctx, Query{URL: p.URL}); !errors.Is(err, context.Canceled) || p.requests.Load() != 1 {
		t.Errorf("error %v after %d requests", err, p.requests.Load())
	}
}

func TestCertificates(t *testing.T) {
	t.Run("unknown CA", func(t *testing.T) {
		p := publish(t, func(w http.ResponseWriter, r *http.Request) {})
		p.Roots = x509.NewCertPool()
		p.fails(t, 0, "signed by nobody whom this machine trusts", "SSL_CERT_FILE")
	})
	t.Run("wrong name", func(t *testing.T) {
		p := publish(t, func(w http.ResponseWriter, r *http.Request) {})
		p.URL = strings.Replace(p.URL, "127.0.0.1", "localhost", 1)
		p.fails(t, 0, "for another name: it answers for example.com")
	})
	t.Run("expired", func(t *testing.T) {
		p := publish(t, func(w http.ResponseWriter, r *http.Request) {})
		certificate := selfSigned(t, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
		p.TLS.Certificates = []tls.Certificate{certificate}
		p.Roots.AddCert(certificate.Leaf)
		p.fails(t, 0, "valid from ", "check this machine's clock")
	})
}

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t *testing.T, from, to time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// TestProxy holds that requests go through a proxy by CONNECT, so that TLS is the
// publisher's, whose name the proxy alone looks up.
func TestProxy(t *testing.T) {
	p := publish(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "data") })
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.Host)
		near, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		far, err := net.Dial("tcp", p.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
		var both sync.WaitGroup
		both.Go(func() { io.Copy(far, near); far.Close() })
		both.Go(func() { io.Copy(near, far); near.Close() })
		both.Wait()
	}))
	defer proxy.Close()
	p.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	a, err := p.Get(context.Background(), Query{URL: "https://example.com/feed"})
	if err != nil || string(a.Data) != "data" || !slices.Equal(asked, []string{"CONNECT example.com:443"}) {
		t.Errorf("%q, %v; the proxy was asked %q", a.Data, err, asked)
	}
}

func TestParseURL(t *testing.T) {
	c := &Client{}
	const tls = "the URL does not start with https://; catalogues are fetched over TLS only; with --allow-http also over http://"
	if u, err := c.ParseURL("https://feeds.example.com/a?b=c#d"); err != nil || u.String() != "https://feeds.example.com/a?b=c" {
		t.Errorf("%v, %v", u, err)
	}
	for text, want := range map[string]string{
		"http://feeds.example.com?pw":     tls,
		"file:///etc/passwd":              tls,
		"HTTPS:///a#pw":                   "the URL names no host; write https://HOST/PATH",
		"https://me:pw@feeds.example.com": "the URL has a user or a password, which would be stored in a file; omit them",
		"https://me:pw@%zz/?pw":           "bad URL; write it as https://HOST/PATH",
		"":                                tls,
	} {
		if _, err := c.ParseURL(text); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
	c.HTTP = true
	if u, err := c.ParseURL("http://feeds.example.com"); err != nil || u.Scheme != "http" {
		t.Errorf("http, allowed: %v, %v", u, err)
	}
	if _, err := c.ParseURL("ftp://feeds.example.com"); err == nil || err.Error() != tls {
		t.Errorf("ftp: %v", err)
	}
}

func TestFresh(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"":                                   0,
		"max-age=60":                         time.Minute,
		"Public, Max-Age=\"60\"":             time.Minute,
		"max-age=60, no-cache":               0,
		"no-store":                           0,
		"max-age=-60":                        0,
		"max-age=soon":                       0,
		"s-maxage=60":                        0,
		"max-age=2000000000":                 24 * time.Hour,
		"max-age=99999999999999999999999999": 0,
	} {
		if have := fresh(http.Header{"Cache-Control": {text}}); have != want {
			t.Errorf("%q: %v, want %v", text, have, want)
		}
	}
	if have := fresh(http.Header{"Cache-Control": {"max-age=60"}, "Age": {"90"}}); have != 0 {
		t.Errorf("older than its life: %v", have)
	}
}
