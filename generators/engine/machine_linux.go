package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gatewright/generators/artefact"
)

// Machine is a network namespace with a stack of its own and, at first, without any
// link or rule. Programs run in it, and the sockets that are opened in it are its own.
type Machine struct {
	ctx    context.Context
	dir    string // files that the tools read
	inside *namespace
}

// NewMachine needs root. Nothing of the machine outlives the process. Close frees it.
func NewMachine(ctx context.Context) (*Machine, error) {
	dir, err := os.MkdirTemp("", "gatewright-engine-")
	if err != nil {
		return nil, err
	}
	inside, err := newNamespace()
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return &Machine{ctx: ctx, dir: dir, inside: inside}, nil
}

// Do runs f on the machine: a socket that f opens is the machine's, and stays so. One
// call runs at a time, so f should not wait for another machine.
func (m *Machine) Do(f func() error) error { return m.inside.do(f) }

// LoadNFT loads a file by `nft -f`.
func (m *Machine) LoadNFT(text []byte) error {
	file, err := m.write("machine.nft", text)
	if err != nil {
		return err
	}
	return m.nftLoad(file)
}

// TryNFT tells whether nft works here at all, before a file is blamed.
func (m *Machine) TryNFT() error {
	return m.LoadNFT([]byte("add table inet gatewright_try\ndelete table inet gatewright_try\n"))
}

// TryIptables tells whether a variant of iptables works here at all, before a file is
// blamed.
func (m *Machine) TryIptables(variant Variant) error {
	for _, family := range []string{"iptables", "ip6tables"} {
		if _, err := m.run(iptables(variant, family+"-restore"), []byte("*filter\nCOMMIT\n"), "--noflush"); err != nil {
			return err
		}
	}
	return nil
}

func (m *Machine) nftLoad(file string) error {
	_, err := m.run(nft, nil, "-f", file)
	return err
}

// LoadIptables loads files for ipset, iptables and ip6tables, told apart by the ends
// of their names, in their order: by ipset restore, and by restore without flush.
func (m *Machine) LoadIptables(variant Variant, artefacts []artefact.Artefact) error {
	for _, a := range artefacts {
		var err error
		switch filepath.Ext(a.Name) {
		case ".ipset":
			_, err = m.run(ipset, a.Data, "restore")
		case ".iptables":
			err = m.restore(iptables(variant, "iptables-restore"), a.Data)
		case ".ip6tables":
			err = m.restore(iptables(variant, "ip6tables-restore"), a.Data)
		default:
			err = fmt.Errorf("%s: not a file that ipset, iptables or ip6tables loads", a.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// restore loads a file without flush: in one transaction for each table or, where the
// system has no room for that, in pieces.
func (m *Machine) restore(p program, text []byte) error {
	_, err := m.run(p, text, "--noflush")
	if !errors.Is(err, ErrTooLong) {
		return err
	}
	for _, piece := range restorePieces(string(text)) {
		if _, err := m.run(p, []byte(piece), "--noflush"); err != nil {
			return err
		}
	}
	return nil
}

// restorePieces cuts each table of a file for iptables-restore: what is declared in one
// piece is there for the next.
func restorePieces(text string) (pieces []string) {
	const most = 300 // lines, of at most some 600 bytes each on the way to the kernel
	table, piece, lines := "", "", 0
	for line := range strings.Lines(text) {
		switch {
		case line[0] == '*':
			table, piece, lines = line, line, 0
			continue
		case line == "COMMIT\n":
			pieces, piece = append(pieces, piece+line), ""
			continue
		case lines == most:
			pieces, piece, lines = append(pieces, piece+"COMMIT\n"), table, 0
		}
		piece += line
		lines++
	}
	if strings.TrimSpace(piece) != "" {
		pieces = append(pieces, piece)
	}
	return pieces
}

// ListNFT returns what `nft list` prints of an object, without counts.
func (m *Machine) ListNFT(object ...string) ([]byte, error) {
	return m.run(nft, nil, append([]string{"-s", "-nn", "list"}, object...)...)
}

// DumpIptables returns what the kernel holds for a variant of iptables.
func (m *Machine) DumpIptables(variant Variant) (IptablesDump, error) {
	var d IptablesDump
	for _, dump := range []struct {
		to      *[]byte
		program program
		args    []string
	}{
		{&d.Ipset, ipset, []string{"save"}},
		{&d.IPv4, iptables(variant, "iptables-save"), nil},
		{&d.IPv6, iptables(variant, "ip6tables-save"), nil},
	} {
		var err error
		var missing *MissingError
		*dump.to, err = m.run(dump.program, nil, dump.args...)
		if dump.program.name == ipset.name && errors.As(err, &missing) {
			continue // no rule that matches a set was loaded without it
		}
		if err != nil {
			return IptablesDump{}, err
		}
	}
	return d, nil
}

// run runs a program on the machine.
func (m *Machine) run(p program, stdin []byte, args ...string) (out []byte, err error) {
	env := []string{"LC_ALL=C", "XTABLES_LOCKFILE=" + filepath.Join(m.dir, "xtables.lock")}
	err = m.Do(func() error {
		out, err = p.output(m.ctx, m.dir, stdin, env, args...)
		return err
	})
	if err != nil && strings.Contains(err.Error(), "Message too long") {
		err = fmt.Errorf("%w: %w", ErrTooLong, err)
	}
	return out, err
}

func (m *Machine) write(name string, text []byte) (string, error) {
	file := filepath.Join(m.dir, name)
	return file, os.WriteFile(file, text, 0o600)
}

// Close frees the machine. Sockets that were opened on it hold it until they are
// closed. It may be called more than once, also on nil.
func (m *Machine) Close() {
	if m == nil || m.inside == nil {
		return
	}
	m.inside.close()
	m.inside = nil
	os.RemoveAll(m.dir)
}
