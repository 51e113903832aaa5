package site

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/rule"
)

// findOpen collects the facts that are missing once answers are laid over the
// entry. Any of them withholds the whole entry.
func (b *builder) findOpen(e *catalog.Entry, f *facts) {
	var missing []catalog.Fact
	if len(f.remotes) == 0 {
		f.withheld = true
		if len(f.open) == 0 { // else its endpoints are asked for one by one
			missing = append(missing, catalog.FactRemote)
		}
	}
	if e.Kind == catalog.KindFlow {
		said := Answer{Remote: &Remote{}, Services: f.services, Direction: f.direction, Role: f.role} // the remote is judged above
		missing = append(missing, slices.DeleteFunc(catalog.Facts(), said.has)...)
	}
	f.withheld = f.withheld || len(missing) > 0
	missing = slices.DeleteFunc(missing, func(fact catalog.Fact) bool { return f.askOfFeed(e, fact, "") })
	line := answerLine(e.ID, b.answerMembers(e, missing))
	for _, fact := range missing {
		o := factOpen(e, fact, line)
		if fact == catalog.FactRemote {
			o.Ask = b.askFrom(e, o)
		}
		f.ask(o)
	}
	if e.Kind == catalog.KindFlow && f.role != "" && !b.bound(f.role) {
		f.withheld = true
		if !f.askOfFeed(e, catalog.FactRole, f.role) {
			f.ask(bindingOpen(reference(e), f.role))
		}
	}
}

// Sections of the site file that lines of open items belong to.
const (
	SectionAnswers = "answers"
	SectionBind    = "bind"
	SectionValues  = "values"
	SectionPaths   = "paths"
)

func factOpen(e *catalog.Entry, fact catalog.Fact, line string) rule.Open {
	u, ok := unsaid(e, fact)
	if !ok {
		u = catalog.Unsaid{Fact: fact, Why: "not published"}
	}
	return unsaidOpen(reference(e), u, line)
}

func unsaidOpen(e rule.Entry, u catalog.Unsaid, line string) rule.Open {
	return rule.Open{
		Entry: e, Missing: string(u.Fact), Section: SectionAnswers, Line: line,
		Why: u.Why, Ask: u.Ask, Who: cmp.Or(u.Who, "this site"),
	}
}

// answerLine is the member of "answers" that says what is missing of an entry, or of
// every entry of a catalogue.
func answerLine(id string, members []string) string {
	return fmt.Sprintf(`"%s": {%s},`, id, strings.Join(members, ", "))
}

// answerMembers say what is missing of an entry. Their blanks are refused by the
// reader until they are filled in.
func (b *builder) answerMembers(e *catalog.Entry, missing []catalog.Fact) []string {
	var members []string
	for _, fact := range missing {
		if fact == catalog.FactRemote {
			members = append(members, b.remoteMember(e))
		} else {
			members = append(members, answerMember(fact))
		}
	}
	return members
}

// answerMember is the member of an answer for a fact other than the remote.
func answerMember(fact catalog.Fact) string {
	blank := map[catalog.Fact]string{
		catalog.FactServices:  "tcp PORT, ...",
		catalog.FactDirection: "outbound, inbound or bidirectional",
		catalog.FactRole:      "role",
	}[fact]
	return fmt.Sprintf(`"%s": "<%s>"`, fact, blank)
}

func (b *builder) remoteMember(e *catalog.Entry) string {
	if e.Kind == catalog.KindTrustedSite {
		return `"remote": ["<FQDN>"]`
	}
	if loaded, _ := b.remotesFrom(e); len(loaded) > 0 {
		return fmt.Sprintf(`"remote": {"from": ["%s"]}`, strings.Join(loaded, `", "`))
	}
	return `"remote": ["<CIDR or FQDN>"]`
}

// remotesFrom returns where the publisher says that a flow's remote is found: what
// the loaded catalogues have of it, and what they lack.
func (b *builder) remotesFrom(e *catalog.Entry) (loaded, lacking []string) {
	u, _ := unsaid(e, catalog.FactRemote)
	if e.Kind != catalog.KindFlow {
		return nil, nil
	}
	for _, ref := range u.From {
		if len(b.referred(ref)) > 0 {
			loaded = append(loaded, ref)
		} else {
			lacking = append(lacking, ref)
		}
	}
	return loaded, lacking
}

// askFrom is the question for the remote, with the catalogue that would answer it.
func (b *builder) askFrom(e *catalog.Entry, o rule.Open) string {
	if u, _ := unsaid(e, catalog.FactRemote); u.Elsewhere != nil {
		return fmt.Sprintf("%s (a catalogue %s says it, once it is loaded)", cmp.Or(o.Ask, o.Why), catalogOf(u.Elsewhere.From[0]))
	}
	_, lacking := b.remotesFrom(e)
	if len(lacking) == 0 {
		return o.Ask
	}
	return fmt.Sprintf(`%s (or {"from": ["%s"]}, once a catalogue %s is loaded)`, cmp.Or(o.Ask, o.Why), strings.Join(lacking, `", "`), catalogOf(lacking[0]))
}

func bindingOpen(e rule.Entry, role rule.Role) rule.Open {
	return rule.Open{
		Entry: e, Missing: rule.MissingBinding, Who: "this site",
		Why:     fmt.Sprintf("role %s is bound to no addresses here", role),
		Ask:     fmt.Sprintf("which addresses do the machines of role %s have, as the packet filter sees them?", role),
		Section: SectionBind, Line: fmt.Sprintf(`"%s": ["<CIDR>"],`, role),
	}
}

func valueOpen(e *catalog.Entry, p catalog.Pending, name string) rule.Open {
	return rule.Open{
		Entry: reference(e), Missing: rule.MissingValue, Endpoint: p.Text, Who: "this site",
		Why:     fmt.Sprintf("<%s> stands for a value that only this site knows", name),
		Ask:     fmt.Sprintf("what is the value of <%s> here?", name),
		Section: SectionValues, Line: fmt.Sprintf(`"%s": ["<%s>"],`, name, name),
	}
}

func pathOpen(e *catalog.Entry, p catalog.Pending) rule.Open {
	return rule.Open{
		Entry: reference(e), Missing: rule.MissingPath, Endpoint: p.Text, Who: "this site",
		Why:     fmt.Sprintf("published with the path %s, which packet filters, PAC files and CONNECT proxies cannot see", p.Path),
		Ask:     fmt.Sprintf("may the whole host %s be reached?", p.Host),
		Section: SectionPaths, Line: `"paths": "<host, or remove this line>",`,
	}
}
