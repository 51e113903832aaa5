package feed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

var errRedirect = errors.New("bad redirect")

// redirects watches where one request is led: a publisher may send us to another public
// address, and never to this machine or into a network that it cannot reach itself.
// Only from an inner address, which the user's own URL named, may an inner one be
// reached.
type redirects struct {
	proxy func(*http.Request) (*url.URL, error)
	say   func(format string, args ...any)

	host    string // that the last redirect leads to; empty before the first
	proxied bool   // the last request is asked of a proxy
	outside bool   // a public address was asked, and chose what came after it
}

// check bounds redirects, keeps them to https, or to http if that is what was asked,
// and does not tell the next host the URL of the first, whose query is this machine's
// own.
func (r *redirects) check(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("%w: more than %d, which looks like a loop", errRedirect, maxRedirects)
	}
	r.host = HideQuery(via[0].URL.String(), next.URL.Scheme+"://"+next.URL.Host)
	if _, err := parseURL(next.URL.String(), via[0].URL.Scheme == "http" && via[len(via)-1].URL.Scheme == "http"); err != nil {
		return fmt.Errorf("%w to %s: only https is followed, without user and password", errRedirect, r.host)
	}
	next.Header.Del("Referer")
	if err := r.ask(next); err != nil {
		return err
	}
	if r.proxied {
		r.say("%s leads to %s, which a proxy asks, so that its name alone could be checked and not its address", via[0].URL.Host, strings.TrimPrefix(r.host, next.URL.Scheme+"://"))
	}
	return nil
}

var errInside = errors.New("it leads to this machine or into an internal network, which is not allowed for a publisher; if the server is yours, fetch from its own URL")

// ask judges a request that a proxy makes by its name; any other is judged when it is
// dialled, by its address.
func (r *redirects) ask(request *http.Request) error {
	proxy, err := r.proxy(request)
	if r.proxied = proxy != nil; err != nil || !r.proxied {
		return err
	}
	inside := isInsideName(request.URL.Hostname())
	if inside && r.outside {
		return fmt.Errorf("%w to %s: %w", errRedirect, r.host, errInside)
	}
	r.outside = r.outside || !inside
	return nil
}

// dial connects. A redirect is judged by the address that it is about to connect to, so
// that no name can lead elsewhere a moment later.
func (r *redirects) dial(ctx context.Context, dialer net.Dialer, network, address string) (net.Conn, error) {
	if r.proxied {
		return dialer.DialContext(ctx, network, address)
	}
	if to := r.host; to != "" && r.outside {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			if at, err := netip.ParseAddrPort(address); err != nil || isInside(at.Addr()) {
				return fmt.Errorf("%w to %s, which has the address %s: %w", errRedirect, to, at.Addr(), errInside)
			}
			return nil
		}
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if err == nil {
		r.reached(conn.RemoteAddr())
	}
	return conn, err
}

// reached notes an address that is asked, and may lead on.
func (r *redirects) reached(address net.Addr) {
	at, err := netip.ParseAddrPort(address.String())
	r.outside = r.outside || err != nil || !isInside(at.Addr())
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
	netip.MustParsePrefix("2001:2::/48"),    // RFC 5180
	netip.MustParsePrefix("fec0::/10"),      // RFC 3879
}

// isInside reports whether an address is this machine's own or of an inner network, or
// holds an IPv4 address that is.
func isInside(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || a.IsLoopback() || a.IsPrivate() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() {
		return true
	}
	within := func(p netip.Prefix) bool { return p.Contains(a) }
	return slices.ContainsFunc(inner, within) || a.Is6() && slices.ContainsFunc(heldIPv4(a), isInside)
}

// holders are ranges whose addresses hold an IPv4 address: the byte where it starts,
// and what each of its bytes is masked with.
var holders = []struct {
	within netip.Prefix
	at     int
	mask   byte
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12, 0},    // RFC 6052
	{netip.MustParsePrefix("2002::/16"), 2, 0},        // RFC 3056
	{netip.MustParsePrefix("::/96"), 12, 0},           // RFC 4291
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12, 0}, // RFC 2765
	{netip.MustParsePrefix("2001::/32"), 4, 0},        // RFC 4380: the server
	{netip.MustParsePrefix("2001::/32"), 12, 0xff},    // the client
}

// heldIPv4 are the IPv4 addresses that an IPv6 address holds.
func heldIPv4(a netip.Addr) (held []netip.Addr) {
	b := a.As16()
	for _, h := range holders {
		if h.within.Contains(a) {
			v := [4]byte(b[h.at:])
			for i := range v {
				v[i] ^= h.mask
			}
			held = append(held, netip.AddrFrom4(v))
		}
	}
	if b[8]&^3 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe { // ISATAP, RFC 5214
		held = append(held, netip.AddrFrom4([4]byte(b[12:])))
	}
	return held
}

// isInsideName judges a host by its name alone: a literal, or a name that never is of
// the public DNS. One that is not ASCII is mapped before it is asked for, "１２７.1" to
// "127.1", and no publisher needs it.
func isInsideName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(host); err == nil {
		return isInside(a)
	}
	for _, suffix := range []string{
		".localhost", ".local", ".internal", ".lan", ".arpa", ".intranet", ".private", ".corp", ".home", ".localdomain", ".localdomain4", ".localdomain6",
	} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last == host || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") || // "10.1", "0x7f.1": addresses to some
		strings.ContainsFunc(host, func(r rune) bool { return r > '~' })
}
