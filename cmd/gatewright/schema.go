package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"gatewright/catalog"
	"gatewright/catalog/site"
	"gatewright/catalog/suggest"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

func schemaCommand() command {
	return command{
		name:    "schema",
		summary: "print the JSON Schema of site files or catalogues",
		usage: `gatewright schema site|catalog

The schema (draft-07) describes to an editor every key of a site file or a
catalogue: its values and its meaning. Name the schema's file at the top of a
document: "$schema": "./gatewright.schema.json".

    gatewright schema site > gatewright.schema.json
    gatewright schema catalog > catalog.schema.json
`,
		flags: func(inv *invocation, flags *pflag.FlagSet) {
			flags.BoolVar(&inv.json, "json", false, "print a JSON object that holds the schema and a version")
		},
		operands: firstOf(documents()...),
		run:      printSchema,
	}
}

// documents are what has a schema.
func documents() []string { return []string{"site", "catalog"} }

func printSchema(inv *invocation, args []string) error {
	if len(args) != 1 {
		return usagef("schema: name one kind of document: site or catalog")
	}
	var s any
	switch args[0] {
	case "site":
		s = site.Schema(backends())
	case "catalog":
		s = catalog.Schema()
	default:
		return usagef("schema: unknown document %q; %s", args[0], suggest.OneOf(args[0], documents()))
	}
	if inv.json {
		return console.WriteJSON(inv.stdout, struct {
			Version  console.Version `json:"version"`
			Document string          `json:"document"`
			Schema   any             `json:"schema"`
		}{Document: args[0], Schema: s})
	}
	return console.WriteJSON(inv.stdout, s)
}

// backends are the generators with their options.
func backends() (all []site.Backend) {
	for _, g := range generators.All() {
		b := site.Backend{Name: g.Name(), Doc: g.Description()}
		for _, o := range g.Options() {
			b.Options = append(b.Options, site.BackendOption{Name: o.Name, Doc: optionDoc(o), List: o.List, Values: o.Values})
		}
		all = append(all, b)
	}
	return all
}

// optionDoc is what an option is for, with its default.
func optionDoc(o artefact.Option) string {
	if len(o.Default) == 0 {
		return o.Doc
	}
	return fmt.Sprintf("%s (default %s)", o.Doc, o.Default[0])
}
