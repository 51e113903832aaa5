package pac

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/catalog/rule"
	"gatewright/templates"
)

// errNotOurs says that a file is not what Generate writes.
var errNotOurs = errors.New("it is not, byte for byte, what its tables would be rendered to")

// ReadBack reads the tables of a file of this package as the routes of a policy, all
// of them of role clients: Proxied where the answer is that for what no route matches,
// Direct, or else the answer itself. What options answer before the routes is passed
// over. A file that is not rendered from its own tables, byte for byte, is an error.
func ReadBack(data []byte) (*rule.Policy, error) {
	r := reader{classes: map[int]*readClass{}}
	lines := strings.Split(string(data), "\n")
	for i := 0; i < len(lines); i++ {
		n, err := r.take(lines[i:])
		if err != nil {
			return nil, err
		}
		i += n
	}
	again, err := templates.Execute("pac/proxy.pac.tmpl", r.view)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, data) {
		return nil, errNotOurs
	}
	return r.policy()
}

// reader gathers the view of a file, and what it means.
type reader struct {
	view      view
	answers   []string
	unmatched string
	comments  []comment
	inTables  bool
	internal  bool // the names that go direct before any route are being read
	classes   map[int]*readClass
}

// readClass is the words of a class.
type readClass struct {
	services    map[int][]string // by route
	names       []string
	prefixWords []string
	any         bool
}

// take reads what starts at the first line, and returns how many more it has taken.
func (r *reader) take(lines []string) (more int, err error) {
	line := lines[0]
	if text, ok := strings.CutPrefix(strings.TrimPrefix(line, "  "), "// "); ok {
		r.takeComment(text, strings.HasPrefix(line, "  "))
		return 0, nil
	}
	switch text, isAnswer := strings.CutPrefix(line, "  answers.push("); {
	case isAnswer:
		answer := strings.Trim(strings.TrimSuffix(text, ");"), "'")
		v := routeView{Labels: r.comments}
		r.comments, r.answers = nil, append(r.answers, answer)
		v.Answer, err = quote(answer)
		r.view.Routes = append(r.view.Routes, v)
	case strings.HasPrefix(line, "  var unmatched = "):
		r.unmatched = strings.Trim(strings.TrimPrefix(line, "  var unmatched = "), "';")
		r.view.Unmatched, err = quote(r.unmatched)
	case strings.HasPrefix(line, "  var internal = "):
		number := 0
		if _, err := fmt.Sscanf(line, "  var internal = %d;", &number); err != nil {
			return 0, errNotOurs
		}
		r.view.Internal = &classView{Number: number}
	case strings.HasPrefix(line, "    if (target.name !== '' && "):
		r.view.Plain, err = answerOf(nil, false)
	case r.inTables && strings.HasPrefix(line, "  any.push("):
		class := &r.view.Classes[len(r.view.Classes)-1]
		class.Any, r.classes[class.Number].any = true, true
	case r.inTables && strings.HasSuffix(line, ", ["):
		return r.takeBlock(lines)
	}
	return 0, err
}

func (r *reader) takeComment(text string, inCode bool) {
	number := 0
	_, err := fmt.Sscanf(text, "Class %d.", &number)
	switch {
	case !inCode:
		r.view.Header = append(r.view.Header, commentOf(text))
	case len(r.view.Unmatched) == 0 && !strings.HasPrefix(text, "Answers by route;"):
		r.comments = append(r.comments, commentOf(text))
	case text == "Local networks.":
		r.inTables = true
	case r.view.Internal != nil && text == fmt.Sprintf("Internal names, class %d.", r.view.Internal.Number):
		r.inTables, r.internal = true, true
	case err == nil && r.classes[number] == nil:
		r.inTables = true
		r.classes[number] = &readClass{services: map[int][]string{}}
		r.view.Classes = append(r.view.Classes, classView{Number: number})
	}
}

// takeBlock reads a call with the words of its lines.
func (r *reader) takeBlock(lines []string) (more int, err error) {
	head := strings.TrimSuffix(strings.TrimSpace(lines[0]), ", [")
	end := slices.Index(lines, "  ]);")
	if end < 0 || len(r.view.Classes) == 0 && !r.internal && !strings.HasPrefix(head, "addPrefixes(local") {
		return 0, errNotOurs
	}
	var quoted []string
	for _, line := range lines[1:end] {
		quoted = append(quoted, strings.Trim(line, "',"))
	}
	b, err := blockOf(quoted)
	if err != nil {
		return 0, err
	}
	words := strings.Split(strings.Join(quoted, " "), " ")
	var number, route int
	function, _, _ := strings.Cut(head, "(")
	if head == string(callPrefixes("local", 0)) {
		if r.view.Local == nil {
			r.view.Local = &table{Call: callPrefixes("local", 0)}
		}
		r.view.Local.Blocks = append(r.view.Local.Blocks, b)
		return end, nil
	}
	class, c := r.view.Internal, &readClass{services: map[int][]string{}}
	if !r.internal {
		class = &r.view.Classes[len(r.view.Classes)-1]
		c = r.classes[class.Number]
	}
	number = class.Number
	to, t := &class.Endpoints, table{Blocks: []block{b}}
	switch function {
	case "addServices":
		if _, err := fmt.Sscanf(head, "addServices(%d, %d", &number, &route); err != nil {
			return 0, errNotOurs
		}
		to, t.Call = &class.Services, callServices(number, route)
		c.services[route] = append(c.services[route], words...)
	case "addNames":
		t.Call = callNames("names", number)
		if strings.HasPrefix(head, "addNames(subdomains") {
			t.Call = callNames("subdomains", number)
			for i := range words {
				words[i] = "*." + words[i]
			}
		}
		c.names = append(c.names, words...)
	case "addPatterns":
		t.Call = callPatterns(number)
		c.names = append(c.names, words...)
	case "addPrefixes":
		t.Call = callPrefixes("prefixes", number)
		c.prefixWords = append(c.prefixWords, words...)
	}
	*to = append(*to, t)
	return end, nil
}

// policy puts each prefix into a member of its own, because two that are joined would
// be a shorter one, which other prefixes outrank.
func (r *reader) policy() (*rule.Policy, error) {
	p := &rule.Policy{}
	for i, answer := range r.answers {
		route := rule.Route{Via: rule.Via(answer)}
		switch answer {
		case r.unmatched:
			route.Via = rule.Proxied
		case answerText(nil, false):
			route.Via = rule.Direct
		}
		for _, class := range r.view.Classes {
			c := r.classes[class.Number]
			if len(c.services[i]) == 0 {
				continue
			}
			members, err := c.members(i)
			if err != nil {
				return nil, err
			}
			route.Members = append(route.Members, members...)
		}
		p.Routes = append(p.Routes, route)
	}
	return p, nil
}

func (c *readClass) members(route int) ([]rule.RouteMember, error) {
	services, err := netset.ParseServices("tcp " + strings.Join(c.services[route], ","))
	if err != nil {
		return nil, err
	}
	first := rule.RouteMember{Role: rule.Clients, Services: services}
	for _, text := range c.names {
		n, err := netset.ParsePattern(text)
		if err != nil {
			return nil, err
		}
		first.Names = append(first.Names, n)
	}
	slices.SortFunc(first.Names, netset.Pattern.Compare)
	members := []rule.RouteMember{first}
	for _, text := range c.prefixWords {
		prefix, _, err := netset.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		members = append(members, rule.RouteMember{Role: rule.Clients, Services: services, Prefixes: netset.PrefixSetOf(prefix)})
	}
	if c.any {
		members = append(members, rule.RouteMember{Role: rule.Clients, Services: services, Any: true})
	}
	return members, nil
}
