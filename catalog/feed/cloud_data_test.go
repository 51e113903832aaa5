package feed

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

// The tests of this file read publishers' real files from the folder GATEWRIGHT_DATA,
// and count them by other means.

func realFeed(t *testing.T, pattern string) ([]byte, *catalog.Catalog) {
	t.Helper()
	dir := os.Getenv("GATEWRIGHT_DATA")
	if dir == "" {
		t.Skip("GATEWRIGHT_DATA names no folder of real feeds")
	}
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read(files[0], data, Naming{})
	if err != nil {
		t.Fatal(err)
	}
	return data, c
}

// count is what an independent reader finds in a feed: prefixes by id.
type count map[string][]string

func (c count) add(id, prefix string) { c[id] = append(c[id], prefix) }

// check compares a catalogue with the count, and both with what is known of the file.
func (c count) check(t *testing.T, have *catalog.Catalog, entries, prefixes int) {
	t.Helper()
	listed := 0
	for _, e := range have.Entries {
		want := []netip.Prefix{}
		for _, s := range c[e.ID] {
			listed++
			if !strings.Contains(s, "/") {
				s += "/32"
			}
			p, err := netip.ParsePrefix(s)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, p)
		}
		if !e.Prefixes.Equal(netset.PrefixSetOf(want...)) || len(want) == 0 && len(e.Names) == 0 {
			t.Errorf("%s: %d prefixes are not the %d that are listed", e.ID, e.Prefixes.Len(), len(want))
		}
	}
	if len(have.Entries) != entries || listed != prefixes {
		t.Errorf("%s: %d entries of %d prefixes, want %d and %d", have.Name, len(have.Entries), listed, entries, prefixes)
	}
}

func decode(t *testing.T, data []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatal(err)
	}
}

func TestRealAzure(t *testing.T) {
	data, c := realFeed(t, "cloud/azure-*.json")
	var doc struct {
		Values []struct {
			Name       string
			Properties struct {
				AddressPrefixes []string
				Region          string
				SystemService   string
			}
		}
	}
	decode(t, data, &doc)
	counted := count{}
	for i, v := range doc.Values {
		for _, p := range v.Properties.AddressPrefixes {
			counted.add("azure-public/"+v.Name, p)
		}
		if e := c.Entries[i]; e.Tag != v.Name || e.Region != v.Properties.Region || e.Service != v.Properties.SystemService {
			t.Errorf("%s: tag %q, region %q, service %q", v.Name, e.Tag, e.Region, e.Service)
		}
	}
	counted.check(t, c, 2459, 54831)
}

func TestRealAWS(t *testing.T) {
	data, c := realFeed(t, "cloud/aws-*.json")
	type prefix struct {
		V4      string `json:"ip_prefix"`
		V6      string `json:"ipv6_prefix"`
		Region  string `json:"region"`
		Service string `json:"service"`
	}
	var doc struct {
		V4 []prefix `json:"prefixes"`
		V6 []prefix `json:"ipv6_prefixes"`
	}
	decode(t, data, &doc)
	counted := count{}
	for _, p := range append(doc.V4, doc.V6...) {
		counted.add("aws/"+p.Service+"."+p.Region, p.V4+p.V6)
	}
	counted.check(t, c, 376, 6381)
}

func TestRealGoogle(t *testing.T) {
	for _, test := range []struct {
		file, name        string
		entries, prefixes int
	}{{"cloud/gcp-cloud_*.json", "google-cloud", 30, 433}, {"cloud/google-goog_*.json", "google-goog-2024-04-25", 1, 84}} {
		data, c := realFeed(t, test.file)
		var doc struct {
			Prefixes []struct{ IPv4Prefix, IPv6Prefix, Scope string }
		}
		decode(t, data, &doc)
		counted := count{}
		for _, p := range doc.Prefixes {
			if p.Scope == "" {
				p.Scope = "prefixes"
			}
			counted.add(test.name+"/"+p.Scope, p.IPv4Prefix+p.IPv6Prefix)
		}
		counted.check(t, c, test.entries, test.prefixes)
	}
}

func TestRealGitHub(t *testing.T) {
	data, c := realFeed(t, "cloud/github-*.json")
	var doc map[string]json.RawMessage
	decode(t, data, &doc)
	counted, names := count{}, 0
	for key, value := range doc {
		var list []string
		if json.Unmarshal(value, &list) != nil || key == "ssh_keys" {
			continue
		}
		for _, p := range list {
			counted.add("github/"+key, p)
		}
	}
	var domains map[string][]string
	decode(t, doc["domains"], &domains)
	for service, list := range domains {
		for _, e := range c.Entries {
			if e.ID == "github/domains."+service && len(e.Names) == len(list) {
				names += len(list)
			}
		}
	}
	counted.check(t, c, 15, 4294)
	if names != 30 {
		t.Errorf("%d names, want 30", names)
	}
}

func TestRealFastlyAndOracle(t *testing.T) {
	data, c := realFeed(t, "cloud/fastly-*.json")
	var fastly struct {
		Addresses     []string `json:"addresses"`
		IPv6Addresses []string `json:"ipv6_addresses"`
	}
	decode(t, data, &fastly)
	const name = "fastly-public-ip-list-2024-10-08"
	count{name + "/addresses": fastly.Addresses, name + "/ipv6_addresses": fastly.IPv6Addresses}.check(t, c, 2, 21)

	data, c = realFeed(t, "cloud/oracle-*.json")
	var oracle struct {
		Regions []struct {
			Region string
			CIDRs  []struct {
				CIDR string
				Tags []string
			}
		}
	}
	decode(t, data, &oracle)
	counted := count{}
	for _, r := range oracle.Regions {
		for _, p := range r.CIDRs {
			for _, tag := range p.Tags {
				counted.add("oracle/"+tag+"."+r.Region, p.CIDR)
			}
		}
	}
	counted.check(t, c, 129, 944) // 896 prefixes, 48 of them with two tags
}

func TestRealTexts(t *testing.T) {
	for _, test := range []struct {
		file              string
		entries, prefixes int
	}{{"cloud/msft-*.csv", 1, 218}, {"cloud/cloudflare-ips-v4_*.txt", 1, 15}, {"cloud/cloudflare-ips-v6_*.txt", 1, 7}, {"lists/ipsum_*.txt", 1, 120430}} {
		data, c := realFeed(t, test.file)
		counted := count{}
		for line := range bytes.Lines(data) {
			first, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(","))
			if len(first) > 0 && first[0] != '#' && string(first) != "Prefix" {
				counted.add(c.Entries[0].ID, string(first))
			}
		}
		counted.check(t, c, test.entries, test.prefixes)
	}
	data, c := realFeed(t, "lists/hagezi_*.txt")
	want := 0
	for line := range bytes.Lines(data) {
		if line[0] != '#' && len(bytes.TrimSpace(line)) > 0 {
			want++
		}
	}
	if got := len(c.Entries[0].Names); len(c.Entries) != 1 || got != want || want != 123962 {
		t.Errorf("%d entries of %d names, want 1 of %d", len(c.Entries), got, want)
	}
}

func TestRealFlat(t *testing.T) {
	for pattern, want := range map[string]string{"oddities/*1.utf16le*": "cdn.powershellgallery.com, cdn.oneget.org tcp 80, 443", "oddities/*2.utf16le*": "0.0.0.0 tcp 80, 443; udp 1234"} {
		_, c := realFeed(t, pattern)
		var names []netset.Pattern
		var prefixes netset.PrefixBuilder
		for _, e := range c.Entries {
			names = append(names, e.Names...)
			prefixes.AddSet(e.Prefixes)
		}
		if got := netset.NameSetOf(names...).String() + prefixes.Build().String() + " " + c.Entries[0].Services.String(); got != want {
			t.Errorf("%s: %s, want %s", pattern, got, want)
		}
	}
}
