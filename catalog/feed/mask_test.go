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
		`[{"prefix": {"ip": "20.1.0.0"}, "mask": 16}]`:                                   network,
		`[{"ip": {"address": "20.1.0.0", "prefixLength": 16}}]`:                          network,
		`[{"ip": "20.1.0.0", "cidr": 16}]`:                                               network,
		`[{"network": "20.1.0.0", "prefix": "/16"}]`:                                     network,
		`[{"ip": "20.1.0.0", "length": 16, "port": 443}]`:                                network,
		`[{"ip": "20.1.0.0", "mask": ["255.255.0.0"]}]`:                                  network,
		`[{"ip": "20.1.0.0/16", "upstream": {"ip": "20.1.0.0", "mask": 16}}]`:            network + "\nupstream: 20.1.0.0/16",
		`{"mask": 24, "prefixes": ["20.1.0.0/16"]}`:                                      network,
		"ip,cidr\n20.1.0.0,16\n":                                                         network,
		"network,prefix\n20.1.0.0,/16\n":                                                 network,
		"ipv4,ipv6\n20.1.0.0/16,\n,2a05:d07f::/40\n":                                     network + ", 2a05:d07f::/40",
		"pop,v4,v6\nfra,20.1.0.0/16,2a05:d07f::/40\n":                                    "x |  | List x\nfra: 20.1.0.0/16, 2a05:d07f::/40",
		"20.1.0.10,robot,5\n":                                                            "x |  | List x\nrobot: 20.1.0.10",
		"ip,mask\n20.1.0.0,255.255.0.0\n":                                                network,
		"ip,mask\n20.1.0.0,16\n":                                                         network,
		"Mask,Network,Note\n255.255.0.0,20.1.0.0,b\n":                                    "x |  | List x\nb: 20.1.0.0/16",
		"ip,asn\n20.1.0.1,16\n":                                                          "x |  | List x\n16: 20.1.0.1",
		"20.1.0.1,64500\n":                                                               "x |  | List x\n64500: 20.1.0.1",

		`[{"ip": "20.1.0.1", "mask": "255.255.0.0"}]`:                        `x:1:9: /0/ip: "20.1.0.1" with the mask "255.255.0.0" is an address or its network; write one prefix, "20.1.0.1/32" or "20.1.0.0/16"`,
		`[{"ip": "20.1.0.0", "mask": "255.0.255.0"}]`:                        `x:1:9: /0/ip: "255.0.255.0" is no mask of "20.1.0.0"` + write,
		`[{"ip": "20.1.0.0", "mask": "0.0.255.255"}]`:                        `x:1:9: /0/ip: "0.0.255.255" is no mask of "20.1.0.0"` + write,
		`[{"ip": "20.1.0.0", "mask": 64}]`:                                   `x:1:9: /0/ip: "64" is no mask of "20.1.0.0"` + write,
		`[{"ip": "2a05::", "mask": "255.255.0.0"}]`:                          `x:1:9: /0/ip: "255.255.0.0" is no mask of "2a05::"` + write,
		`[{"ip": "20.1.0.0/16", "mask": 24}]`:                                `x:1:9: /0/ip: "20.1.0.0/16" and the mask "24" beside it contradict each other` + write,
		`[{"ip": "0.0.0.0", "mask": "0.0.0.0"}]`:                             `x:1:9: /0/ip: "0.0.0.0/0" is every address of its family, which no feed may say`,
		`[{"ip": ["20.1.0.0", "20.2.0.0"], "mask": 16}]`:                     `x:1:43: /0/mask: which address is this the mask of? Write each network and its length as one prefix, such as "192.0.2.0/24" or "2001:db8::/32"`,
		`[{"ip": "20.1.0.0", "mask": 16, "netmask": "255.0.0.0"}]`:           `x:1:29: /0/mask: which address is this the mask of? Write each network and its length as one prefix, such as "192.0.2.0/24" or "2001:db8::/32"`,
		"ip,mask\n20.1.0.1,255.255.0.0\n":                                    `x:2:1: "20.1.0.1" with the mask "255.255.0.0" is an address or its network; write one prefix, "20.1.0.1/32" or "20.1.0.0/16"`,
		"ip,mask\n20.1.0.0,wide\n":                                           `x:2:1: "wide" is no mask of "20.1.0.0"` + write,
		`[{"network": {"address": "20.1.0.0"}, "subnet": {"bits": 24}}]`:     `x:1:49: /0/subnet: no address here, only its mask` + write,
		`[{"ip": "20.1.0.0", "details": {"mask": 16}}]`:                      `x:1:41: /0/details/mask: is this the mask of the address beside it? Write` + write[len("; write"):],
		`{"mask": 16, "hosts": ["20.1.0.0"]}`:                                `x:1:24: /hosts/0: is the mask of the object around it the mask of "20.1.0.0"? Write` + write[len("; write"):],
		`[{"prefix": [{"ip": "20.1.0.0"}, {"ip": "20.2.0.0"}], "mask": 16}]`: `x:1:63: /0/mask: which address is this the mask of? Write each network and its length as one prefix, such as "192.0.2.0/24" or "2001:db8::/32"`,
		`[{"prefix": {"ip": "20.1.0.0", "mask": 16}, "mask": 17}]`:           `x:1:40: /0/prefix/mask: which address is this the mask of? Write each network and its length as one prefix, such as "192.0.2.0/24" or "2001:db8::/32"`,
		`[{"ip": ["20.1.0.0", "20.2.0.0"], "prefix": [16, 16]}]`:             `x:1:45: /0/prefix: which address is this the mask of? Write each network and its length as one prefix, such as "192.0.2.0/24" or "2001:db8::/32"`,
		`[{"ip": "20.1.0.0 20.2.0.0", "mask": 16}]`:                          `x:1:38: /0/mask: which address is this the mask of? Write each network and its length as one prefix, such as "192.0.2.0/24" or "2001:db8::/32"`,
		`[{"ip": "20.1.0.0", "mask": {"bits": 16}}]`:                         `x:1:29: /0/mask: expected a mask or a length, found an object` + write,
		`[{"ip": "20.1.0.0", "end": "20.1.0.9"}]`:                            `x:1:21: /0/end: "end" says how far the address beside it goes; write all of it as prefixes, such as "192.0.2.0/24"`,
		`[{"ip": "20.1.0.0", "wildcard": "0.0.255.255"}]`:                    `x:1:21: /0/wildcard: "wildcard" says how far the address beside it goes; write all of it as prefixes, such as "192.0.2.0/24"`,
		`[{"ip": "20.1.0.0", "size": 256}]`:                                  `x:1:21: /0/size: "size" says how far the address beside it goes; write all of it as prefixes, such as "192.0.2.0/24"`,
		`[{"cidr": "20.1.0.0/16"}, {"cidr": 24, "tags": []}]`:                `x:1:36: /1/cidr: expected a string, found a number`,
		"start,end\n20.1.0.0,20.1.0.255\n":                                   `x:2:1: "end" says how far 20.1.0.0 goes; write all of it as prefixes, such as "192.0.2.0/24"`,
		"20.1.0.0,/16,DE\n":                                                  `x:1:1: /16 may be the length of 20.1.0.0, or what it is of; write "20.1.0.0/16", or name the columns in the first line`,
		"20.1.0.0,DE,16\n":                                                   `x:1:1: 16 may be the length of 20.1.0.0, or what it is of; write "20.1.0.0/16", or name the columns in the first line`,
		"20.1.0.0 16\n20.2.0.0/16\n":                                         `x:1:1: "20.1.0.0" and "16" stand apart` + write,
		"20.1.0.0 255.255.0.0\n20.2.0.0/16\n":                                `x:1:1: "20.1.0.0" and "255.255.0.0" stand apart` + write,
		"20.1.0.0 - 20.1.0.9\n20.2.0.0/16\n":                                 `x:1:1: "20.1.0.0" and "-" stand apart` + write,
		"20.1.0.0 dmz\n20.2.0.0/16\n":                                        `x:1:1: "20.1.0.0" is given to names, as a hosts file does; write the address alone, or the names alone`,
		"20.1.0.0,16\n":                                                      `x:1:1: 16 may be the length of 20.1.0.0, or what it is of; write "20.1.0.0/16", or name the columns in the first line`,
	} {
		if have := shapeText("x", text); have != want {
			t.Errorf("%s:\n%s\nwant\n%s", text, have, want)
		}
	}
}
