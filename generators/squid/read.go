package squid

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/templates"
)

// longestLine is more than any line of ours has, in bytes, and less than Squid splits.
const longestLine = 2000

// Makes reports whether a file of that name is one of this generator's.
func (Generator) Makes(name string) bool {
	list, ok := strings.CutPrefix(name, listFolder)
	return name == confName || ok && strings.HasSuffix(list, listSuffix) && !strings.Contains(list, "/")
}

// Read reads the configuration, and the lists that it names by their whole paths. What
// it allows are the rules of a policy: names that requests have and addresses of
// requests for literals are the two sights of a remote.
func (Generator) Read(files artefact.Files) (artefact.Reading, error) {
	r, err := readFiles(files)
	if r == nil || err != nil {
		return artefact.Reading{}, err
	}
	reading := artefact.Reading{Requests: r.policy(), Ahead: r.place == placeFirst, Beside: r.beside(), Comments: r.conf.Comments}
	for _, name := range slices.Sorted(maps.Keys(r.taken)) {
		reading.Take(name, files[name])
	}
	return reading, nil
}

// reader gathers the view of the configuration, and what its ACLs hold. What it passes
// over, the comparison with the view finds.
type reader struct {
	files artefact.Files
	taken map[string]bool // the files that are read

	conf  *artefact.Lines
	view  confView
	dir   string // where lists are; empty where the header does not say
	place string
	acls  map[aclName][]held // of each rule of a group, or of all
	roles map[aclName]int    // the lines of ACLs of roles; 0 if a rule is of them
	first []int              // the lines of the groups' first ids
	above string             // the line before
}

// readFiles returns nil if there is no configuration.
func readFiles(files artefact.Files) (*reader, error) {
	data, ok := files[confName]
	if !ok {
		return nil, nil
	}
	conf := artefact.LinesOf(confName, data, longestLine)
	r := &reader{
		files: files, taken: map[string]bool{confName: true}, conf: conf,
		acls: map[aclName][]held{}, roles: map[aclName]int{},
	}
	if err := r.read(); err != nil {
		return nil, err
	}
	again, err := templates.Execute("squid/squid.conf.tmpl", r.view)
	if err != nil {
		return nil, err
	}
	return r, artefact.Compare(confName, data, again)
}

func (r *reader) foreign(want string) error { return r.conf.Foreign(errors.New(want)) }

func (r *reader) read() error {
	if _, err := r.conf.ReadTitle(confTitle, format); err != nil {
		return err
	}
	r.conf.Next()
	if err := r.readLoad(r.conf.Line); err != nil {
		return err
	}
	header, err := r.conf.ReadHeader(maxComment)
	if err != nil {
		return err
	}
	r.view.First = r.place == placeFirst
	for r.view.First && r.conf.Follows("#") && r.conf.Next() { // what this place means
	}
	for r.conf.Next() {
		if err := r.take(r.conf.Line); err != nil {
			return err
		}
		r.above = r.conf.Line
	}
	fixed := artefact.ListHeader(confTitle, loadCommand(r.dir, r.place, len(r.acls) > 0), format)
	r.view.Header = comments(append(fixed, header...))
	for i, g := range r.view.Groups {
		if len(g.Allows) == 0 || !r.isWhole(g) {
			return r.conf.ForeignAt(r.first[i], errors.New("the ACLs and http_access lines of a rule below its id"))
		}
	}
	for _, a := range r.view.Roles {
		if at := r.roles[a.Name]; at > 0 {
			return r.conf.ForeignAt(at, errors.New("the role of a rule below"))
		}
	}
	return nil
}

// readLoad reads the folder and the place from the command that loads the file.
func (r *reader) readLoad(load string) error {
	r.place = placeFirst
	if strings.Contains(load, confDDir) {
		r.place = placeConfD
	}
	_, rest, ok := strings.Cut(load, " -t ")
	if r.dir, _, _ = strings.Cut(rest, " "); ok && checkDir(r.dir) != nil {
		return r.foreign("a command with a folder such as " + defaultDir)
	}
	return nil
}

// take reads a line below the header.
func (r *reader) take(line string) error {
	n := len(r.view.Groups)
	g := &groupView{}
	if n > 0 {
		g = &r.view.Groups[n-1]
	}
	text, isComment := strings.CutPrefix(line, "# ")
	words := strings.Split(line, " ")
	switch {
	case isComment && r.above == "":
		r.conf.Note(text)
		r.first = append(r.first, r.conf.At)
		r.view.Groups = append(r.view.Groups, groupView{Rules: []ruleView{{ID: commentOf(text)}}})
	case isComment && r.above == "#" && n > 0 && len(g.ACLs) == 0:
		r.conf.Note(text)
		g.Rules = append(g.Rules, ruleView{ID: commentOf(text)})
	case isComment && n > 0:
		v := &g.Rules[len(g.Rules)-1]
		r.conf.Note(string(v.ID))
		v.Labels = append(v.Labels, commentOf(text))
	case len(words) > 3 && words[0] == "acl":
		a := acl{Type: aclType(strings.Join(words[2:len(words)-1], " "))}
		if n == 0 {
			return r.takeRole(words[1], a)
		}
		return r.takePart(words[1], a, g)
	case len(words) > 2 && words[0] == "http_access" && words[1] == "allow" && n > 0 && len(g.Allows) == 0:
		role := aclName(words[2])
		if _, known := r.roles[role]; !known {
			return r.foreign("the ACL of a role first")
		}
		r.roles[role] = 0
		g.Allows = allowsOf(role, g.ACLs)
	case line == "http_access deny all":
		r.view.DenyAll = true
	case line != "" && line != "#" && !strings.HasPrefix(line, "http_access allow "):
		return r.foreign("")
	}
	return nil
}

// takeRole reads the ACL of a role.
func (r *reader) takeRole(name string, a acl) error {
	text, ok := strings.CutPrefix(name, aclPrefix+roleStem(""))
	role, err := rule.ParseRole(text)
	if !ok || err != nil || a.Type != typeSrc {
		return r.foreign("an ACL of type src with the addresses of a role")
	}
	a, err = r.add(roleStem(role), a, roleWhat(role), nil)
	r.roles[a.Name] = r.conf.At
	r.view.Roles = append(r.view.Roles, a)
	return err
}

// takePart reads an ACL of a group.
func (r *reader) takePart(name string, a acl, g *groupView) error {
	id, n := string(g.Rules[0].ID), len(g.ACLs)
	suffix, ok := strings.CutPrefix(name, aclPrefix+id+"_")
	a.part = slices.IndexFunc(parts, func(p part) bool { return p.suffix == suffix })
	switch {
	case !ok || a.part < 0 || a.Type != parts[a.part].kind || n == 0 && a.part != portsPart || n > 0 && a.part <= g.ACLs[n-1].part:
		return r.foreign(fmt.Sprintf("an ACL of rule %s: first for ports, then for the remote", id))
	case a.part == apexesPart && g.ACLs[n-1].part != namesPart:
		return r.foreign("the names to which these exceptions belong")
	}
	rules := g.Rules
	if a.part == portsPart {
		rules = nil
	}
	a, err := r.add(partStem(*g, a.part), a, partWhat(*g, a.part), rules)
	if err == nil && a.part == apexesPart {
		for i, h := range r.acls[a.Name] {
			if r.acls[g.ACLs[n-1].Name][i].names.Without(h.names).Overlaps(h.names) {
				return r.foreign("only exceptions that are apexes, and none between names")
			}
		}
	}
	g.ACLs = append(g.ACLs, a)
	return err
}

// isWhole reports whether each rule of several has a token in some list.
func (r *reader) isWhole(g groupView) bool {
	for i := range g.Rules {
		if len(g.Rules) > 1 && !slices.ContainsFunc(g.ACLs, func(a acl) bool {
			return a.part != portsPart && a.part != apexesPart && r.heldBy(a.Name, i).kind != ""
		}) {
			return false
		}
	}
	return true
}

// heldBy returns what an ACL holds of one rule of a group.
func (r *reader) heldBy(name aclName, of int) held {
	if all := r.acls[name]; len(all) > 1 {
		return all[of]
	}
	return r.acls[name][0]
}

// add reads the list of an ACL.
func (r *reader) add(stem string, a acl, what string, rules []ruleView) (acl, error) {
	var err error
	if a.Name, err = aclNameOf(stem); err != nil {
		return a, r.foreign("a shorter name, of letters, digits, - and _")
	}
	a.File = pathOf(r.dir, stem+listSuffix)
	name := listFolder + stem + listSuffix
	data, ok := r.files[name]
	switch {
	case r.taken[name]:
		return a, r.foreign("an ACL that is not defined twice")
	case !strings.HasSuffix(r.conf.Line, ` "`+string(a.File)+`"`):
		return a, r.foreign(fmt.Sprintf("the list %q", string(a.File)))
	case !ok:
		return a, r.foreign("that the file " + name + " exists")
	}
	r.taken[name] = true
	r.acls[a.Name], err = readList(name, data, what, a.Type, rules)
	return a, err
}

// policy returns the requests that are allowed as the flows of a policy, a rule for
// each.
func (r *reader) policy() *rule.Policy {
	p := &rule.Policy{}
	for _, a := range r.view.Roles {
		role := rule.Role(strings.TrimPrefix(string(a.Name), aclPrefix+roleStem("")))
		p.Bindings = append(p.Bindings, rule.Binding{Role: role, Addresses: r.heldBy(a.Name, 0).prefixes})
	}
	for _, g := range r.view.Groups {
		for i := range g.Rules {
			p.Rules = append(p.Rules, r.ruleOf(g, i))
		}
	}
	return p
}

func (r *reader) ruleOf(g groupView, i int) rule.Rule {
	role := strings.TrimPrefix(string(g.Allows[0][0]), aclPrefix+roleStem(""))
	one := rule.Rule{ID: rule.ID(g.Rules[i].ID), Direction: rule.Outbound, Role: rule.Role(role)}
	for _, label := range g.Rules[i].Labels {
		one.Entries = append(one.Entries, rule.Entry{ID: string(label)})
	}
	one.Remote.Any = len(g.ACLs) == 1
	names := &one.Remote.Unaddressed
	for _, a := range g.ACLs {
		switch h := r.heldBy(a.Name, i); a.part {
		case portsPart:
			one.Services = h.services
		case apexesPart:
			*names = names.Without(h.names)
		case literalsPart:
			one.Remote.BarePrefixes = h.prefixes
		default:
			*names = names.Union(h.names)
		}
	}
	return one
}

// beside is what options say.
func (r *reader) beside() []artefact.Statement {
	mode := modeAllow
	if r.view.DenyAll {
		mode = modeEnforce
	}
	all := []artefact.Statement{
		{File: confName, Name: "mode", Value: mode},
		{File: confName, Name: "place", Value: r.place},
	}
	if r.dir != "" {
		all = append(all, artefact.Statement{File: confName, Name: "dir", Value: r.dir})
	}
	return all
}
