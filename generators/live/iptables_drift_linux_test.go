package live

import (
	"slices"
	"strings"
	"testing"
)

// handMade is what somebody may change by hand, and what has to be changed to mend it.
// ONE and TWO are chains of rules, SET is a set.
var handMade = []struct {
	by   string
	want []string
}{
	{"iptables -A gatewright_inbound -s 192.0.2.1 -j ACCEPT", []string{"- rule gatewright_inbound of iptables: -s 192.0.2.1/32 -j ACCEPT"}},
	{"ip6tables -I FORWARD -s 2001:db8:5::/48 -j ACCEPT", []string{"- rule FORWARD of ip6tables: -s 2001:db8:5::/48 -j ACCEPT"}},
	{"iptables -I FORWARD 4 -j LOG --log-prefix 'a \"b\" '", []string{`- rule FORWARD of iptables: -j LOG --log-prefix "a \"b\" "`}},
	{"iptables -P FORWARD ACCEPT", []string{"- policy FORWARD of iptables: ACCEPT", "+ policy FORWARD of iptables: DROP"}},
	{"ip6tables -P FORWARD ACCEPT", []string{"- policy FORWARD of ip6tables: ACCEPT", "+ policy FORWARD of ip6tables: DROP"}},
	{"iptables -D FORWARD -j gatewright_outbound", []string{"+ rule FORWARD of iptables: -j gatewright_outbound"}},
	{"iptables -D FORWARD 3", []string{`+ rule FORWARD of iptables: -s 198.51.100.0/24 -p tcp --dport 22 -m comment --comment "option admin" -j ACCEPT`}},
	{"iptables -R FORWARD 2 -m conntrack --ctstate INVALID -j ACCEPT", []string{"- rule FORWARD of iptables: -m conntrack --ctstate INVALID -j ACCEPT", "+ rule FORWARD of iptables: -m conntrack --ctstate INVALID -j DROP"}},
	{"iptables -R FORWARD 2 -m conntrack --ctstate NEW -j DROP", []string{"- rule FORWARD of iptables: -m conntrack --ctstate NEW -j DROP", "+ rule FORWARD of iptables: -m conntrack --ctstate INVALID -j DROP"}},
	{"iptables -D FORWARD -j gatewright_inbound; iptables -I FORWARD -j gatewright_inbound", []string{"- rule FORWARD of iptables: -j gatewright_inbound", "+ rule FORWARD of iptables: -j gatewright_inbound"}},
	{"iptables -F gatewright_outbound", []string{"+ rule gatewright_outbound of iptables: -s 10.0.0.0/8 -g gw_OUT"}},
	{"iptables -R gatewright_outbound 1 -s 10.0.0.0/9 -g gw_OUT", []string{"- rule gatewright_outbound of iptables: -s 10.0.0.0/9 -g gw_OUT", "+ rule gatewright_outbound of iptables: -s 10.0.0.0/8 -g gw_OUT"}},
	{"iptables -R gatewright_outbound 1 -s 10.0.0.0/8 -j gw_OUT", []string{"- rule gatewright_outbound of iptables: -s 10.0.0.0/8 -j gw_OUT", "+ rule gatewright_outbound of iptables: -s 10.0.0.0/8 -g gw_OUT"}},
	{"iptables -R gatewright_outbound 1 ! -s 10.0.0.0/8 -g gw_OUT", []string{"- rule gatewright_outbound of iptables: ! -s 10.0.0.0/8 -g gw_OUT", "+ rule gatewright_outbound of iptables: -s 10.0.0.0/8 -g gw_OUT"}},
	{"iptables -A gw_OUT -d 198.51.100.7 -g TWO", []string{"- rule gw_OUT of iptables: -d 198.51.100.7/32 -g TWO"}},
	{"iptables -A gw_OUT -d 203.0.113.64/28 -g TWO", []string{"- rule gw_OUT of iptables: -d 203.0.113.64/28 -g TWO"}},
	{"iptables -I gw_OUT -i eth7 -j RETURN", []string{"- rule gw_OUT of iptables: -i eth7 -j RETURN"}},
	{"iptables -D TWO 2", []string{`+ rule TWO of iptables: -p udp --dport 3478:3481 -m comment --comment "two-out-b9pqmt5rp: own/two (row 7): Title of own/two" -j ACCEPT`}},
	{`iptables -R TWO 2 -p udp --dport 3478:3482 -m comment --comment "two-out-b9pqmt5rp: own/two (row 7): Title of own/two" -j ACCEPT`, []string{
		`- rule TWO of iptables: -p udp -m udp --dport 3478:3482 -m comment --comment "two-out-b9pqmt5rp: own/two (row 7): Title of own/two" -j ACCEPT`,
		`+ rule TWO of iptables: -p udp --dport 3478:3481 -m comment --comment "two-out-b9pqmt5rp: own/two (row 7): Title of own/two" -j ACCEPT`}},
	{`iptables -R TWO 2 -p udp --dport 3478:3481 -m multiport --dports 1:65535 -m comment --comment "two-out-b9pqmt5rp: own/two (row 7): Title of own/two" -j ACCEPT`, []string{
		`- rule TWO of iptables: -p udp -m udp --dport 3478:3481 -m multiport --dports 1:65535 -m comment --comment "two-out-b9pqmt5rp: own/two (row 7): Title of own/two" -j ACCEPT`,
		`+ rule TWO of iptables: -p udp --dport 3478:3481 -m comment --comment "two-out-b9pqmt5rp: own/two (row 7): Title of own/two" -j ACCEPT`}},
	{`iptables -R TWO 2 -p udp --dport 3478:3481 -m comment --comment changed -j ACCEPT`, []string{
		`- rule TWO of iptables: -p udp -m udp --dport 3478:3481 -m comment --comment changed -j ACCEPT`,
		`+ rule TWO of iptables: -p udp --dport 3478:3481 -m comment --comment "two-out-b9pqmt5rp: own/two (row 7): Title of own/two" -j ACCEPT`}},
	{`iptables -I TWO -p tcp --dport 25 -m limit --limit 5/sec -j ACCEPT`, []string{`- rule TWO of iptables: -p tcp -m tcp --dport 25 -m limit --limit 5/sec -j ACCEPT`}},
	{"iptables -N gw_hand; iptables -A gw_hand -j ACCEPT; iptables -A gatewright_inbound -g gw_hand", []string{
		"- chain gw_hand of iptables", "- rule gw_hand of iptables: -j ACCEPT", "- rule gatewright_inbound of iptables: -g gw_hand"}},
	{"iptables -t mangle -N gatewright_forward; iptables -t mangle -A gatewright_forward -j MARK --set-mark 7", []string{
		"- chain gatewright_forward of iptables, table mangle", "- rule gatewright_forward of iptables, table mangle: -j MARK --set-xmark 0x7/0xffffffff"}},
	{"iptables -N gw_empty", []string{"- chain gw_empty of iptables"}},
	{"iptables -E gw_dns_from gw_dns_others", []string{
		"- chain gw_dns_others of iptables", "- rule gw_dns_others of iptables: -s 10.0.0.0/8 -g gw_dns_accept",
		"- rule gw_dns of iptables: -d 10.9.9.9/32 -g gw_dns_others", "+ rule gw_dns of iptables: -d 10.9.9.9/32 -g gw_dns_from",
		"+ chain gw_dns_from of iptables", "+ rule gw_dns_from of iptables: -s 10.0.0.0/8 -g gw_dns_accept"}},
	{"ip6tables -F FORWARD", []string{
		"+ rule FORWARD of ip6tables: -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "+ rule FORWARD of ip6tables: -m conntrack --ctstate INVALID -j DROP",
		"+ rule FORWARD of ip6tables: -j gatewright_outbound", "+ rule FORWARD of ip6tables: -j gatewright_inbound"}},
	{"ipset add SET 192.0.2.128/25", []string{"- element SET: 192.0.2.128/25"}},
	{"ipset add SET 20.0.0.1", []string{"- element SET: 20.0.0.1"}}, // within an element of ours
	{"ipset add SET 20.0.0.2 nomatch", []string{"- element SET: 20.0.0.2 nomatch"}},
	{"ipset del SET 20.0.0.0/28", []string{"+ element SET: 20.0.0.0/28"}},
	{"ipset create gw_hand hash:ip; ipset add gw_hand 192.0.2.1", []string{"- set gw_hand", "- element gw_hand: 192.0.2.1"}},
	{"ipset create gw_other hash:net timeout 600; ipset save SET | sed '/create/d; s/SET/gw_other/; s/$/ timeout 60/' | ipset restore; ipset swap SET gw_other; ipset destroy gw_other",
		[]string{"- set SET (hash:net family inet timeout 600)", "+ set SET (hash:net family inet)"}},
	{"ipset save SET | sed '/create/d; / 20.0.[01].0.28/d; s/SET/gw_other/' >/tmp/sets.$$; ipset create gw_other hash:net; ipset restore </tmp/sets.$$; rm /tmp/sets.$$; ipset swap SET gw_other; ipset destroy gw_other",
		[]string{"+ element SET: 20.0.0.0/28", "+ element SET: 20.0.1.0/28"}},
}

// TestIptablesDrift changes by hand what runs, in every way above, holds that the
// change is shown and nothing else, and mends it.
func TestIptablesDrift(t *testing.T) {
	names := strings.NewReplacer("ONE", "gw_out-rm3t3jdb5", "TWO", "gw_out-b9pqmt5rp", "SET", "gw_out-rm3t3jdb5_329a008856")
	variants(t, func(t *testing.T, stand func(testing.TB) *stand) {
		s, p := stand(t), policies(t)[1]
		s.apply(p, enforceForward)
		before := s.rules()
		for _, h := range handMade {
			s.sh(names.Replace(h.by))
			c, want := s.compare(p, enforceForward), []string{}
			for _, w := range h.want {
				want = append(want, names.Replace(w))
			}
			got := texts(c)
			if !slices.Equal(sorted(got), sorted(want)) {
				t.Errorf("%s\nshows %q\nwant  %q", h.by, got, want)
			}
			s.apply(p, enforceForward)
			if after := s.rules(); after != before {
				t.Fatalf("%s\nis not mended\n%s\nwant\n%s", h.by, onlyIn(after, before), onlyIn(before, after))
			}
		}
	})
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// TestIptablesNoDrift holds that what changes by itself, and what is not ours, is none.
func TestIptablesNoDrift(t *testing.T) {
	variants(t, func(t *testing.T, stand func(testing.TB) *stand) {
		s, p := stand(t), policies(t)[1]
		s.apply(p, chainsForward)
		s.sh(siteRules + `
			iptables -A FORWARD -j gatewright_outbound; iptables -I FORWARD -s 192.0.2.0/24 -j DROP; iptables -P FORWARD DROP
			iptables -A mine -m set --match-set gw_out-rm3t3jdb5_329a008856 dst -j DROP
			iptables -Z; iptables -N gateway; iptables -A gateway -j ACCEPT
			ip link set lo up; ip addr add 10.0.0.1 dev lo; ip addr add 20.0.0.1 dev lo; iptables -A OUTPUT -j gatewright_outbound
			echo x > /dev/udp/20.0.0.1/3478 || true
			iptables -L gw_out-rm3t3jdb5 -vxn`)
		if c := s.compare(p, chainsForward); !c.IsEmpty() {
			t.Errorf("shows %q", texts(c))
		}
	})
}
