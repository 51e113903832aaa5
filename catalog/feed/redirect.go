package feed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

var errRedirect = errors.New("bad redirect")

// redirects watches where one request is led: a publisher may send us to another public
// address, and never to this machine or into a network that it cannot reach itself,
// unless the user's own URL leads there.
type redirects struct {
	proxy func(*http.Request) (*url.URL, error)
	say   func(format string, args ...any)

	host    string // that the last redirect leads to; empty before the first
	proxied bool   // the last redirect is asked of a proxy
	inside  bool   // the first address is one of these itself
}

// check bounds redirects, keeps them to https, or to http if that is what was asked, and
// does not tell the next host the URL of the first, whose query is this machine's own.
func (r *redirects) check(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("%w: more than %d, which looks like a loop", errRedirect, maxRedirects)
	}
	to := next.URL.Scheme + "://" + next.URL.Host
	if _, err := parseURL(next.URL.String(), via[0].URL.Scheme == "http" && via[len(via)-1].URL.Scheme == "http"); err != nil {
		return fmt.Errorf("%w to %s: only https is followed, without user and password", errRedirect, to)
	}
	next.Header.Del("Referer")
	if len(via) == 1 {
		r.seeFirst(via[0])
	}
	proxy, err := r.proxy(next)
	if err != nil {
		return err
	}
	r.host, r.proxied = to, proxy != nil
	if r.inside || proxy == nil {
		return nil // what is not proxied is checked when it is dialled, by its address
	}
	if isInsideName(next.URL.Hostname()) {
		return fmt.Errorf("%w to %s: %w", errRedirect, to, errInside)
	}
	r.say("%s leads to %s, which a proxy asks, so that its name alone could be checked and not its address", via[0].URL.Host, next.URL.Host)
	return nil
}

var errInside = errors.New("it leads to this machine or into an inner network, where a publisher may not lead; if it is yours, fetch from there by its own URL")

// seeFirst judges a first address that a proxy asked, by its name.
func (r *redirects) seeFirst(first *http.Request) {
	if proxy, err := r.proxy(first); err == nil && proxy != nil {
		r.inside = isInsideName(first.URL.Hostname())
	}
}

// dial connects. A redirect is judged by the address that it is about to connect to, so
// that no name can lead elsewhere a moment later.
func (r *redirects) dial(ctx context.Context, dialer net.Dialer, network, address string) (net.Conn, error) {
	first := r.host == ""
	if !first && !r.proxied && !r.inside {
		to := r.host
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			if at, err := netip.ParseAddrPort(address); err != nil || isInside(at.Addr()) {
				return fmt.Errorf("%w to %s, which has the address %s: %w", errRedirect, to, at.Addr(), errInside)
			}
			return nil
		}
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if err == nil && first {
		if at, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
			r.inside = isInside(at.Addr())
		}
	}
	return conn, err
}

// inner are ranges that no public server has, beside those that package netip knows
// (IANA's special-purpose registries), and addresses at which clouds tell a machine its
// secrets.
var inner = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),    // RFC 6598; Alibaba's metadata
	netip.MustParsePrefix("168.63.129.16/32"), // Azure's
	netip.MustParsePrefix("192.0.0.0/24"),     // RFC 6890; Oracle's
	netip.MustParsePrefix("198.18.0.0/15"),    // RFC 2544
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b:1::/48"), // RFC 8215
	netip.MustParsePrefix("fec0::/10"),      // RFC 3879
}

// isInside reports whether an address is this machine's own or of an inner network. One
// that holds an IPv4 address (RFC 6052, RFC 3056, RFC 4291) is judged by that.
func isInside(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || a.IsLoopback() || a.IsPrivate() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() {
		return true
	}
	for _, p := range inner {
		if p.Contains(a) {
			return true
		}
	}
	if a.Is4() {
		return false
	}
	b := a.As16()
	for _, held := range []struct {
		within netip.Prefix
		at     int
	}{{netip.MustParsePrefix("64:ff9b::/96"), 12}, {netip.MustParsePrefix("2002::/16"), 2}, {netip.MustParsePrefix("::/96"), 12}} {
		if held.within.Contains(a) {
			return isInside(netip.AddrFrom4([4]byte(b[held.at:])))
		}
	}
	return false
}

// isInsideName judges a host by its name alone: a literal, or a name that never is of
// the public DNS.
func isInsideName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(host); err == nil {
		return isInside(a)
	}
	for _, suffix := range []string{".localhost", ".local", ".internal", ".lan", ".home.arpa", ".intranet", ".corp", ".home", ".localdomain"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last == host || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") // "10.1", "0x7f.1": addresses to some
}
