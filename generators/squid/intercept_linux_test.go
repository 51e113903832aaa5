//go:build squid_openssl

package squid

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/generators/artefact"
	"gatewright/generators/engine/enginetest"
)

const (
	origin        = "203.0.113.10:443"
	otherPort     = "203.0.113.10:8443"
	literal       = "203.0.113.20:443" // of a published prefix
	web           = "203.0.113.10:80"
	explicit      = "127.0.0.1:3128"
	intercepted   = "127.0.0.1:3129"
	interceptedIn = "127.0.0.1:3130" // for plain HTTP
)

// originNames lead to the origin's address.
const originNames = "app.example.com x.cdn.example.com a.b.cdn.example.com cdn.example.com my-files.example.com files.example.com alt.example.com www.example.net"

// bumping is how README.md supposes that Squid looks at TLS.
const bumping = "ssl_bump peek step1\nssl_bump splice all\n"

// TestInterception holds what README.md says of HTTPS that is redirected to a Squid
// built with OpenSSL: without its lines all of it is denied, with them the names
// decide, and for an explicit proxy nothing changes.
func TestInterception(t *testing.T) {
	for _, c := range []struct {
		lines string
		want  string
	}{
		{"", "redirected [false false false], asked [true true false]"},
		{readmeLines(t), "redirected [true true false], asked [true true false]"},
		{strings.Replace(readmeLines(t), "CONNECT gatewright_redirected", "CONNECT", 1), "redirected [true true false], asked [true true true]"},
	} {
		m := interceptingMachine(t)
		said := startIntercepting(t, m, c.lines, intercepted+" intercept name=3129", bumping)
		got := fmt.Sprintf("redirected %v, asked %v", reached(t, m, redirected), reached(t, m, asked))
		if got != c.want {
			t.Errorf("with lines %q: %s; want %s\n%s", c.lines, got, c.want, said())
		}
	}
}

// readmeLines are the lines of README.md for interception.
func readmeLines(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := ""
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "  acl gatewright_") || strings.HasPrefix(line, "  http_access ") {
			lines += strings.TrimSpace(line) + "\n"
		}
	}
	if strings.Count(lines, "\n") < 3 {
		t.Fatalf("README.md has the lines %q", lines)
	}
	return lines
}

// reached reports which of an exact name, a name below a wildcard and an unlisted one
// lead to the origin.
func reached(t *testing.T, m *enginetest.Machine, dial func() (net.Conn, error)) []bool {
	t.Helper()
	var all []bool
	for _, name := range []string{"app.example.com", "x.cdn.example.com", "www.example.net"} {
		var conn net.Conn
		err := m.Do(func() (err error) { conn, err = dial(); return err })
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		ok := conn.RemoteAddr().String() == origin || tunnels(t, conn, name+":443")
		all = append(all, ok && isOrigin(conn, name))
		conn.Close()
	}
	return all
}

// isOrigin reports whether a connection leads to the TLS server, which is asked for a
// name.
func isOrigin(conn net.Conn, name string) bool {
	secure := tls.Client(conn, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	return secure.Handshake() == nil && secure.ConnectionState().PeerCertificates[0].Subject.CommonName == "origin"
}

func redirected() (net.Conn, error) { return net.Dial("tcp", origin) }

func asked() (net.Conn, error) { return net.Dial("tcp", explicit) }

// tunnels reports whether an explicit proxy grants CONNECT to a name and port.
func tunnels(t *testing.T, conn net.Conn, name string) bool {
	t.Helper()
	fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", name, name)
	var reply []byte
	for one := make([]byte, 1); !bytes.HasSuffix(reply, []byte("\r\n\r\n")); {
		if _, err := conn.Read(one); err != nil {
			t.Fatalf("%s: %v after %q", name, err, reply)
		}
		reply = append(reply, one...)
	}
	return bytes.HasPrefix(reply, []byte("HTTP/1.1 200"))
}

// interceptingMachine has the origin, TLS servers and one of HTTP, as addresses of its
// own, and redirects to Squid whatever but Squid goes there.
func interceptingMachine(t *testing.T) *enginetest.Machine {
	t.Helper()
	m, err := enginetest.NewMachine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	if err := m.IP([]byte("link set lo up\naddress add 203.0.113.10/32 dev lo\naddress add 203.0.113.20/32 dev lo\n")); err != nil {
		t.Fatal(err)
	}
	rules := "*nat\n"
	for ports, to := range map[string]string{"443,8443": intercepted, "80": interceptedIn} {
		_, port, _ := net.SplitHostPort(to)
		rules += fmt.Sprintf("-A OUTPUT -p tcp -d 203.0.113.0/24 -m multiport --dports %s -m owner ! --uid-owner proxy -j REDIRECT --to-ports %s\n", ports, port)
	}
	if err := m.LoadIptables("nft", []artefact.Artefact{{Name: "redirect.iptables", Data: []byte(rules + "COMMIT\n")}}); err != nil {
		t.Fatal(err)
	}
	certificate, _, _ := newCertificate(t, "origin")
	for _, address := range []string{origin, otherPort, literal} {
		go serve(listen(t, m, address), func(conn net.Conn) {
			secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}})
			secure.Handshake()
			secure.Read(make([]byte, 1))
		})
	}
	go serve(listen(t, m, web), func(conn net.Conn) {
		conn.Read(make([]byte, 1024))
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\norigin")
	})
	return m
}

func listen(t *testing.T, m *enginetest.Machine, address string) net.Listener {
	t.Helper()
	var listener net.Listener
	if err := m.Do(func() (err error) { listener, err = net.Listen("tcp", address); return err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

func serve(listener net.Listener, answer func(net.Conn)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			answer(conn)
		}()
	}
}

func newCertificate(t *testing.T, name string) (tls.Certificate, []byte, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

// startIntercepting runs a Squid on the machine that denies whatever the rules do not
// allow, with lines before them, and returns what gives its log. Its https_port and how
// it looks at TLS are given.
func startIntercepting(t *testing.T, m *enginetest.Machine, lines, httpsPort, bump string) func() string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gatewright-intercept-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	write := func(name string, data []byte) string {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	p := ruletest.Compile(t, rule.Input{
		Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "127.0.0.0/8", "203.0.113.0/24")}},
		Grants: []rule.Grant{
			ruletest.Grant(t, "saas/app", "app", rule.Outbound, "clients", "tcp 80,443", "app.example.com", "*.cdn.example.com"),
			ruletest.Grant(t, "saas/files", "files", rule.Outbound, "clients", "tcp 443", "*-files.example.com", "203.0.113.16/28"),
			ruletest.Grant(t, "saas/alt", "alt", rule.Outbound, "clients", "tcp 8443", "alt.example.com"),
		},
	})
	var fragment string
	for _, a := range generate(t, p, map[string][]string{"mode": {"enforce"}, "dir": {dir + "/" + strings.TrimSuffix(listFolder, "/")}}).Artefacts {
		file := write(a.Name, a.Data)
		if a.Name == confName {
			fragment = file
		}
	}
	_, certificate, key := newCertificate(t, "squid")
	pair := write("squid.pem", append(certificate, key...))
	hosts, _, _ := net.SplitHostPort(origin)
	hosts += " " + originNames + "\n"
	conf := write("squid.conf", fmt.Appendf(nil, `acl step1 at_step SslBump1
%sinclude %s
http_access deny all
http_port %s
http_port %s intercept
https_port %s ssl-bump tls-cert=%s generate-host-certificates=off
%svisible_hostname gatewright.invalid
hosts_file %s
dns_nameservers 127.0.0.1
pid_filename none
cache_log %s/cache.log
access_log stdio:%s/access.log
coredump_dir %s
cache_mem 1 MB
cache deny all
pinger_enable off
shutdown_lifetime 0 seconds
max_filedescriptors 1024
`, lines, fragment, explicit, interceptedIn, httpsPort, pair, bump, write("hosts", []byte(hosts)), dir, dir, dir))
	owner, err := user.Lookup("proxy")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(owner.Uid)
	if err := os.Chown(dir, uid, -1); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("squid", "-N", "-n", "gatewrightintercept", "-f", conf)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := m.Do(cmd.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for range 500 {
		err = m.Do(func() error {
			for _, dial := range []func() (net.Conn, error){asked, redirected} {
				conn, err := dial()
				if err != nil {
					return err
				}
				conn.Close()
			}
			return nil
		})
		if err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	log := func() string {
		cache, _ := os.ReadFile(dir + "/cache.log")
		access, _ := os.ReadFile(dir + "/access.log")
		return said.String() + string(cache) + string(access)
	}
	if err != nil {
		t.Fatalf("squid does not start: %v\n%s", err, log())
	}
	return log
}
