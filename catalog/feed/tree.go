package feed

import (
	"cmp"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// Most publishers list prefixes in JSON in one of two ways: arrays of prefixes under
// keys that tell what they are, or objects that hold a prefix, or several, beside what
// service and region they are of, which an object around them may say. Keys are the
// same in any letter case, with underscores and hyphens or
// without.

// isTree reports whether a document lists prefixes in one of these ways, or has lists
// that are all empty.
func isTree(d document) bool {
	return !d.isSite() && (listsPrefix(d.root(), "") || listsNothing(d.root()) || isMember(firstText(d.root())))
}

func (d document) isSite() bool {
	return atLeast(1, d.root(), "catalogs", "bind", "answers", "generators")
}

// firstText is the text that an outermost list starts with, which may be a name.
func firstText(v jsonc.Value) string {
	if first := firstObject(v); v.Kind() == jsonc.Array && first.Kind() == jsonc.String {
		return first.Text()
	}
	return ""
}

// listsPrefix reports whether there is a prefix where tree looks for it.
func listsPrefix(v jsonc.Value, key string) bool {
	switch v.Kind() {
	case jsonc.String:
		known := len(prefixWords(v.Text())) > 0 || isPrefix(v.Text()) && strings.Contains(v.Text(), "/")
		return known && (key == "" || roleOf(key).isEndpoint())
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
	*cloudFeed
	issuer  issuer
	root    jsonc.Value
	roles   map[string]role
	without []string // keys of lists without prefixes
	from    []string // keys of lists with prefixes
	tried   int      // prefixes, good ones or not

	vouched bool               // some prefixes stand under a key that is known to hold them
	unread  []keyed            // that others vouch against
	denied  map[[2]string]bool // of fieldDenies, by key and text
}

// keyed is a list or an object and its key.
type keyed struct {
	key  string
	list jsonc.Value
}

func readTree(d document, as Naming) (*catalog.Catalog, error) {
	p := issuerOf(d)
	f := newPublished(d, as, p.name, cmp.Or(p.title, "List "+d.base()), p.source)
	t := &tree{cloudFeed: f, issuer: p, root: d.root(), roles: map[string]role{}, denied: map[[2]string]bool{}}
	t.vouched = vouches(d.root())
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
	t.tellUnread()
	t.tellUnknown()
	if len(t.without) > 0 {
		f.noticeFile("no prefix was found under " + some(t.without) + "; ignored")
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
	switch {
	case texts > 0 && prefixes == 0 && of.key != "" && !holdsInner(v):
		t.without = append(t.without, of.key)
		return
	case texts == 0 && !holdsInner(v):
		return // numbers, such as ports
	}
	if isRange(v) && of.key != "" && of.inList {
		t.Errorf(v, "these may be two addresses or the ends of a range; write prefixes, or each address separately")
		return
	}
	of.inList = true
	if prefixes > 0 && of.key != "" && len(t.from) < maxRemembered {
		t.from = append(t.from, of.key)
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
			t.Errorf(one, "no prefix here, although the other elements of the list have one; download the feed again")
		}
	}
}

// holdsInner reports whether a list has objects or lists.
func holdsInner(v jsonc.Value) bool {
	for _, one := range v.Elements() {
		if one.Kind() == jsonc.Object || one.Kind() == jsonc.Array {
			return true
		}
	}
	return false
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
	tag := t.byName[word]
	if tag == nil {
		tag = t.start(word)
	}
	tag.endpoint(v.Text(), v)
}

// object reads the prefixes of an object, and the lists in it.
func (t *tree) object(v jsonc.Value, of labels) {
	var h held
	var names []string
	of.inList = false
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
		case holdsExceptions:
			t.refuseDenied(key, one)
		default:
			h.add(t.roleOf(key), key, one)
		}
	}
	if len(of.services) == 0 {
		of.services = names
	}
	endpoints := h.endpoints()
	if len(endpoints) > 0 || listsPrefix(v, "") {
		t.refuseDenial(v, len(endpoints) > 0 && v != t.root)
	}
	if of.mask = t.mask(h, endpoints, of); len(endpoints) == 0 && len(h.masks) > 0 {
		of.around = h.masks[0]
	}
	for _, one := range endpoints {
		for element := range elements(one) {
			t.element(element, of)
		}
	}
	of.mask = ""
	besideLists := t.listsUnderOther(v)
	for key, one := range v.Members() {
		inner := of
		inner.key = strings.TrimPrefix(of.key+"."+key.Text(), ".")
		switch {
		case t.isInner(key, one) && t.isUnread(key, one, v):
			t.unread = append(t.unread, keyed{key.Text(), one})
			t.told[one] = true
		case t.isInner(key, one):
			t.read(one, inner)
		case besideLists && !t.vouched && t.roleOf(key) == holdsOther && isPrefixes(one):
			t.from = append(t.from, inner.key)
			t.prefix(one, inner)
		}
	}
}

// listsUnderOther reports whether an object has a list of prefixes under a key that
// says nothing, so that such keys are names of lists.
func (t *tree) listsUnderOther(v jsonc.Value) bool {
	for key, one := range v.Members() {
		if one.Kind() == jsonc.Array && t.roleOf(key) == holdsOther && slices.ContainsFunc(slices.Collect(elements(one)), isPrefixes) {
			return true
		}
	}
	return false
}

// isPrefixes reports whether a text is one prefix with its length, or several.
func isPrefixes(v jsonc.Value) bool {
	if v.Kind() != jsonc.String || !strings.Contains(v.Text(), "/") {
		return false
	}
	words := prefixWords(v.Text())
	return len(words) > 0 && !slices.ContainsFunc(words, isBare)
}

// element reads one of the endpoints of an object.
func (t *tree) element(v jsonc.Value, of labels) {
	switch {
	case v.Kind() == jsonc.Object:
		before := t.tried
		if t.object(v, of); t.tried == before && deepMask(v).Kind() != jsonc.Invalid {
			t.Errorf(v, "there is a mask here but no address; %s", writePrefix)
		}
	case v.Kind() != jsonc.String || v.Text() != "":
		t.prefix(v, of)
	}
}

// isInner reports whether there may be prefixes in a list or an object of a key that is
// no endpoint itself.
func (t *tree) isInner(key jsonc.Key, v jsonc.Value) bool {
	if v.Kind() != jsonc.Array && v.Kind() != jsonc.Object {
		return false
	}
	switch t.roleOf(key) {
	case holdsPrefix, holdsAddress, holdsFamily, holdsMask, holdsDirection, holdsExceptions:
		return false
	case holdsRegion, holdsService, holdsName:
		return !isWords(v)
	}
	return true
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

// prefix adds a prefix, or the several of one text, to the tags that are meant: one for
// each service in each region.
func (t *tree) prefix(v jsonc.Value, of labels) {
	t.tried++
	text, ok := t.String(v)
	if !ok {
		return
	}
	words := prefixWords(text)
	if len(words) < 2 {
		words = []string{text}
	}
	for _, word := range words {
		if of.mask == "" && of.around.Kind() != jsonc.Invalid && isBare(word) {
			t.Errorf(v, "the mask of the enclosing object may belong to %s; %s", jsonc.Quote(word), asSentence(writePrefix))
			return
		}
		word, err := masked(word, of.mask)
		if err != nil {
			t.Errorf(v, "%w", err)
			return
		}
		if !t.tagged(word, v, of) {
			return
		}
	}
}

// prefixWords splits what programs put into one text; nil if anything else is in it.
func prefixWords(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) })
	if slices.ContainsFunc(words, func(word string) bool { return !isCIDR(word) }) {
		return nil
	}
	return words
}
