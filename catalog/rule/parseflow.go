package rule

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/suggest"
)

// Forms is what ParseFlow accepts, for messages.
const Forms = "outbound tcp HOST:PORT [from LOCAL], inbound tcp HOST to LOCAL:PORT, a URL, or a host"

// ParseFlow reads one flow:
//
//	[outbound] [tcp|udp] HOST[:PORT] [from LOCAL]
//	[inbound] [tcp|udp] HOST to LOCAL[:PORT] [published PORT]
//	[outbound] [tcp] URL [from LOCAL]
//
// HOST is a name, an address, or NAME=ADDRESS for a name whose address is known. An
// IPv6 address before a port is written in brackets. LOCAL is an address or a role; for
// an inbound flow it may be empty, as in ":443". The port of an inbound flow is the one
// after DNAT; published is the port before DNAT if it differs. Only scheme, host and
// port of a URL are used. An error says what was expected.
func ParseFlow(s string) (Question, error) {
	q, rest, err := parseWords(strings.Fields(s))
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("unexpected %q after %q", withoutSecrets(rest), q)
	}
	if err != nil {
		return Question{}, fmt.Errorf("flow %q: %w; expect %s", withoutSecrets(strings.Fields(s)), err, Forms)
	}
	return q, nil
}

// ParseFlows reads several flows from a list of words. A new flow starts where the
// previous one is complete.
func ParseFlows(words []string) ([]Question, error) {
	var all []Question
	for len(words) > 0 {
		q, rest, err := parseWords(words)
		if err != nil {
			return nil, fmt.Errorf("flow %q: %w; expect %s", withoutSecrets(words), err, Forms)
		}
		all, words = append(all, q), rest
	}
	return all, nil
}

// flowWords are words left to read of a flow.
type flowWords []string

// take returns whether the next word is one of the given, in any letter case, and
// takes it away.
func (w *flowWords) take(words ...string) (string, bool) {
	for _, word := range words {
		if len(*w) > 0 && strings.EqualFold((*w)[0], word) {
			*w = (*w)[1:]
			return word, true
		}
	}
	return "", false
}

// next takes the next word away; what says what it should be.
func (w *flowWords) next(what string) (string, error) {
	if len(*w) == 0 {
		return "", fmt.Errorf("%s is missing", what)
	}
	word := (*w)[0]
	*w = (*w)[1:]
	return word, nil
}

// parseWords reads the flow that the words start with, and returns the others.
func parseWords(words []string) (q Question, rest []string, err error) {
	w := flowWords(words)
	if d, ok := w.take(string(Outbound), string(Inbound)); ok {
		q.Flow.Direction = Direction(d)
	}
	if name, ok := w.take(netset.TCP.String(), netset.UDP.String()); ok {
		if q.Flow.Protocol, err = netset.ParseProtocol(name); err != nil {
			return q, nil, err
		}
	}
	host, err := w.next("the remote host")
	if err != nil {
		return q, nil, err
	}
	if scheme, rest, ok := strings.Cut(host, "://"); ok {
		err = q.readURL(strings.ToLower(scheme), rest)
	} else {
		err = q.readRemote(host)
	}
	if err == nil {
		err = q.readLocal(&w)
	}
	return q, w, err
}

// schemePorts are the default ports of URLs (RFC 9110, RFC 6455, RFC 1738).
func schemePorts() map[string]string {
	return map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}
}

// readURL takes the host and the port of a URL; rest is what follows "://".
func (q *Question) readURL(scheme, rest string) error {
	switch {
	case q.Flow.Direction == Inbound:
		return errors.New("a URL is always opened by our side; omit inbound, or write the remote's address")
	case q.Flow.Protocol == netset.UDP:
		return errors.New("a URL is opened over tcp; write udp with HOST:PORT instead")
	}
	if !isScheme(scheme) {
		return fmt.Errorf("%q is not a URL scheme; write one such as https, or HOST:PORT without a scheme", schemeOf(scheme))
	}
	q.Flow.Direction, q.Flow.Protocol, q.Scheme = Outbound, netset.TCP, scheme
	rest, _ = cutAuthority(rest)
	if strings.Contains(rest, "=") {
		return fmt.Errorf("%q is not a valid host in a URL; write HOST=ADDRESS:PORT without a scheme", rest)
	}
	if strings.Count(rest, ":") > 1 && !strings.HasPrefix(rest, "[") {
		return fmt.Errorf("%q is not a valid host in a URL; write an IPv6 address in brackets, such as [2001:db8::1]", rest)
	}
	if _, port := cutPort(rest); port == "" {
		port, ok := schemePorts()[scheme]
		if !ok {
			return fmt.Errorf("scheme %q has no known default port; write HOST:PORT", scheme)
		}
		rest = strings.TrimSuffix(rest, ":") + ":" + port
	}
	return q.readRemote(rest)
}

// cutAuthority splits what follows "://" of a URL into host and port, and path, without
// user, password, query and fragment.
func cutAuthority(s string) (authority, path string) {
	if i := strings.IndexAny(s, `/?#\`); i >= 0 {
		s, path = s[:i], s[i:]
	}
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	return s[strings.LastIndexByte(s, '@')+1:], path
}

// withoutSecrets joins words for a message, without what may be a secret of a URL.
func withoutSecrets(words []string) string { return netset.WithoutSecrets(strings.Join(words, " ")) }

// schemeOf is what may be a scheme of what stands before "://".
func schemeOf(s string) string { return s[strings.LastIndexAny(s, "@?#/")+1:] }

// isScheme holds what RFC 3986 section 3.1 allows, in lower case.
func isScheme(s string) bool {
	return s != "" && 'a' <= s[0] && s[0] <= 'z' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

// readRemote reads HOST[:PORT], where HOST may be NAME=ADDRESS.
func (q *Question) readRemote(text string) error {
	host, port := cutPort(text)
	name, address, both := strings.Cut(host, "=")
	var err error
	switch {
	case host == "":
		return errors.New("the remote host is missing")
	case strings.EqualFold(name, "any") && (port != "" || q.Flow.Protocol != 0 || q.Flow.Direction == Inbound):
		return fmt.Errorf(`%q means every remote only in "expect"; ask for one address or name`, name)
	case strings.ContainsAny(text[1:], "@?#"):
		return errors.New("a URL starts with its scheme, such as https://, and a host cannot contain @, ? or #")
	}
	if both {
		if q.Flow.Remote, err = parseAddress(address); err == nil {
			q.Flow.Name, err = parseHostName(name)
		}
	} else if q.Flow.Remote, err = parseAddress(host); err != nil {
		if looksNumeric(host) {
			return err
		}
		q.Flow.Name, err = parseHostName(host)
	}
	if err != nil || port == "" {
		return cmp.Or(err, q.checkBare())
	}
	if q.Flow.Direction == Inbound {
		return fmt.Errorf("the port of an inbound flow is on our side; write %s to LOCAL:%s", host, port)
	}
	q.Flow.Port, err = parsePort(port)
	return err
}

// checkBare refuses one label alone, which is a misspelt word more often than a host,
// and which no rule can hold.
func (q *Question) checkBare() error {
	name := q.Flow.Name
	switch {
	case q.Flow.Direction == Inbound || name == "" || strings.Contains(name, ".") || q.Flow.Remote.IsValid():
		return nil
	case slices.Contains([]string{"icmp", "icmpv6", "sctp", "gre", "esp", "ip", "any"}, name):
		return fmt.Errorf("protocol %q is not supported; write tcp or udp", name)
	}
	meant := suggest.DidYouMean(name, []string{string(Outbound), string(Inbound), "from", "to", "published"})
	return fmt.Errorf("%q is neither a keyword nor a full name; write the name with its domain, or %s:PORT if it is a host%s", name, name, meant)
}

// readLocal reads what follows the remote: from LOCAL, or to LOCAL:PORT.
func (q *Question) readLocal(w *flowWords) error {
	word, ok := w.take("from", "to")
	switch {
	case !ok:
		return q.checkSideWord(*w)
	case word == "from" && q.Flow.Direction == Inbound:
		return errors.New("an inbound flow goes to our side; write to LOCAL:PORT")
	case word == "to" && (q.Flow.Direction == Outbound || q.Flow.Port != 0):
		return errors.New("an outbound flow comes from our side; write HOST:PORT from LOCAL")
	}
	local, err := w.next("our side")
	if err != nil {
		return err
	}
	if word == "from" {
		return q.readSide(local)
	}
	q.Flow.Direction = Inbound
	local, port := cutPort(local)
	if port != "" {
		if q.Flow.Port, err = parsePort(port); err != nil {
			return err
		}
	}
	if local != "" {
		if err := q.readSide(local); err != nil {
			return err
		}
	}
	return q.readPublished(w)
}

// checkSideWord refuses HOST:PORT after an inbound flow that names nobody on our side:
// the word "to" may be missing, or another flow may start there.
func (q *Question) checkSideWord(w flowWords) error {
	if q.Flow.Direction != Inbound || len(w) == 0 || strings.Contains(w[0], "://") {
		return nil
	}
	if _, port := cutPort(w[0]); port == "" {
		return nil
	}
	return fmt.Errorf("%q follows an inbound flow; write \"to %s\" if it is our side, or \"outbound %s\" if it is another flow", w[0], w[0], w[0])
}

// readPublished reads published PORT; the port itself must have been said.
func (q *Question) readPublished(w *flowWords) error {
	if _, ok := w.take("published"); !ok {
		return nil
	}
	text, err := w.next("the published port")
	if err != nil {
		return err
	}
	port, err := parsePort(text)
	switch {
	case err != nil:
		return err
	case q.Flow.Port == 0:
		return errors.New("published is the port before DNAT; also write the port after DNAT, as in LOCAL:PORT")
	case port != q.Flow.Port:
		q.Flow.Published = port
	}
	return nil
}

// readSide reads an address or a role.
func (q *Question) readSide(text string) error {
	a, err := parseAddress(text)
	if err == nil {
		q.Flow.Local = a
		return nil
	}
	if looksNumeric(text) {
		return err
	}
	if q.Role, err = ParseRole(text); err != nil {
		return fmt.Errorf("our side is an address or a role: %w", err)
	}
	return nil
}

// cutPort splits "HOST:PORT". An IPv6 address has a port only after brackets,
// which are kept.
func cutPort(s string) (host, port string) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.HasSuffix(s, "]") {
		return s, ""
	}
	start := strings.LastIndexByte(s[:i], '=') + 1
	if strings.Contains(s[start:i], ":") && s[i-1] != ']' {
		return s, ""
	}
	return s[:i], s[i+1:]
}

// parseAddress reads an address, in brackets or not. IPv4-mapped ones are IPv4.
func parseAddress(s string) (netip.Addr, error) {
	text := s
	if inner, ok := strings.CutPrefix(s, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	a, err := netip.ParseAddr(text)
	switch {
	case strings.Contains(s, "/"):
		return netip.Addr{}, fmt.Errorf("%q is not a single address; write one address of the prefix", s)
	case err != nil || text != s && (!a.Is6() || len(text) != len(s)-2):
		return netip.Addr{}, addressError(s)
	case a.Zone() != "":
		return netip.Addr{}, fmt.Errorf("%q has a zone, which is valid on one machine only; write the address without it", s)
	}
	return a.Unmap(), nil
}

func addressError(s string) error {
	return fmt.Errorf("%q is not an address; write one such as 192.0.2.1 or [2001:db8::1]", s)
}

// looksNumeric tells what is meant as an address or a prefix from names and roles.
func looksNumeric(s string) bool {
	s, _, _ = strings.Cut(s, "/")
	return strings.ContainsAny(s, ":[]") || s != "" && strings.Trim(s, "0123456789.") == ""
}

// parseHostName refuses the words of flows, which String would write and nobody
// read back.
func parseHostName(s string) (string, error) {
	name, err := netset.ParseName(s)
	switch {
	case strings.Contains(s, "*"):
		return "", fmt.Errorf("%q is a pattern; ask for one name that it matches", s)
	case err != nil && netset.EndsAsNumber(s):
		return "", addressError(s)
	case err != nil:
		return "", err
	}
	switch name {
	case "outbound", "inbound", "tcp", "udp", "from", "to", "published":
		return "", fmt.Errorf("%q is a keyword, not a host", name)
	}
	return name, nil
}

// parsePort reads one port, without sign or leading zero.
func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("%q is not a port; write one from 1 to 65535", s)
	}
	return uint16(n), nil
}
