package feed

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

var errTooLarge = errors.New("the answer is over the limit")

// WaitError says that a publisher wants to be asked later.
type WaitError struct {
	Host   string
	Status int // that it answered; 0 if it was not asked again
	Until  time.Time
	For    time.Duration // from when it answered
}

// Error tells when to ask again, in UTC.
func (e *WaitError) Error() string {
	what := "wants to be asked later"
	if e.Status != 0 {
		what = fmt.Sprintf("answers %v and %s", &statusError{code: e.Status}, what)
	}
	return fmt.Sprintf("%s %s; fetch again in %s, after %s",
		e.Host, what, e.For.Round(time.Second), e.Until.UTC().Format("2006-01-02 15:04:05 UTC"))
}

// statusError is a status other than 200.
type statusError struct {
	code int
	wait time.Duration // that Retry-After names; 0 if it names none
}

func (e *statusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("status %d %s", e.code, http.StatusText(e.code)))
}

// retryAfter reads how long a server wants to be left alone: seconds, or a date
// (RFC 9110 section 10.2.3). It is bounded, for a slip would keep us away for years.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxFresh)
}

// fresh reads for how long an answer is fresh (RFC 9111 section 4.2); 0 if it does
// not say.
func fresh(h http.Header) time.Duration {
	age, _ := strconv.ParseUint(h.Get("Age"), 10, 31)
	lifetime := time.Duration(0)
	for _, directive := range strings.Split(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				lifetime = time.Duration(seconds) * time.Second
			}
		}
	}
	return min(max(lifetime-time.Duration(age)*time.Second, 0), maxFresh)
}

// isFinal reports whether asking again would not help: the certificate, the redirects
// or the size are wrong.
func isFinal(err error) bool {
	text := err.Error()
	if strings.Contains(text, "failed to parse Location header") || strings.Contains(text, "invalid proxy address") {
		return true
	}
	return certificateFault(err) != "" || errors.Is(err, errRedirect) || errors.Is(err, errTooLarge) || errors.Is(err, context.Canceled)
}

// certificateFault says what is wrong with a server's certificate; empty if nothing is.
func certificateFault(err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &host):
		return "its certificate is for another name: it answers for " + certified(host.Certificate)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("its certificate is valid from %s to %s only; check this machine's clock",
			invalid.Cert.NotBefore.UTC().Format(time.DateOnly), invalid.Cert.NotAfter.UTC().Format(time.DateOnly))
	case errors.As(err, &invalid):
		return "its certificate is not valid: " + invalid.Error()
	case errors.As(err, &authority):
		return "its certificate is signed by nobody whom this machine trusts; if a proxy inspects TLS, trust its CA on this machine, or name the CA's PEM file in SSL_CERT_FILE"
	}
	return ""
}

// certified lists the first names that a certificate is for.
func certified(c *x509.Certificate) string {
	if len(c.DNSNames) == 0 {
		return "no name at all"
	}
	return printable(strings.Join(c.DNSNames[:min(3, len(c.DNSNames))], ", "))
}

// reason is an error without the URL that net/http puts before it, whose query is this
// machine's own, and without a server's words, which may be that query again.
func reason(err error) error {
	var netErr net.Error
	var dialled *net.OpError
	var wrapped *url.Error
	switch {
	case errors.As(err, &dialled) && errors.Is(err, errRedirect):
		return dialled.Err
	case strings.Contains(err.Error(), "failed to parse Location header"):
		return fmt.Errorf("%w: its Location is not a URL", errRedirect)
	case strings.Contains(err.Error(), "invalid proxy address"):
		return errors.New("HTTPS_PROXY or HTTP_PROXY is not the URL of a proxy; write one such as http://proxy.example.com:8080")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the answer was cut short")
	case errors.As(err, &netErr) && netErr.Timeout():
		return errors.New("the answer did not arrive completely in time")
	case errors.As(err, &wrapped):
		err = wrapped.Err
	}
	return withoutServerWords(err)
}

var errUnreadable = errors.New("the answer is not valid HTTP; it is not shown, because it may repeat the request")

// withoutServerWords keeps of an error what this tool, the system or TLS says.
func withoutServerWords(err error) error {
	var status *statusError
	var system *net.OpError
	switch text := err.Error(); {
	case errors.As(err, &status), errors.Is(err, errRedirect), errors.Is(err, errTooLarge), errors.Is(err, context.Canceled), errors.Is(err, http.ErrSchemeMismatch):
		return err
	case errors.As(err, &system) && (system.Op != "proxyconnect" || errors.As(system.Err, new(*net.OpError))):
		return system
	case isStatusText(text): // net/http tells so what a proxy answers to CONNECT
		return fmt.Errorf("the proxy does not connect: %s", text)
	case strings.HasPrefix(text, "tls: "), strings.HasPrefix(text, "x509: "), errors.Is(err, io.EOF):
		return err
	}
	return errUnreadable
}

// isStatusText reports whether a text is that of a status of HTTP, in any letter case.
func isStatusText(text string) bool {
	for code := http.StatusBadRequest; code < 600; code++ {
		if known := http.StatusText(code); known != "" && strings.EqualFold(known, text) {
			return true
		}
	}
	return false
}

// explain makes of the last error one for the person who reads it.
func (c *Client) explain(u *url.URL, err error, tries int) error {
	where := u.Scheme + "://" + u.Host + u.EscapedPath()
	var status *statusError
	if errors.As(err, &status) && (status.code == http.StatusTooManyRequests || status.wait > 0) {
		wait := status.wait
		if wait == 0 {
			wait = limitedFor
		}
		return &WaitError{u.Host, status.code, c.Now().Add(wait), wait}
	}
	if fault := certificateFault(err); fault != "" {
		return fmt.Errorf("%s: %s", where, fault)
	}
	if named := new(*net.DNSError); tries > 1 && errors.As(err, named) && (*named).IsNotFound && !c.proxied(u) {
		return fmt.Errorf("%s: %w, %d times in a row; try again later, or set HTTPS_PROXY if this machine reaches the internet by a proxy", where, reason(err), tries)
	}
	if tries > 1 {
		return fmt.Errorf("%s: %w, %d times in a row; try again later", where, reason(err), tries)
	}
	return fmt.Errorf("%s: %w", where, reason(err))
}

// proxied reports whether a URL is asked for by a proxy.
func (c *Client) proxied(u *url.URL) bool {
	choose := c.Proxy
	if choose == nil {
		choose = http.ProxyFromEnvironment
	}
	proxy, err := choose(&http.Request{URL: u})
	return proxy != nil && err == nil
}

// printable replaces what would move a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
