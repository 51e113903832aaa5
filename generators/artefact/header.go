package artefact

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog/rule"
)

// Header returns the lines that open a generator's main files: what the file is and
// the number of its format, the command that loads it, its digest, the catalogues,
// how much is open, and what a reviewer has to know. The lines hold publishers' words
// and are not quoted: each backend makes them fit its own comments.
func Header(p *rule.Policy, what, load string, format int) []string {
	lines := ListHeader(what, load, format)
	for _, s := range p.Sources {
		lines = append(lines, "source: "+s.String())
	}
	if n := len(p.Open); n > 0 {
		lines = append(lines, fmt.Sprintf(openLine+"%d not rendered; `gatewright list open` shows what is missing", n))
	}
	for _, r := range p.Rules {
		if r.Remote.Any {
			lines = append(lines, fmt.Sprintf(warningLine+"%s accepts any remote, because the site answered so for %s", r.ID, entryIDs(r.Entries)))
		}
	}
	return lines
}

// ListHeader returns the first lines of a file to which another file refers. They do
// not mention catalogues, so the file changes only with its own content.
func ListHeader(what, load string, format int) []string {
	return []string{titleStart + what + titleFormat + strconv.Itoa(format), "load: " + load, digestLine + unsealed}
}

const (
	titleStart  = "Gatewright: "
	titleFormat = "; format "
)

// Opens reports whether a file starts like another file of its generator: with the same
// lines up to the title, and with a title.
func Opens(data, like []byte) bool {
	for range headerLines {
		have, rest, _ := bytes.Cut(data, []byte("\n"))
		want, restWanted, more := bytes.Cut(like, []byte("\n"))
		if sign, _, titled := bytes.Cut(want, []byte(titleStart)); titled {
			return bytes.HasPrefix(have, append(bytes.Clone(sign), titleStart...))
		}
		if !bytes.Equal(bytes.TrimSuffix(have, []byte("\r")), bytes.TrimSuffix(want, []byte("\r"))) {
			return false
		}
		if !more {
			break
		}
		data, like = rest, restWanted
	}
	return true
}

// isHeaderLine reports whether Header writes such a line after those of ListHeader.
func isHeaderLine(line string) bool {
	return slices.ContainsFunc([]string{sourceLine, openLine, warningLine}, func(start string) bool { return strings.HasPrefix(line, start) })
}

// Starts of lines.
const (
	sourceLine  = "source: "
	openLine    = "open: "
	warningLine = "WARNING: rule "
)

func entryIDs(entries []rule.Entry) string {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return strings.Join(ids, " or ")
}

// Label names an entry beside its rules: its id, the publisher's row and its title.
func Label(e rule.Entry) string {
	s := e.ID
	if e.Row != "" {
		s += " (row " + e.Row + ")"
	}
	if e.Title != "" {
		s += ": " + e.Title
	}
	if e.Condition != "" {
		s += " [" + e.Condition + "]"
	}
	return s
}
