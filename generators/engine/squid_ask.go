package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
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

// Asks asks Squid each flow twice, as CONNECT and as a plain request, with the
// flow's local address as the client's, and returns the answers in order. A flow
// is accepted when both are allowed. What no proxy carries is not: inbound flows,
// UDP, and flows without a name or literal, port or local address.
//
// A flow that is allowed one way alone is an error at place "first". At "conf.d"
// it is not accepted, as Debian's own rules refuse CONNECT to most ports.
func (s *Squid) Asks(flows []rule.Flow) ([]bool, error) {
	connects, err := s.ask(connect, flows)
	if err != nil {
		return nil, err
	}
	gets, err := s.ask(get, flows)
	if err != nil {
		return nil, err
	}
	for i := range flows {
		if connects[i] != gets[i] && s.place == "first" {
			return nil, fmt.Errorf("squid answers %s %t and %s %t for %+v", connect, connects[i], get, gets[i], flows[i])
		}
		connects[i] = connects[i] && gets[i]
	}
	return connects, nil
}

// ask asks each flow by one method, on a few connections at once.
func (s *Squid) ask(method string, flows []rule.Flow) ([]bool, error) {
	const clients = 4
	answers := make([]bool, len(flows))
	errs := make([]error, clients)
	var wait sync.WaitGroup
	for n := range clients {
		wait.Add(1)
		go func() {
			defer wait.Done()
			c := squidClient{address: s.address}
			defer c.close()
			for i := n; i < len(flows) && errs[n] == nil; i += clients {
				answers[i], errs[n] = c.ask(method, flows[i])
			}
		}()
	}
	wait.Wait()
	return answers, errors.Join(errs...)
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

// ask reports whether Squid's http_access allows the flow.
func (c *squidClient) ask(method string, f rule.Flow) (bool, error) {
	host, ok := requestHost(f)
	if !ok {
		return false, nil
	}
	reply, err := c.send(method, host, f.Local)
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

// requestHost returns the host and port of a request for the flow, and false if a
// proxy does not carry it.
func requestHost(f rule.Flow) (string, bool) {
	if f.Direction != rule.Outbound || f.Protocol != netset.TCP || f.Port == 0 || !f.Local.IsValid() {
		return "", false
	}
	f = rule.Seen(f, rule.Proxy)
	host := f.Name
	if host == "" {
		if !f.Remote.IsValid() {
			return "", false
		}
		host = f.Remote.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(f.Port))), true
}

// send writes one request in the name of a client and reads its reply, on the
// connection of the last request if there is one.
func (c *squidClient) send(method, host string, client netip.Addr) (squidReply, error) {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.address)
		if err != nil {
			return squidReply{}, err
		}
		c.conn, c.reader = conn, bufio.NewReader(conn)
	}
	target := host
	if method == get {
		target = "http://" + host + "/"
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
