package feed

import "testing"

// TestMasks holds that an address with a mask beside it is the network, or refused.
func TestMasks(t *testing.T) {
	const network = "x |  | List x\nprefixes: 20.1.0.0/16"
	const write = `; write the network and its length as one prefix, such as "192.0.2.0/24" or "2001:db8::/32"`
	for text, want := range map[string]string{
		`[{"ip": "20.1.0.0", "mask": "255.255.0.0"}]`:                                    network,
		`[{"network": "20.1.0.0", "mask_len": 16}]`:                                      network,
		`[{"network": "20.1.0.0", "prefixlen": "16"}]`:                                   network,
		`[{"network": ["20.1.0.0"], "prefix-length": "/16"}]`:                            network,
		`[{"prefix": "20.1.0.0", "netmask": "255.255.0.0"}]`:                             network,
		`[{"ip": "20.1.0.0", "subnet": "255.255.0.0"}]`:                                  network,
		`[{"cidr": "20.1.0.0/16", "network": "20.1.0.0", "mask_len": 16}]`:               network,
		`[{"ip": "20.1.0.0/16", "mask": null}]`:                                          network,
		`[{"ipv4": "20.1.0.0", "mask": "255.255.0.0", "ipv6_prefix": "2a05:d07f::/40"}]`: network + ", 2a05:d07f::/40",
		`[{"ip": "2a05:d07f::", "mask": "ffff:ffff:ff00::"}]`:                            "x |  | List x\nprefixes: 2a05:d07f::/40",
		"ip,mask\n20.1.0.0,255.255.0.0\n":                                                network,
		"ip,mask\n20.1.0.0,16\n":                                                         network,
		"Mask,Network,Note\n255.255.0.0,20.1.0.0,b\n":                                    "x |  | List x\nb: 20.1.0.0/16",
		"ip,asn\n20.1.0.1,16\n":                                                          "x |  | List x\n16: 20.1.0.1",
		"20.1.0.1,64500\n":                                                               "x |  | List x\n64500: 20.1.0.1",

		`[{"ip": "20.1.0.1", "mask": "255.255.0.0"}]`:              `x:1:9: /0/ip: "20.1.0.1" with the mask "255.255.0.0" is an address or its network; write one prefix, "20.1.0.1/32" or "20.1.0.0/16"`,
		`[{"ip": "20.1.0.0", "mask": "255.0.255.0"}]`:              `x:1:9: /0/ip: "255.0.255.0" is no mask of "20.1.0.0"` + write,
		`[{"ip": "20.1.0.0", "mask": "0.0.255.255"}]`:              `x:1:9: /0/ip: "0.0.255.255" is no mask of "20.1.0.0"` + write,
		`[{"ip": "20.1.0.0", "mask": 64}]`:                         `x:1:9: /0/ip: "64" is no mask of "20.1.0.0"` + write,
		`[{"ip": "2a05::", "mask": "255.255.0.0"}]`:                `x:1:9: /0/ip: "255.255.0.0" is no mask of "2a05::"` + write,
		`[{"ip": "20.1.0.0/16", "mask": 24}]`:                      `x:1:9: /0/ip: "20.1.0.0/16" and the mask "24" beside it contradict each other` + write,
		`[{"ip": "0.0.0.0", "mask": "0.0.0.0"}]`:                   `x:1:9: /0/ip: "0.0.0.0/0" is every address of its family, which no feed may say`,
		`[{"ip": ["20.1.0.0", "20.2.0.0"], "mask": 16}]`:           `x:1:43: /0/mask: which address is this the mask of? Write each network and its length as one prefix, such as "192.0.2.0/24" or "2001:db8::/32"`,
		`[{"ip": "20.1.0.0", "mask": 16, "netmask": "255.0.0.0"}]`: `x:1:29: /0/mask: which address is this the mask of? Write each network and its length as one prefix, such as "192.0.2.0/24" or "2001:db8::/32"`,
		"ip,mask\n20.1.0.1,255.255.0.0\n":                          `x:2:1: "20.1.0.1" with the mask "255.255.0.0" is an address or its network; write one prefix, "20.1.0.1/32" or "20.1.0.0/16"`,
		"ip,mask\n20.1.0.0,wide\n":                                 `x:2:1: "wide" is no mask of "20.1.0.0"` + write,
		"20.1.0.0,16\n":                                            `x:1:1: 16 may be the length of 20.1.0.0, or what it is of; write "20.1.0.0/16", or name the columns in the first line`,
	} {
		if have := shapeText("x", text); have != want {
			t.Errorf("%s:\n%s\nwant\n%s", text, have, want)
		}
	}
}
