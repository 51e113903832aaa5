package enginetest

import (
	"cmp"
	"context"
	"fmt"
	"syscall"

	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
)

// Hardware addresses of the wires' ends, locally administered.
var (
	nearWAN = [6]byte{2, 0, 0, 0, 0, 1}
	farWAN  = [6]byte{2, 0, 0, 0, 0, 2}
	nearLAN = [6]byte{2, 0, 0, 0, 0, 3}
	farLAN  = [6]byte{2, 0, 0, 0, 0, 4}
)

// Gateway is a router in a network namespace of its own: wire wan0 leads to
// everybody else, wire lan0 to the site's local addresses. Rulesets are loaded by
// the real tools, and first packets of flows are sent through the real kernel.
// Its methods must not be called at the same time.
type Gateway struct {
	site   Site
	local  netset.PrefixSet // of the site
	inside *Machine

	wan, lan  wire
	delivered []rawSocket // what the gateway itself receives
	origin    rawSender   // what the gateway itself sends

	booted  bool
	counted counters
	tag     uint32 // of the last probe
	round   uint32 // of the last barrier
}

// wire is a veth pair with taps on both ends.
type wire struct {
	near, far       *tap
	nearMAC, farMAC [6]byte
}

// NewGateway builds the site's network. It needs root and the Debian package
// iproute2; nothing of it outlives the process. Close frees it.
func NewGateway(ctx context.Context, site Site) (*Gateway, error) {
	g := &Gateway{
		site: site, local: site.Local(),
		wan: wire{nearMAC: nearWAN, farMAC: farWAN},
		lan: wire{nearMAC: nearLAN, farMAC: farLAN},
	}
	if err := g.build(ctx); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

func (g *Gateway) build(ctx context.Context) (err error) {
	if g.inside, err = NewMachine(ctx); err != nil {
		return err
	}
	outside, err := NewMachine(ctx)
	if err != nil {
		return err
	}
	defer outside.Close()
	if err := g.buildNetwork(outside); err != nil {
		return err
	}
	if err := outside.IP([]byte("link set wan up\nlink set lan up\n")); err != nil {
		return err
	}
	if err := outside.Do(g.openFarEnds); err != nil {
		return err
	}
	if err := g.inside.Do(g.openNearEnds); err != nil {
		return err
	}
	return cmp.Or(g.wan.settle(), g.lan.settle())
}

// buildNetwork makes links and routes. The far ends have no addresses: whoever
// lives there is played by the taps.
func (g *Gateway) buildNetwork(outside *Machine) error {
	if err := outside.Set(map[string]string{"ipv6/conf/default/disable_ipv6": "1"}); err != nil {
		return err
	}
	text, err := execute("network.ip.tmpl", networkView{
		Wires: []wireView{
			{WAN, textMAC(nearWAN), "wan", textMAC(farWAN), outside.Namespace()},
			{LAN, textMAC(nearLAN), "lan", textMAC(farLAN), outside.Namespace()},
		},
		Routes: g.site.routes(),
	})
	if err != nil {
		return err
	}
	if err := g.inside.Set(map[string]string{
		"ipv4/ip_forward":                  "1",
		"ipv4/conf/all/rp_filter":          "0",
		"ipv4/conf/default/rp_filter":      "0",
		"ipv4/conf/all/send_redirects":     "0",
		"ipv4/conf/default/send_redirects": "0",
		"ipv6/conf/all/forwarding":         "1",
		"ipv6/conf/default/addr_gen_mode":  "1",
	}); err != nil {
		return err
	}
	return g.inside.IP(text)
}

func textMAC(b [6]byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5])
}

func (g *Gateway) openFarEnds() (err error) {
	if g.wan.far, err = openTap("wan", etherTypeAll); err != nil {
		return err
	}
	g.lan.far, err = openTap("lan", etherTypeAll)
	return err
}

func (g *Gateway) openNearEnds() (err error) {
	if g.wan.near, err = openTap(WAN, etherTypeBarrier); err != nil {
		return err
	}
	if g.lan.near, err = openTap(LAN, etherTypeBarrier); err != nil {
		return err
	}
	if g.site.Place != artefact.PlaceHost {
		return nil
	}
	if g.delivered, err = openReceivers(); err != nil {
		return err
	}
	g.origin, err = openSender()
	return err
}

// Close frees the gateway. It may be called more than once.
func (g *Gateway) Close() {
	for _, t := range []*tap{g.wan.near, g.wan.far, g.lan.near, g.lan.far} {
		t.close()
	}
	g.wan, g.lan = wire{}, wire{}
	for _, s := range g.delivered {
		syscall.Close(s.fd)
	}
	g.delivered = nil
	g.origin.close()
	g.origin = rawSender{}
	g.inside.Close()
}
