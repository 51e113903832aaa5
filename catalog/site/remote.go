package site

import (
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// remote reads "any", {"from": ...}, {"role": ...}, or a list of prefixes and FQDN
// patterns.
func (r *reader) remote(v jsonc.Value) *Remote {
	remote := &Remote{own: true}
	switch v.Kind() {
	case jsonc.Object:
		ok := r.Object(v, r.remoteFields(remote)...)
		if ok && (len(remote.From) > 0) == (remote.Role != "") {
			r.Errorf(v, `expected one of {"from": "an entry's id"} and {"role": "a role of this site"}`)
		}
	case jsonc.Array:
		r.endpoints(v, remote)
	default:
		if remote.Any = v.Kind() == jsonc.String && v.Text() == "any"; !remote.Any {
			r.Errorf(v, `expected a list of prefixes and FQDNs, {"from": "an entry's id"}, {"role": "a role of this site"} or the word "any"`)
		}
	}
	return remote
}

func (r *reader) remoteFrom(v jsonc.Value, remote *Remote) {
	from, ok := r.texts(v)
	if remote.From = from; ok && len(from) == 0 {
		r.Errorf(v, `"from" is empty; name an entry or an area, such as "m365/exchange"`)
	}
}

func (r *reader) endpoints(v jsonc.Value, remote *Remote) {
	var prefixes netset.PrefixBuilder
	ok := r.Array(v, func(v jsonc.Value) {
		var s string
		if r.text(&s)(v); s == "" {
			return
		}
		prefix, name, note, err := catalog.ParseEndpoint(s)
		switch {
		case s == "any":
			r.Errorf(v, `"any" is not an endpoint; write it instead of the list, or list the endpoints that are meant`)
		case strings.ContainsAny(s, "<>"):
			r.Errorf(v, "%s has a blank to fill in; write the value in its place", jsonc.Quote(s))
		case err != nil:
			r.Errorf(v, "%w", err)
		case prefix.IsEmpty():
			remote.Names = append(remote.Names, name)
		default:
			r.notice(v, s, note)
			prefixes.AddSet(prefix)
		}
	})
	remote.Prefixes = prefixes.Build()
	if ok && remote.isEmpty() {
		r.Errorf(v, `empty remote; list prefixes or FQDNs, write {"from": "an entry's id"}, or dismiss the entry`)
	}
	if v4, v6 := remote.Prefixes.CoversFamily(); v4 || v6 {
		r.Errorf(v, `these prefixes together cover a whole address family; if that is meant, write the word "any" instead of the list`)
	}
}
