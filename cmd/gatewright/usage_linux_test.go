package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Real counters of real packets are laid to the rule that accepted them: two attempts
// at the one port, one at the other, none by a rule of another remote.
func TestUsageOfRealCounters(t *testing.T) {
	shell := program(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"site.json": `{ "catalogs": ["own.json"], "group": "entry", "bind": { "clients": ["127.0.0.1"] },
			"options": { "nftables": { "place": "host", "roles": ["clients"] }, "iptables": { "place": "host", "roles": ["clients"] } } }`,
		"own.json": `{ "catalog": "own", "revision": "1", "title": "Own", "entries": [
			{ "id": "one", "title": "One", "direction": "outbound", "role": "clients", "services": "tcp 7001", "endpoints": ["127.0.0.9/32"] },
			{ "id": "two", "title": "Two", "direction": "outbound", "role": "clients", "services": "tcp 7002", "endpoints": ["127.0.0.9/32"] },
			{ "id": "none", "title": "None", "direction": "outbound", "role": "clients", "services": "tcp 7001", "endpoints": ["127.0.0.10/32"] } ] }`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const connect = `ip link set lo up
		for port in 7001 7001 7002; do (</dev/tcp/127.0.0.9/$port) 2>/dev/null || :; done`
	for _, c := range []struct{ name, load, print string }{
		{"nftables", `nft add table inet filter
			nft -f out/gatewright.nft
			nft 'add chain inet filter output { type filter hook output priority 0; }; add rule inet filter output jump gatewright_outbound'`,
			"nft -j list counters | gatewright usage nftables - --site site.json"},
		{"iptables", `iptables-restore --noflush < out/gatewright.iptables
			iptables -A OUTPUT -j gatewright_outbound`,
			"(iptables-save -c; ip6tables-save -c) | gatewright usage iptables - --site site.json"},
	} {
		out, err := shell(dir, "gatewright generate -q -o out --site site.json "+c.name+" && unshare --net bash -ec '"+
			strings.ReplaceAll(c.load+"\n"+connect+"\n"+c.print, "'", `'\''`)+"'")
		if err != nil {
			t.Fatalf("%s: %v\n%s", c.name, err, out)
		}
		uses := map[string]string{}
		for line := range strings.Lines(string(out)) {
			if f := strings.Fields(line); len(f) > 3 && strings.HasPrefix(f[len(f)-1], "own/") {
				uses[f[len(f)-1]] = strings.Join(f[1:len(f)-2], " ")
			}
		}
		for entry, want := range map[string]string{"own/one": "used 2", "own/two": "used 1", "own/none": "never used 0"} {
			if uses[entry] != want {
				t.Errorf("%s: %s: %q, want %q\n%s", c.name, entry, uses[entry], want, out)
			}
		}
	}
}

// A running Squid's log is read: a tunnel that it allowed, though nobody answered
// there, and two requests that the port alone keeps from the rule.
func TestUsageOfARealLog(t *testing.T) {
	shell := program(t)
	dir, err := os.MkdirTemp("", "gatewright-usage-") // which Squid's own user may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for name, text := range map[string]string{
		"site.json": `{ "catalogs": ["own.json"], "bind": { "clients": ["127.0.0.1"] } }`,
		"own.json": `{ "catalog": "own", "revision": "1", "title": "Own", "entries": [
			{ "id": "one", "title": "One", "direction": "outbound", "role": "clients", "services": "tcp 443", "endpoints": ["127.0.0.9/32"] } ] }`,
		"squid.conf": `http_port 127.0.0.1:3128
			pid_filename none
			access_log stdio:` + dir + `/log/access.log
			cache_log ` + dir + `/log/cache.log
			cache deny all
			coredump_dir ` + dir + `/log
			include ` + dir + `/out/gatewright.squid.conf
			http_access deny all
`,
		"ask.sh": `ip link set lo up
			squid -N -f squid.conf & squid=$!
			trap 'kill $squid; wait $squid || :' EXIT
			for i in $(seq 100); do (</dev/tcp/127.0.0.1/3128) 2>/dev/null && break; sleep 0.2; done
			for asked in 'CONNECT 127.0.0.9:443' 'CONNECT 127.0.0.9:7001' 'GET http://127.0.0.9/a?secret'; do
				exec 3<>/dev/tcp/127.0.0.1/3128
				printf '%s HTTP/1.0\r\n\r\n' "$asked" >&3
				timeout 10 cat <&3 >/dev/null || :
				exec 3<&-
			done
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := shell(dir, "mkdir log; chmod 755 .; chown proxy log; gatewright generate squid -q --set squid.dir="+dir+"/out/gatewright -o out --site site.json"+
		" && chmod -R a+rX out && unshare --net bash -e ask.sh && COLUMNS=200 gatewright usage squid log/access.log --site site.json")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"  used   1  ", "outbound tcp 127.0.0.9:7001 from 127.0.0.1 ", "outbound tcp http://127.0.0.9:80 from 127.0.0.1 ", "port: the rule has tcp 443"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "secret") {
		t.Errorf("a query is shown:\n%s", out)
	}
}
