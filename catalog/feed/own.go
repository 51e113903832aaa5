package feed

import (
	"gatewright/catalog"
)

// isOwn goes by the keys that every document of our own has, one of which may be
// missing by mistake.
func isOwn(d document) bool {
	own := 0
	for key := range d.root().Members() {
		switch key.Text() {
		case "catalog", "entries":
			own++
		}
	}
	return own > 0
}

// readOwn takes the naming from the document, which says it all.
func readOwn(d document, _ Naming) (*catalog.Catalog, error) {
	return catalog.ReadDocument(d.file, d.json, d.list)
}
