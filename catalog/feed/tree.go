package feed

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// Most publishers list prefixes in JSON in one of two ways: arrays of prefixes under
// keys that tell what they are, or objects that hold a prefix, or several, beside what
// service and region they are of, which an object around them may say. Keys are the
// same in any letter case, with underscores and hyphens or
// without.

// Keys of an object, by what they hold. One that names a whole host or network is read
// only where no other key of the object holds a prefix.
var (
	prefixKeys  = []string{"cidr", "cidrs", "prefix", "ipprefix", "ipv4prefix", "ipv6prefix", "ipv4cidr", "ipv6cidr", "iprange", "range", "subnet"}
	addressKeys = []string{"ip", "ipv4", "ipv6", "address", "ipaddress", "network"}
	familyKeys  = []string{"ipv4", "ipv6"}
	regionKeys  = []string{"region", "regions", "scope", "location"}
	serviceKeys = []string{"service", "services", "product", "products", "tag", "tags", "name"}
	stampKeys   = []string{"createdate", "creationtime", "creationdate", "lastupdatedtimestamp", "lastupdated", "updated", "published"}
)

var joints = strings.NewReplacer("_", "", "-", "")

func isKey(list []string, key string) bool {
	return slices.Contains(list, joints.Replace(strings.ToLower(key)))
}

// role is what a key of an object holds.
type role int

const (
	holdsOther role = iota
	holdsPrefix
	holdsAddress
	holdsFamily
	holdsMask
	holdsRegion
	holdsService
	holdsName
	holdsDirection
)

// roleOf remembers the keys that it was asked for.
func (t *tree) roleOf(key jsonc.Key) role {
	r, known := t.roles[string(key.Bytes())]
	if known {
		return r
	}
	switch name := key.Text(); {
	case isKey(prefixKeys, name):
		r = holdsPrefix
	case isKey(familyKeys, name):
		r = holdsFamily
	case isKey(maskKeys, name):
		r = holdsMask
	case isKey(addressKeys, name):
		r = holdsAddress
	case isKey(regionKeys, name):
		r = holdsRegion
	case strings.EqualFold(name, "name"):
		r = holdsName
	case isKey(serviceKeys, name):
		r = holdsService
	case strings.EqualFold(name, "direction"):
		r = holdsDirection
	}
	t.roles[key.Text()] = r
	return r
}

// isTree reports whether a document lists prefixes in one of these ways, or has lists
// that are all empty.
func isTree(d document) bool {
	root := d.root()
	if atLeast(1, root, "catalogs", "bind", "answers", "generators") { // a site file
		return false
	}
	return listsPrefix(root, "") || listsNothing(root)
}

// listsPrefix reports whether there is a prefix where tree looks for it.
func listsPrefix(v jsonc.Value, key string) bool {
	switch v.Kind() {
	case jsonc.String:
		_, _, err := netset.ParsePrefix(v.Text())
		return err == nil && (key == "" || isKey(prefixKeys, key) || isKey(addressKeys, key))
	case jsonc.Array:
		for _, one := range v.Elements() {
			if listsPrefix(one, "") {
				return true
			}
		}
	case jsonc.Object:
		for k, one := range v.Members() {
			if listsPrefix(one, k.Text()) {
				return true
			}
		}
	}
	return false
}

func listsNothing(root jsonc.Value) bool {
	lists := 0
	for _, v := range root.Members() {
		if v.Kind() == jsonc.Array {
			lists++
			if firstObject(v) != v {
				return false
			}
		}
	}
	return lists > 0
}

// tree reads such a document.
type tree struct {
	jsonReader
	issuer issuer
	roles  map[string]role
	passed []string // keys of lists without prefixes
	tried  int      // prefixes, good ones or not
}

// labels are what objects around a prefix say of it.
type labels struct {
	key                         string // of the list
	services, regions, openedBy []string
	mask                        string // beside the prefix in its object
}

func readTree(d document, as Naming) (*catalog.Catalog, error) {
	p := issuerOf(d)
	f := newCloudFeed(d, as, p.name, cmp.Or(p.title, "List "+filepath.Base(d.file)), p.source)
	t := &tree{jsonReader: newJSONReader(d, f), issuer: p, roles: map[string]role{}}
	for _, key := range p.parts {
		if !has(d.root(), key) {
			t.Errorf(d.root(), "missing required key %q", key)
		}
	}
	for key, v := range d.root().Members() {
		if isKey(stampKeys, key.Text()) && v.Kind() == jsonc.String {
			f.published(as, v.Text(), v)
		}
	}
	t.read(d.root(), labels{})
	if len(t.passed) > 0 {
		f.noticeFile("no prefix is among what is listed as " + some(t.passed) + "; passed over")
	}
	return f.finish()
}

func (t *tree) read(v jsonc.Value, of labels) {
	switch v.Kind() {
	case jsonc.Array:
		t.array(v, of)
	case jsonc.Object:
		t.object(v, of)
	}
}

// array reads a list of prefixes, or of objects. If one text of it is a prefix all have
// to be; the outermost array may hold names beside them.
func (t *tree) array(v jsonc.Value, of labels) {
	texts, prefixes := 0, 0
	for _, one := range v.Elements() {
		if one.Kind() == jsonc.String {
			texts++
			if isPrefix(one.Text()) {
				prefixes++
			}
		}
	}
	if texts > 0 && prefixes == 0 && of.key != "" {
		t.passed = append(t.passed, of.key)
		return
	}
	before := t.tried
	var without []jsonc.Value
	for _, one := range v.Elements() {
		switch n := t.tried; {
		case one.Kind() == jsonc.Object || one.Kind() == jsonc.Array:
			if t.read(one, of); n == t.tried && one.Kind() == jsonc.Object && !holdsLists(one) {
				without = append(without, one)
			}
		case one.Kind() == jsonc.Null:
		case of.key == "" && one.Kind() == jsonc.String:
			t.bare(one)
		default:
			t.prefix(one, of)
		}
	}
	if t.tried > before {
		for _, one := range without {
			t.Errorf(one, "no prefix here, as the others of the list have; download the feed again")
		}
	}
}

// holdsLists reports whether an object has lists, which may be empty.
func holdsLists(v jsonc.Value) bool {
	for _, one := range v.Members() {
		if one.Kind() == jsonc.Array {
			return true
		}
	}
	return false
}

// bare adds an element of an outermost array.
func (t *tree) bare(v jsonc.Value) {
	word := "names"
	if isPrefix(v.Text()) {
		word = "prefixes"
	}
	tag := t.feed.byName[word]
	if tag == nil {
		tag = t.feed.start(word)
	}
	tag.endpoint(v.Text(), v)
}

// object reads the prefixes of an object, and the lists in it.
func (t *tree) object(v jsonc.Value, of labels) {
	var h held
	var names []string
	for key, one := range v.Members() {
		switch t.roleOf(key) {
		case holdsRegion:
			if isWords(one) {
				of.regions = t.words(one, of.regions)
			}
		case holdsName:
			names = t.words(one, nil)
		case holdsService:
			if isWords(one) {
				of.services = t.words(one, of.services)
			}
		case holdsDirection:
			of.openedBy = t.words(one, of.openedBy)
		case holdsPrefix:
			if isNetmask(one) {
				h.masks = append(h.masks, one)
			} else {
				h.prefixes = append(h.prefixes, one)
			}
		case holdsFamily:
			h.addresses, h.families = append(h.addresses, one), append(h.families, one)
		case holdsAddress:
			h.addresses = append(h.addresses, one)
		case holdsMask:
			h.masks = append(h.masks, one)
		}
	}
	if len(of.services) == 0 {
		of.services = names
	}
	endpoints := h.endpoints()
	of.mask = t.mask(h, endpoints)
	for _, one := range endpoints {
		for element := range elements(one) {
			if element.Kind() == jsonc.Object {
				t.object(element, of)
			} else if element.Kind() != jsonc.String || element.Text() != "" {
				t.prefix(element, of)
			}
		}
	}
	of.mask = ""
	for key, one := range v.Members() {
		kind := one.Kind()
		if kind != jsonc.Array && kind != jsonc.Object {
			continue
		}
		switch t.roleOf(key) {
		case holdsPrefix, holdsAddress, holdsFamily, holdsMask, holdsDirection:
			continue
		case holdsRegion, holdsService, holdsName:
			if isWords(one) {
				continue
			}
		}
		inner := of
		inner.key = strings.TrimPrefix(of.key+"."+key.Text(), ".")
		t.read(one, inner)
	}
}

// isWords tells texts from lists of prefixes or objects.
func isWords(v jsonc.Value) bool {
	for one := range elements(v) {
		if one.Kind() == jsonc.Object || one.Kind() == jsonc.Array || isPrefix(one.Text()) && one.Text() != "" {
			return false
		}
	}
	return true
}

// words reads a text or a list of them; others stand if there is none.
func (t *tree) words(v jsonc.Value, others []string) []string {
	var words []string
	for one := range elements(v) {
		if one.Kind() == jsonc.String && one.Text() != "" || one.Kind() == jsonc.Number {
			words = append(words, one.Text())
		}
	}
	if len(words) == 0 {
		return others
	}
	return words
}

// prefix adds a prefix to the tags that are meant: one for each service in each region.
func (t *tree) prefix(v jsonc.Value, of labels) {
	t.tried++
	text, ok := t.String(v)
	if !ok {
		return
	}
	text, err := masked(text, of.mask)
	if err != nil {
		t.Errorf(v, "%w", err)
		return
	}
	before := t.feed.listed
	for _, service := range orEmpty(of.services) {
		for _, region := range orEmpty(of.regions) {
			tag := t.feed.tag(v, t.issuer.tag(service, region, of), region, service)
			if tag == nil {
				return
			}
			if direction := openedBy(of.openedBy); direction != "" && tag.entry.Direction == "" {
				tag.entry.Direction = direction
				tag.entry.Inferred = []catalog.Inference{{Fact: string(catalog.FactDirection), Reason: "the feed tells by egress and ingress, as seen from its publisher"}}
			}
			if tag.prefix(text, v); t.feed.listed == before {
				return // and reported
			}
		}
	}
}

func orEmpty(list []string) []string {
	if len(list) == 0 {
		return []string{""}
	}
	return list
}

// openedBy is the direction of flows that a publisher calls egress (its own), ingress,
// or both; empty for other words.
func openedBy(words []string) catalog.Direction {
	egress := slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, "egress") })
	ingress := slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, "ingress") })
	switch {
	case egress && ingress:
		return catalog.Bidirectional
	case egress:
		return catalog.Inbound
	case ingress:
		return catalog.Outbound
	}
	return ""
}
