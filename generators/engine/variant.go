package engine

// Variant is one of the two implementations of iptables.
type Variant string

const (
	IptablesDefault Variant = "" // what this machine calls iptables
	IptablesNFT     Variant = "nft"
	IptablesLegacy  Variant = "legacy"
)

// IptablesDump is what the kernel holds, as the tools print it.
type IptablesDump struct {
	Ipset []byte // ipset save
	IPv4  []byte // iptables-save
	IPv6  []byte // ip6tables-save
}
