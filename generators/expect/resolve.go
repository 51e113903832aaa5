package expect

import (
	"errors"
	"fmt"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// TooLargeError says that an expectation is over MaxCost.
type TooLargeError struct{ rule.Expectation }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%q takes more than %d steps to be decided; write narrower patterns, or several expectations", e.Flows, MaxCost)
}

// resolve finds the addresses of our side, and refuses what no flow could ever be.
func (k Asker) resolve(e rule.Expectation) (rule.PatternFlows, error) {
	a := rule.PatternFlows{FlowPattern: e.Flows}
	p := k.Compiled.Policy
	var bound netset.PrefixBuilder
	for _, b := range p.Bindings {
		bound.AddSet(b.Local())
	}
	switch everyone := bound.Build(); {
	case e.Flows.Role != "":
		if a.Locals = p.Binding(e.Flows.Role).Local(); a.Locals.IsEmpty() {
			return a, fmt.Errorf(`role %s is bound to no address, so no flow can match; bind it under "bind", or remove the expectation`, e.Flows.Role)
		}
	case !e.Flows.Local.IsEmpty():
		if a.Locals = e.Flows.Local; !a.Locals.Overlaps(everyone) {
			return a, fmt.Errorf(`no role is bound to an address of %s, so no flow can match; bind one under "bind", or remove the expectation`, e.Flows.Local)
		}
	case e.Expects == rule.ExpectDeny:
		a.Locals = everyone
	case e.Flows.Direction == rule.Inbound:
		return a, errors.New("our side is missing; write to LOCAL:PORTS, with a role or addresses that must be reached")
	default:
		a.Locals = p.Binding(rule.Clients).Local()
	}
	if !a.IsPossible() {
		return a, errors.New("one side has only IPv4 addresses and the other only IPv6 addresses, so no flow can match; name addresses of the same family")
	}
	return a, k.checkServed(e, a)
}

// checkServed refuses to ask a PAC file about machines that it is not for.
func (k Asker) checkServed(e rule.Expectation, a rule.PatternFlows) error {
	for _, o := range k.Outputs {
		if !e.RoutesRequests() || o.Kind != artefact.ProxyChooser || len(o.Reading.Roles) == 0 {
			continue
		}
		var served netset.PrefixBuilder
		var names []string
		for _, r := range o.Reading.Roles {
			served.AddSet(k.Compiled.Policy.Binding(r).Local())
			names = append(names, string(r))
		}
		if !served.Build().Overlaps(a.Locals) {
			return fmt.Errorf("the PAC file is for machines of role %s, which do not include these; name one of its roles after from, or omit from", strings.Join(names, ", "))
		}
	}
	return nil
}

// Carries returns an error that says why a kind of output carries no flow of an
// expectation, or nil.
func Carries(k artefact.Kind, e rule.Expectation) error {
	requests := e.Flows.Direction == rule.Outbound && !e.Flows.Services.Only(netset.TCP).IsEmpty()
	switch {
	case k == artefact.ZoneMap:
		return errors.New("it carries no flows")
	case e.RoutesRequests() && k != artefact.ProxyChooser:
		return fmt.Errorf("it does not choose routes; only a PAC file can be asked for %s", e.Expects)
	case k == artefact.ProxyChooser && !e.RoutesRequests() && e.Expects != rule.ExpectAllow:
		return errors.New("a PAC file blocks nothing; use direct or proxied for it")
	case k != artefact.PacketFilter && !requests:
		return errors.New("it carries only outbound TCP")
	}
	return nil
}
