package feed

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"gatewright/catalog"
	"gatewright/catalog/netset"
)

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// show writes a catalogue as one line for itself, one for each entry and one for each
// notice.
func show(c *catalog.Catalog) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s@%s\n", c.Name, c.Revision)
	for _, e := range c.Entries {
		fmt.Fprintf(&b, "%s (%s) tag %q region %q service %q date %q: %s | %s\n", e.ID, e.Title, e.Tag, e.Region, e.Service, e.Date,
			netset.NameSetOf(e.Names...), e.Prefixes)
	}
	for _, n := range c.Notices {
		fmt.Fprintf(&b, "%s: %s\n", n.Where, n.Text)
	}
	return b.String()
}

// cloudFixtures are documents of each format and what they say.
func cloudFixtures() map[string]string {
	return map[string]string{
		"azure.json": `azure-government@12
azure-government/Vault (AzureVault) tag "Vault" region "" service "AzureVault" date "": | 192.0.2.0/24, 2001:db8:1::/48
azure-government/Vault.North (AzureVault, north) tag "Vault.North" region "north" service "AzureVault" date "": | 192.0.2.64/26
azure.json:9:94: "192.0.2.77/26": host bits dropped: 192.0.2.77/26 is read as 192.0.2.64/26
azure.json: no endpoint is listed for azure-government/Idle; left out
`,
		"aws.json": `aws@2023-11-14-22-13-20
aws/ALL.north-1 (ALL, north-1) tag "ALL.north-1" region "north-1" service "ALL" date "2023-11-14": | 198.51.100.0/25
aws/STORE.north-1 (STORE, north-1) tag "STORE.north-1" region "north-1" service "STORE" date "2023-11-14": | 198.51.100.0/26, 2001:db8:2::/48
aws/ALL.GLOBAL (ALL, GLOBAL) tag "ALL.GLOBAL" region "GLOBAL" service "ALL" date "2023-11-14": | 203.0.113.0/24
`,
		"google-cloud.json": `google-cloud@2023-11-14T22-13-20.5
google-cloud/north1 (Google Cloud, north1) tag "north1" region "north1" service "Google Cloud" date "2023-11-14": | 192.0.2.0/24, 2001:db8:3::/48
google-cloud/global (Google Cloud, global) tag "global" region "global" service "Google Cloud" date "2023-11-14": | 198.51.100.0/24
`,
		"google.json": `google@2023-11-14T22-13-20.5
google/prefixes (prefixes) tag "prefixes" region "" service "" date "2023-11-14": | 192.0.2.0/24, 2001:db8:3::/48
`,
		"github.json": `github@unknown
github/hooks (hooks) tag "hooks" region "" service "hooks" date "": | 192.0.2.0/24
github/new_service (new_service) tag "new_service" region "" service "new_service" date "": | 198.51.100.9, 2001:db8:4::/48
github/domains.website (website) tag "domains.website" region "" service "website" date "": example.com, *.example.com | 
github/domains.actions_inbound (actions_inbound) tag "domains.actions_inbound" region "" service "actions_inbound" date "": pipelines.example.com, *.blob.example.net | 
github/domains.attestations (attestations) tag "domains.attestations" region "" service "attestations" date "": *.actions.example.com | 
`,
		"cloudflare.json": `cloudflare@unknown
cloudflare/ips (ips) tag "ips" region "" service "" date "": | 192.0.2.0/24, 2001:db8:5::/48
`,
		"fastly.json": `fastly@unknown
fastly/addresses (addresses) tag "addresses" region "" service "" date "": | 192.0.2.0/24
fastly/ipv6_addresses (ipv6_addresses) tag "ipv6_addresses" region "" service "" date "": | 2001:db8:6::/48
`,
		"oracle.json": `oracle@2025-07-21T07-13-25.4
oracle/OCI.north-1 (OCI, north-1) tag "OCI.north-1" region "north-1" service "OCI" date "2025-07-21": | 192.0.2.0/25
oracle/OSN.north-1 (OSN, north-1) tag "OSN.north-1" region "north-1" service "OSN" date "2025-07-21": | 192.0.2.128/25
oracle/OBJECT_STORAGE.north-1 (OBJECT_STORAGE, north-1) tag "OBJECT_STORAGE.north-1" region "north-1" service "OBJECT_STORAGE" date "2025-07-21": | 192.0.2.128/25
oracle/OSN.south-1 (OSN, south-1) tag "OSN.south-1" region "south-1" service "OSN" date "2025-07-21": | 198.51.100.0/24
`,
		"flat.json": `flat@unknown
flat/own-cdn.example.com (Our own) tag "" region "" service "" date "": cdn.example.com | 
flat/own--.example.net (own) tag "" region "" service "" date "": *.example.net | 
flat/own-192.0.2.0-24 (own) tag "" region "" service "" date "": | 192.0.2.0/24
`,
		"public-ip.csv": `microsoft-public-ip@unknown
microsoft-public-ip/MSFT-Public-IP-Address-Block (MSFT Public IP Address Block) tag "MSFT-Public-IP-Address-Block" region "" service "MSFT Public IP Address Block" date "": | 192.0.2.0/24, 2001:db8::/32
`,
		"public-ip-bare.csv": `microsoft-public-ip@unknown
microsoft-public-ip/MSFT-Public-IP-Address-Block (MSFT Public IP Address Block) tag "MSFT-Public-IP-Address-Block" region "" service "MSFT Public IP Address Block" date "": | 192.0.2.0/24
microsoft-public-ip/MSFT-Public-IP-Other-Block (MSFT Public IP Other Block) tag "MSFT-Public-IP-Other-Block" region "" service "MSFT Public IP Other Block" date "": | 198.51.100.0/24
`,
		"mixed_list-2.txt": `mixed-list-2@unknown
mixed-list-2/prefixes (prefixes) tag "" region "" service "" date "": | 192.0.2.7, 192.0.2.64/26, 2001:db8::1
mixed-list-2/names (names) tag "" region "" service "" date "": example.com, *.example.net | 
`,
		"hosts.txt": `hosts@unknown
hosts/names (names) tag "" region "" service "" date "": ads.example.com, tracker.example.com, ads.example.net | 
hosts.txt: names of the local machine, such as localhost, were ignored: 6
`,
	}
}

func TestCloudFeeds(t *testing.T) {
	for file, want := range cloudFixtures() {
		want = strings.ReplaceAll(want, "\": | ", "\":  | ")
		c, err := Read(file, read(t, file), Naming{})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if got := show(c); got != want {
			t.Errorf("%s\n%s\nwant\n%s", file, got, want)
		}
		for _, e := range c.Entries {
			unsaid := 3
			if file == "flat.json" {
				unsaid = 2
			}
			if e.Kind != catalog.KindFlow || len(e.Unsaid) != unsaid || len(e.Instances) != 0 || e.Area == "" || e.Direction != "" || e.Role != "" || e.Services.IsEmpty() != (unsaid == 3) {
				t.Errorf("%s: %s says what the feed does not: %+v", file, e.ID, e)
			}
			for _, u := range e.Unsaid {
				if !u.WholeFeed {
					t.Errorf("%s: %s: the %s is asked entry by entry", file, e.ID, u.Fact)
				}
			}
		}
	}
}

// Windows saves in UTF-16 or with a byte-order mark; that changes nothing, and neither
// does the file's name where the document says what it is.
func TestEncodingsReadTheSame(t *testing.T) {
	for file := range cloudFixtures() {
		data := read(t, file)
		utf16le := []byte{0xff, 0xfe}
		for _, unit := range utf16.Encode([]rune(string(data))) {
			utf16le = binary.LittleEndian.AppendUint16(utf16le, unit)
		}
		plain, err := Read(file, data, Naming{})
		if err != nil {
			t.Fatal(err)
		}
		for encoding, data := range map[string][]byte{"a byte-order mark": append([]byte("\xef\xbb\xbf"), data...), "UTF-16": utf16le} {
			c, err := Read(file, data, Naming{})
			if err != nil || show(c) != show(plain) {
				t.Errorf("%s with %s: %v", file, encoding, err)
			}
		}
	}
}

func TestNamingOverrulesTheDocument(t *testing.T) {
	for file := range cloudFixtures() {
		c, err := Read(file, read(t, file), Naming{Name: "mine", Revision: "9"})
		if err != nil {
			t.Fatal(err)
		}
		if c.Name != "mine" || c.Revision != "9" || !strings.HasPrefix(c.Entries[0].ID, "mine/") {
			t.Errorf("%s: %s@%s, %s", file, c.Name, c.Revision, c.Entries[0].ID)
		}
	}
}

// One endpoint of a flat document is one entry, whatever ports its rows name.
func TestFlatRowsJoin(t *testing.T) {
	c, err := Read("flat.json", read(t, "flat.json"), Naming{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"tcp 80, 443 default false [a cache another]", "tcp 443 allow true []", "udp 3478-3481  false []"} {
		e := c.Entries[i]
		if got := fmt.Sprint(e.Services, " ", e.Category, " ", e.Required, " ", e.Notes); got != want {
			t.Errorf("%s: %s, want %s", e.ID, got, want)
		}
	}
}
