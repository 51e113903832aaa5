package rule

import (
	"net/netip"
	"strconv"
	"strings"
)

// String returns the flow as it is written on the command line, such as
// "outbound tcp outlook.example.com:443 from 10.0.0.1" or
// "inbound udp 192.0.2.1 to 10.0.0.5:5061". A name whose address is known is
// written with it, "name=address".
func (f Flow) String() string {
	var b strings.Builder
	b.WriteString(string(f.Direction) + " " + f.Protocol.String() + " ")
	port := strconv.Itoa(int(f.Port))
	if f.Published != 0 && f.Published != f.Port {
		port = strconv.Itoa(int(f.Published)) + ">" + port
	}
	if f.Direction == Inbound {
		b.WriteString(f.remoteText() + " to " + bracketed(f.Local) + ":" + port)
		return b.String()
	}
	remote := f.remoteText()
	if f.Remote.Is6() {
		remote = strings.TrimSuffix(remote, f.Remote.String()) + bracketed(f.Remote)
	}
	b.WriteString(remote + ":" + port)
	if f.Local.IsValid() {
		b.WriteString(" from " + f.Local.String())
	}
	return b.String()
}

func (f Flow) remoteText() string {
	switch {
	case f.Name == "" && !f.Remote.IsValid():
		return "?"
	case f.Name == "":
		return f.Remote.String()
	case !f.Remote.IsValid():
		return f.Name
	}
	return f.Name + "=" + f.Remote.String()
}

func bracketed(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "?"
	case a.Is6():
		return "[" + a.String() + "]"
	}
	return a.String()
}
