package feed

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// maxNotices is how many normalizations of a document are told with their place.
const maxNotices = 20

// m365Endpoints gathers the names and addresses of one endpoint set.
type m365Endpoints struct {
	catalog  *m365Catalog
	list     []netset.Pattern
	seen     map[netset.Pattern]bool
	prefixes netset.PrefixBuilder
}

// count refuses endpoints over the limit of a document.
func (g *m365Endpoints) count() error {
	if g.catalog.listed++; g.catalog.listed > catalog.MaxEndpoints {
		return fmt.Errorf("more than %d endpoints", catalog.MaxEndpoints)
	}
	return nil
}

func (g *m365Endpoints) addName(text []byte, _ func() (line, col int)) error {
	if err := g.count(); err != nil {
		return err
	}
	name, err := netset.ParsePattern(string(text))
	if err != nil {
		return err
	}
	if g.seen == nil {
		g.seen = map[netset.Pattern]bool{}
	}
	if !g.seen[name] {
		g.seen[name] = true
		g.list = append(g.list, name)
	}
	return nil
}

func (g *m365Endpoints) addPrefix(text []byte, place func() (line, col int)) error {
	if err := g.count(); err != nil {
		return err
	}
	s := string(text)
	p, note, err := netset.ParsePrefix(s)
	if err != nil {
		if whole, bad := netip.ParsePrefix(s); bad == nil && whole.Bits() == 0 {
			return fmt.Errorf("%s is every address of its family, which no feed may say", jsonc.Quote(s))
		}
		return err
	}
	if note != "" && strings.Contains(s, "/") {
		g.catalog.notice(place, s, note)
	}
	g.prefixes.Add(p)
	if g.catalog.list != nil {
		g.catalog.list(p)
	}
	return nil
}

// notice tells of a normalization. Finding a place reads the document, so that
// only the first ones get theirs.
func (c *m365Catalog) notice(place func() (line, col int), s, note string) {
	if c.notices++; c.notices <= maxNotices {
		line, col := place()
		c.Notices = append(c.Notices, catalog.Notice{Where: fmt.Sprintf("%s:%d:%d", c.file, line, col), Text: jsonc.Quote(s) + ": " + note})
	}
}

// into gives the set what was gathered.
func (g *m365Endpoints) into(s *m365Set) error {
	s.names, s.prefixes = g.list, g.prefixes.Build()
	if v4, v6 := s.prefixes.CoversFamily(); v4 || v6 {
		return errors.New("these prefixes together are every address of a family, which no feed may say")
	}
	return nil
}
