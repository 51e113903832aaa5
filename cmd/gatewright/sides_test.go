package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestGatewayWithoutSidesIsWarnedOf holds that generate shows a packet that passes the
// wrong way where a rule's remote may be an address of our side, and is silent with
// interfaces.
func TestGatewayWithoutSidesIsWarnedOf(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"c.json": `{"catalog": "x", "revision": "1", "title": "t", "entries": [
			{"id": "turn", "title": "t", "direction": "outbound", "role": "clients", "services": "udp 3478; tcp 443", "unsaid": {"remote": {"why": "w"}}},
			{"id": "pub", "title": "t", "direction": "inbound", "role": "exchange", "services": "tcp 443", "endpoints": ["198.51.100.0/24"]}]}`,
		"gatewright.json": `{"catalogs": ["c.json"], "bind": {"exchange": ["10.1.1.10"], "clients": ["10.2.0.0/16", "169.254.0.0/16"]}, "answers": {"x/turn": {"remote": "any"}}}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const warning = "nftables, iptables: rule "
	const packet = " (x/turn) also accepts packets in the other direction, such as inbound tcp 10.2.0.0 to 10.1.1.10:443 " +
		"(10.2.0.0 is private (RFC 1918), 10.1.1.10 is private (RFC 1918)); set wan and lan to the interfaces of the two sides"
	for _, c := range []struct {
		args []string
		want bool
	}{
		{nil, true},
		{[]string{"--set", "nftables.wan=eth0", "--set", "iptables.wan=eth0"}, false},
	} {
		var stdout, stderr bytes.Buffer
		status := run(append([]string{"generate", "nftables", "iptables", "-o", "out"}, c.args...), nil, &stdout, &stderr)
		said := stderr.String()
		if status != exitOK || strings.Contains(said, warning) != c.want || strings.Contains(said, packet) != c.want || strings.Contains(said, "1 wider") != c.want {
			t.Errorf("%v: status %d\n%s", c.args, status, said)
		}
	}
}
