package catalog

import (
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
)

// AppendCanonical appends a text that is equal for two entries if and only if
// they say the same: whatever the order of endpoints and instances, however
// prefixes are split and port ranges cut up, and whichever case names are in.
// Digests are made of it.
func (e *Entry) AppendCanonical(b []byte) []byte {
	for _, s := range []string{
		e.ID, e.Row, e.Title, string(e.Kind), e.Area, e.Type, string(e.Category), strconv.FormatBool(e.Required),
		string(e.Direction), e.Role, e.Services.String(), e.Condition, e.Source, e.Date,
	} {
		b = appendField(b, s)
	}
	b = appendFields(b, sorted(e.Instances))
	b = appendNames(b, e.Names)
	b = append(e.Prefixes.AppendText(b, ","), '\n')
	b = appendPending(b, e.Pending)
	b = appendUnsaid(b, e.Unsaid)
	b = appendInferred(b, e.Inferred)
	b = appendFields(b, e.Notes)
	if len(e.Links) > 0 {
		b = append(b, "links\n"...) // no field starts with a letter
		b = appendFields(b, e.Links)
	}
	if e.RemoteRole != "" {
		b = append(b, "remote role\n"...) // no field starts with a letter
		b = appendField(b, e.RemoteRole)
	}
	if e.Tag+e.Region+e.Service != "" {
		b = append(b, "cloud\n"...) // no field starts with a letter
		b = appendFields(b, []string{e.Tag, e.Region, e.Service})
	}
	narrowings := slices.SortedFunc(slices.Values(e.Narrowings), func(x, y Narrowing) int { return x.Name.Compare(y.Name) })
	for _, n := range narrowings {
		b = append(b, "narrowed\n"...) // no field starts with a letter
		b = appendField(b, n.Name.String())
		b = appendPending(b, n.To)
	}
	return b
}

func appendNames(b []byte, names []netset.Pattern) []byte {
	names = slices.SortedFunc(slices.Values(names), netset.Pattern.Compare)
	names = slices.Compact(names)
	b = appendCount(b, len(names))
	for _, n := range names {
		b = appendField(b, n.String())
	}
	return b
}

func appendPending(b []byte, pending []Pending) []byte {
	var texts []string
	for _, p := range pending {
		text := strings.ToLower(p.Host) + p.Path
		for _, one := range p.Placeholders {
			text += " " + one.Name + "=" + string(one.Kind)
		}
		texts = append(texts, text)
	}
	return appendFields(b, sorted(texts))
}

func appendUnsaid(b []byte, unsaid []Unsaid) []byte {
	unsaid = slices.SortedStableFunc(slices.Values(unsaid), func(x, y Unsaid) int { return strings.Compare(string(x.Fact), string(y.Fact)) })
	b = appendCount(b, len(unsaid))
	for _, u := range unsaid {
		fields := []string{string(u.Fact), u.Why, u.Ask, u.Who, strconv.FormatBool(u.NeverAny)}
		if u.WholeFeed {
			fields = append(fields, "whole feed")
		}
		if u.Elsewhere != nil {
			fields = append(fields, "elsewhere", strconv.Itoa(len(sorted(u.Elsewhere.From))))
			fields = slices.Concat(fields, sorted(u.Elsewhere.From), sorted(u.Elsewhere.Under))
		}
		b = appendFields(b, fields)
		b = appendFields(b, sorted(u.From))
	}
	return b
}

func appendInferred(b []byte, inferred []Inference) []byte {
	inferred = slices.SortedStableFunc(slices.Values(inferred), func(x, y Inference) int { return strings.Compare(x.Fact, y.Fact) })
	b = appendCount(b, len(inferred))
	for _, i := range inferred {
		b = appendFields(b, []string{i.Fact, i.Reason})
	}
	return b
}

// sorted returns the strings in order, each once.
func sorted(list []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

func appendFields(b []byte, list []string) []byte {
	b = appendCount(b, len(list))
	for _, s := range list {
		b = appendField(b, s)
	}
	return b
}

func appendCount(b []byte, n int) []byte {
	return append(strconv.AppendInt(b, int64(n), 10), '\n')
}

// appendField appends a string with its length, so that no two lists of fields
// look the same.
func appendField(b []byte, s string) []byte {
	b = append(strconv.AppendInt(b, int64(len(s)), 10), ':')
	return append(append(b, s...), '\n')
}
