package feed

import (
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/jsonc"
)

// Keys, in lower case, by which an answer says that it is one page of several, and how
// many values there are in all.
var (
	nextKeys  = []string{"nextlink", "@odata.nextlink", "odata.nextlink", "nextpagetoken"}
	countKeys = []string{"count", "@odata.count", "odata.count"}
)

// partial is the error of a JSON document that says that it is not the whole answer.
func (d document) partial() error {
	const mend = "fetch them all, and put their values into one list"
	list := unwrapped(d.json.Root())
	for key, v := range d.json.Root().Members() {
		name := strings.ToLower(key.Text())
		if slices.Contains(nextKeys, name) && v.Kind() != jsonc.Null && v.Text() != "" {
			return v.Errorf("there are more pages of this answer; %s", mend)
		}
		if n, err := strconv.Atoi(v.Text()); err == nil && list.Kind() == jsonc.Array && slices.Contains(countKeys, name) {
			have := 0
			for range list.Elements() {
				have++
			}
			if n > have {
				return v.Errorf("the answer says that there are %d values, and has %d: there are more pages; %s", n, have, mend)
			}
		}
	}
	return nil
}
