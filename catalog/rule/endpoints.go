package rule

import "gatewright/catalog/netset"

// Endpoints are remotes that join and never subtract, for a difference of patterns is
// no set of patterns. The zero value has none.
type Endpoints struct {
	Any      bool // every remote; the other fields are then ignored
	Prefixes netset.PrefixSet
	Names    netset.PatternList
}

// IsEmpty reports whether the endpoints have no remote.
func (e Endpoints) IsEmpty() bool { return !e.Any && e.Prefixes.IsEmpty() && len(e.Names) == 0 }

// Union returns the endpoints of either.
func (e Endpoints) Union(f Endpoints) Endpoints {
	return Endpoints{e.Any || f.Any, e.Prefixes.Union(f.Prefixes), e.Names.Union(f.Names)}
}

// Equal reports whether both have the same prefixes and list the same patterns.
func (e Endpoints) Equal(f Endpoints) bool {
	return e.Any == f.Any && e.Prefixes.Equal(f.Prefixes) && e.Names.Equal(f.Names)
}

// Hash is the same for equal endpoints.
func (e Endpoints) Hash() uint64 { return e.Prefixes.Hash() ^ e.Names.Hash()*3 }
