package report

import (
	"cmp"
	"fmt"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/words"
	"gatewright/generators/artefact"
)

func routeSection(routes []change.Route) section {
	s := section{title: "changed routes in PAC files"}
	for _, r := range routes {
		s.add(' ', "%s -> %s: %s, %s", r.From, r.To, cmp.Or(string(r.Role), r.Place), r.Services)
		if r.Any {
			s.add(' ', "    every remote without its own route")
		}
		for _, n := range r.Names {
			s.add(' ', "    %s", n)
		}
		for _, prefix := range r.Prefixes {
			s.add(' ', "    %s", words.Address(prefix))
		}
	}
	return s
}

func trustedSection(t change.Trusted) section {
	s := section{title: "trusted sites", inSight: len(t.Added) > 0}
	for _, one := range []struct {
		sign  byte
		sites []change.Site
	}{{'+', t.Added}, {'-', t.Removed}} {
		for _, site := range one.sites {
			s.add(one.sign, "%s: %s", site.Entry, strings.Join(site.Names, ", "))
		}
	}
	return s
}

func openSection(r change.Diff) section {
	s := section{title: "open items: nothing is rendered for them, so their flows are not compared"}
	for _, o := range r.OpenAdded {
		s.add('+', "%s: %s is open: %s", o.Entry, o.Name(), o.Why)
	}
	for _, o := range r.OpenRemoved {
		s.add('-', "%s: %s is no longer open", o.Entry, o.Name())
	}
	missing := map[string][]string{}
	var entries []string
	for _, o := range r.OpenUnchanged {
		id := o.Entry
		if missing[id] == nil {
			entries = append(entries, id)
		}
		missing[id] = append(missing[id], o.Name())
	}
	for _, id := range entries {
		s.add(' ', "%s: open on both sides: %s", id, strings.Join(missing[id], ", "))
	}
	return s
}

func entrySection(entries []change.Entry) section {
	s := section{title: "entries added, removed or changed"}
	for _, e := range entries {
		label := artefact.Label(rule.Entry{ID: e.ID, Row: e.Row, Title: e.Title})
		switch e.Change {
		case "added":
			s.add('+', "%s (%s)", label, e.State)
		case "removed":
			s.add('-', "%s (%s)", label, e.State)
		default:
			s.add(' ', "%s", label)
		}
		if e.Asks != "" {
			s.add(' ', "    %s", e.Asks)
		}
		for _, f := range e.Changes {
			if f.Attribute == "names" || f.Attribute == "prefixes" { // what came and went alone
				s.addEndpoints('-', f.Attribute, f.Old)
				s.addEndpoints('+', f.Attribute, f.New)
				continue
			}
			if len(f.Old)+len(f.New) <= shortFact {
				s.add(' ', "    %s: %s -> %s", f.Attribute, cmp.Or(f.Old, "none"), cmp.Or(f.New, "none"))
				continue
			}
			s.add('-', "    %s: %s", f.Attribute, shortFactText(f.Old))
			s.add('+', "    %s: %s", f.Attribute, shortFactText(f.New))
		}
	}
	return s
}

// addEndpoints adds the endpoints of an entry that came or went, if any did.
func (s *section) addEndpoints(sign byte, attribute, list string) {
	if list != "" {
		s.add(sign, "    %s: %s", attribute, shortFactText(list))
	}
}

func besideSection(changes []change.Beside) section {
	s := section{title: "other changes of the files", inSight: true}
	for _, c := range changes {
		s.add(' ', "%s: %s", c.File, c.Name)
		for _, v := range c.Old {
			s.add('-', "    %s", v)
		}
		for _, v := range c.New {
			s.add('+', "    %s", v)
		}
	}
	return s
}

// shownComments is how many changes of comments are shown with their words; JSON has
// all.
const shownComments = 20

func commentSection(changes []change.Comment) section {
	s := section{title: "comments changed"}
	for i, c := range changes {
		s.add(' ', "%s%s", strings.Join(c.Places, ", "), map[bool]string{true: ": in another order"}[len(c.Old)+len(c.New) == 0])
		if i >= shownComments {
			continue
		}
		for _, text := range c.Old {
			s.add('-', "    %s", text)
		}
		for _, text := range c.New {
			s.add('+', "    %s", text)
		}
	}
	return s
}

func editedSection(r change.Diff) section {
	s := section{title: "changed by hand since they were generated, and used as they are"}
	for _, side := range []change.Head{r.Old, r.New} {
		for _, name := range side.Edited {
			s.add(' ', "%s/%s", side.Name, name)
		}
	}
	return s
}

// shortFactText shortens a list of many endpoints; JSON has all.
func shortFactText(text string) string {
	const shown = 8
	if list := strings.Split(text, ", "); len(list) > shown+1 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:shown], ", "), len(list)-shown)
	}
	return cmp.Or(text, "none")
}

func fileSection(files []change.File) section {
	s := section{title: "files that were added or removed, or differ as text"}
	for _, f := range files {
		sign := map[string]byte{"added": '+', "removed": '-'}[f.Change]
		s.add(cmp.Or(sign, ' '), "%s: %s", f.Name, f.Change)
	}
	return s
}
