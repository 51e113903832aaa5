package pac

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// TestMinimize shows which endpoints are dropped: those without which each of their
// requests goes the same way.
func TestMinimize(t *testing.T) {
	const direct, other, proxied, again = 0, 1, 2, 3
	routes := []rule.Via{rule.Direct, "a:1", rule.Proxied, rule.Direct}
	for _, c := range []struct {
		claim  string
		grants []rule.Grant
		want   string
	}{
		{"proxied with nothing below", []rule.Grant{
			grant(t, "a", "clients", proxied, "tcp 443", "www.example.com", "*.example.com", "10.0.0.0/8"),
		}, ""},
		{"under its own domain", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 443", "www.example.com", "*.example.com", "*.deep.example.com", "10.0.0.0/8"),
			grant(t, "b", "clients", again, "tcp 443", "10.1.0.0/16"),
		}, "*.example.com 10.0.0.0/8"},
		{"the apex is not below", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 443", "example.com", "*.example.com"),
		}, "*.example.com example.com"},
		{"other ports", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 80,443", "www.example.com", "10.1.0.0/16"),
			grant(t, "b", "clients", direct, "tcp 443", "*.example.com", "10.0.0.0/8"),
		}, "*.example.com 10.0.0.0/8 10.1.0.0/16 www.example.com"},
		{"ports of two below", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 80,443", "www.a.example.com"),
			grant(t, "b", "clients", direct, "tcp 443", "*.a.example.com"),
			grant(t, "c", "clients", again, "tcp 80", "*.example.com"),
		}, "*.a.example.com *.example.com"},
		{"another way in between", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 443", "www.a.example.com", "10.1.1.0/24"),
			grant(t, "b", "clients", other, "tcp 443", "*.a.example.com", "10.1.0.0/16"),
			grant(t, "c", "clients", direct, "tcp 443", "*.example.com", "10.0.0.0/8"),
		}, "*.a.example.com *.example.com 10.0.0.0/8 10.1.0.0/16 10.1.1.0/24 www.a.example.com"},
		{"proxied between", []rule.Grant{
			grant(t, "a", "clients", proxied, "tcp 443", "www.example.com", "*.a.example.com"),
			grant(t, "b", "clients", direct, "tcp 443", "*.example.com"),
		}, "*.a.example.com *.example.com www.example.com"},
		{"a chain to what is unmatched", []rule.Grant{
			grant(t, "a", "clients", proxied, "tcp 443", "www.a.b.example.com", "*.a.b.example.com", "*.b.example.com"),
			grant(t, "b", "clients", direct, "tcp 80", "*.example.com"),
		}, "*.example.com"},
		{"an exact name below a star in a label", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 443", "x-files.example.com", "*-files.example.com"),
		}, "*-files.example.com"},
		{"a tie is the earlier route's", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 443", "x-files.example.com", "*-files.example.com"),
			grant(t, "b", "clients", other, "tcp 443", "x-*.example.com"),
		}, "*-files.example.com x-*.example.com"},
		{"a tie is the other route's", []rule.Grant{
			grant(t, "a", "clients", again, "tcp 443", "x-files.example.com", "*-files.example.com"),
			grant(t, "b", "clients", other, "tcp 443", "x-*.example.com"),
		}, "*-files.example.com x-*.example.com x-files.example.com"},
		{"subdomains that a star in a label meets", []rule.Grant{
			grant(t, "a", "clients", proxied, "tcp 443", "*.a.example.com"),
			grant(t, "b", "clients", direct, "tcp 443", "*.*.example.com"),
			grant(t, "c", "clients", direct, "tcp 443", "*x.a.example.com"),
		}, "*.*.example.com *.a.example.com *x.a.example.com"},
		{"subdomains of which a star in a label meets some", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 443", "*.a.example.com", "*x.a.example.com"),
		}, "*.a.example.com *x.a.example.com"},
		{"subdomains that win a tie with a star in a label", []rule.Grant{
			grant(t, "a", "clients", proxied, "tcp 443", "*.a.example.com"),
			grant(t, "b", "clients", again, "tcp 443", "*x.a.example.com"),
		}, "*.a.example.com *x.a.example.com"},
		{"subdomains of which a more specific pattern meets some", []rule.Grant{
			grant(t, "a", "clients", proxied, "tcp 443", "*.a.example.com"),
			grant(t, "b", "clients", direct, "tcp 443", "*.*.*.example.com"),
		}, "*.*.*.example.com"},
		{"any remote below", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 443", "www.example.com", "10.0.0.0/8"),
			grant(t, "b", "clients", direct, "tcp 1-65535", "any"),
		}, "any"},
		{"any remote proxied", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 443", "www.example.com"),
			grant(t, "b", "clients", proxied, "tcp 443", "any"),
		}, "www.example.com"},
		{"another role", []rule.Grant{
			grant(t, "a", "clients", direct, "tcp 443", "www.example.com"),
			grant(t, "b", "exchange", direct, "tcp 443", "*.example.com"),
		}, "www.example.com"},
	} {
		p := ruletest.Compile(t, rule.Input{Bindings: bindings(t), Routes: routes, Grants: c.grants})
		all := collect(p, []rule.Role{"clients"})
		all.minimize(p.Routes)
		if got := listed(all); got != c.want {
			t.Errorf("%s: left are %q; want %q", c.claim, got, c.want)
		}
	}
}

func listed(all endpoints) string {
	var words []string
	for text := range all.names {
		words = append(words, text)
	}
	for p := range all.prefixes {
		words = append(words, p.String())
	}
	if len(all.any.shares) > 0 {
		words = append(words, "any")
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// TestSharesAreDisjoint holds that of one endpoint's services each port is of the
// earliest route that has it.
func TestSharesAreDisjoint(t *testing.T) {
	p := ruletest.Compile(t, rule.Input{Bindings: bindings(t), Routes: []rule.Via{rule.Direct, rule.Proxied, "a:1"}, Grants: []rule.Grant{
		grant(t, "c", "clients", 2, "tcp 1-1000", "www.example.com"),
		grant(t, "b", "clients", 1, "tcp 80,443", "www.example.com"),
		grant(t, "a", "clients", 0, "tcp 443", "www.example.com"),
		grant(t, "d", "clients", 0, "tcp 8080", "www.example.com"),
	}})
	got := keyOf(collect(p, []rule.Role{"clients"}).names["www.example.com"].shares)
	const want = "0: tcp 443, 8080; 1: tcp 80; 2: tcp 1-79, 81-442, 444-1000; "
	if got != want {
		t.Errorf("shares %s; want %s", fmt.Sprint(got), want)
	}
}
