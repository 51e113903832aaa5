package rule

import (
	"net/netip"
	"strconv"
	"strings"
)

// Question is a flow as a person writes it: what the text leaves open is zero in
// Flow, and Policy.Complete and Policy.LocalGroups fill it in.
type Question struct {
	Flow   Flow
	Role   Role   // who on our side, where the text names a role in place of an address
	Scheme string // of the URL, lower case, if the text has one: a proxy is asked by it
}

// String returns the flow as ParseFlow reads it, such as
// "outbound tcp outlook.example.com:443 from 10.0.0.1" or
// "inbound udp 192.0.2.1 to 10.0.0.5:8443 published 443"; of a URL it has the scheme,
// "outbound tcp https://www.example.com:443". A name whose address is
// known is written with it, "name=address". An unknown remote, which ParseFlow
// refuses, is "?".
func (f Flow) String() string { return Question{Flow: f}.String() }

// String returns the question as ParseFlow reads it.
func (q Question) String() string {
	f := q.Flow
	var words []string
	say := func(said bool, word ...string) {
		if said {
			words = append(words, word...)
		}
	}
	say(f.Direction != "", string(f.Direction))
	say(f.Protocol != 0, f.Protocol.String())
	if f.Direction == Inbound {
		say(true, remoteText(f, f.Remote.String()))
		local := q.localText(hostText)
		say(local != "" || f.Port != 0, "to", local+portText(f.Port))
		say(f.Published != 0 && f.Published != f.Port, "published", strconv.Itoa(int(f.Published)))
		return strings.Join(words, " ")
	}
	address := f.Remote.String()
	if f.Port != 0 {
		address = hostText(f.Remote)
	}
	remote := remoteText(f, address) + portText(f.Port)
	if q.Scheme != "" {
		remote = q.Scheme + "://" + remote
	}
	say(true, remote)
	local := q.localText(netip.Addr.String)
	say(local != "", "from", local)
	return strings.Join(words, " ")
}

// remoteText is the remote by its name, its address as written, or both.
func remoteText(f Flow, address string) string {
	switch {
	case f.Name == "" && !f.Remote.IsValid():
		return "?"
	case f.Name == "":
		return address
	case !f.Remote.IsValid():
		return f.Name
	}
	return f.Name + "=" + address
}

func (q Question) localText(address func(netip.Addr) string) string {
	if q.Flow.Local.IsValid() {
		return address(q.Flow.Local)
	}
	return string(q.Role)
}

func portText(port uint16) string {
	if port == 0 {
		return ""
	}
	return ":" + strconv.Itoa(int(port))
}

// hostText is an address before a colon and a port.
func hostText(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}
