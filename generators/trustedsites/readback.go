package trustedsites

import (
	"fmt"
	"slices"
	"strings"
)

// ZoneMap is what a registry file says.
type ZoneMap struct {
	Hive string // "user" or "machine"
	keys []key
}

// Trusts reports whether https://host/ is in the trusted zone by the file alone.
// Host is in lower case and without trailing dot.
func (m ZoneMap) Trusts(host string) bool {
	return slices.ContainsFunc(m.keys, func(k key) bool { return k.trusts(host) })
}

// trustLine puts the key before it into the trusted zone.
const trustLine = `"https"=dword:00000002`

// Beyond returns the names that m trusts and no key of other does, sorted, a domain
// with all its subdomains as both "example.com" and "*.example.com". Any other name
// with a star stands for one label.
func (m ZoneMap) Beyond(other ZoneMap) []string {
	held := map[key]bool{}
	for _, k := range other.keys {
		held[k] = true
	}
	var names []string
	for _, k := range m.keys {
		switch {
		case slices.ContainsFunc(k.wider(), func(w key) bool { return held[w] }):
		case k.below == "":
			names = append(names, k.domain, "*."+k.domain)
		default:
			names = append(names, k.host())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// wider returns the keys that trust all that k trusts, k among them.
func (k key) wider() []key {
	all := []key{k}
	if k.below == "" {
		return all
	}
	if _, parent, ok := strings.Cut(k.below, "."); ok {
		all = append(all, key{k.domain, "*." + parent})
	}
	return append(all, key{k.domain, ""})
}

// ReadBack reads a file of this package. What Generate does not write is an error
// with its line.
func ReadBack(data []byte) (ZoneMap, error) {
	var m ZoneMap
	lines := strings.Split(string(data), "\r\n")
	for i, line := range lines {
		if err := m.readLine(i, line); err != nil {
			return ZoneMap{}, fmt.Errorf("%s:%d: %w", regName, i+1, err)
		}
		if isKey := i > 0 && strings.HasPrefix(lines[i-1], "["); isKey != (line == trustLine) {
			return ZoneMap{}, fmt.Errorf("%s:%d: %q; a key and the line %s stand together", regName, i+1, line, trustLine)
		}
	}
	return m, nil
}

func (m *ZoneMap) readLine(i int, line string) error {
	switch {
	case i == 0 && line == "Windows Registry Editor Version 5.00":
		return nil
	case i == 0:
		return fmt.Errorf("unexpected first line %q", line)
	case strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }):
		return fmt.Errorf("line %q is not printable ASCII", line)
	case line == "" || line[0] == ';' || line == trustLine:
		return nil
	}
	for _, hive := range []string{hiveUser, hiveMachine} {
		if path, ok := strings.CutPrefix(line, "["+string(pathOf(hive, key{}))); ok && strings.HasSuffix(path, "]") {
			if m.Hive != "" && m.Hive != hive {
				return fmt.Errorf("keys of both hives")
			}
			domain, below, _ := strings.Cut(strings.TrimSuffix(path, "]"), `\`)
			m.Hive, m.keys = hive, append(m.keys, key{domain, below})
			return nil
		}
	}
	return fmt.Errorf("unexpected line %q", line)
}
