package feed

import (
	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// GitHub's meta: a list of prefixes for each of its services, and lists of names under
// "domains". Source: GitHub, "REST API endpoints for meta data".
const githubSource = "https://api.github.com/meta"

// isGitHub goes by the keys of GitHub's own: others have lists under "web" and "api".
func isGitHub(d document) bool {
	return atLeast(1, d.root(), "verifiable_password_authentication", "ssh_key_fingerprints")
}

func readGitHub(d document, as Naming) (*catalog.Catalog, error) {
	f := newPublished(d, as, "github", "GitHub addresses and names", githubSource)
	for key, v := range d.root().Members() {
		switch {
		case key.Text() == "ssh_keys": // a list of other things
		case denies(key.Text()) && listsPrefix(v, ""):
			f.Errorf(v, "%s means that its addresses must not be reached; remove it", jsonc.Quote(key.Text()))
		case key.Text() == "domains":
			f.Members(v, f.githubDomains)
		case unwrapped(v).Kind() == jsonc.Array, v.Kind() == jsonc.String && prefixWords(v.Text()) != nil:
			f.prefixes(v, f.tag(key, key.Text(), "", key.Text()))
		}
	}
	return f.finish()
}

// githubDomains reads the names of one service: a list, or lists under words such as
// "full_domains" and "wildcard_domains".
func (f *cloudFeed) githubDomains(key jsonc.Key, v jsonc.Value) {
	t := f.tag(key, "domains."+key.Text(), "", key.Text())
	names := func(v jsonc.Value) {
		f.Array(v, func(v jsonc.Value) {
			if s, ok := f.String(v); ok && t != nil {
				t.name(s, v)
			}
		})
	}
	if v.Kind() != jsonc.Object {
		names(v)
		return
	}
	for _, v := range v.Members() {
		if v.Kind() == jsonc.Array {
			names(v)
		}
	}
}
