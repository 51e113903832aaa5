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
	reading := artefact.Reading{Requests: r.policy(), Beside: r.beside(), Comments: r.conf.Comments}
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
	acls  map[aclName]held
	roles map[aclName]int // the lines of ACLs of roles; 0 if a rule is of them
	rules []int           // the lines of rules' ids
	blank bool            // whether the line before was
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
		acls: map[aclName]held{}, roles: map[aclName]int{},
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
	for r.conf.Next() {
		if err := r.take(r.conf.Line); err != nil {
			return err
		}
		r.blank = r.conf.Line == ""
	}
	fixed := artefact.ListHeader(confTitle, loadCommand(r.dir, r.place, len(r.acls) > 0), format)
	r.view.Header = comments(append(fixed, header...))
	for i, v := range r.view.Rules {
		if len(v.Allows) == 0 {
			return r.conf.ForeignAt(r.rules[i], errors.New("the ACLs and http_access lines of a rule below its id"))
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
	n := len(r.view.Rules)
	text, isComment := strings.CutPrefix(line, "# ")
	words := strings.Split(line, " ")
	switch {
	case isComment && r.blank:
		r.rules = append(r.rules, r.conf.At)
		r.view.Rules = append(r.view.Rules, ruleView{ID: commentOf(text)})
	case isComment && n > 0:
		r.conf.Note(string(r.view.Rules[n-1].ID))
		r.view.Rules[n-1].Labels = append(r.view.Rules[n-1].Labels, commentOf(text))
	case len(words) > 3 && words[0] == "acl":
		a := acl{Type: aclType(strings.Join(words[2:len(words)-1], " "))}
		if n == 0 {
			return r.takeRole(words[1], a)
		}
		return r.takePart(words[1], a, &r.view.Rules[n-1])
	case len(words) > 2 && words[0] == "http_access" && words[1] == "allow" && n > 0 && len(r.view.Rules[n-1].Allows) == 0:
		role := aclName(words[2])
		if _, known := r.roles[role]; !known {
			return r.foreign("the ACL of a role first")
		}
		r.roles[role] = 0
		r.view.Rules[n-1].Allows = allowsOf(role, r.view.Rules[n-1].ACLs)
	case line == "http_access deny all":
		r.view.DenyAll = true
	case line != "" && !strings.HasPrefix(line, "http_access allow "):
		return r.foreign("")
	}
	return nil
}

// takeRole reads the ACL of a role.
func (r *reader) takeRole(name string, a acl) error {
	text, ok := strings.CutPrefix(name, aclPrefix+roleStem(""))
	role, err := rule.ParseRole(text)
	if !ok || err != nil || a.Type != typeSrc {
		return r.foreign("an ACL of type src, of the addresses of a role")
	}
	a, err = r.add(roleStem(role), a, roleWhat(role))
	r.roles[a.Name] = r.conf.At
	r.view.Roles = append(r.view.Roles, a)
	return err
}

// takePart reads an ACL of a rule.
func (r *reader) takePart(name string, a acl, v *ruleView) error {
	suffix, ok := strings.CutPrefix(name, aclPrefix+string(v.ID)+"_")
	a.part = slices.IndexFunc(parts, func(p part) bool { return p.suffix == suffix })
	n := len(v.ACLs)
	switch {
	case !ok || a.part < 0 || a.Type != parts[a.part].kind || n == 0 && a.part != portsPart || n > 0 && a.part <= v.ACLs[n-1].part:
		return r.foreign(fmt.Sprintf("an ACL of rule %s: of ports first, then of what the remote is", v.ID))
	case a.part == apexesPart && v.ACLs[n-1].part != namesPart:
		return r.foreign("names, of which these are exceptions")
	}
	a, err := r.add(string(v.ID)+"_"+suffix, a, parts[a.part].what+" of rule "+string(v.ID))
	if err == nil && a.part == apexesPart {
		apexes := r.acls[a.Name].names
		if r.acls[v.ACLs[n-1].Name].names.Without(apexes).Overlaps(apexes) {
			return r.foreign("exceptions that are apexes, and nothing in the middle of names")
		}
	}
	v.ACLs = append(v.ACLs, a)
	return err
}

// add reads the list of an ACL.
func (r *reader) add(stem string, a acl, what string) (acl, error) {
	var err error
	if a.Name, err = aclNameOf(stem); err != nil {
		return a, r.foreign("a shorter name, of letters, digits, - and _")
	}
	a.File = pathOf(r.dir, stem+listSuffix)
	name := listFolder + stem + listSuffix
	data, ok := r.files[name]
	switch {
	case r.taken[name]:
		return a, r.foreign("an ACL that is not there twice")
	case !strings.HasSuffix(r.conf.Line, ` "`+string(a.File)+`"`):
		return a, r.foreign(fmt.Sprintf("the list %q", string(a.File)))
	case !ok:
		return a, r.foreign("that the file " + name + " is there")
	}
	r.taken[name] = true
	r.acls[a.Name], err = readList(name, data, what, a.Type)
	return a, err
}

// policy returns the requests that are allowed as the flows of a policy, a rule for
// each.
func (r *reader) policy() *rule.Policy {
	p := &rule.Policy{}
	for _, a := range r.view.Roles {
		role := rule.Role(strings.TrimPrefix(string(a.Name), aclPrefix+roleStem("")))
		p.Bindings = append(p.Bindings, rule.Binding{Role: role, Addresses: r.acls[a.Name].prefixes})
	}
	for _, v := range r.view.Rules {
		role := strings.TrimPrefix(string(v.Allows[0][0]), aclPrefix+roleStem(""))
		one := rule.Rule{ID: rule.ID(v.ID), Direction: rule.Outbound, Role: rule.Role(role)}
		for _, label := range v.Labels {
			one.Entries = append(one.Entries, rule.Entry{ID: string(label)})
		}
		one.Remote.Any = len(v.ACLs) == 1
		names := &one.Remote.Unaddressed
		for _, a := range v.ACLs {
			switch h := r.acls[a.Name]; a.part {
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
		p.Rules = append(p.Rules, one)
	}
	return p
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
