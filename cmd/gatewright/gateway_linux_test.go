package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// gatewayNetwork is what lies around the gateway of examples/gateway: clients and a
// mail server behind lan0, and the rest of the world behind wan0. Programs of theirs
// run in the namespaces lan and net.
const gatewayNetwork = `set -e
for side in lan net; do ip netns add $side; ip -n $side link set lo up; done
ip link add lan0 type veth peer name eth0 netns lan
ip link add wan0 type veth peer name eth0 netns net
ip addr add 10.20.0.1/24 dev lan0; ip link set lan0 up
ip addr add 192.0.2.1/24 dev wan0; ip link set wan0 up
ip -n lan addr add 10.20.0.10/24 dev eth0; ip -n lan addr add 10.20.1.25/32 dev lo; ip -n lan link set eth0 up
ip -n lan route add default via 10.20.0.1
ip route add 10.20.1.25 via 10.20.0.10
ip -n net addr add 192.0.2.2/24 dev eth0; ip -n net link set eth0 up
ip -n net route add 10.20.0.0/16 via 192.0.2.1
for address in 203.0.113.17 203.0.113.33 203.0.113.80 203.0.113.200 198.51.100.5 198.51.100.77; do ip -n net addr add $address/32 dev lo; done
ip route add 203.0.113.0/24 via 192.0.2.2; ip route add 198.51.100.0/24 via 192.0.2.2
sysctl -qw net.ipv4.ip_forward=1
`

// gatewayHosts is what Squid and the clients know of names.
const gatewayHosts = `203.0.113.17 portal.example.com
203.0.113.80 files.updates.example.net
203.0.113.200 www.example.org
`

// answers is a program that answers every TCP connection and UDP packet with the
// address that it came to, and serves a folder by HTTP. Its arguments are
// tcp:ADDRESS:PORT, udp:ADDRESS:PORT and http:ADDRESS:PORT:FOLDER.
const answers = `
const [net, dgram, http, fs] = ['net', 'dgram', 'http', 'fs'].map(require);
let left = process.argv.length - 2;
const ready = () => --left || console.log('ready');
for (const arg of process.argv.slice(2)) {
  const [kind, address, port, folder] = arg.split(':');
  const said = address + ':' + port;
  if (kind === 'tcp') net.createServer(c => { c.on('error', () => {}); c.end(said); }).listen(port, address, ready);
  if (kind === 'udp') { const s = dgram.createSocket('udp4'); s.on('message', (m, from) => s.send(said, from.port, from.address)); s.bind(port, address, ready); }
  if (kind === 'http') http.createServer((q, a) => fs.readFile(folder + q.url, (e, d) => { a.statusCode = e ? 404 : 200; a.end(d); })).listen(port, address, ready);
}`

// asks is one that makes requests as browsers do, all at once and for a second, and
// prints what came of each a line. Its arguments are the hosts file, and then
// FROM-tcp:ADDRESS:PORT, FROM-udp:ADDRESS:PORT, and https://NAME/, which goes the way
// that the PAC file says.
const asks = `
const [net, dgram, http, fs, vm] = ['net', 'dgram', 'http', 'fs', 'vm'].map(require);
const hosts = {};
for (const line of fs.readFileSync(process.argv[2], 'utf8').trim().split('\n')) { const [address, name] = line.split(' '); hosts[name] = address; }
const soon = work => new Promise(done => { work(done); setTimeout(() => done('nothing'), 1000); });
const tcp = (from, address, port) => soon(done => net.connect({ host: address, port, localAddress: from }).on('data', d => done(d.toString())).on('error', e => done(e.code)));
const udp = (from, address, port) => soon(done => { const s = dgram.createSocket('udp4'); s.bind(0, from, () => s.send('?', port, address)); s.on('message', m => { done(m.toString()); s.close(); }); });
const connect = (proxy, name) => soon(done => { const [host, port] = proxy.split(':');
  http.request({ host, port, method: 'CONNECT', path: name + ':443' }).on('connect', (a, c, head) => a.statusCode !== 200 ? done(a.statusCode) : head.length ? done(head.toString()) : c.on('data', d => done(d.toString()))).on('error', e => done(e.code)).end(); });
const pac = () => soon(done => http.get('http://10.20.0.1/proxy.pac', a => { let text = ''; a.on('data', d => text += d); a.on('end', () => { const c = {}; vm.runInNewContext(text, c); done(c.FindProxyForURL); }); }));
const said = async arg => {
  if (arg.startsWith('https:')) {
    const name = new URL(arg).hostname, way = (await pac())(arg, name);
    return way + ' ' + (way === 'DIRECT' ? await tcp('10.20.0.10', hosts[name], 443) : await connect(way.split(' ')[1], name));
  }
  const [kind, address, port] = arg.split(':'), [from, protocol] = kind.split('-');
  return (protocol === 'tcp' ? tcp : udp)(from, address, port);
};
const args = process.argv.slice(3);
Promise.all(args.map(said)).then(all => { all.forEach((what, i) => console.log(args[i] + ' ' + what)); process.exit(); });`

// TestGateway holds that the gateway of examples/gateway passes what its site lists, by
// real requests on every way, and nothing else; and that apply makes it so.
func TestGateway(t *testing.T) {
	h := squidHost(t)
	if err := os.CopyFS(h.dir, os.DirFS(filepath.Join(repository, "examples", "gateway"))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"serve.js": answers, "ask.js": asks, "hosts": gatewayHosts} {
		h.writes(name, text)
	}
	h.must(gatewayNetwork + "cp hosts /etc/squid/hosts; squid -k reconfigure; mount -t tmpfs own /srv; mkdir /srv/pac")
	h.serves("ip netns exec net", "tcp:203.0.113.17:443", "tcp:203.0.113.17:80", "udp:203.0.113.33:3478", "udp:203.0.113.33:53", "tcp:203.0.113.33:443", "tcp:203.0.113.80:443", "tcp:203.0.113.200:443")
	h.serves("ip netns exec lan", "tcp:10.20.1.25:25", "tcp:10.20.1.25:80", "tcp:10.20.0.10:25")
	h.serves("", "http:10.20.0.1:80:/srv/pac")

	h.must("gatewright apply nftables squid pac -q -o boot")
	h.want("gatewright drift", "gatewright.json and this machine: no difference\n", 0)
	for _, generator := range []string{"nftables", "squid", "pac"} {
		h.want(driftUnit(t, generator), "gatewright.json and this machine: no difference\n", 0)
	}
	h.want("ip netns exec lan node ask.js hosts https://portal.example.com/ https://files.updates.example.net/ https://www.example.org/"+
		" 10.20.0.10-tcp:203.0.113.17:443 10.20.0.10-tcp:203.0.113.17:80 10.20.0.10-udp:203.0.113.33:3478 10.20.0.10-udp:203.0.113.33:53 10.20.0.10-tcp:203.0.113.33:443"+
		" 10.20.0.10-tcp:203.0.113.80:443 10.20.0.10-tcp:203.0.113.200:443 10.20.1.25-tcp:203.0.113.17:443",
		`https://portal.example.com/ DIRECT 203.0.113.17:443
https://files.updates.example.net/ PROXY 10.20.0.1:3128 203.0.113.80:443
https://www.example.org/ PROXY 10.20.0.1:3128 403
10.20.0.10-tcp:203.0.113.17:443 203.0.113.17:443
10.20.0.10-tcp:203.0.113.17:80 nothing
10.20.0.10-udp:203.0.113.33:3478 203.0.113.33:3478
10.20.0.10-udp:203.0.113.33:53 nothing
10.20.0.10-tcp:203.0.113.33:443 nothing
10.20.0.10-tcp:203.0.113.80:443 nothing
10.20.0.10-tcp:203.0.113.200:443 nothing
10.20.1.25-tcp:203.0.113.17:443 nothing
`, 0)
	h.want("ip netns exec net node ask.js hosts 198.51.100.5-tcp:10.20.1.25:25 198.51.100.5-tcp:10.20.1.25:80 198.51.100.5-tcp:10.20.0.10:25 198.51.100.77-tcp:10.20.1.25:25",
		`198.51.100.5-tcp:10.20.1.25:25 10.20.1.25:25
198.51.100.5-tcp:10.20.1.25:80 nothing
198.51.100.5-tcp:10.20.0.10:25 nothing
198.51.100.77-tcp:10.20.1.25:25 nothing
`, 0)
}

// serves starts serve on the host, or where the words before it lead, and waits until
// it answers.
func (h *host) serves(where string, what ...string) {
	h.Helper()
	server := h.command(append(append(strings.Fields(where), "node", "serve.js"), what...)...)
	server.Stderr = os.Stderr
	out, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { server.Process.Kill(); server.Wait() })
	if said, err := bufio.NewReader(out).ReadString('\n'); said != "ready\n" {
		h.Fatal(strings.Join(what, " "), ": ", said, err)
	}
}
