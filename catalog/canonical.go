package catalog

import (
	"slices"
	"strconv"

	"gatewright/catalog/netset"
)

// AppendCanonical appends a text that is the same for entries with the same
// content: however their endpoints are ordered, prefixes split, port ranges cut up
// and names cased. Digests are made of it.
func (e *Entry) AppendCanonical(b []byte) []byte {
	for _, s := range []string{
		e.ID, e.Row, e.Title, string(e.Kind), e.Area, e.Type, string(e.Category), strconv.FormatBool(e.Required),
		string(e.Direction), e.Role, e.Services.String(), e.Condition, e.Source, e.Date,
	} {
		b = appendField(b, s)
	}
	b = appendFields(b, e.Instances)
	names := slices.SortedFunc(slices.Values(e.Names), netset.Pattern.Compare)
	b = append(strconv.AppendInt(b, int64(len(names)), 10), '\n')
	for _, n := range names {
		b = appendField(b, n.String())
	}
	b = e.Prefixes.AppendText(b, ",")
	b = append(b, '\n')
	var pending []string
	for _, p := range e.Pending {
		text := p.Text
		for _, one := range p.Placeholders {
			text += " " + one.Name + "=" + string(one.Kind)
		}
		pending = append(pending, text)
	}
	slices.Sort(pending)
	b = appendFields(b, pending)
	for _, u := range e.Unsaid {
		b = appendFields(b, append([]string{string(u.Fact), u.Why, u.Ask, u.Who, strconv.FormatBool(u.NeverAny)}, u.From...))
	}
	for _, i := range e.Inferred {
		b = appendFields(b, []string{i.Fact, i.Reason})
	}
	return appendFields(b, e.Notes)
}

// appendField appends a string with its length, so that no two lists of fields
// look the same.
func appendField(b []byte, s string) []byte {
	b = append(strconv.AppendInt(b, int64(len(s)), 10), ':')
	return append(append(b, s...), '\n')
}

func appendFields(b []byte, list []string) []byte {
	b = append(strconv.AppendInt(b, int64(len(list)), 10), '\n')
	for _, s := range list {
		b = appendField(b, s)
	}
	return b
}
