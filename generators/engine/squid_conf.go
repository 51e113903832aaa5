package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"gatewright/catalog/netset"
	"gatewright/generators/artefact"
	"gatewright/generators/box"
	"gatewright/templates"
)

// Places at which the artefacts can be included.
const (
	squidFirst = "first"  // before every http_access line
	squidConfD = "conf.d" // where Debian's squid.conf includes conf.d
)

// Debian's configuration, and the line of it that includes what sites add.
const (
	squidConf    = "/etc/squid/squid.conf"
	squidInclude = "include /etc/squid/conf.d/*.conf"
)

// writeSquid writes the artefacts to a new folder. fragment is the file with their
// http_access lines.
func writeSquid(artefacts []artefact.Artefact) (dir, fragment string, err error) {
	dir, err = os.MkdirTemp("", "gatewright-squid-")
	if err != nil {
		return "", "", err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	files := map[string][]byte{} // by path
	lists := map[string]string{} // path by base name
	for _, a := range artefacts {
		file := filepath.Join(dir, path.Base(a.Name))
		files[file] = a.Data
		if strings.HasSuffix(a.Name, ".squid.conf") {
			fragment = file
		} else {
			lists[path.Base(a.Name)] = file
		}
	}
	if fragment == "" {
		return "", "", errors.New("no artefact of the output is a .squid.conf")
	}
	files[fragment] = moveLists(files[fragment], lists)
	for file, data := range files {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return "", "", err
		}
	}
	return dir, fragment, giveToSquid(dir)
}

// giveToSquid lets the user that Squid becomes, if root starts it, read and write
// in the folder.
func giveToSquid(dir string) error {
	if os.Geteuid() != 0 || box.Inside() {
		return nil
	}
	proxy, err := user.Lookup("proxy")
	if err != nil {
		return fmt.Errorf("squid: %w", err)
	}
	uid, err := strconv.Atoi(proxy.Uid)
	if err != nil {
		return fmt.Errorf("squid: user id of proxy: %w", err)
	}
	return os.Chown(dir, uid, -1)
}

// moveLists has each ACL that names a list read it where it was written.
func moveLists(conf []byte, lists map[string]string) []byte {
	var b strings.Builder
	for line := range strings.Lines(string(conf)) {
		if rest, ok := strings.CutPrefix(line, "acl "); ok {
			if before, quoted, ok := strings.Cut(rest, `"`); ok {
				if file, ok := lists[path.Base(strings.TrimSuffix(strings.TrimSpace(quoted), `"`))]; ok {
					line = "acl " + before + `"` + file + "\"\n"
				}
			}
		}
		b.WriteString(line)
	}
	return []byte(b.String())
}

// aroundFragment returns the machine's squid.conf with the fragment at place, and no
// other include.
func aroundFragment(place, fragment string) (string, error) {
	text, err := os.ReadFile(squidConf)
	if errors.Is(err, fs.ErrNotExist) {
		return "", &MissingError{squidConf, squidProgram.pkg}
	}
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("visible_hostname gatewright.invalid\n") // Squid warns of a machine whose own name nobody knows
	include := "include " + fragment + "\n"
	if place == squidFirst {
		b.WriteString(include)
	}
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimSpace(line); {
		case line == squidInclude && place == squidConfD:
			b.WriteString(include)
		case line == "" || line[0] == '#' || strings.HasPrefix(line, "include "):
		default:
			b.WriteString(line + "\n")
		}
	}
	if !strings.Contains(b.String(), include) {
		return "", fmt.Errorf("%s has no line %q for place %q", squidConf, squidInclude, place)
	}
	return b.String(), nil
}

// squidView is what squid.conf.tmpl renders.
type squidView struct {
	First, ConfD        string // the file under test, at one of the places
	TLSPorts, SafePorts []netset.PortRange
	Address             string // that clients connect to
	Folder              string
}

// tlsPorts and safePorts are the ports of SSL_ports and Safe_ports in Debian's
// squid.conf.
var (
	tlsPorts  = []netset.PortRange{{First: 443, Last: 443}}
	safePorts = []netset.PortRange{
		{First: 21, Last: 21}, {First: 70, Last: 70}, {First: 80, Last: 80}, {First: 210, Last: 210}, {First: 280, Last: 280},
		{First: 443, Last: 443}, {First: 488, Last: 488}, {First: 591, Last: 591}, {First: 777, Last: 777}, {First: 1025, Last: 65535},
	}
)

// writeRuntime writes the configuration that is run. The machine's own squid.conf
// has no part in it: what that allows besides is no concern of the artefacts.
func writeRuntime(dir, fragment, place, address string) error {
	v := squidView{TLSPorts: tlsPorts, SafePorts: safePorts, Address: address, Folder: dir}
	switch place {
	case squidFirst:
		v.First = fragment
	case squidConfD:
		v.ConfD = fragment
	default:
		return fmt.Errorf("unknown place %q; expect %q or %q", place, squidFirst, squidConfD)
	}
	conf, err := templates.Execute("engine/squid.conf.tmpl", v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "hosts"), []byte("127.0.0.1 localhost\n"), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "runtime.conf"), conf, 0o644)
}
