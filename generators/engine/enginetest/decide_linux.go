package enginetest

import (
	"cmp"
	"fmt"
	"net/netip"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// batch is how many probes are under way at once: a CPU's backlog holds 1,000.
const batch = 256

// firstPort is the lowest source port of a probe; a source port is used again after
// 60,000 probes.
const firstPort, sourcePorts = 2000, 60000

// Decide sends the first packet of every flow through the loaded ruleset and
// returns which ones were accepted. Names are not sent. An inbound flow with a
// Published port is sent to a public address that the gateway translates. A flow
// that the site does not carry is an error.
//
// A probe is accepted if it arrives where it was sent to. It was dropped if it has
// not arrived when a barrier that was sent after it has, provided that the
// gateway's counters agree: all probes entered, and as many left as arrived.
func (g *Gateway) Decide(flows []rule.Flow) ([]bool, error) {
	if !g.booted {
		return nil, fmt.Errorf("no ruleset is loaded")
	}
	for _, f := range flows {
		if !g.site.Carries(f) {
			return nil, fmt.Errorf("flow %+v cannot be sent as a packet", f)
		}
	}
	public, view := publish(flows)
	file, err := g.render("published.nft", "published.nft.tmpl", view)
	if err != nil {
		return nil, err
	}
	if err := g.nftLoad(file); err != nil {
		return nil, err
	}
	verdicts := make([]bool, len(flows))
	for start := 0; start < len(flows); start += batch {
		end := min(start+batch, len(flows))
		if err := g.decideBatch(flows[start:end], public, verdicts[start:end]); err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}

// decideBatch sends a batch again, as other probes, if one got lost on the way to
// the gateway or from it.
func (g *Gateway) decideBatch(flows []rule.Flow, public map[publication]netip.Addr, verdicts []bool) error {
	const attempts = 5
	var err error
	for range attempts {
		var arrived map[uint32]bool
		before := g.tag
		if err = pinned(func() error {
			arrived, err = g.exchange(flows, public)
			return err
		}); err != nil {
			return err
		}
		for i := range flows {
			verdicts[i] = arrived[before+uint32(i)+1]
		}
		if err = g.checkCounters(len(flows), len(arrived)); err == nil {
			return nil
		}
	}
	return err
}

// checkCounters compares what was sent and what arrived with the gateway's counts.
func (g *Gateway) checkCounters(sent, arrived int) error {
	now, err := g.count()
	if err != nil {
		return err
	}
	entered, left := now.entered-g.counted.entered, now.left-g.counted.left
	g.counted = now
	if entered != sent || left != arrived {
		return fmt.Errorf("%d probes were sent, %d entered the gateway, %d left it and %d arrived", sent, entered, left, arrived)
	}
	return nil
}

// exchange sends a probe for every flow and returns the tags of those that arrived.
func (g *Gateway) exchange(flows []rule.Flow, public map[publication]netip.Addr) (map[uint32]bool, error) {
	first := g.tag + 1
	for _, f := range flows {
		g.tag++
		if err := g.send(f, g.probe(f, public)); err != nil {
			return nil, fmt.Errorf("send %+v: %w", f, err)
		}
	}
	arrived := map[uint32]bool{}
	take := func(tag uint32) {
		if tag-first < uint32(len(flows)) {
			arrived[tag] = true
		}
	}
	return arrived, g.receive(take)
}

func (g *Gateway) probe(f rule.Flow, public map[publication]netip.Addr) probe {
	p := probe{
		protocol: f.Protocol,
		src:      f.Local, dst: f.Remote,
		srcPort: uint16(firstPort + g.tag%sourcePorts), dstPort: f.Port,
		tag: g.tag,
	}
	if f.Direction == rule.Inbound {
		p.src, p.dst = f.Remote, f.Local
	}
	if published, ok := publicationOf(f); ok {
		p.dst, p.dstPort = public[published], f.Published
	}
	return p
}

func (g *Gateway) send(f rule.Flow, p probe) error {
	switch {
	case f.Direction == rule.Inbound && !(g.local.Contains(f.Remote) && g.local.Contains(f.Local)):
		return g.wan.far.send(frame(g.wan.nearMAC, g.wan.farMAC, p.packet()))
	case g.site.Place == artefact.PlaceHost:
		return g.origin.send(p.dst, p.packet())
	}
	return g.lan.far.send(frame(g.lan.nearMAC, g.lan.farMAC, p.packet()))
}

// receive takes the tags of all probes that have arrived. The first barrier goes
// through the gateway's side of the backlog, so when it is there the gateway has
// judged every probe; the second follows the accepted ones to the far ends.
func (g *Gateway) receive(take func(tag uint32)) error {
	g.round++
	wires := []wire{g.wan, g.lan}
	for _, w := range wires {
		if err := cmp.Or(w.far.barrier(w.nearMAC, g.round), w.near.capture(g.round, func([]byte) {})); err != nil {
			return err
		}
	}
	takeFrame := func(frame []byte) {
		if tag, ok := frameTag(frame); ok {
			take(tag)
		}
	}
	for _, w := range wires {
		if err := cmp.Or(w.near.barrier(w.farMAC, g.round), w.far.capture(g.round, takeFrame)); err != nil {
			return err
		}
	}
	for _, s := range g.delivered {
		if err := s.drain(take); err != nil {
			return err
		}
	}
	return nil
}
