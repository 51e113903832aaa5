package feed

import (
	"strconv"

	"gatewright/catalog/jsonc"
)

// Keys by which an answer says that it is one page of several, itself or in an object
// of what it says of its pages, and how many values there are in all. Hyphens,
// underscores and dots count for nothing.
var (
	nextKeys  = []string{"next", "nextcursor", "nextlink", "nextpage", "nextpagetoken", "nexttoken", "nexturl", "@odatanextlink", "odatanextlink"}
	moreKeys  = []string{"hasmore", "hasnext", "hasnextpage", "istruncated", "truncated"}
	pageKeys  = []string{"links", "meta", "metadata", "page", "pageinfo", "paging", "pagination"}
	countKeys = []string{"count", "@odatacount", "odatacount"}
)

// partial is the error of a JSON document that says that it is not the whole answer.
func (d document) partial() error {
	root := d.json.Root()
	if more := morePages(root); more.Kind() != jsonc.Invalid {
		return more.Errorf("there are more pages of this answer; %s", allPages)
	}
	list := unwrapped(root)
	for key, v := range root.Members() {
		if isKey(pageKeys, key.Text()) {
			if more := morePages(v); more.Kind() != jsonc.Invalid {
				return more.Errorf("there are more pages of this answer; %s", allPages)
			}
		}
		if n, err := strconv.Atoi(v.Text()); err == nil && list.Kind() == jsonc.Array && isKey(countKeys, key.Text()) {
			have := 0
			for range list.Elements() {
				have++
			}
			if n > have {
				return v.Errorf("the answer states %d values but has %d: there are more pages; %s", n, have, allPages)
			}
		}
	}
	return nil
}

const allPages = "fetch all pages, and put their values into one list"

// morePages is what an object says of a next page; of kind Invalid for nothing.
func morePages(v jsonc.Value) jsonc.Value {
	for key, one := range v.Members() {
		text := one.Text()
		switch {
		case isKey(nextKeys, key.Text()) && (text != "" && text != "null" && text != "false" || one.Kind() == jsonc.Object):
			return one
		case isKey(moreKeys, key.Text()) && text == "true":
			return one
		}
	}
	return jsonc.Value{}
}
