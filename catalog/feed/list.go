package feed

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gatewright/catalog"
	"gatewright/catalog/jsonc"
)

// A plain list: one prefix, address or FQDN pattern a line, comments with # or ;, also
// in the form of a hosts file that sends names nowhere ("0.0.0.0 ads.example.com").

// linesTried is how many lines are looked at to recognise a list.
const linesTried = 10

// isList reports whether a line among the first ones reads.
func isList(d document) bool {
	if d.json != nil {
		return false
	}
	tried := 0
	for _, words := range lines(d.text) {
		members, _, err := listLine(words)
		bad := func(m word) bool { return !isMember(string(m.text)) }
		if err == nil && len(members) > 0 && !slices.ContainsFunc(members, bad) {
			return true
		}
		if tried++; tried == linesTried {
			break
		}
	}
	return false
}

func readList(d document, as Naming) (*catalog.Catalog, error) {
	f := newCloudFeed(d, as, "", "List "+d.base(), "")
	prefixes, names := f.start("prefixes"), f.start("names")
	local := 0
	for _, words := range lines(d.text) {
		members, skipped, err := listLine(words)
		f.add(words[0].spot, err)
		local += skipped
		for _, m := range members {
			if s := string(m.text); isPrefix(s) {
				prefixes.prefix(s, m.spot)
			} else {
				names.name(s, m.spot)
			}
		}
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	if err := f.complete(d.text); err != nil {
		return nil, err
	}
	f.tags = slices.DeleteFunc(f.tags, func(t *cloudTag) bool { return t.count == 0 })
	if local > 0 {
		f.noticeFile(fmt.Sprintf("names of the local machine, such as localhost, were ignored: %d", local))
	}
	f.noticeFile(noLineEnd(d.text))
	return f.finish()
}

// listLine returns the endpoints of a line, and how many names it has that every hosts
// file gives to the machine itself.
func listLine(words []word) (members []word, local int, err error) {
	if len(words) == 1 {
		return words, 0, nil
	}
	address := string(words[0].text)
	a, err := netip.ParseAddr(address)
	if next := string(words[1].text); err == nil && !nowhere(a) && (isLength(next) || isBare(next) || next == "-") {
		return nil, 0, fmt.Errorf("%s and %s are separate words; %s", jsonc.Quote(address), jsonc.Quote(next), writePrefix)
	}
	switch {
	case err != nil:
		return nil, 0, errors.New("more than one word; expected one prefix or FQDN per line, or the lines of a hosts file")
	case nowhere(a):
	case isOfMachines(a) && onlyLocal(words[1:]):
		return nil, len(words) - 1, nil
	default:
		return nil, 0, fmt.Errorf("%s is followed by names, as in a hosts file; write only the address or only the names", jsonc.Quote(address))
	}
	for _, w := range words[1:] {
		if isLocalName(string(w.text)) {
			local++
		} else {
			members = append(members, w)
		}
	}
	for _, m := range members {
		if isPrefix(string(m.text)) {
			return nil, 0, fmt.Errorf("%s is an address, but a hosts file lists only names after the address of a line", jsonc.Quote(string(m.text)))
		}
	}
	return members, local, nil
}

// isMember reports whether a word is an endpoint.
func isMember(s string) bool {
	_, _, _, err := catalog.ParseEndpoint(s)
	return err == nil
}

// isPrefix tells what is meant as an address or a CIDR from names.
func isPrefix(s string) bool {
	return strings.Trim(s, "0123456789./") == "" || strings.Count(s, ":") > 1 && !strings.Contains(s, "://")
}

// nowhere reports whether a hosts file sends names nowhere by the address.
func nowhere(a netip.Addr) bool { return a.IsUnspecified() || a.IsLoopback() }

// isOfMachines reports whether an address is one that a hosts file gives to machines of
// its own network, or that no public service has.
func isOfMachines(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLinkLocalUnicast() || !a.IsGlobalUnicast()
}

func onlyLocal(words []word) bool {
	return !slices.ContainsFunc(words, func(w word) bool { return !isLocalName(string(w.text)) })
}

// isLocalName tells the names of a machine itself, as hosts files of Debian, macOS and
// Windows have them: a single label, or localhost's domain.
func isLocalName(s string) bool {
	return !strings.Contains(s, ".") || strings.EqualFold(s, "localhost.localdomain") || s == "0.0.0.0"
}

// complete refuses a list that holds fewer endpoints than its own comment says, such
// as "# Domains: 123962": it was cut short.
func (f *cloudFeed) complete(text []byte) error {
	for line := range strings.Lines(string(text[:min(len(text), 4096)])) {
		comment, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !ok {
			continue
		}
		key, value, _ := strings.Cut(comment, ":")
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "domains", "entries", "number of entries":
		default:
			continue
		}
		if want, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && want > f.listed {
			return fileErrorf(f.file, "the list states %d entries but has %d: it was cut short; download it again", want, f.listed)
		}
	}
	return nil
}

// listName makes a catalogue's name of a file's: "ipsum_level1.txt" is ipsum-level1.
func listName(base string) string {
	base = strings.ToLower(strings.TrimSuffix(base, filepath.Ext(base)))
	slug := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, base)
	slug = strings.TrimLeft(slug, "-0123456789")
	if slug = slug[:min(len(slug), catalog.MaxSlug)]; slug == "" {
		return "list"
	}
	return slug
}
