package nftables

import (
	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
)

// Hooks, and the base chains of the same names in a table of our own.
const (
	inputHook   name = "input"
	forwardHook name = "forward"
	outputHook  name = "output"
)

// Comments of the lines that a guard has by options and bindings.
const (
	adminComment    ruleComment = "option admin"
	resolverComment ruleComment = "DNS to role resolver"
)

// hooks returns every hook that a flow can pass.
func hooks() []name { return []name{inputHook, forwardHook, outputHook} }

// jumps returns the chains whose flows pass the hook.
func (c config) jumps(hook name) []name {
	switch {
	case c.Place == artefact.PlaceForward && hook == forwardHook:
		return []name{outboundChain, inboundChain}
	case c.Place == artefact.PlaceHost && hook == inputHook:
		return []name{inboundChain}
	case c.Place == artefact.PlaceHost && hook == outputHook:
		return []name{outboundChain}
	}
	return nil
}

// hookView is one base chain of our own. All three are always declared and flushed,
// so that no rule of an earlier mode or place stays behind.
type hookView struct {
	Table  tableSpec
	Name   name
	Policy keyword
	Clear  bits       // mask of the bits of the mark that stay; empty for all
	Guard  *guardView // nil if the hook drops nothing
	Jumps  []name
}

// guardView is what a hook that drops by default must know beside the policy.
type guardView struct {
	Loopback         keyword // "iif" or "oif"; empty on the forward hook, which has neither loopback nor neighbours
	Invalid, Dropped name    // counters
	Lines            []lineView
}

func (b *builder) addHooks() {
	for _, hook := range hooks() {
		v := b.config.hook(hook)
		if v.Guard != nil && hook != outputHook {
			b.addAdmin(v.Guard, hook)
		}
		if v.Guard != nil && hook != inputHook {
			b.addResolver(v.Guard, hook)
		}
		b.view.Hooks = append(b.view.Hooks, v)
	}
}

// hook is what a base chain holds whatever the policy is.
func (c config) hook(hook name) hookView {
	v := hookView{Table: c.table, Name: hook, Policy: "accept", Jumps: c.jumps(hook)}
	if c.Mode == artefact.ModeMark {
		v.Clear = bitsOf(^c.Mark)
	}
	if c.Mode != artefact.ModeEnforce || len(v.Jumps) == 0 {
		return v
	}
	v.Policy, v.Guard = "drop", &guardView{Invalid: nameOf(hook.slug(), "invalid"), Dropped: nameOf(hook.slug(), "dropped")}
	switch hook {
	case inputHook:
		v.Guard.Loopback = "iif"
	case outputHook:
		v.Guard.Loopback = "oif"
	}
	return v
}

// addAdmin lets administrators in.
func (b *builder) addAdmin(v *guardView, hook name) {
	line := lineView{Table: b.config.table, Chain: hook, Comment: adminComment}
	for _, a := range b.config.Admin {
		line.Family, line.Source = familyOf(a.From.Addr()), prefixAddresses(a.From)
		v.addServices(line, a.Services)
	}
}

// addResolver lets the addresses of the roles ask the role resolver, if it is bound.
func (b *builder) addResolver(v *guardView, hook name) {
	const resolver = "resolver"
	dns := netset.PortRange{First: 53, Last: 53}
	services := netset.ServiceSetOf(netset.Service{Protocol: netset.TCP, Ports: dns}, netset.Service{Protocol: netset.UDP, Ports: dns})
	servers, local := b.policy.Binding(resolver).Local(), b.config.Local(b.policy)
	line := lineView{Table: b.config.table, Chain: hook, Comment: resolverComment}
	for _, f := range b.config.families {
		to, from := f.of(servers), f.of(local)
		if to.IsEmpty() || from.IsEmpty() {
			continue
		}
		line.Source = b.localSet(f, from, "local").addresses()
		line.Destination = b.localSet(f, to, "role", resolver).addresses()
		line.Family = f
		v.addServices(line, services)
	}
}

// addServices adds one line per protocol.
func (v *guardView) addServices(line lineView, services netset.ServiceSet) {
	for _, protocol := range []netset.Protocol{netset.TCP, netset.UDP} {
		if ranges := services.Ports(protocol); len(ranges) > 0 {
			line.Protocol, line.Ports = protocolOf(protocol), portsOf(ranges)
			v.Lines = append(v.Lines, line)
		}
	}
}
