package site

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog"
)

// wanted returns an empty string if the selection accepts the entry, and
// otherwise why it does not.
func (s *Selection) wanted(e *catalog.Entry) string {
	instances := s.instances()
	switch {
	case named(s.Exclude, e):
		return "excluded"
	case len(s.Entries) > 0 && !named(s.Entries, e):
		return "not among the selected entries"
	case len(s.Areas) > 0 && !slices.Contains(s.Areas, e.Area):
		return "area " + orNone(e.Area)
	case len(s.Categories) > 0 && !slices.Contains(s.Categories, orNone(string(e.Category))):
		return "category " + orNone(string(e.Category))
	case e.Tag != "" && len(s.Tags) > 0 && !slices.Contains(s.Tags, e.Tag):
		return "tag " + e.Tag
	case e.Tag != "" && len(s.Regions) > 0 && !slices.Contains(s.Regions, orNone(e.Region)):
		return "region " + orNone(e.Region)
	case e.Tag != "" && len(s.Services) > 0 && !slices.Contains(s.Services, orNone(e.Service)):
		return "service " + orNone(e.Service)
	case len(e.Instances) > 0 && !overlap(instances, e.Instances):
		return "instance " + strings.Join(e.Instances, ", ")
	case s.RequiredOnly && !e.Required:
		return "not required"
	}
	return ""
}

// AreaOf is the area that a word names in any letter case: areas are slugs.
func AreaOf(word string) string { return strings.ToLower(word) }

func (s *Selection) instances() []string {
	if len(s.Instances) == 0 {
		return []string{catalog.DefaultInstance}
	}
	return s.Instances
}

// passesOver tells of a catalogue that is loaded for nothing, because all of it is of
// other instances.
func (s *Selection) passesOver(c *catalog.Catalog) (catalog.Notice, bool) {
	selected := func(e catalog.Entry) bool { return len(e.Instances) == 0 || overlap(s.instances(), e.Instances) }
	if len(c.Entries) == 0 || slices.ContainsFunc(c.Entries, selected) {
		return catalog.Notice{}, false
	}
	instance := c.Entries[0].Instances[0]
	return catalog.Notice{Where: c.Name, Text: fmt.Sprintf(`none of its entries is selected, because they are of instance %s; write "instance": ["%s"] under "select", or --instance %s`, instance, instance, instance)}, true
}

// wantsDirection reports whether flows of the direction are selected.
func (s *Selection) wantsDirection(d string) bool {
	return len(s.Directions) == 0 || slices.Contains(s.Directions, d)
}

// named reports whether a list holds an entry's id, or its part after the slash. A
// row that is several entries, "12" and "12-udp", is named by the row.
func named(list []string, e *catalog.Entry) bool {
	name, slug, _ := strings.Cut(e.ID, "/")
	if slices.Contains(list, e.ID) || slices.Contains(list, slug) {
		return true
	}
	part := e.Row != "" && strings.HasPrefix(slug, e.Row+"-")
	return part && (slices.Contains(list, e.Row) || slices.Contains(list, name+"/"+e.Row))
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// matches reports whether a route sends the entry its way.
func (r *Route) matches(e *catalog.Entry) bool {
	return (len(r.Areas) == 0 || slices.Contains(r.Areas, e.Area)) &&
		(len(r.Categories) == 0 || slices.Contains(r.Categories, orNone(string(e.Category)))) &&
		(len(r.Entries) == 0 || named(r.Entries, e))
}

// defaultRoutes send what the publisher wants untouched straight out, and the
// rest to the proxy.
func defaultRoutes() []Route {
	return []Route{
		{Categories: []string{string(catalog.CategoryOptimize), string(catalog.CategoryAllow), "none"}, Via: "direct"},
		{Via: "proxy"},
	}
}
