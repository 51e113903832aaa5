package feed

import (
	"math"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// isM365JSON goes by the keys of the first object: those of an endpoint set, of a
// change or of a version, which the same service answers.
func isM365JSON(d document) bool {
	first := firstObject(d.root())
	if has(first, "uri") { // a flat form of PowerShell modules: one endpoint an object
		return false
	}
	return has(first, "serviceArea") || has(first, "tcpPorts") || has(first, "udpPorts") || isM365Change(first) || isM365Version(first)
}

// What else the web service answers, in either format.
const (
	m365IsChanges = "this is the web service's answer to /changes; a catalogue is its answer to /endpoints"
	m365IsVersion = "this is the web service's answer to /version; a catalogue is its answer to /endpoints"
)

func isM365Change(v jsonc.Value) bool { return has(v, "endpointSetId") }

func isM365Version(v jsonc.Value) bool { return has(v, "instance") && has(v, "latest") }

// firstObject returns v if it is an object, and the first element if it is an array.
func firstObject(v jsonc.Value) jsonc.Value {
	for _, element := range v.Elements() {
		return element
	}
	return v
}

func has(v jsonc.Value, key string) bool {
	for k := range v.Members() {
		if string(k.Bytes()) == key {
			return true
		}
	}
	return false
}

// readM365JSON reads the array of endpoint sets. Keys that are not known are
// ignored, and null is as good as absent.
func readM365JSON(d document, as Naming) (*catalog.Catalog, error) {
	c, err := newM365(d, as)
	if err != nil {
		return nil, err
	}
	root := d.root()
	switch first := firstObject(root); {
	case isM365Change(first):
		return nil, root.Errorf(m365IsChanges)
	case isM365Version(first):
		return nil, root.Errorf(m365IsVersion)
	}
	r := &m365JSON{Decoder: jsonc.NewDecoder(d.json), catalog: c}
	r.Array(root, r.set)
	if err := r.Err(); err != nil {
		return nil, err
	}
	return c.finish()
}

type m365JSON struct {
	*jsonc.Decoder
	catalog *m365Catalog
}

// m365Members are the members of an endpoint set; Invalid where absent.
type m365Members struct {
	id, area, display, urls, ips, tcp, udp, expressRoute, category, required, notes jsonc.Value
}

func (m *m365Members) of(key string) *jsonc.Value {
	switch key {
	case "id":
		return &m.id
	case "serviceArea":
		return &m.area
	case "serviceAreaDisplayName":
		return &m.display
	case "urls":
		return &m.urls
	case "ips":
		return &m.ips
	case "tcpPorts":
		return &m.tcp
	case "udpPorts":
		return &m.udp
	case "expressRoute":
		return &m.expressRoute
	case "category":
		return &m.category
	case "required":
		return &m.required
	case "notes":
		return &m.notes
	}
	return nil
}

func (r *m365JSON) set(v jsonc.Value) {
	var m m365Members
	var s m365Set
	ok := r.Members(v, func(k jsonc.Key, v jsonc.Value) {
		if to := m.of(string(k.Bytes())); to != nil && v.Kind() != jsonc.Null {
			*to = v
		}
	})
	for _, one := range []struct {
		key   string
		value jsonc.Value
	}{{"id", m.id}, {"serviceArea", m.area}, {"category", m.category}} {
		if ok && one.value.Kind() == jsonc.Invalid {
			r.Errorf(v, "missing required key %q", one.key)
		}
	}
	if m.id.Kind() != jsonc.Invalid {
		s.id, _ = r.Int(m.id, 1, math.MaxInt32)
	}
	readText(r, m.area, &s.area, m365Area)
	readText(r, m.display, &s.display, func(text string) (string, error) { return m365Text(text, catalog.MaxTitle) })
	readText(r, m.category, &s.category, m365Category)
	readText(r, m.notes, &s.notes, m365Notes)
	readText(r, m.tcp, &s.tcp, func(text string) ([]netset.Service, error) { return m365Ports(text, netset.TCP) })
	readText(r, m.udp, &s.udp, func(text string) ([]netset.Service, error) { return m365Ports(text, netset.UDP) })
	r.flag(m.required, &s.required)
	r.flag(m.expressRoute, &s.expressRoute)
	r.endpoints(&s, m)
	if s.id == 0 {
		return
	}
	if err := r.catalog.add(s, v.Pos); err != nil {
		r.Errorf(v, "%w", err)
	}
}

// readText reads a string that may be absent.
func readText[T any](r *m365JSON, v jsonc.Value, to *T, read func(string) (T, error)) {
	if v.Kind() == jsonc.Invalid {
		return
	}
	text, ok := r.String(v)
	if !ok {
		return
	}
	value, err := read(text)
	if err != nil {
		r.Errorf(v, "%w", err)
	}
	*to = value
}

// flag reads true or false; absent is false.
func (r *m365JSON) flag(v jsonc.Value, to *bool) {
	if v.Kind() != jsonc.Invalid {
		*to, _ = r.Bool(v)
	}
}

func (r *m365JSON) endpoints(s *m365Set, m m365Members) {
	g := m365Endpoints{catalog: r.catalog}
	each := func(list jsonc.Value, add func([]byte, func() (line, col int)) error) {
		if list.Kind() == jsonc.Invalid {
			return
		}
		r.Array(list, func(v jsonc.Value) {
			if v.Kind() != jsonc.String {
				r.String(v) // says what was expected
			} else if err := add(v.Bytes(), v.Pos); err != nil {
				r.Errorf(v, "%w", err)
			}
		})
	}
	each(m.urls, g.addName)
	each(m.ips, g.addPrefix)
	if err := g.into(s); err != nil {
		r.Errorf(m.ips, "%w", err)
	}
}
