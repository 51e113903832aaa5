//go:build squid_openssl

package squid

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"gatewright/generators/engine/enginetest"
)

// TestInterceptionByName holds that with the lines of README.md names, literals and
// ports decide of redirected requests what they decide of those to an explicit proxy.
func TestInterceptionByName(t *testing.T) {
	m := interceptingMachine(t)
	said := startIntercepting(t, m, readmeLines(t), intercepted+" intercept name=3129", bumping)
	for _, c := range []struct {
		address, name string
		want          bool
	}{
		{origin, "app.example.com", true},
		{origin, "a.b.cdn.example.com", true},
		{origin, "cdn.example.com", false}, // the apex of a wildcard
		{origin, "my-files.example.com", true},
		{origin, "files.example.com", false},
		{origin, "", false}, // no name, and an address that is not listed
		{literal, "", true},
		{literal, "www.example.net", false}, // prefixes are of literals alone
		{otherPort, "alt.example.com", true},
		{otherPort, "app.example.com", false},
		{origin, "alt.example.com", false},
	} {
		if got := dialled(t, m, c.address, func(conn net.Conn) bool { return isOrigin(conn, c.name) }); got != c.want {
			t.Errorf("%s redirected to %q: %v, want %v\n%s", c.address, c.name, got, c.want, said())
		}
		host, port, _ := net.SplitHostPort(c.address)
		if c.name != "" {
			host = c.name
		}
		ask := net.JoinHostPort(host, port)
		if got := dialled(t, m, explicit, func(conn net.Conn) bool { return tunnels(t, conn, ask) }); got != c.want {
			t.Errorf("CONNECT %s: %v, want %v\n%s", ask, got, c.want, said())
		}
	}
	for host, want := range map[string]bool{
		"app.example.com": true, "x.cdn.example.com": true, "cdn.example.com": false, "www.example.net": false,
		"alt.example.com": false, "203.0.113.10": false, "app.example.com:8080": false,
	} {
		get := func(conn net.Conn) bool {
			fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
			reply, _ := io.ReadAll(conn)
			return strings.HasSuffix(string(reply), "\r\n\r\norigin")
		}
		if got := dialled(t, m, web, get); got != want {
			t.Errorf("http://%s redirected: %v, want %v\n%s", host, got, want, said())
		}
	}
	plain := func(conn net.Conn) bool {
		fmt.Fprint(conn, "SSH-2.0-x\r\n\r\n")
		reply, _ := io.ReadAll(conn)
		return len(reply) > 0 && !strings.HasPrefix(string(reply), "HTTP/1.1 4")
	}
	if dialled(t, m, origin, plain) {
		t.Errorf("what is no TLS leads to the origin\n%s", said())
	}
}

// TestInterceptionPortName holds what README.md says of the name of an https_port, and
// of a Squid that looks at no TLS.
func TestInterceptionPortName(t *testing.T) {
	ofPort := func(name string) string {
		return strings.Replace(readmeLines(t), "myportname 3129", "myportname "+name, 1)
	}
	for _, c := range []struct {
		lines, port, bump string
		want              []bool
	}{
		{readmeLines(t), "3129 intercept", bumping, []bool{true, true, false}},
		{readmeLines(t), intercepted + " intercept", bumping, []bool{false, false, false}},
		{ofPort(intercepted), intercepted + " intercept", bumping, []bool{true, true, false}},
		{ofPort("inside"), intercepted + " intercept name=inside", bumping, []bool{true, true, false}},
		{ofPort("3129 3131"), "3129 intercept", bumping, []bool{true, true, false}},
		{readmeLines(t), "3129 intercept", "ssl_bump splice all\n", []bool{true, true, true}},
	} {
		m := interceptingMachine(t)
		said := startIntercepting(t, m, c.lines, c.port, c.bump)
		if got := reached(t, m, redirected); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("with %q, https_port %s and %q: %v, want %v\n%s", c.lines, c.port, c.bump, got, c.want, said())
		}
	}
}

// dialled asks something of a connection to an address of the machine.
func dialled(t *testing.T, m *enginetest.Machine, address string, ask func(net.Conn) bool) bool {
	t.Helper()
	var conn net.Conn
	err := m.Do(func() (err error) { conn, err = net.Dial("tcp", address); return err })
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	return ask(conn)
}
