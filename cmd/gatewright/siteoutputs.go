package main

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/site"
	"gatewright/generators"
)

// choose returns the site of the output that is meant. A site file with several has to
// be asked for one of them.
func (f *siteFlags) choose(s *site.Site) (*site.Site, error) {
	switch {
	case f.paired && len(s.Outputs) == 0:
	case f.paired && f.output == "":
		return nil, site.ErrNoOutput
	case f.output != "":
		one, err := s.For(f.output)
		if err != nil {
			return nil, fmt.Errorf("--for %s: %w", f.output, err)
		}
		return one, nil
	case len(s.Outputs) > 0 && !f.whole:
		return nil, usagef("the site file has several outputs; name one with --for: %s", strings.Join(s.OutputNames(), ", "))
	}
	return s, nil
}

// withOutput is the same run, but for one output of the site alone.
func (inv *invocation) withOutput(output string) *invocation {
	one := *inv
	one.site.output = output
	return &one
}

// eachOutput calls do for the output that --for names, or else for each of the site
// file's; for the site itself if it has none. Of the named generators it passes those
// that the output has; one that has none of them is left out. The first error ends it.
func (inv *invocation) eachOutput(names []string, do func(one *invocation, names []string) error) error {
	if inv.site.output != "" {
		return do(inv, names)
	}
	s, _, err := inv.site.read()
	if err != nil {
		return err
	}
	if len(s.Outputs) == 0 {
		return do(inv, names)
	}
	left := true
	for _, one := range s.Outputs {
		of := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			_, err := generators.ByName(name)
			return err == nil && len(one.Generators) > 0 && !slices.Contains(one.Generators, name)
		})
		if len(of) == 0 && len(names) > 0 {
			continue
		}
		left = false
		if err := do(inv.withOutput(one.Name), of); err != nil {
			return err
		}
	}
	if left {
		return usagef("no output of the site file has the generator %s; name the output that shall have it with --for", strings.Join(names, ", "))
	}
	return nil
}

// ofOutput puts before a text which output it is about, where there are several.
func (f *siteFlags) ofOutput(text string) string {
	if f.output == "" {
		return text
	}
	return f.output + ": " + text
}

// forOutput is the flag that names the output, for a command that is shown.
func (f *siteFlags) forOutput() string {
	if f.output == "" {
		return ""
	}
	return " --for " + f.output
}
