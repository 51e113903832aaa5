package pac

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
	"gatewright/templates"
)

// Makes reports whether a file of that name is one of this generator's.
func (Generator) Makes(name string) bool { return name == fileName }

// Read reads the file. Its tables become the routes of a policy, all for role clients,
// with Direct or the answer itself. The last route is for every remote without another
// route. Answers of options that apply before any route are returned separately.
func (Generator) Read(files artefact.Files) (artefact.Reading, error) {
	var none artefact.Reading
	data, ok := files[fileName]
	if !ok {
		return none, nil
	}
	file := artefact.LinesOf(fileName, data, 0)
	file.Sign = "// "
	r := reader{file: file, seen: map[string]bool{}}
	if err := r.read(); err != nil {
		return none, err
	}
	again, err := templates.Execute("pac/proxy.pac.tmpl", r.view)
	if err != nil {
		return none, err
	}
	if err := artefact.Compare(fileName, data, again); err != nil {
		return none, err
	}
	reading := artefact.Reading{Routes: r.policy(), Before: r.before(), Beside: r.beside(), Comments: file.Comments}
	for role := range strings.SplitSeq(r.roles, ", ") {
		reading.Roles = append(reading.Roles, rule.Role(role))
	}
	reading.Take(fileName, data)
	return reading, nil
}

// reader gathers the view of a file, and what it means. What it passes over, the
// comparison with the view finds.
type reader struct {
	file      *artefact.Lines
	view      view
	roles     string
	answers   []string
	unmatched string
	labels    []comment
	local     []string
	classes   []*readClass
	internal  *readClass      // what goes direct before any route; nil above it
	seen      map[string]bool // endpoints: the engine takes one that stands twice for the last
}

// readClass is the endpoints of a class, and its services by route.
type readClass struct {
	at       int   // the number of its line
	routes   []int // in the file's order, which ascends
	services []netset.ServiceSet
	names    []netset.Pattern
	prefixes []netip.Prefix
	any      bool
}

func (r *reader) foreign(want string) error { return r.file.Foreign(errors.New(want)) }

func (r *reader) read() error {
	if err := r.readTitle(); err != nil {
		return err
	}
	for r.file.At < len(r.view.Header) && r.file.Next() {
	}
	for r.file.Next() {
		if err := r.take(r.file.Line); err != nil {
			return err
		}
	}
	for _, c := range r.classes {
		if len(c.routes) == 0 {
			return r.file.ForeignAt(c.at, errors.New("services of the class below it"))
		}
	}
	return nil
}

// readTitle reads what the first lines say: the roles, and nothing else of a policy.
func (r *reader) readTitle() error {
	var err error
	if r.roles, err = r.file.ReadTitle(forRoles, format); err != nil {
		return err
	}
	for role := range strings.SplitSeq(r.roles, ", ") {
		if _, err := rule.ParseRole(role); err != nil {
			return r.foreign("roles")
		}
	}
	return r.readLoad()
}

// readLoad reads the folder from the command that loads the file.
func (r *reader) readLoad() error {
	r.file.Next()
	dir, ours := strings.CutPrefix(r.file.Line, "// load: "+install)
	dir, named := strings.CutSuffix(dir, "/"+fileName)
	if !ours || !named || checkDir(dir) != nil {
		return r.foreign(fmt.Sprintf("%q", "// load: "+loadCommand(defaultDir)))
	}
	r.view.Header = commentsOf(artefact.ListHeader(forRoles+r.roles, loadCommand(dir), format))
	return nil
}

// take reads what starts at a line.
func (r *reader) take(line string) (err error) {
	text, isComment := strings.CutPrefix(strings.TrimPrefix(line, "  "), "// ")
	answer, isAnswer := strings.CutPrefix(line, "  answers.push(")
	unmatched, isUnmatched := strings.CutPrefix(line, "  var unmatched = ")
	head, isCall := strings.CutSuffix(strings.TrimPrefix(line, "  "), ", [")
	inTables := len(r.classes) > 0 && r.internal == nil
	switch {
	case isComment && !strings.HasPrefix(line, "  "):
		r.file.Note("")
		r.view.Header = append(r.view.Header, commentOf(text))
	case isComment:
		return r.takeComment(text)
	case isAnswer:
		v := routeView{Labels: r.labels}
		answer, v.Answer, err = r.answer(strings.TrimSuffix(answer, ");"))
		r.labels, r.answers, r.view.Routes = nil, append(r.answers, answer), append(r.view.Routes, v)
	case isUnmatched:
		r.unmatched, r.view.Unmatched, err = r.answer(strings.TrimSuffix(unmatched, ";"))
	case strings.HasPrefix(line, "    if (target.name !== '' && "):
		r.view.Plain, err = answerOf(nil, false)
	case isCall && head == string(callPrefixes("local", 0)):
		return r.takeLocal()
	case isCall && r.internal != nil:
		return r.takeTable(call(head), r.view.Internal, r.internal)
	case isCall && inTables:
		return r.takeTable(call(head), &r.view.Classes[len(r.classes)-1], r.classes[len(r.classes)-1])
	case strings.HasPrefix(line, "  any.push(") && inTables:
		if r.seen["any"] {
			return r.foreign("any remote in only one class")
		}
		r.seen["any"] = true
		r.view.Classes[len(r.classes)-1].Any, r.classes[len(r.classes)-1].any = true, true
	}
	return err
}

// answer reads the literal of what FindProxyForURL says.
func (r *reader) answer(text string) (string, literal, error) {
	text = strings.TrimSuffix(strings.TrimPrefix(text, "'"), "'")
	if !isAnswer(text) {
		return "", "", r.foreign("an answer such as 'DIRECT' or 'PROXY proxy.example.com:8080'")
	}
	quoted, err := quote(text)
	return text, quoted, err
}

func (r *reader) takeComment(text string) error {
	number := len(r.classes)
	switch {
	case r.view.Unmatched == "" && !strings.HasPrefix(text, "Answers by route."):
		r.file.Note(fmt.Sprintf("route %d", len(r.answers)))
		r.labels = append(r.labels, commentOf(text))
	case text == fmt.Sprintf("Class %d.", number):
		r.view.Classes = append(r.view.Classes, classView{Number: number})
		r.classes = append(r.classes, &readClass{at: r.file.At})
	case text == fmt.Sprintf("Internal names, class %d.", number):
		r.view.Internal, r.internal = &classView{Number: number}, &readClass{}
	}
	return nil
}

func (r *reader) takeLocal() error {
	words, b, err := r.block("a CIDR that is not there twice", func(word string) bool { return r.isPrefix(word, "local") })
	if r.view.Local == nil {
		r.view.Local = &table{Call: callPrefixes("local", 0)}
	}
	r.local, r.view.Local.Blocks = append(r.local, words...), append(r.view.Local.Blocks, b)
	return err
}

// takeTable reads a call that fills tables for the last class.
func (r *reader) takeTable(head call, v *classView, c *readClass) (err error) {
	var b block
	to := &v.Endpoints
	switch head {
	case callNames("names", v.Number):
		_, b, err = r.block("a name that is not there twice", func(w string) bool { return c.addName(r.seen, w, netset.Pattern.IsExact) })
	case callNames("subdomains", v.Number):
		_, b, err = r.block("a name that is not there twice", func(w string) bool { return c.addName(r.seen, "*."+w, isSubdomains) })
	case callPatterns(v.Number):
		_, b, err = r.block("a pattern that is not there twice", func(w string) bool {
			return c.addName(r.seen, w, func(p netset.Pattern) bool { return !p.IsExact() && !isSubdomains(p) })
		})
	case callPrefixes("prefixes", v.Number):
		var words []string
		words, b, err = r.block("a CIDR that is not there twice", func(w string) bool { return r.isPrefix(w, "") })
		for _, w := range words {
			c.prefixes = append(c.prefixes, netip.MustParsePrefix(w))
		}
	default:
		to = &v.Services
		b, err = r.takeServices(head, v.Number, c)
	}
	*to = append(*to, table{head, []block{b}})
	return err
}

// takeServices reads the services that a class sends by a route. The engine takes the
// first that holds a port.
func (r *reader) takeServices(head call, class int, c *readClass) (block, error) {
	route := 0
	if n := len(c.routes); n > 0 {
		route = c.routes[n-1] + 1
	}
	for ; route < len(r.answers) && head != callServices(class, route); route++ {
	}
	if route == len(r.answers) || c == r.internal {
		return "", r.foreign(fmt.Sprintf("a call that fills a table of class %d, with services by route, ascending", class))
	}
	at := r.file.At
	words, b, err := r.block("a port or a range of ports", func(w string) bool {
		ports, err := netset.ParsePortRange(w)
		return err == nil && ports.String() == w
	})
	if err != nil {
		return b, err
	}
	services, err := netset.ParseServices("tcp " + strings.Join(words, ","))
	again := func(other netset.ServiceSet) bool { return !other.Intersect(services).IsEmpty() }
	if err != nil || !slices.Equal(portWords(services), words) || slices.ContainsFunc(c.services, again) {
		return b, r.file.ForeignAt(at, errors.New("ports that the class sends by no other route, sorted"))
	}
	c.routes, c.services = append(c.routes, route), append(c.services, services)
	return b, nil
}

// block reads the words of an array, up to its end.
func (r *reader) block(want string, check func(word string) bool) (words []string, b block, err error) {
	var rows []string
	for r.file.Next() && r.file.Line != "  ]);" {
		row := strings.Trim(strings.TrimSuffix(r.file.Line, ","), "'")
		for word := range strings.SplitSeq(row, " ") {
			if !check(word) {
				return nil, "", r.foreign(want)
			}
			words = append(words, word)
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, "", r.foreign(want)
	}
	b, err = blockOf(rows)
	return words, b, err
}

// addName adds a pattern as the table of its shape holds it.
func (c *readClass) addName(seen map[string]bool, text string, fits func(netset.Pattern) bool) bool {
	p, err := netset.ParsePattern(text)
	if err != nil || p.String() != text || !fits(p) || seen[text] {
		return false
	}
	seen[text] = true
	c.names = append(c.names, p)
	return true
}

func isSubdomains(p netset.Pattern) bool {
	_, ok := p.Subdomains()
	return ok
}

// isPrefix reports whether a word is a prefix as the tables have it, not yet in one of
// them.
func (r *reader) isPrefix(word, table string) bool {
	p, _, err := netset.ParsePrefix(word)
	if err != nil || p.String() != word || r.seen[table+word] {
		return false
	}
	r.seen[table+word] = true
	return true
}

// policy puts each prefix into a member of its own, because two that are joined would
// be a shorter one, which other prefixes outrank.
func (r *reader) policy() *rule.Policy {
	p := &rule.Policy{}
	for i, answer := range r.answers {
		route := rule.Route{Via: rule.Via(answer)}
		if answer == directAnswer {
			route.Via = rule.Direct
		}
		for _, c := range r.classes {
			if at := slices.Index(c.routes, i); at >= 0 {
				route.Members = append(route.Members, c.members(c.services[at])...)
			}
		}
		p.Routes = append(p.Routes, route)
	}
	rest := rule.Route{Via: rule.Via(r.unmatched), Members: []rule.RouteMember{{Role: rule.Clients, Services: netset.ServicesOver(netset.TCP, nil), Endpoints: rule.Endpoints{Any: true}}}}
	if r.unmatched == directAnswer {
		rest.Via = rule.Direct
	}
	p.Routes = append(p.Routes, rest)
	return p
}

func (c *readClass) members(services netset.ServiceSet) []rule.RouteMember {
	base := rule.RouteMember{Role: rule.Clients, Services: services}
	first := base
	first.Names = slices.SortedFunc(slices.Values(c.names), netset.Pattern.Compare)
	members := []rule.RouteMember{first}
	for _, prefix := range c.prefixes {
		m := base
		m.Prefixes = netset.PrefixSetOf(prefix)
		members = append(members, m)
	}
	if c.any {
		m := base
		m.Any = true
		members = append(members, m)
	}
	return members
}

// before is what options answer for names of several labels, and for literals.
func (r *reader) before() (b rule.Before) {
	var prefixes netset.PrefixBuilder
	for _, word := range r.local {
		prefixes.Add(netip.MustParsePrefix(word))
	}
	if r.internal != nil {
		b.Names = netset.NameSetOf(r.internal.names...)
		for _, p := range r.internal.prefixes {
			prefixes.Add(p)
		}
	}
	b.Prefixes = prefixes.Build()
	return b
}

// beside is what options answer, and for whom.
func (r *reader) beside() []artefact.Statement {
	plain := plainProxy
	if r.view.Plain != "" {
		plain = plainDirect
	}
	all := []artefact.Statement{
		{File: fileName, Name: "roles", Value: r.roles},
		{File: fileName, Name: "plain", Value: plain},
	}
	for _, word := range r.local {
		all = append(all, artefact.Statement{File: fileName, Name: "local", Value: word})
	}
	if r.internal == nil {
		return all
	}
	for _, n := range r.internal.names {
		all = append(all, artefact.Statement{File: fileName, Name: "internal", Value: n.String()})
	}
	for _, p := range r.internal.prefixes {
		all = append(all, artefact.Statement{File: fileName, Name: "internal", Value: p.String()})
	}
	return all
}
