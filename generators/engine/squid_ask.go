package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
)

// Methods by which clients ask a proxy for a flow.
const (
	connect = "CONNECT"
	get     = "GET"
)

// Squid's pages for what http_access denies, and for what it allows and
// miss_access denies.
const (
	accessDenied     = "ERR_ACCESS_DENIED"
	forwardingDenied = "ERR_FORWARDING_DENIED"
)

// squidWait is far more than Squid takes for an answer, even when it waits for a
// name server that does not answer.
const squidWait = 30 * time.Second

// SquidAnswer says whether http_access allows a flow as each kind of request.
type SquidAnswer struct{ Connect, Get bool }

// AfterDebian is what is left of an answer where Debian's own http_access lines come
// first: they refuse CONNECT to ports other than 443, and every request to ports
// outside Safe_ports.
func (a SquidAnswer) AfterDebian(port uint16) SquidAnswer {
	in := func(ports []netset.PortRange) bool {
		return slices.ContainsFunc(ports, func(r netset.PortRange) bool { return r.Contains(port) })
	}
	safe := in(safePorts)
	return SquidAnswer{Connect: a.Connect && safe && in(tlsPorts), Get: a.Get && safe}
}

func (a SquidAnswer) String() string {
	words := map[bool]string{false: "denied", true: "allowed"}
	if a.Connect == a.Get {
		return words[a.Get]
	}
	return fmt.Sprintf("%s as CONNECT, %s as a plain request", words[a.Connect], words[a.Get])
}

// SquidRequest is a flow with the host as a client writes it; an empty host is the
// flow's own name or literal.
type SquidRequest struct {
	Flow rule.Flow
	Host string

	// Manager asks for a page of Squid's own cache manager, which Squid answers itself
	// whatever the host. CONNECT knows no pages.
	Manager bool
}

// managerPage is the path of the cache manager's menu.
const managerPage = "/squid-internal-mgr/menu"

// Ask sends each request twice, as CONNECT and as a plain request, with the flow's
// local address as the client's, and returns the answers in order. What no proxy
// carries is denied unasked: inbound flows, UDP, and flows without a name or
// literal, port or local address.
func (s *Squid) Ask(requests []SquidRequest) ([]SquidAnswer, error) {
	connects, err := s.ask(connect, requests)
	if err != nil {
		return nil, err
	}
	gets, err := s.ask(get, requests)
	if err != nil {
		return nil, err
	}
	answers := make([]SquidAnswer, len(requests))
	for i := range answers {
		answers[i] = SquidAnswer{connects[i], gets[i]}
	}
	return answers, nil
}

// ask sends each request by one method, on a few connections at once.
func (s *Squid) ask(method string, requests []SquidRequest) ([]bool, error) {
	const clients = 4
	answers := make([]bool, len(requests))
	errs := make([]error, clients)
	var wait sync.WaitGroup
	for n := range clients {
		wait.Add(1)
		go func() {
			defer wait.Done()
			c := squidClient{address: s.address}
			defer c.close()
			for i := n; i < len(requests) && errs[n] == nil; i += clients {
				answers[i], errs[n] = c.ask(method, requests[i])
			}
		}()
	}
	wait.Wait()
	err := errors.Join(errs...)
	if err != nil {
		if crash := s.crash(); crash != nil {
			err = crash
		}
	}
	return answers, err
}

// squidClient is one client of a Squid. It keeps its connection while Squid does.
type squidClient struct {
	address string
	conn    net.Conn
	reader  *bufio.Reader
}

func (c *squidClient) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// ask reports whether Squid's http_access allows the request.
func (c *squidClient) ask(method string, r SquidRequest) (bool, error) {
	host, ok := r.target()
	if !ok {
		return false, nil
	}
	if method == get && r.Host == "" {
		host = strings.TrimSuffix(host, ":80") // as clients do
	}
	page := "/"
	if r.Manager {
		page = managerPage
	}
	reply, err := c.send(method, host, page, r.Flow.Local)
	if err != nil {
		return false, fmt.Errorf("squid: %s %s: %w", method, host, err)
	}
	switch reply.reason {
	case accessDenied:
		return false, nil
	case forwardingDenied:
		return true, nil
	}
	return false, fmt.Errorf("squid: %s %s: unexpected answer %q %s", method, host, reply.status, reply.reason)
}

// target returns the host and port that the request is for, and false if a proxy
// does not carry it.
func (r SquidRequest) target() (string, bool) {
	f := rule.Seen(r.Flow, rule.Proxy)
	if f.Direction != rule.Outbound || f.Protocol != netset.TCP || f.Port == 0 || !f.Local.IsValid() || f.Name == "" && !f.Remote.IsValid() {
		return "", false
	}
	port := strconv.Itoa(int(f.Port))
	switch {
	case r.Host != "":
		return r.Host + ":" + port, true
	case f.Name != "":
		return f.Name + ":" + port, true
	}
	return net.JoinHostPort(f.Remote.String(), port), true
}

// send writes one request in the name of a client and reads its reply, on the
// connection of the last request if there is one.
func (c *squidClient) send(method, host, page string, client netip.Addr) (squidReply, error) {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.address)
		if err != nil {
			return squidReply{}, err
		}
		c.conn, c.reader = conn, bufio.NewReader(conn)
	}
	target := host
	if method == get {
		target = "http://" + host + page
	}
	c.conn.SetDeadline(time.Now().Add(squidWait))
	request := method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nX-Forwarded-For: " + client.Unmap().WithZone("").String() + "\r\n\r\n"
	if _, err := io.WriteString(c.conn, request); err != nil {
		return squidReply{}, err
	}
	reply, err := readReply(c.reader)
	if err != nil || !reply.keep {
		c.close()
	}
	return reply, err
}

// squidReply is what matters of a reply of Squid's own (RFC 9112).
type squidReply struct {
	status string // "HTTP/1.1 403 Forbidden"
	reason string // the page that it sends: "ERR_ACCESS_DENIED"
	keep   bool   // whether the connection stays open
}

func readReply(r *bufio.Reader) (squidReply, error) {
	status, err := r.ReadString('\n')
	if err != nil {
		return squidReply{}, err
	}
	reply := squidReply{status: strings.TrimSpace(status)}
	length := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return squidReply{}, err
		}
		line = strings.TrimSpace(line)
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "content-length":
			if length, err = strconv.Atoi(value); err != nil {
				return squidReply{}, fmt.Errorf("content length %q", value)
			}
		case "connection":
			reply.keep = strings.EqualFold(value, "keep-alive")
		case "x-squid-error":
			reply.reason, _, _ = strings.Cut(value, " ")
		}
	}
	_, err = r.Discard(length)
	return reply, err
}
