package artefact

import (
	"slices"
	"strings"
)

// Zone is a name that browsers trust, with all names below it if it is Whole. A star
// stands for one label: "*.office.example.com".
type Zone struct {
	Name  string
	Whole bool
}

func (z Zone) String() string {
	if z.Whole {
		return z.Name + " with all subdomains"
	}
	return z.Name
}

// Trusts reports whether https://host/ is in a trusted zone. Host is in lower case and
// without trailing dot.
func (r Reading) Trusts(host string) bool {
	for _, w := range (Zone{Name: host}).wider() {
		if slices.Contains(r.Zones, w) {
			return true
		}
	}
	return false
}

// wider returns the zones that trust all that z trusts, z among them.
func (z Zone) wider() []Zone {
	all := []Zone{z}
	_, parent, more := strings.Cut(z.Name, ".")
	star := Zone{Name: "*." + parent}
	if more && !z.Whole && star != z {
		all = append(all, star)
	}
	whole := z.Name
	if star == z || z.Whole {
		whole = parent
	}
	for ; whole != ""; _, whole, _ = strings.Cut(whole, ".") {
		all = append(all, Zone{whole, true})
	}
	return all
}

// BeyondZones returns the zones of a that no single one of b trusts.
func BeyondZones(a, b []Zone) (beyond []Zone) {
	held := map[Zone]bool{}
	for _, z := range b {
		held[z] = true
	}
	for _, z := range a {
		covered := false
		for _, w := range z.wider() {
			covered = covered || held[w]
		}
		if !covered {
			beyond = append(beyond, z)
		}
	}
	return beyond
}
