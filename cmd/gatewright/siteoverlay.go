package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/catalog/site"
	"gatewright/catalog/suggest"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

func (f *siteFlags) overlayStaging(s *site.Site) (err error) {
	if f.asOf != "" {
		if s.Staging.AsOf, err = site.ParseAsOf(f.asOf); err != nil {
			return usagef("--as-of: %w", err)
		}
	}
	if f.keep != "" {
		if s.Staging.KeepRemoved, err = feed.ParseDays(f.keep); err != nil {
			return usagef("--keep-removed: %w", err)
		}
	}
	return nil
}

func (f *siteFlags) overlaySelection(s *site.Site) error {
	to := &s.Select
	each := func(list []string, as func(string) string) (all []string) {
		for _, word := range list {
			all = append(all, as(word))
		}
		return all
	}
	for _, one := range []struct {
		flag  string
		given []string
		to    *[]string
		known []string
	}{
		{"area", each(f.sel.Areas, site.AreaOf), &to.Areas, nil},
		{"category", f.sel.Categories, &to.Categories, site.Categories()},
		{"tag", f.sel.Tags, &to.Tags, nil},
		{"region", f.sel.Regions, &to.Regions, nil},
		{"service", f.sel.Services, &to.Services, nil},
		{"entry", f.sel.Entries, &to.Entries, nil},
		{"direction", f.sel.Directions, &to.Directions, []string{"outbound", "inbound"}},
		{"instance", each(f.sel.Instances, feed.InstanceOf), &to.Instances, nil},
		{"exclude", f.sel.Exclude, &to.Exclude, nil},
	} {
		for _, v := range one.given {
			if one.known != nil && !slices.Contains(one.known, v) {
				return usagef("--%s %q: %s", one.flag, v, suggest.OneOf(v, one.known))
			}
			s.SaidBy(fmt.Sprintf("--%s %q", one.flag, v), one.flag, v)
		}
		if len(one.given) > 0 {
			*one.to = one.given
		}
	}
	if f.flags.Changed("required-only") {
		to.RequiredOnly = f.sel.RequiredOnly
	}
	return nil
}

// overlayBindings replaces the bindings of the roles that --bind names.
func (f *siteFlags) overlayBindings(s *site.Site) error {
	given := map[rule.Role]*netset.PrefixBuilder{}
	for _, text := range f.bind {
		name, cidr, ok := strings.Cut(text, "=")
		if !ok {
			return usagef("--bind %q: expect ROLE=CIDR, such as exchange=192.0.2.10", text)
		}
		role, err := rule.ParseRole(name)
		if err != nil {
			return usagef("--bind %q: %w", text, err)
		}
		prefix, note, err := netset.ParsePrefix(cidr)
		if err != nil {
			return usagef("--bind %q: %w", text, err)
		}
		if note != "" && strings.Contains(cidr, "/") {
			s.Notices = append(s.Notices, catalog.Notice{Where: "--bind " + text, Text: note})
		}
		if given[role] == nil {
			given[role] = &netset.PrefixBuilder{}
		}
		given[role].Add(prefix)
		s.SaidBy(fmt.Sprintf("--bind %q", text), site.SectionBind, string(role))
	}
	if s.Bindings == nil {
		s.Bindings = map[rule.Role]rule.Binding{}
	}
	for _, role := range slices.Sorted(maps.Keys(given)) {
		b := rule.Binding{Role: role, Addresses: given[role].Build()}
		for _, text := range site.WideBinding(b) {
			s.Notices = append(s.Notices, catalog.Notice{Where: "--bind", Text: text})
		}
		s.Bindings[role] = b
	}
	return nil
}

// overlayOptions replaces the generator options that --set names.
func (f *siteFlags) overlayOptions(s *site.Site) error {
	given := map[string]bool{}
	for _, text := range f.set {
		key, value, ok := strings.Cut(text, "=")
		name, option, dotted := strings.Cut(key, ".")
		if !ok || !dotted || option == "" {
			return usagef("--set %q: expect GENERATOR.OPTION=VALUE, such as pac.proxy=proxy.example.com:8080", text)
		}
		if s.Options == nil {
			s.Options = map[string]map[string][]string{}
		}
		if s.Options[name] == nil {
			s.Options[name] = map[string][]string{}
		}
		if !given[key] {
			s.Options[name][option] = nil
		}
		given[key] = true
		s.Options[name][option] = append(s.Options[name][option], value)
	}
	return f.checkOptions(s)
}

// checkOptions refuses what the command line sets and the generator does not take.
func (f *siteFlags) checkOptions(s *site.Site) error {
	for _, text := range f.set {
		key, _, _ := strings.Cut(text, "=")
		name, option, _ := strings.Cut(key, ".")
		g, err := generators.ByName(name)
		if err != nil {
			return usagef("--set %q: %w", text, err)
		}
		if _, err := artefact.Configure(g.Options(), map[string][]string{option: s.Options[name][option]}); err != nil {
			return usagef("--set %s: %w", key, err)
		}
	}
	return nil
}
