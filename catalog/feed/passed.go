package feed

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// passedOver counts the prefixes and addresses of a JSON document that stand where its
// format has none, so that none is lost in silence.
type passedOver struct {
	taken  map[place]bool // where one was read
	told   map[place]bool // lists and objects that are told of otherwise
	counts map[string]int // by where they stand
	order  []string       // of the document
}

// passed looks for them in a whole document.
func (c *collector) passed() (told []string) {
	p := passedOver{taken: c.taken, told: c.told, counts: map[string]int{}}
	p.walk(c.document, jsonc.Value{}, func() netset.PrefixSet { return netset.PrefixSet{} })
	for _, where := range p.order {
		told = append(told, fmt.Sprintf("%d %s", p.counts[where], where))
	}
	return told
}

// tellPassed tells of them in one notice.
func (c *collector) tellPassed() {
	if told := c.passed(); len(told) > 0 {
		c.noticeFile("prefixes or addresses were found under unknown keys: " + some(told) + "; ignored")
	}
}

// elsewhere is the error of a document that has none where they are looked for; nil if
// it has none at all.
func (c *collector) elsewhere() error {
	told := c.passed()
	if len(told) == 0 {
		return nil
	}
	return fileErrorf(c.file, "prefixes or addresses were found only under unknown keys: %s; rename a key to %q, or write a plain list with one per line", some(told), "cidr")
}

// walk looks at the value of a key. What lies in a prefix that was read beside it says
// nothing new; read is asked for those.
func (p *passedOver) walk(v jsonc.Value, key jsonc.Key, read func() netset.PrefixSet) {
	switch v.Kind() {
	case jsonc.Array, jsonc.Object:
		if p.told[v] {
			return
		}
	}
	switch v.Kind() {
	case jsonc.String:
		if !p.taken[v] && isPassed(v, read) {
			p.count("under " + jsonc.Quote(key.Text()))
		}
	case jsonc.Array:
		for _, one := range v.Elements() {
			p.walk(one, key, read)
		}
	case jsonc.Object:
		beside := sync.OnceValue(func() netset.PrefixSet { return p.read(v) })
		for k, one := range v.Members() {
			if isPassed(k, func() netset.PrefixSet { return p.read(one) }) {
				p.count(strings.TrimSuffix("as keys of "+jsonc.Quote(key.Text()), ` of ""`))
			}
			p.walk(one, k, beside)
		}
	}
}

func (p *passedOver) count(where string) {
	if p.counts[where]++; p.counts[where] == 1 {
		p.order = append(p.order, where)
	}
}

// read returns the prefixes that were read of the texts and lists of a value.
func (p *passedOver) read(v jsonc.Value) netset.PrefixSet {
	var b netset.PrefixBuilder
	add := func(list jsonc.Value) {
		for one := range elements(list) {
			if p.taken[one] {
				addPrefixes(&b, one)
			}
		}
	}
	add(v)
	for _, one := range v.Members() {
		add(one)
	}
	return b.Build()
}

// isPassed reports whether a text is of prefixes, addresses or ranges alone, and says
// more than what was read.
func isPassed(v jsonc.Value, read func() netset.PrefixSet) bool {
	text := v.Bytes()
	if !bytes.ContainsAny(text, ".:") || len(bytes.Trim(text, "0123456789abcdefABCDEF.:/,;- \t\r\n")) > 0 {
		return false
	}
	words := strings.FieldsFunc(string(text), func(r rune) bool { return strings.ContainsRune(",;- \t\r\n", r) })
	var b netset.PrefixBuilder
	for _, word := range words {
		_, notAddress := netip.ParseAddr(word)
		if _, notPrefix := netip.ParsePrefix(word); notAddress != nil && notPrefix != nil {
			return false
		}
		p, _, err := netset.ParsePrefix(word)
		if err != nil {
			return true // every address, which nothing read says
		}
		b.Add(p)
	}
	return len(words) > 0 && !read().Covers(b.Build())
}
