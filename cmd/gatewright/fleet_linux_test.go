package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// fleet is the gateways of examples/gateway/fleet.ini, each with its network and a
// client, and the machine that ansible-playbook runs on. One bridge and sshd lead from
// it to all.
type fleet struct {
	*host
	gateways []*host
}

// ownFiles gives a machine an /etc to write to, and a home.
const ownFiles = `set -e
mkdir -p /run/sshd /run/etc/upper /run/etc/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work /etc
mount -t tmpfs -o mode=700 own ~root
`

const sshdConfig = `HostKey DIR/host
AuthorizedKeysFile DIR/operator.pub
StrictModes no
UsePAM no
PidFile none
LogLevel VERBOSE
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
SetEnv PATH=DIR:/usr/sbin:/usr/bin:/sbin:/bin ` + asTool + `
`

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{host: newHost(t)}
	if err := os.CopyFS(f.dir, os.DirFS(filepath.Join(repository, "examples", "gateway"))); err != nil {
		t.Fatal(err)
	}
	f.must(ownFiles + `ip link add fleet type bridge; ip addr add 172.16.0.1/24 dev fleet; ip link set fleet up
		mkdir ~root/.ssh; ssh-keygen -q -t ed25519 -N '' -f ~root/.ssh/id_ed25519; cp ~root/.ssh/id_ed25519.pub operator.pub`)
	for i := range 3 {
		f.gateways = append(f.gateways, f.gateway(i+1, newHost(t)))
	}
	return f
}

// gateway makes a host one of the fleet. The second one's uplink has another name.
func (f *fleet) gateway(n int, h *host) *host {
	f.Helper()
	network := gatewayNetwork
	if n == 2 {
		network = strings.ReplaceAll(network, "wan0", "wan1")
	}
	for name, text := range map[string]string{"serve.js": answers, "ask.js": asks, "hosts": gatewayHosts,
		"operator.pub": f.must("cat operator.pub"), "sshd": strings.ReplaceAll(sshdConfig, "DIR", h.dir)} {
		h.writes(name, text)
	}
	h.must(ownFiles + network + "mkdir /etc/gatewright; ln sshd client; ssh-keygen -q -t ed25519 -N '' -f host; sed -i 's/^root:[^:]*/root:*/' /etc/shadow")
	h.must(fmt.Sprintf(`ip link add mgmt0 type veth peer name gateway%[1]d netns %[2]s; ip addr add 172.16.0.1%[1]d/24 dev mgmt0; ip link set mgmt0 up
		ip link add mgmt0 netns lan type veth peer name client%[1]d netns %[2]s; ip -n lan addr add 172.16.0.2%[1]d/24 dev mgmt0; ip -n lan link set mgmt0 up`, n, f.pid))
	h.boots(fmt.Sprintf("/usr/sbin/sshd -D -e -f %[1]s/sshd 2>sshd.log & ip netns exec lan /usr/sbin/sshd -D -e -f %[1]s/client 2>/dev/null & wait", h.dir))
	h.serves("ip netns exec net", "tcp:203.0.113.17:443", "udp:203.0.113.33:3478", "tcp:203.0.113.200:443")
	for i, name := range []string{"gateway", "client"} {
		f.must(fmt.Sprintf("ip link set %[2]s%[3]d master fleet up; echo 172.16.0.%[1]d%[3]d %[2]s%[3]d.example.com >>/etc/hosts; echo %[2]s%[3]d.example.com %[4]s >>~root/.ssh/known_hosts",
			i+1, name, n, strings.TrimSpace(h.must("cat host.pub"))))
		f.must(fmt.Sprintf("timeout 30 bash -c 'until (</dev/tcp/172.16.0.%d%d/22) 2>/dev/null; do sleep 0.05; done'", i+1, n))
	}
	return h
}

// boots runs lines of shell with a process table of their own until the test ends. What
// they leave behind ends with them.
func (h *host) boots(lines string) {
	h.Helper()
	cmd := h.command("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", lines)
	if err := cmd.Start(); err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

// plays runs a line of Ansible and returns what it printed, and the exit status.
func (f *fleet) plays(line string) (string, int) {
	f.Helper()
	start := time.Now()
	out, status := f.sh("HOME=~root LC_ALL=C.UTF-8 exec timeout 300 unshare --pid --fork --kill-child --mount-proc " + line)
	f.Logf("%s: status %d after %v", line, status, time.Since(start))
	return out, status
}

// recap is what Ansible counts of each gateway.
func recap(out string) string {
	_, out, _ = strings.Cut(out, "PLAY RECAP")
	lines := regexp.MustCompile(`(gateway\d)\S* +: (ok=\d+ +changed=\d+ +unreachable=\d+ +failed=\d+)`).FindAllStringSubmatch(out, -1)
	var b strings.Builder
	for _, m := range lines {
		fmt.Fprintln(&b, m[1], strings.Join(strings.Fields(m[2]), " "))
	}
	return b.String()
}

// edits changes a file of the site.
func (f *fleet) edits(name, old, new string) {
	f.Helper()
	text := f.must("cat " + name)
	if !strings.Contains(text, old) {
		f.Fatalf("%s has no %q", name, old)
	}
	f.writes(name, strings.Replace(text, old, new, 1))
}

// passes holds which packets of its client each gateway forwards: those to the portal,
// none to anybody else, and those of calls as told.
func (f *fleet) passes(calls ...string) {
	f.Helper()
	var all sync.WaitGroup
	for i, g := range f.gateways {
		all.Go(func() {
			g.want("ip netns exec lan node ask.js hosts 10.20.0.10-tcp:203.0.113.17:443 10.20.0.10-udp:203.0.113.33:3478 10.20.0.10-tcp:203.0.113.200:443",
				"10.20.0.10-tcp:203.0.113.17:443 203.0.113.17:443\n10.20.0.10-udp:203.0.113.33:3478 "+calls[i]+"\n10.20.0.10-tcp:203.0.113.200:443 nothing\n", 0)
		})
	}
	all.Wait()
}

// TestFleet runs the playbook of examples/gateway as its README says: it takes three
// gateways to a site, and stops at one whose client the next site cuts off, which then
// has its old rules back, and at one that cannot be reached.
func TestFleet(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	readme := regexp.MustCompile(`(?m)^    (ansible-playbook .*)$`).FindStringSubmatch(f.must("cat README.md"))
	if readme == nil {
		t.Fatal("the README has no line of Ansible")
	}
	play := readme[1]
	next := map[string]string{"services.json": f.must("cat services.json"), "gatewright.json": f.must("cat gatewright.json")}
	f.edits("services.json", "udp 3478-3481", "udp 3479-3481")
	f.edits("gatewright.json", `"wan": ["wan0"]`, `"wan": ["wan0", "wan1"]`)
	f.reachesAll(play)
	var old []machine
	for _, g := range f.gateways {
		old = append(old, g.confirmed())
	}
	for name, text := range next {
		f.writes(name, text)
	}
	f.stopsAtTheSecond(play)
	if out, status := f.plays(play + " --limit gateway1.example.com"); status != 0 || recap(out) != "gateway1 ok=3 changed=0 unreachable=0 failed=0\n" {
		t.Errorf("a second time: status %d\n%s", status, out)
	}
	f.losesSession(f.gateways[2])
	f.gateways[1].ended()
	f.gateways[0].must("kill $(pgrep -of '" + f.gateways[0].listener() + "')")
	if out, status := f.plays(play); status == 0 || recap(out) != "gateway1 ok=0 changed=0 unreachable=1 failed=0\n" {
		t.Errorf("gateway1 is away: status %d\n%s", status, out)
	}
	if f.gateways[0].confirmed() == old[0] {
		t.Error("gateway1 holds the old rules")
	}
	for i, g := range f.gateways[1:] {
		if now := g.confirmed(); now != old[i+1] {
			t.Errorf("gateway%d has %+v, and had %+v", i+2, now, old[i+1])
		}
	}
	f.passes("203.0.113.33:3478", "nothing", "nothing")
}

// changed is what Ansible counts of a gateway that takes a site and keeps it.
const changed = " ok=4 changed=3 unreachable=0 failed=0\n"

func (f *fleet) reachesAll(play string) {
	f.Helper()
	if out, status := f.plays(play); status != 0 || recap(out) != "gateway1"+changed+"gateway2"+changed+"gateway3"+changed {
		f.Fatalf("status %d\n%s", status, out)
	}
	for i, g := range f.gateways {
		if sessions := strings.Count(g.must("cat sshd.log"), "Accepted publickey"); sessions != 2 {
			f.Errorf("gateway%d: %d SSH sessions; expect one to apply from and one to confirm from", i+1, sessions)
		}
	}
	f.passes("nothing", "nothing", "nothing")
}

func (f *fleet) stopsAtTheSecond(play string) {
	f.Helper()
	sites := "sha256sum /etc/gatewright/*.json"
	before := f.gateways[2].must(sites)
	out, status := f.plays(play + ` -e 'confirm_within={{ "25s" if "gateway2" in inventory_hostname else "60s" }}'`)
	if status == 0 || recap(out) != "gateway1"+changed+"gateway2 ok=2 changed=2 unreachable=0 failed=1\n" {
		f.Errorf("status %d\n%s", status, out)
	}
	if !strings.Contains(out, "fatal: [gateway2.example.com -> client2.example.com]: FAILED!") ||
		!strings.Contains(out, "client2.example.com does not reach the portal through gateway2.example.com, which brings its old rules back within 25s") {
		f.Errorf("Ansible does not tell who failed:\n%s", out)
	}
	if after := f.gateways[2].must(sites); after != before || strings.Contains(out, "[gateway3") {
		f.Errorf("gateway3 was touched:\n%s", out)
	}
}

// machine is what a gateway runs, and what it would load if it started.
type machine struct{ rules, boot string }

// confirmed returns what a gateway runs, and holds that boot loads it and that nothing
// waits for confirmation.
func (h *host) confirmed() machine {
	h.Helper()
	m := machine{h.ruleset(), h.must("cat /etc/gatewright/gatewright.nft")}
	if !strings.Contains(m.rules, "gatewright_outbound") || h.reload("/etc/gatewright/gatewright.nft") != m.rules {
		h.Errorf("boot loads other rules than run: %+v", m)
	}
	if out, status := h.sh("gatewright confirm"); status != exitFailed || !strings.HasPrefix(out, "gatewright: error: no apply waits for confirmation") {
		h.Errorf("status %d\n%s", status, out)
	}
	return m
}

// listener matches the command line of a gateway's sshd, and not of what it has
// started.
func (h *host) listener() string { return "^sshd: /usr/sbin/sshd .*" + h.dir + "/sshd " }

// losesSession kills everything below a gateway's sshd, and its client, while an apply
// at its terminal waits for an answer: the old rules come back.
func (f *fleet) losesSession(g *host) {
	f.Helper()
	old := g.ruleset()
	ssh := f.command("sh", "-c", "exec ssh -tt gateway3.example.com 'cd /etc/gatewright && gatewright apply nftables --set nftables.wan=wan0 --confirm 3s; sleep 100' >session 2>&1")
	if _, err := ssh.StdinPipe(); err != nil {
		f.Fatal(err)
	}
	if err := ssh.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { ssh.Process.Kill(); ssh.Wait() })
	f.must("timeout 20 sh -c 'until grep -q \"type y and Enter\" session; do sleep 0.05; done' || { cat session; exit 1; }")
	killed := g.must(`below() (for pid in $(pgrep -P $1); do below $pid; echo $pid; done)
		all=$(below $(pgrep -of '` + g.listener() + `')); ps -o args= -p $(echo $all | tr ' ' ,); kill -9 $all`)
	if err := ssh.Wait(); err == nil || !strings.Contains(killed, "sshd: root@") || !strings.Contains(killed, "gatewright apply nftables") {
		f.Errorf("the session did not end: %v\n%s", err, killed)
	}
	if g.ruleset() == old {
		f.Error("apply changed nothing")
	}
	g.ended()
	g.holds("old", old)
}
