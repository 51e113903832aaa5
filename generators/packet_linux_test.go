package generators

import (
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"unsafe"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
	"gatewright/catalog/site"
	"gatewright/generators/artefact"
	"gatewright/generators/engine"
	"gatewright/generators/engine/enginetest"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
)

// loaded is a way to have a policy in the kernel, below the site's own chain.
type loaded struct {
	name string
	load func(testing.TB, *enginetest.Machine, *rule.Policy) // nil policy: no rule
}

const (
	nftSite = `add table inet filter
add chain inet filter gatewright_outbound
table inet filter {
	chain site {
		type filter hook output priority 0
		ct state established,related accept
		jump gatewright_outbound
	}
}
`
	iptablesSite = `*filter
-N gatewright_outbound
-A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A OUTPUT -j gatewright_outbound
COMMIT
`
)

func byNFT(t testing.TB, m *enginetest.Machine, p *rule.Policy) {
	t.Helper()
	text := []byte(nftSite)
	if p != nil {
		_, out := rendered(t, nftables.Generator{}, p, nil)
		text = append(text, out.Artefacts[0].Data...)
	}
	if err := m.LoadNFT(text); err != nil {
		t.Fatal(err)
	}
}

// byHand is one set and one rule.
func byHand(t testing.TB, m *enginetest.Machine, p *rule.Policy) {
	t.Helper()
	text := nftSite + "table inet filter {\n\tset s {\n\t\ttype ipv4_addr; flags interval\n\t\telements = { " + p.Rules[0].Remote.Prefixes().V4().String() +
		" }\n\t}\n\tchain gatewright_outbound {\n\t\tip saddr 10.0.0.0/8 udp dport 443 ip daddr @s counter accept\n\t}\n}\n"
	if err := m.LoadNFT([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func byIptables(v engine.Variant) loaded {
	return loaded{"iptables-" + string(v), func(t testing.TB, m *enginetest.Machine, p *rule.Policy) {
		t.Helper()
		files := []artefact.Artefact{{Name: "site.iptables", Data: []byte(iptablesSite)}}
		if p != nil {
			_, out := rendered(t, iptables.Generator{}, p, nil)
			files = append(files, out.Artefacts...)
		}
		if err := m.LoadIptables(v, files); err != nil {
			t.Fatal(err)
		}
	}}
}

// BenchmarkPacket reports what a packet costs against the same without a rule: one of a
// new flow that the first rule accepts, or the last, or none, and one of a flow that is
// established.
func BenchmarkPacket(b *testing.B) {
	filters := []loaded{{"nftables", byNFT}, byIptables(engine.IptablesLegacy), byIptables(engine.IptablesNFT)}
	for _, f := range filters {
		for _, own := range []bool{false, true} {
			for _, n := range []int{1, 10, 50, 500, 2000, 10_000} {
				b.Run(fmt.Sprintf("%s/rules=%d/ownPorts=%t", f.name, n, own), func(b *testing.B) { f.measure(b, rulesOnUDP(b, n, own)) })
			}
		}
	}
	for _, n := range []int{100_000, 1_000_000} {
		p := onUDP(b, ruletest.Large(b, n), false)
		for _, f := range filters {
			b.Run(fmt.Sprintf("%s/prefixes=%d", f.name, n), func(b *testing.B) { f.measure(b, p) })
		}
		b.Run(fmt.Sprintf("nftables/by-hand/prefixes=%d", n), func(b *testing.B) {
			measurePackets(b, p, "by-hand", func(m *enginetest.Machine) { byHand(b, m, p) }, func(m *enginetest.Machine) { byNFT(b, m, p) })
		})
	}
	for _, f := range filters {
		b.Run(f.name+"/M365", func(b *testing.B) { f.measure(b, defaultPolicy(b)) })
		for _, own := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/Azure/ownPorts=%t", f.name, own), func(b *testing.B) {
				f.measure(b, onUDP(b, realPolicy(b, "cloud/azure-*.json", site.ByEntry), own))
			})
		}
	}
}

// rulesOnUDP is n rules of a prefix each, on UDP port 443 or each on one of its own.
func rulesOnUDP(t testing.TB, n int, own bool) *rule.Policy {
	t.Helper()
	in := rule.Input{Bindings: []rule.Binding{{Role: "clients", Addresses: ruletest.Prefixes(t, "10.0.0.0/8")}}}
	for i := range n {
		id := fmt.Sprintf("e%05d", i)
		in.Grants = append(in.Grants, ruletest.Grant(t, "many/"+id, id, rule.Outbound, "clients", "udp 443", fmt.Sprintf("20.%d.%d.0/24", i/256, i%256)))
	}
	return onUDP(t, ruletest.Compile(t, in), own)
}

// defaultPolicy is that of the default catalogues, Microsoft 365 worldwide.
func defaultPolicy(t testing.TB) *rule.Policy {
	t.Helper()
	s := &site.Site{}
	catalogs, err := s.LoadCatalogs(".")
	if err != nil {
		t.Fatal(err)
	}
	result, err := site.Build(s, catalogs)
	if err != nil {
		t.Fatal(err)
	}
	return result.Policy
}

// onUDP puts a policy on UDP port 443 and, if own, each rule on one of its own, too.
func onUDP(t testing.TB, p *rule.Policy, own bool) *rule.Policy {
	t.Helper()
	for i := range p.Rules {
		p.Rules[i].Services = ruletest.Services(t, "udp 443")
		if own {
			p.Rules[i].Services = ruletest.Services(t, fmt.Sprintf("udp 443,%d", 1000+i))
		}
	}
	return p
}

func (f loaded) measure(b *testing.B, p *rule.Policy) {
	measurePackets(b, p, "none", func(m *enginetest.Machine) { f.load(b, m, nil) }, func(m *enginetest.Machine) { f.load(b, m, p) })
}

// measurePackets compares each kind of packet on two machines in turn. The least of
// many rounds is what other work on the machine has not disturbed.
func measurePackets(b *testing.B, p *rule.Policy, other string, loadOther, load func(*enginetest.Machine)) {
	none, with := packetMachine(b), packetMachine(b)
	loadOther(none)
	load(with)
	defer with.Close()
	defer none.Close()
	kinds := []string{"first", "last", "miss", "established"}
	to := []netip.AddrPort{firstOnUDP(p, false), firstOnUDP(p, true), netip.MustParseAddrPort("99.1.1.1:443"), firstOnUDP(p, true)}
	least := make([][2]float64, len(kinds))
	for round := range b.N {
		for i, kind := range kinds {
			from := uint16(1000 + round%100*packets) // not those of other kinds to the same address
			if kind == "established" {
				from += 30_000
			}
			for k, m := range []*enginetest.Machine{none, with} {
				if t := packetTime(b, m, to[i], from, kind == "established"); least[i][k] == 0 || t < least[i][k] {
					least[i][k] = t
				}
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(least[2][0], "ns-"+other)
	for i, kind := range kinds {
		b.ReportMetric(least[i][1]/least[i][0], kind+"-x-"+other)
	}
}

// firstOnUDP is an address and port that the first rule with UDP accepts, or the last.
func firstOnUDP(p *rule.Policy, last bool) (found netip.AddrPort) {
	for i := range p.Rules {
		ports := p.Rules[i].Services.Ports(netset.UDP)
		for first := range p.Rules[i].Remote.Prefixes().V4().Ranges() {
			if len(ports) > 0 && (last || !found.IsValid()) {
				found = netip.AddrPortFrom(first, ports[len(ports)-1].Last)
			}
			break
		}
	}
	return found
}

// packetMachine has every address as its own.
func packetMachine(b *testing.B) *enginetest.Machine {
	b.Helper()
	m, err := enginetest.NewMachine(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.Close)
	if err := m.IP([]byte("link set lo up\naddr add 10.0.0.1/32 dev lo\nroute add local 0.0.0.0/0 dev lo\n")); err != nil {
		b.Fatal(err)
	}
	return m
}

// packetTime is the CPU time in nanoseconds of sending a packet to an address of the
// machine itself, which drops it: nobody reads the receiver's small buffer. Every
// packet of a new flow comes from a port of its own.
func packetTime(b *testing.B, m *enginetest.Machine, to netip.AddrPort, from uint16, established bool) (ns float64) {
	b.Helper()
	err := m.Do(func() error {
		receiver, err := udpSocket(to)
		if err != nil {
			return err
		}
		defer syscall.Close(receiver)
		var senders []int
		for i := range packets {
			sender, err := udpSocket(netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), from+uint16(i)))
			if err != nil {
				return err
			}
			defer syscall.Close(sender)
			if established {
				if err := exchange(sender, receiver, to, from+uint16(i)); err != nil {
					return err
				}
			}
			senders = append(senders, sender)
		}
		before := threadTime()
		for _, sender := range senders {
			if err := send(sender, to); err != nil {
				return err
			}
		}
		ns = (threadTime() - before) / packets
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return ns
}

const packets = 200 // in one measurement

func udpSocket(at netip.AddrPort) (int, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, 1); err != nil {
		return 0, err
	}
	return fd, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())})
}

func send(fd int, to netip.AddrPort) error {
	return syscall.Sendto(fd, []byte{1}, 0, &syscall.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
}

// exchange has both sides send once, so that the flow is established.
func exchange(sender, receiver int, to netip.AddrPort, port uint16) error {
	if err := send(sender, to); err != nil {
		return err
	}
	return send(receiver, netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port))
}

// threadTime is the CPU time of this thread in nanoseconds.
func threadTime() float64 {
	const threadClock = 3 // CLOCK_THREAD_CPUTIME_ID
	var t syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, threadClock, uintptr(unsafe.Pointer(&t)), 0)
	return float64(t.Nano())
}
