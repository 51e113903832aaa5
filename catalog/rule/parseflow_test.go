package rule

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"gatewright/catalog/netset"
)

func TestParseFlow(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"outbound tcp outlook.office365.com:443", "outbound tcp outlook.office365.com:443"},
		{"outbound udp 13.107.64.1:3478 from 10.0.0.5", "outbound udp 13.107.64.1:3478 from 10.0.0.5"},
		{"Outbound TCP Outlook.Office365.COM.:443 from skype", "outbound tcp outlook.office365.com:443 from skype"},
		{"outbound tcp [2001:db8::1]:443 from fd00::1", "outbound tcp [2001:db8::1]:443 from fd00::1"},
		{"outbound tcp www.example.com=192.0.2.1:443", "outbound tcp www.example.com=192.0.2.1:443"},
		{"outbound tcp www.example.com=[2001:db8::1]:443", "outbound tcp www.example.com=[2001:db8::1]:443"},
		{"outbound ::ffff:192.0.2.1", "outbound 192.0.2.1"},
		{"inbound tcp 52.125.128.9 to exchange:443", "inbound tcp 52.125.128.9 to exchange:443"},
		{"inbound tcp 2001:db8::1 to [fd00::1]:443", "inbound tcp 2001:db8::1 to [fd00::1]:443"},
		{"inbound tcp 203.0.113.7 to sts:8443 published 443", "inbound tcp 203.0.113.7 to sts:8443 published 443"},
		{"inbound tcp 203.0.113.7 to sts:443 published 443", "inbound tcp 203.0.113.7 to sts:443"},
		{"inbound tcp 203.0.113.7 to :443", "inbound tcp 203.0.113.7 to :443"},
		{"inbound 203.0.113.7 to sts", "inbound 203.0.113.7 to sts"},
		{"203.0.113.7 to sts:443", "inbound 203.0.113.7 to sts:443"},
		{"https://Outlook.Office365.com/owa/?x=1#y", "outbound tcp https://outlook.office365.com:443"},
		{"http://user:pw@example.com:8080/a:b@c from clients", "outbound tcp http://example.com:8080 from clients"},
		{"WSS://[2001:db8::1]/", "outbound tcp wss://[2001:db8::1]:443"},
		{"ssh://example.com:22", "outbound tcp ssh://example.com:22"},
		{`http://example.com\@evil.example/`, "outbound tcp http://example.com:80"},
		{"outlook.office365.com", "outlook.office365.com"},
		{"udp 13.107.64.1:3478", "udp 13.107.64.1:3478"},
		{"intranet:80", "intranet:80"},
		{"2001:db8::1", "2001:db8::1"},
		{"[2001:db8::1]:25", "[2001:db8::1]:25"},
	} {
		q, err := ParseFlow(test.text)
		if err != nil || q.String() != test.want {
			t.Errorf("%q is %q, %v; want %q", test.text, q, err, test.want)
		}
	}
}

func TestParseFlowRefuses(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "the remote host is missing"},
		{"outbound tcp", "the remote host is missing"},
		{"outbound icmp example.com", `protocol "icmp" is not supported; write tcp or udp`},
		{"form", `"form" is neither a keyword nor a full name; write the name with its domain, or form:PORT if it is a host; did you mean "from"?`},
		{"outbound tcp ?:443", `"?" has a character that is not allowed in a name; write letters, digits, "-", "_" and ".", and "*" in a pattern`},
		{"outbound tcp example.com:0", `"0" is not a port; write one from 1 to 65535`},
		{"outbound tcp example.com:65536", `"65536" is not a port; write one from 1 to 65535`},
		{"outbound tcp example.com:80-90", `"80-90" is not a port; write one from 1 to 65535`},
		{"outbound tcp example.com:https", `"https" is not a port; write one from 1 to 65535`},
		{"outbound tcp 52.112.0.0/14:443", `"52.112.0.0/14" is not a single address; write one address of the prefix`},
		{"outbound tcp 52.112.0.1.2:443", `"52.112.0.1.2" is not an address; write one such as 192.0.2.1 or [2001:db8::1]`},
		{"outbound tcp 0x0a000001:80", `"0x0a000001" is not an address; write one such as 192.0.2.1 or [2001:db8::1]`},
		{"outbound tcp www.example.0X7f", `"www.example.0X7f" is not an address; write one such as 192.0.2.1 or [2001:db8::1]`},
		{"outbound tcp 127.1=192.0.2.1:80", `"127.1" is not an address; write one such as 192.0.2.1 or [2001:db8::1]`},
		{"outbound tcp any:443", `flow "outbound tcp any:443": "any" means every remote only in "expect"; ask for one address or name; expect ` + Forms},
		{"inbound tcp Any to exchange:25", `"Any" means every remote only in "expect"; ask for one address or name`},
		{"inbound 203.0.113.5 exchange:25", `flow "inbound 203.0.113.5 exchange:25": "exchange:25" follows an inbound flow; write "to exchange:25" if it is our side, or "outbound exchange:25" if it is another flow; expect ` + Forms},
		{"outbound tcp example.com..", "has an empty label"},
		{"outbound tcp fe80::1%eth0", "has a zone"},
		{"outbound tcp *.office.com:443", "is a pattern"},
		{"outbound tcp example.com:443 to exchange:443", "an outbound flow comes from our side"},
		{"outbound tcp example.com:443 from", "our side is missing"},
		{"outbound tcp example.com:443 from host.example.com", "our side is an address or a role"},
		{"outbound tcp example.com:443 from 10.0.0.0/8", `"10.0.0.0/8" is not a single address; write one address of the prefix`},
		{"outbound tcp example.com:443 at noon", `"at noon"`},
		{"inbound tcp 192.0.2.1:443", "the port of an inbound flow is on our side; write 192.0.2.1 to LOCAL:443"},
		{"inbound tcp 192.0.2.1 from exchange:443", "write to LOCAL:PORT"},
		{"inbound https://example.com/", "a URL is always opened by our side; omit inbound, or write the remote's address"},
		{"outbound udp https://example.com/", "a URL is opened over tcp"},
		{"gopher://example.com/", `scheme "gopher" has no known default port; write HOST:PORT`},
		{"://example.com:80", `"" is not a URL scheme; write one such as https, or HOST:PORT without a scheme`},
		{"\x1b[31m://example.com:80", "is not a URL scheme; write one such as https, or HOST:PORT without a scheme"},
		{"2h://example.com:80", "is not a URL scheme; write one such as https, or HOST:PORT without a scheme"},
		{"https://example.com=192.0.2.1/", `"example.com=192.0.2.1" is not a valid host in a URL; write HOST=ADDRESS:PORT without a scheme`},
		{"https://2001:db8::1/", `"2001:db8::1" is not a valid host in a URL; write an IPv6 address in brackets, such as [2001:db8::1]`},
		{"https://::", `"::" is not a valid host in a URL; write an IPv6 address in brackets, such as [2001:db8::1]`},
		{"https:///path", "the remote host is missing"},
		{"inbound tcp 192.0.2.1 to sts published 443", "published is the port before DNAT"},
		{"inbound tcp 192.0.2.1 to sts:8443 published", "the published port is missing"},
		{"aka.ms/hybridwizard", "path"},
		{"published", `"published" is a keyword, not a host`},
		{"tcp=192.0.2.1", `"tcp" is a keyword, not a host`},
	} {
		q, err := ParseFlow(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), Forms) {
			t.Errorf("%q is %q, %v; want an error with %q", test.text, q, err, test.want)
		}
	}
}

// TestParseFlowIsTheInverseOfString asks flows of every shape.
func TestParseFlowIsTheInverseOfString(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	addresses := []netip.Addr{{}, netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("::"), netip.MustParseAddr("::1.2.3.4")}
	names := []string{"", "www.example.com", "intranet", "a.b_c.example", "xn--bcher-kva.example", "from.to"}
	ports := []uint16{1, 80, 443, 65535}
	shapes := map[string]bool{}
	for range 20_000 {
		q := Question{Flow: Flow{
			Direction: []Direction{Outbound, Inbound}[random.IntN(2)],
			Protocol:  []netset.Protocol{netset.TCP, netset.UDP}[random.IntN(2)],
			Port:      ports[random.IntN(len(ports))],
			Name:      names[random.IntN(len(names))],
			Remote:    addresses[random.IntN(len(addresses))],
			Local:     addresses[random.IntN(len(addresses))],
		}}
		if q.Flow.Name == "" && !q.Flow.Remote.IsValid() {
			continue
		}
		if q.Flow.Direction == Inbound && random.IntN(2) == 0 {
			if q.Flow.Published = ports[random.IntN(len(ports))]; q.Flow.Published == q.Flow.Port {
				q.Flow.Published = 0
			}
		}
		if !q.Flow.Local.IsValid() && random.IntN(2) == 0 {
			q.Role = "exchange"
		}
		if q.Flow.Direction == Outbound && q.Flow.Protocol == netset.TCP && (q.Flow.Name == "" || !q.Flow.Remote.IsValid()) {
			q.Scheme = []string{"", "http", "coap+tcp"}[random.IntN(3)]
		}
		again, err := ParseFlow(q.String())
		if err != nil || again != q {
			t.Fatalf("%q is read as %+v, %v; want %+v", q, again, err, q)
		}
		words, err := ParseFlows(strings.Fields(q.String() + " " + q.String()))
		if err != nil || len(words) != 2 || words[0] != q || words[1] != q {
			t.Fatalf("%q twice is read as %+v, %v", q, words, err)
		}
		shapes[strings.Trim(q.String(), "0123456789")] = true
	}
	if len(shapes) < 50 {
		t.Errorf("%d shapes of flows were asked; want many more", len(shapes))
	}
}

// FuzzParseFlow holds that what is read is written so that it is read again.
func FuzzParseFlow(f *testing.F) {
	for _, seed := range []string{
		"outbound tcp outlook.office365.com:443 from clients", "inbound udp 2001:db8::1 to [fd00::1]:8443 published 443",
		"https://user@[2001:db8::1]:8443/path?query", "www.example.com=[2001:db8::1]:443", "tcp ::ffff:192.0.2.1", "a=b=c:1:2", "[::1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseFlow(text)
		if err != nil {
			if q != (Question{}) {
				t.Errorf("%q is refused and yet read as %+v", text, q)
			}
			return
		}
		if again, err := ParseFlow(q.String()); err != nil || again != q {
			t.Errorf("%q is read as %+v; written as %q, which is read as %+v, %v", text, q, q, again, err)
		}
	})
}
