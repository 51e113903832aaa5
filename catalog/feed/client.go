package feed

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Limits bound one Get of a Client.
type Limits struct {
	Connect time.Duration // to connect, and again for the TLS handshake
	Headers time.Duration // from the request to the answer's headers
	Try     time.Duration // one request with its answer
	Total   time.Duration // all tries and the pauses between them
	Tries   int           // requests at most
	Pause   time.Duration // before the second try; it doubles for each further one
	Wait    time.Duration // the longest wait that a server may ask for and gets
	Bytes   int64         // of the answer, unpacked
}

// defaultLimits are those of the command line.
func defaultLimits() Limits {
	return Limits{
		Connect: 10 * time.Second, Headers: 15 * time.Second, Try: 90 * time.Second, Total: 2 * time.Minute,
		Tries: 4, Pause: time.Second, Wait: time.Minute, Bytes: MaxFile,
	}
}

const (
	maxRedirects   = 5
	maxHeaderBytes = 64 << 10
	maxFresh       = 24 * time.Hour // the longest time for which an answer is believed fresh
	limitedFor     = time.Hour      // the wait after a status 429 that names none: what the Microsoft 365 web service asks for
)

// Client fetches from publishers over HTTPS. TLS is always verified, and proxies come
// from the environment (HTTPS_PROXY, NO_PROXY). Redirects may lead only to https, and
// not into internal networks that the publisher itself could not reach.
type Client struct {
	Limits Limits
	HTTP   bool                                       // a URL may be of http, without TLS
	Roots  *x509.CertPool                             // nil for the system's, which SSL_CERT_FILE replaces on Unix
	Proxy  func(*http.Request) (*url.URL, error)      // nil for the environment's
	Now    func() time.Time                           // the clock
	Sleep  func(context.Context, time.Duration) error // pauses; fails if the context ends first
	Say    func(format string, args ...any)           // tells of pauses
}

// NewClient returns the Client of the command line, which tells of its pauses by say.
func NewClient(say func(format string, args ...any)) *Client {
	return &Client{Limits: defaultLimits(), Now: time.Now, Sleep: sleep, Say: say}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Query is what is asked for: a URL, and the validators of the answer that is there
// already, if any.
type Query struct{ URL, ETag, LastModified string }

// Answer is what a publisher answered.
type Answer struct {
	Data               []byte // unpacked
	Unchanged          bool   // the validators still hold; there is no Data then
	ETag, LastModified string // empty if not given, or not fit to be kept
	Fresh              time.Duration
}

// ParseURL reads the URL of a feed: absolute, https, or http if the client may, without
// user, password and fragment. No error shows one of these or the query.
func (c *Client) ParseURL(text string) (*url.URL, error) { return parseURL(text, c.HTTP) }

func parseURL(text string, http bool) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("bad URL; write it as https://HOST/PATH")
	case u.Scheme != "https" && !(u.Scheme == "http" && http):
		return nil, errors.New("the URL does not start with https://; catalogues are fetched over TLS only; with --allow-http also over http://")
	case u.Hostname() == "":
		return nil, errors.New("the URL names no host; write https://HOST/PATH")
	case u.User != nil:
		return nil, errors.New("the URL has a user or a password, which would be stored in a file; omit them")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// Get asks for a document, again and again while that may help: a server that fails
// or a connection that breaks is asked up to Limits.Tries times, with growing pauses
// of a random share; a wait that a server asks for is kept if it is short, and is a
// *WaitError otherwise. No error holds the query of the URL.
func (c *Client) Get(ctx context.Context, q Query) (Answer, error) {
	u, err := c.ParseURL(q.URL)
	if err == nil && c.Proxy == nil {
		err = checkProxies(c.HTTP)
	}
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Limits.Total)
	defer cancel()
	for try := 1; ; try++ {
		a, err := c.once(ctx, u, q)
		if err == nil {
			return a, nil
		}
		pause, again := c.pause(err, try)
		if !again {
			return Answer{}, c.explain(u, err, try)
		}
		c.Say("%s: %v; trying again in %s", u.Host, reason(err), pause.Round(100*time.Millisecond))
		if bad := c.Sleep(ctx, pause); bad != nil {
			return Answer{}, c.explain(u, err, try)
		}
	}
}

func (c *Client) transport(led *redirects) *http.Transport {
	if led.proxy = c.Proxy; led.proxy == nil {
		led.proxy = http.ProxyFromEnvironment
	}
	return &http.Transport{
		Proxy: led.proxy,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return led.dial(ctx, net.Dialer{Timeout: c.Limits.Connect}, network, address)
		},
		DisableKeepAlives:      true, // each request is dialled, and so judged, by itself
		TLSClientConfig:        &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    c.Limits.Connect,
		ResponseHeaderTimeout:  c.Limits.Headers,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ForceAttemptHTTP2:      true,
	}
}

// once makes one request.
func (c *Client) once(ctx context.Context, u *url.URL, q Query) (Answer, error) {
	led := &redirects{say: c.Say}
	transport := c.transport(led)
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, c.Limits.Try)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("User-Agent", "gatewright")
	if err := led.ask(request); err != nil {
		return Answer{}, err
	}
	if q.ETag != "" {
		request.Header.Set("If-None-Match", q.ETag)
	}
	if q.LastModified != "" {
		request.Header.Set("If-Modified-Since", q.LastModified)
	}
	response, err := (&http.Client{Transport: transport, CheckRedirect: led.check}).Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	a := Answer{Fresh: fresh(response.Header)}
	if a.ETag = response.Header.Get("ETag"); !isRecordText(a.ETag) {
		a.ETag = ""
	}
	if a.LastModified = response.Header.Get("Last-Modified"); !isRecordText(a.LastModified) {
		a.LastModified = ""
	}
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotModified:
		if q.ETag == "" && q.LastModified == "" {
			return Answer{}, &statusError{code: response.StatusCode}
		}
		a.Unchanged = true
		return a, nil
	default:
		return Answer{}, &statusError{response.StatusCode, retryAfter(response.Header, c.Now())}
	}
	a.Data, err = io.ReadAll(io.LimitReader(response.Body, c.Limits.Bytes+1))
	if int64(len(a.Data)) > c.Limits.Bytes {
		return Answer{}, fmt.Errorf("%w of %d bytes, unpacked", errTooLarge, c.Limits.Bytes)
	}
	if err == nil {
		// A server that sees us hang up may end its answer early, before our side of the
		// connection is closed: the answer is incomplete.
		err = ctx.Err()
	}
	return a, err
}

// pause returns how long to wait before the next try, if there is to be one.
func (c *Client) pause(err error, try int) (time.Duration, bool) {
	if try >= c.Limits.Tries || isFinal(err) {
		return 0, false
	}
	backOff := c.Limits.Pause << (try - 1)
	backOff = backOff/2 + rand.N(backOff/2+1)
	var status *statusError
	if !errors.As(err, &status) {
		return backOff, true
	}
	switch {
	case status.wait > 0:
		return status.wait, status.wait <= c.Limits.Wait
	case status.code == http.StatusTooManyRequests:
		return 0, false
	}
	return backOff, status.code >= 500 || status.code == http.StatusRequestTimeout
}
