package catalog

import (
	"cmp"
	"embed"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/suggest"
)

//go:embed data/*.json
var embedded embed.FS

// Info names a catalogue that ships with the tool.
type Info struct{ Name, Revision string }

// String returns the reference that Load takes, "name@revision".
func (i Info) String() string { return i.Name + "@" + i.Revision }

// Embedded lists the catalogues that ship with the tool, by name and then with
// the newest revision first. Revisions of one catalogue order as text.
func Embedded() []Info {
	files, err := embedded.ReadDir("data")
	if err != nil {
		return nil
	}
	var infos []Info
	for _, f := range files {
		name, revision, _ := strings.Cut(strings.TrimSuffix(f.Name(), ".json"), "@")
		infos = append(infos, Info{name, revision})
	}
	slices.SortFunc(infos, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(b.Revision, a.Revision))
	})
	return infos
}

// Load reads a catalogue that ships with the tool: "name" for its newest revision,
// or "name@revision".
func Load(ref string) (*Catalog, error) {
	infos := Embedded()
	for _, i := range infos {
		if ref == i.Name || ref == i.String() {
			data, err := embedded.ReadFile("data/" + i.String() + ".json")
			if err != nil {
				return nil, fmt.Errorf("catalogue %s: %w", i, err)
			}
			c, err := Read(i.String(), data)
			if err == nil {
				c.Published = true
			}
			return c, err
		}
	}
	var known, names []string
	for _, i := range infos {
		known, names = append(known, i.String()), append(names, i.Name)
	}
	meant := suggest.DidYouMean(ref, append(names, known...))
	return nil, fmt.Errorf("no catalogue %s ships with the tool; expected one of %s; to name a file, write a path or an extension such as .json%s", jsonc.Quote(ref), strings.Join(known, ", "), meant)
}
