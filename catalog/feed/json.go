package feed

import (
	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// cloudJSON reads a cloud's feed from JSON. Keys that it is not asked for are ignored.
type cloudJSON struct {
	*jsonc.Decoder
	*cloudFeed
}

func newCloudJSON(d document, f *cloudFeed) *cloudJSON {
	return &cloudJSON{jsonc.NewDecoder(d.json), f}
}

// text is a field that holds a text, which may be empty.
func (r *cloudJSON) text(to *string) func(jsonc.Value) {
	return func(v jsonc.Value) { *to, _ = r.String(v) }
}

// published is a field that holds a time of publication.
func (r *cloudJSON) published(as Naming) func(jsonc.Value) {
	return func(v jsonc.Value) {
		if s, ok := r.String(v); ok {
			r.check(v, r.cloudFeed.published(as, s))
		}
	}
}

// check reports an error at v, if there is one.
func (r *cloudJSON) check(v jsonc.Value, err error) {
	if err != nil {
		r.Errorf(v, "%w", err)
	}
}

// tag returns a tag, or nil after a report at v.
func (r *cloudJSON) tag(v jsonc.Value, name, region, service string) *cloudTag {
	t, err := r.cloudFeed.tag(name, region, service)
	r.check(v, err)
	return t
}

// prefix adds a text to a tag; nothing to nil.
func (r *cloudJSON) prefix(v jsonc.Value, t *cloudTag) {
	if s, ok := r.String(v); ok && t != nil {
		r.check(v, t.prefix(s, v))
	}
}

// prefixes adds an array of texts to a tag.
func (r *cloudJSON) prefixes(v jsonc.Value, t *cloudTag) {
	r.Array(v, func(v jsonc.Value) { r.prefix(v, t) })
}

// prefixObjects reads an array of objects, each with the prefix of one tag, which the
// other fields say. All of these are required, so that none is left from before.
func (r *cloudJSON) prefixObjects(v jsonc.Value, keys []string, fields []jsonc.Field, tag func(jsonc.Value) *cloudTag) {
	var prefix jsonc.Value
	for _, key := range keys {
		fields = append(fields, jsonc.Optional(key, func(v jsonc.Value) { prefix = v }))
	}
	r.Array(v, func(v jsonc.Value) {
		prefix = jsonc.Value{}
		switch ok := r.Fields(v, fields...); {
		case !ok:
		case prefix.Kind() == jsonc.Invalid:
			r.Errorf(v, "no prefix; expected the key %s", orKeys(keys))
		default:
			r.prefix(prefix, tag(v))
		}
	})
}

func orKeys(keys []string) string {
	text := jsonc.Quote(keys[0])
	for _, key := range keys[1:] {
		text += " or " + jsonc.Quote(key)
	}
	return text
}

// done returns the catalogue unless something was reported.
func (r *cloudJSON) done() (*catalog.Catalog, error) {
	if err := r.Err(); err != nil {
		return nil, err
	}
	return r.finish()
}
