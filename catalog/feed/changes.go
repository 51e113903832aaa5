package feed

import (
	"math"
	"net/netip"
	"strings"
	"time"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// Change is a change record of the Microsoft 365 web service: what one version did to
// one endpoint set. Source: Microsoft, "Microsoft 365 IP Address and URL web service",
// changes web method.
type Change struct {
	ID, Set int // of the record and of the endpoint set, both at least 1

	Disposition Disposition
	Impact      string // why it matters, in the publisher's word; empty before 2018112800
	Version     string // the version that published it, ten digits

	Effective string    // YYYY-MM-DD, when what is added becomes live; empty if it is not said
	Added     endpoints // what the set's lists gained
	Removed   endpoints // what they lost

	// Previous and Current hold the attributes that changed, as they were and as they
	// are, by the publisher's keys; those that are text, true or false.
	Previous, Current map[string]string
}

// Disposition is what a change did to the set as a whole.
type Disposition string

const (
	SetChanged Disposition = "change"
	SetAdded   Disposition = "add"
	SetRemoved Disposition = "remove"
)

// impactMoved is the impact of a change that moved endpoints to another set: they
// are live already.
const impactMoved = "movediporurl"

// endpoints are names and prefixes, each as listed.
type endpoints struct {
	names    []netset.Pattern
	prefixes []netip.Prefix
}

// ReadChanges reads the web service's answer to /changes: an array of records in any
// order. Keys that are not known are the publisher's business; a record that misses
// what every record has, or whose endpoints do not read, is an error with its place.
func ReadChanges(file string, data []byte) ([]Change, error) {
	if isMarkup(data) {
		return nil, fileErrorf(file, "%w", errMarkup)
	}
	doc, err := jsonc.Parse(file, data)
	if err != nil {
		return nil, err
	}
	r := &changesReader{Decoder: jsonc.NewDecoder(doc)}
	var changes []Change
	r.Array(doc.Root(), func(v jsonc.Value) { changes = append(changes, r.change(v)) })
	return changes, r.Err()
}

func fileErrorf(file, format string, args ...any) error {
	err := jsonc.Value{}.Errorf(format, args...)
	err.File = file
	return err
}

// RemovedNames returns the names that the records up to a version took out of a set, by
// the version that last did so. Another set, or a newer record, may list them still.
func RemovedNames(changes []Change, upTo string) map[string][]netset.Pattern {
	last := map[netset.Pattern]string{}
	for _, c := range known(changes, upTo) {
		for _, n := range c.Removed.names {
			last[n] = c.Version
		}
	}
	removed := map[string][]netset.Pattern{}
	for n, version := range last {
		removed[version] = append(removed[version], n)
	}
	return removed
}

type changesReader struct{ *jsonc.Decoder }

func (r *changesReader) change(v jsonc.Value) Change {
	var c Change
	missing := map[string]bool{"id": true, "endpointSetId": true, "disposition": true, "version": true}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		if v.Kind() == jsonc.Null {
			return
		}
		delete(missing, k.Text())
		switch k.Text() {
		case "id":
			c.ID, _ = r.Int(v, 1, math.MaxInt32)
		case "endpointSetId":
			c.Set, _ = r.Int(v, 1, math.MaxInt32)
		case "disposition":
			c.Disposition = r.disposition(v)
		case "impact":
			c.Impact, _ = r.String(v)
		case "version":
			if c.Version, _ = r.String(v); v.Kind() == jsonc.String && !IsVersion(c.Version) {
				r.Errorf(v, "bad version %s; expected ten digits, YYYYMMDDNN", jsonc.Quote(c.Version))
			}
		case "add":
			c.Added = r.endpoints(v, func(v jsonc.Value) { c.Effective = r.day(v) })
		case "remove":
			c.Removed = r.endpoints(v, func(jsonc.Value) {})
		case "previous":
			c.Previous = r.attributes(v)
		case "current":
			c.Current = r.attributes(v)
		}
	})
	for _, key := range []string{"id", "endpointSetId", "disposition", "version"} {
		if missing[key] && v.Kind() == jsonc.Object {
			r.Errorf(v, "missing required key %q", key)
		}
	}
	return c
}

func (r *changesReader) disposition(v jsonc.Value) Disposition {
	text, ok := r.String(v)
	d := Disposition(strings.ToLower(text))
	if ok && d != SetChanged && d != SetAdded && d != SetRemoved {
		r.Errorf(v, "unknown disposition %s; expected change, add or remove", jsonc.Quote(text))
	}
	return d
}

// endpoints reads the lists of what was added or removed, and the date of it.
func (r *changesReader) endpoints(v jsonc.Value, date func(jsonc.Value)) endpoints {
	var e endpoints
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		switch {
		case v.Kind() == jsonc.Null:
		case k.Text() == "effectiveDate":
			date(v)
		case k.Text() == "urls":
			r.each(v, func(v jsonc.Value, text string) {
				name, err := netset.ParsePattern(text)
				if err != nil {
					r.Errorf(v, "%w", err)
				}
				e.names = append(e.names, name)
			})
		case k.Text() == "ips":
			r.each(v, func(v jsonc.Value, text string) {
				p, _, err := netset.ParsePrefix(text)
				if err != nil {
					r.Errorf(v, "%w", err)
				}
				e.prefixes = append(e.prefixes, p)
			})
		}
	})
	return e
}

func (r *changesReader) each(v jsonc.Value, add func(jsonc.Value, string)) {
	r.Array(v, func(v jsonc.Value) {
		if text, ok := r.String(v); ok {
			add(v, text)
		}
	})
}

// day reads a date as the publisher writes it: YYYYMMDD, or YYYY-MM-DD with a time of
// day or without.
func (r *changesReader) day(v jsonc.Value) string {
	text, ok := r.String(v)
	if !ok {
		return ""
	}
	for _, form := range []string{"20060102", time.DateOnly, time.RFC3339, "2006-01-02T15:04:05"} {
		if day, err := time.Parse(form, text); err == nil {
			return day.Format(time.DateOnly)
		}
	}
	r.Errorf(v, "bad date %s; expected YYYYMMDD or YYYY-MM-DD", jsonc.Quote(text))
	return ""
}

func (r *changesReader) attributes(v jsonc.Value) map[string]string {
	attributes := map[string]string{}
	r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		if v.Kind() == jsonc.String || v.Kind() == jsonc.Bool {
			attributes[k.Text()] = v.Text()
		}
	})
	return attributes
}
