package iptables

import (
	"fmt"
	"net/netip"

	"gatewright/generators/filter"
)

// family is an address family: what its programs and files are called.
type family filter.Family

const (
	ipv4 = family(filter.IPv4)
	ipv6 = family(filter.IPv6)
)

func (f family) program() string {
	if f == ipv6 {
		return "ip6tables"
	}
	return "iptables"
}

// file is the name of the artefact with the family's rules.
func (f family) file() string { return "gatewright." + f.program() }

// digit tells the families apart in words.
func (f family) digit() string { return fmt.Sprint(int(f)) }

func (f family) title() string { return "IPv" + f.digit() + " rules for " + f.program() }

// setFamily is ipset's word.
func (f family) setFamily() keyword {
	if f == ipv6 {
		return "inet6"
	}
	return "inet"
}

func familyOf(a netip.Addr) family { return family(filter.FamilyOf(a)) }

// title says what a file of rules is.
func (c config) title(f family) string {
	if c.ipset {
		return f.title() + c.Title() + ipsetFirst
	}
	return f.title() + c.Title()
}

const ipsetFirst = ", load " + setsFile + " first"

// Commands that remove what earlier files left and no rule names: chains, in one
// transaction, and sets.
const (
	removeChains = `%s-save -t %s | awk 'NR==FNR{if(/^:/)k[$1];next}/^:` + prefix + `/&&!($1 in k){c=substr($1,2);f=f"-F "c"\n";x=x"-X "c"\n"}END{print"*%[2]s\n"f x"COMMIT"}' %s - | %[1]s-restore --noflush`
	removeSets   = `ipset list -n | awk 'NR==FNR{k[$2];next}/^` + prefix + `/&&!($1 in k)' ` + setsFile + ` - | xargs -rn1 ipset destroy`
)

// load keeps the site's own rules: without --noflush they would be removed. The last
// file removes the sets.
func (c config) load(f family) string {
	s := f.program() + "-restore --noflush < " + f.file() + " && " + fmt.Sprintf(removeChains, f.program(), c.table(), f.file())
	if c.ipset && f == ipv6 {
		s += " && " + removeSets
	}
	return s
}
