package site

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/netset"
)

// IsSite reports whether a document is a site file and not a catalogue. It looks only
// at the document's keys. An empty document is not a site file. A document that does
// not parse is one only if it has a site file's key before the fault.
func IsSite(data []byte) bool {
	known := map[string]bool{}
	for _, f := range (&reader{site: &Site{}}).fields() {
		known[f.Key()] = !f.IsSchema()
	}
	is := false
	for key, kind := range jsonc.Keys(data) {
		switch {
		case key == "entries" || key == "catalog":
			return false
		case key == "values": // which one of Azure's service tags has, too, as a list
			is = is || kind == jsonc.Object
		case known[key]:
			is = true
		}
	}
	return is
}

// EntryChange is an entry that was added, removed or changed. It includes the
// endpoints, because other entries may give the same flows and then no flow differs.
type EntryChange struct {
	Old, New *Outcome // nil where the entry is not there
	Facts    []FactChange
}

// FactChange is one attribute of an entry, as text; empty where nothing is said.
type FactChange struct{ Name, Old, New string }

// Compare returns what came, went or changed among the entries that are selected on
// either side, sorted by id.
func Compare(old, new *Result) []EntryChange {
	if old == new {
		return nil
	}
	var changes []EntryChange
	before, after := old.Outcomes, new.Outcomes
	for len(before) > 0 || len(after) > 0 {
		order := 0
		switch {
		case len(before) == 0:
			order = 1
		case len(after) == 0:
			order = -1
		default:
			order = cmp.Compare(before[0].Entry.ID, after[0].Entry.ID)
		}
		var c EntryChange
		if order <= 0 {
			c.Old, before = &before[0], before[1:]
		}
		if order >= 0 {
			c.New, after = &after[0], after[1:]
		}
		if c.differs() {
			changes = append(changes, c)
		}
	}
	return changes
}

// differs notes the attributes that changed, and reports whether there is anything
// to tell.
func (c *EntryChange) differs() bool {
	unwanted := func(o *Outcome) bool { return o == nil || o.State == NotSelected }
	switch {
	case unwanted(c.Old) && unwanted(c.New):
		return false
	case c.Old == nil || c.New == nil:
		return true
	}
	before, after := attributes(c.Old), attributes(c.New)
	for i := range before {
		if before[i].value != after[i].value {
			c.Facts = append(c.Facts, FactChange{before[i].name, before[i].value, after[i].value})
		}
	}
	c.compareEndpoints()
	return len(c.Facts) > 0
}

type attribute struct{ name, value string }

func attributes(o *Outcome) []attribute {
	e := &o.Entry
	state := string(o.State)
	if o.Why != "" {
		state += " (" + o.Why + ")"
	}
	return []attribute{
		{"state", state},
		{"row", e.Row}, {"title", e.Title}, {"kind", string(e.Kind)}, {"area", e.Area}, {"type", e.Type},
		{"category", string(e.Category)}, {"required", strconv.FormatBool(e.Required)}, {"instances", strings.Join(e.Instances, ", ")},
		{"region", e.Region}, {"service", e.Service}, {"tag", e.Tag},
		{"direction", string(e.Direction)}, {"role", e.Role}, {"remote role", e.RemoteRole}, {"services", e.Services.String()},
		{"condition", e.Condition}, {"notes", strings.Join(e.Notes, " / ")}, {"links", strings.Join(e.Links, " ")},
		{"unsaid", listOf(e.Unsaid, func(u catalog.Unsaid) string { return string(u.Fact) })},
		{"inferred", listOf(e.Inferred, func(i catalog.Inference) string { return i.Fact })},
		{"pending endpoints", pendingTexts(e.Pending)}, {"narrowings", listOf(e.Narrowings, narrowingText)},
	}
}

// listOf lists what some facts of an entry are about.
func listOf[T any](list []T, text func(T) string) string {
	var all []string
	for _, one := range list {
		all = append(all, text(one))
	}
	return strings.Join(all, ", ")
}

func pendingTexts(pending []catalog.Pending) string {
	sorted := slices.SortedFunc(slices.Values(pending), func(x, y catalog.Pending) int { return strings.Compare(x.Text, y.Text) })
	return listOf(sorted, func(p catalog.Pending) string { return p.Text })
}

func narrowingText(n catalog.Narrowing) string {
	return n.Name.String() + " to " + pendingTexts(n.To)
}

// compareEndpoints notes the names and addresses that came and went.
func (c *EntryChange) compareEndpoints() {
	old, new := &c.Old.Entry, &c.New.Entry
	less := func(a, b []netset.Pattern) string {
		have := map[netset.Pattern]bool{}
		for _, n := range b {
			have[n] = true
		}
		return netset.NameSetOf(slices.DeleteFunc(slices.Clone(a), func(n netset.Pattern) bool { return have[n] })...).String()
	}
	for _, f := range []FactChange{
		{"names", less(old.Names, new.Names), less(new.Names, old.Names)},
		{"prefixes", old.Prefixes.Subtract(new.Prefixes).String(), new.Prefixes.Subtract(old.Prefixes).String()},
	} {
		if f.Old != f.New {
			c.Facts = append(c.Facts, f)
		}
	}
}
