package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatewright/cmd/gatewright/internal/report"
)

// squidHost is a host with a Squid of its own, as Debian configures it, that has
// started.
func squidHost(t *testing.T) *host {
	t.Helper()
	h := newHost(t)
	h.must(`cp -r /etc/squid etc && rm -rf etc/gatewright && mount --bind etc /etc/squid &&
		for dir in /var/log/squid /var/spool/squid; do mount -t tmpfs -o mode=777 own $dir; done && mount -t tmpfs own /dev/shm &&
		ip addr add 192.0.2.10/32 dev lo &&
		printf 'visible_hostname gatewright.invalid\npinger_enable off\nshutdown_lifetime 0 seconds\nconnect_timeout 2 seconds\nhosts_file /etc/squid/hosts\n' >>/etc/squid/squid.conf &&
		echo '203.0.113.200 www.example.com' >/etc/squid/hosts`)
	server := h.command("squid", "-N")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, status := h.sh("squid -k check 2>/dev/null && ss -Hltn sport = :3128 | grep -q ."); status == 0 {
			return h
		}
		if time.Now().After(end) {
			t.Fatal("Squid does not start: ", h.must("cat /var/log/squid/cache.log"))
		}
	}
}

// asks returns the status with which Squid answers a client's CONNECT.
func (h *host) asks(to string) string {
	h.Helper()
	return strings.TrimSpace(h.must(`timeout 10 bash -c 'exec 3<>/dev/tcp/192.0.2.10/3128 && printf "CONNECT ` + to + ` HTTP/1.1\r\nHost: ` + to + `\r\n\r\n" >&3 && head -1 <&3 | cut -d" " -f2'`))
}

// holdsAnswers holds which addresses Squid lets a client reach: nobody answers there.
func (h *host) holdsAnswers(want map[string]string) {
	h.Helper()
	for to, status := range want {
		if have := h.asks(to); have != status {
			h.Errorf("CONNECT %s: %s, want %s", to, have, status)
		}
	}
}

const (
	allowed = "503" // and nobody there
	denied  = "403"
)

// TestApplySquid takes a running Squid from nothing to a site and to the next one, and
// to the other place.
func TestApplySquid(t *testing.T) {
	h := squidHost(t)
	h.site(map[string][]string{"one": {"203.0.113.0/28", "www.example.com"}})
	h.want("gatewright plan squid -q", "", exitDifferent)
	h.want("gatewright apply squid", "squid: changed: +5 files, +1 line\n", 0)
	h.want("gatewright drift squid", "gatewright.json and this machine: no difference\n", 0)
	h.want("head -1 /etc/squid/squid.conf", "include /etc/squid/gatewright/gatewright.squid.conf\n", 0)
	h.holdsAnswers(map[string]string{"203.0.113.1:443": allowed, "www.example.com:443": allowed, "203.0.113.33:443": denied, "203.0.113.1:444": denied})

	h.site(map[string][]string{"one": {"203.0.113.0/28", "203.0.113.32/28"}})
	h.want("gatewright plan squid | head -1", "this machine -> gatewright.json: 1 prefix newly accepted; 1 name no longer accepted; +1 line, -2 lines, -1 file\n", exitOK)
	h.want("gatewright apply squid", "gatewright: error: squid: 1 of 1 names would be removed, more than the 20 % that --max-shrink allows; if this is meant, use --max-shrink 100; nothing was changed\n", exitFailed)
	h.must("gatewright apply squid --max-shrink 100")
	h.holdsAnswers(map[string]string{"203.0.113.1:443": allowed, "www.example.com:443": denied, "203.0.113.33:443": allowed})
	h.want("ls /etc/squid/gatewright", "gatewright.squid.conf\none-out-t5sf6hb6h_literals.txt\none-out-t5sf6hb6h_ports.txt\nsrc_clients.txt\n", 0)

	h.must("gatewright apply squid --set squid.place=conf.d")
	h.want("ls /etc/squid/gatewright /etc/squid/conf.d | grep gatewright.*conf; grep gatewright/ /etc/squid/squid.conf", "gatewright.conf\n", 1)
	h.want("gatewright drift squid --set squid.place=conf.d -q", "", 0)
	h.holdsAnswers(map[string]string{"203.0.113.1:443": allowed, "203.0.113.65:443": denied})
	h.must("gatewright apply squid --set squid.dir=/etc/squid/other")
	h.want("grep include.*gatewright /etc/squid/squid.conf; ls /etc/squid/conf.d | grep -c gatewright", "include /etc/squid/other/gatewright.squid.conf\n0\n", 1)
	h.holdsAnswers(map[string]string{"203.0.113.1:443": allowed, "203.0.113.65:443": denied})
}

// TestApplySquidUndone holds that nothing changes where Squid refuses the files, or
// does not take them.
func TestApplySquidUndone(t *testing.T) {
	h := squidHost(t)
	h.site(map[string][]string{"one": {"203.0.113.0/28"}})
	h.must("gatewright apply squid -q")
	h.site(map[string][]string{"one": {"203.0.113.0/28", "203.0.113.32/28"}})
	const tree = "find /etc/squid -type f | sort | xargs sha256sum; stat -c '%a %U %n' /etc/squid/squid.conf"
	for _, c := range []struct{ name, before, want, after string }{
		{"a configuration with an error of the site's", "cp -p /etc/squid/squid.conf . && echo 'http_access allow nobody_knows' >>/etc/squid/squid.conf",
			"gatewright: error: squid: Squid refuses the configuration: squid -k parse: exit status 1: FATAL: Bungled /etc/squid/squid.conf line", "cp -p squid.conf /etc/squid/squid.conf"},
		{"a Squid that is not told", `printf '#!/bin/sh\n[ "$2" = reconfigure ] && { echo ERROR: no such signal >&2; exit 7; }\nexec /usr/sbin/squid "$@"\n' >squid && chmod +x squid`,
			"gatewright: error: squid: squid -k reconfigure: exit status 7: ERROR: no such signal; the old files are back, but were not accepted either: ", "rm squid"},
		{"a Squid that ends", `printf '#!/bin/sh\n[ "$2" = reconfigure ] && { touch "$(dirname "$0")/told"; exit; }\n[ "$2" = check ] && [ -e "$(dirname "$0")/told" ] && exit 1\nexec /usr/sbin/squid "$@"\n' >squid && chmod +x squid`,
			"gatewright: error: squid: Squid exited after it reloaded the rules; see its cache.log and start it again: squid -k check: exit status 1; the old files are back", "rm -f squid told"},
		{"rules for the other place that were changed", "echo '# by hand' >/etc/squid/conf.d/gatewright.conf",
			"gatewright: error: squid: /etc/squid/conf.d/gatewright.conf is not as gatewright wrote it, and Squid would read its rules in addition to these; remove it", "rm /etc/squid/conf.d/gatewright.conf"},
		{"a link in the place of a file", "mv /etc/squid/gatewright/gatewright.squid.conf . && ln -s /etc/passwd /etc/squid/gatewright/gatewright.squid.conf",
			"gatewright: error: squid: ", "mv gatewright.squid.conf /etc/squid/gatewright/"},
		{"a file that cannot be written, behind others that are new", "mkdir -p /etc/squid/.squid.conf.gatewright/full",
			"gatewright: error: squid: removeat .squid.conf.gatewright: directory not empty; the old files are back; nothing was changed", "rm -r /etc/squid/.squid.conf.gatewright"},
		{"a namespace", "ip netns add edge", "gatewright: error: squid: files are the same in every network namespace; omit --netns, or run this with `ip netns exec`", "ip netns del edge"},
	} {
		h.must(c.before)
		before := h.must(tree)
		line := "gatewright apply squid"
		if c.name == "a namespace" {
			line += " --netns edge"
		}
		if strings.HasPrefix(c.name, "a file that cannot be written") {
			line += " --set squid.dir=/etc/squid/other"
		}
		if have, status := h.sh(line); !strings.HasPrefix(have, c.want) || !strings.HasSuffix(have, "nothing was changed\n") && strings.Contains(c.want, "-k") || status != exitFailed || strings.Count(have, "\n") != 1 {
			t.Errorf("%s: status %d\n%s\nwant\n%s", c.name, status, have, c.want)
		}
		if after := h.must(tree); after != before {
			t.Errorf("%s: files changed:\n%s", c.name, report.Unified("files", []byte(before), []byte(after)))
		}
		h.must(c.after)
	}
	h.holdsAnswers(map[string]string{"203.0.113.1:443": allowed, "203.0.113.33:443": denied})
	h.must("gatewright apply squid -q")
	h.holdsAnswers(map[string]string{"203.0.113.1:443": allowed, "203.0.113.33:443": allowed})
}

// TestDriftOfFiles holds that what was changed by hand in installed files is told, and
// nothing else.
func TestDriftOfFiles(t *testing.T) {
	h := squidHost(t)
	h.must("mkdir www")
	h.site(map[string][]string{"one": {"203.0.113.0/28"}})
	h.must(`sed -i '1s|{|{ "routes": [{"entry": ["own/one"], "via": "direct"}, {"via": "proxy"}],|' gatewright.json`)
	www := " --set pac.dir=" + filepath.Join(h.dir, "www") + " --set pac.proxy=proxy.example.com:3128"
	h.want("gatewright apply pac squid"+www, "pac: changed: +1 file\nsquid: changed: +4 files, +1 line\n", 0)
	h.want("gatewright apply pac squid"+www, "pac: nothing to change\nsquid: nothing to change\n", 0)
	for _, c := range []struct{ change, undo, generator, want string }{
		{"echo 203.0.113.99 >>/etc/squid/gatewright/one-out-t5sf6hb6h_literals.txt", "sed -i '$d' /etc/squid/gatewright/one-out-t5sf6hb6h_literals.txt", "squid", "203.0.113.99"},
		{"sed -i 1d /etc/squid/squid.conf", "sed -i '1i include /etc/squid/gatewright/gatewright.squid.conf' /etc/squid/squid.conf", "squid", "- line /etc/squid/squid.conf: include /etc/squid/gatewright/gatewright.squid.conf"},
		{"mv /etc/squid/gatewright/gatewright.squid.conf .", "mv gatewright.squid.conf /etc/squid/gatewright/", "squid", "- file squid: /etc/squid/gatewright/gatewright.squid.conf"},
		{"sed -i s/203.0.113.0/203.0.112.0/ www/proxy.pac", "sed -i s/203.0.112.0/203.0.113.0/ www/proxy.pac", "pac", "203.0.112.0/28"},
		{"echo 'alert(1)' >>www/proxy.pac", "sed -i '$d' www/proxy.pac", "pac", "UNKNOWN: what this machine accepts: pac: proxy.pac:"},
	} {
		h.must(c.change)
		if have, status := h.sh("gatewright drift " + c.generator + www); status != exitDifferent || !strings.Contains(have, c.want) {
			t.Errorf("%s: status %d\n%s\nwant %s", c.change, status, have, c.want)
		}
		h.must(c.undo)
		h.want("gatewright drift pac squid -q"+www, "", 0)
	}
	h.must("gatewright apply pac -q" + www)
	if _, err := os.Stat(filepath.Join(h.dir, "www", ".proxy.pac.gatewright")); !os.IsNotExist(err) {
		t.Error("something was left beside the file: ", err)
	}
}
