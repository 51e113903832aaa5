package main

import (
	"fmt"
	"slices"
	"strings"

	"gatewright/catalog/suggest"
)

// manualName is the command that prints manual pages, for those who package the tool;
// help does not list it.
const manualName = "__man"

// manual prints the page of that name, or the names of all pages, one a line. The file
// of a page is its name and ".1".
func (inv *invocation) manual(args []string) error {
	var names []string
	for _, p := range manualPages() {
		if len(args) == 1 && args[0] == p.name {
			_, err := fmt.Fprint(inv.stdout, p.text)
			return err
		}
		names = append(names, p.name)
	}
	switch len(args) {
	case 0:
		_, err := fmt.Fprintln(inv.stdout, strings.Join(names, "\n"))
		return err
	case 1:
		return usagef("%s: unknown page %q; %s", manualName, args[0], suggest.OneOf(args[0], names))
	}
	return usagef("%s: name one page, or none for a list", manualName)
}

// manualPage is a page of section 1 in the macros of man(7).
type manualPage struct{ name, text string }

// manualPages returns the page of the tool, and then one for each command.
func manualPages() []manualPage {
	pages := []manualPage{{"gatewright", toolPage()}}
	for _, c := range commands() {
		pages = append(pages, manualPage{"gatewright-" + c.name, commandPage(c)})
	}
	return pages
}

func toolPage() string {
	intro, rest, _ := strings.Cut(usageText(), "\nCommands:\n")
	_, status, _ := strings.Cut(rest, "\nExit status: ")
	var p roff
	p.head("gatewright", "make firewall and proxy rules from catalogues of service endpoints")
	p.section("SYNOPSIS", "gatewright COMMAND [FLAG...] [OPERAND...]\n")
	p.section("DESCRIPTION", intro)
	p.section("COMMANDS", "")
	var also []string
	for _, c := range commands() {
		p.item("gatewright-"+c.name+"(1)", c.summary)
		also = append(also, "gatewright-"+c.name+"(1)")
	}
	p.section("EXIT STATUS", status)
	p.section("SEE ALSO", strings.Join(also, ", "))
	return p.String()
}

func commandPage(c command) string {
	synopsis, text, _ := strings.Cut(c.usage, "\n\n")
	var p roff
	p.head("gatewright-"+c.name, c.summary)
	p.section("SYNOPSIS", "")
	p.verbatim(synopsis)
	p.section("DESCRIPTION", text)
	p.section("OPTIONS", "")
	for _, f := range flagTexts(c.flagSet(&invocation{})) {
		p.item(f.name, f.doc)
	}
	p.section("SEE ALSO", "gatewright(1)")
	return p.String()
}

// roff is the text of a page.
type roff struct{ strings.Builder }

func (p *roff) head(name, summary string) {
	fmt.Fprintf(p, ".TH %s 1 \"\" \"Gatewright %s\" \"Gatewright\"\n", quoteRoff(strings.ToUpper(name)), quoteRoff(version))
	p.section("NAME", "")
	fmt.Fprintf(p, "%s \\- %s\n", quoteRoff(name), quoteRoff(summary))
}

// section writes a heading and a text of help: paragraphs, and what is indented as it
// stands.
func (p *roff) section(title, text string) {
	fmt.Fprintf(p, ".SH %s\n", title)
	for i, block := range slices.DeleteFunc(strings.Split(strings.Trim(text, "\n"), "\n\n"), func(s string) bool { return s == "" }) {
		if i > 0 {
			p.WriteString(".PP\n")
		}
		if strings.HasPrefix(block, "    ") {
			p.WriteString(".RS 4\n")
			p.verbatim(block)
			p.WriteString(".RE\n")
			continue
		}
		for line := range strings.Lines(block) {
			p.WriteString(quoteRoff(strings.TrimSpace(line)) + "\n")
		}
	}
}

// verbatim writes lines as they stand, without the indent that all have.
func (p *roff) verbatim(lines string) {
	p.WriteString(".nf\n")
	for line := range strings.Lines(lines) {
		p.WriteString(quoteRoff(strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "    ")) + "\n")
	}
	p.WriteString(".fi\n")
}

func (p *roff) item(name, doc string) {
	fmt.Fprintf(p, ".TP\n\\fB%s\\fR\n%s\n", quoteRoff(name), quoteRoff(doc))
}

// quoteRoff writes a line of text so that roff prints it as it stands, quotes and
// hyphens in ASCII for those who copy commands.
func quoteRoff(line string) string {
	quoted := strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`).Replace(line)
	if strings.HasPrefix(quoted, ".") {
		return `\&` + quoted
	}
	return quoted
}
