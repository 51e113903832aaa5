// Package generators lists the generators. Each one renders a policy in the language of
// one backend, and reports how exactly it expresses every rule.
package generators

import (
	"fmt"
	"io"
	"iter"

	"gatewright/catalog/rule"
	"gatewright/catalog/suggest"
	"gatewright/generators/artefact"
	"gatewright/generators/iptables"
	"gatewright/generators/nftables"
	"gatewright/generators/pac"
	"gatewright/generators/squid"
	"gatewright/generators/trustedsites"
)

// Generator renders a policy for one backend. It decides nothing about meaning
// and changes nothing in the policy.
type Generator interface {
	// Name is what users write: "nftables".
	Name() string

	// Description is one line for `gatewright generators`.
	Description() string

	// Kind says how the generator is proved and read.
	Kind() artefact.Kind

	// Comments says what of its files the backend passes over. Nothing else of them may
	// hold a publisher's words.
	Comments() artefact.CommentSyntax

	// Options are the settings that Generate understands, in the order in which
	// the documentation shows them.
	Options() []artefact.Option

	// Generate renders the policy. On an error nothing is to be written.
	Generate(*rule.Policy, artefact.Settings) (artefact.Output, error)

	// Explain returns what answers for flows as a backend that has loaded the output
	// of Generate does, by what is rendered. Its errors are those of Generate, but for
	// a file that is too large.
	Explain(*rule.Policy, artefact.Settings) (artefact.Explainer, error)

	// Makes reports whether Generate may name a file so: a path below the output folder,
	// with slashes.
	Makes(name string) bool

	// Read returns what the generator's own files among these do once they are loaded;
	// the zero Reading if none is there. What it does not write itself is an
	// *artefact.ForeignError, and another format an *artefact.FormatError.
	Read(artefact.Files) (artefact.Reading, error)
}

// Counting is a generator whose backend counts what each rule accepts.
type Counting interface {
	Generator

	// CountsBy is the command that prints the counters.
	CountsBy() string

	// Counts reads what that command prints. An error says where a line or object is
	// not of its form; what is not ours is passed over.
	Counts(io.Reader) ([]artefact.Count, error)
}

// Logging is a generator whose backend logs requests.
type Logging interface {
	Generator

	// Log is where the backend writes its log as packaged.
	Log() string

	// Requests reads a log line by line: the zero Request with an error for a line that
	// tells of no request to a host. The last error is that of reading.
	Requests(io.Reader) iter.Seq2[artefact.Request, error]
}

// All returns the generators in the order in which users see them.
func All() []Generator {
	return []Generator{
		nftables.Generator{},
		iptables.Generator{},
		pac.Generator{},
		squid.Generator{},
		trustedsites.Generator{},
	}
}

// IsA reports whether there is a generator of that name, and it is of the kind.
func IsA(generator string, k artefact.Kind) bool {
	g, err := ByName(generator)
	return err == nil && g.Kind() == k
}

// Makes reports whether the generator of that name, if there is one, makes files of a
// name. What an output folder says about its own files goes by it: the folder may come
// from somebody else.
func Makes(generator, name string) bool {
	g, err := ByName(generator)
	return err == nil && g.Makes(name)
}

// ByName returns the generator of that name; the error lists the names.
func ByName(name string) (Generator, error) {
	var names []string
	for _, g := range All() {
		if g.Name() == name {
			return g, nil
		}
		names = append(names, g.Name())
	}
	return nil, fmt.Errorf("unknown generator %q; %s", name, suggest.OneOf(name, names))
}
