package feed

import (
	"slices"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// GitHub's meta: a list of prefixes for each of its services, and lists of names under
// "domains". Source: GitHub, "REST API endpoints for meta data".
const githubSource = "https://api.github.com/meta"

func isGitHub(d document) bool {
	return atLeast(2, d.root(), "verifiable_password_authentication", "ssh_key_fingerprints", "hooks", "web", "api", "git", "actions")
}

func readGitHub(d document, as Naming) (*catalog.Catalog, error) {
	r := newCloudJSON(d, newCloudFeed(d, as, "github", "GitHub addresses and names", githubSource))
	known := []string{"ssh_keys"} // lists of other things
	for key, v := range d.root().Members() {
		switch {
		case slices.Contains(known, key.Text()):
		case key.Text() == "domains":
			r.Members(v, r.githubDomains)
		case v.Kind() == jsonc.Array:
			r.prefixes(v, r.tag(key, key.Text(), "", key.Text()))
		}
	}
	return r.done()
}

// githubDomains reads the names of one service: a list, or lists under words such as
// "full_domains" and "wildcard_domains".
func (r *cloudJSON) githubDomains(key jsonc.Key, v jsonc.Value) {
	t := r.tag(key, "domains."+key.Text(), "", key.Text())
	names := func(v jsonc.Value) {
		r.Array(v, func(v jsonc.Value) {
			if s, ok := r.String(v); ok && t != nil {
				r.check(v, t.name(s))
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
