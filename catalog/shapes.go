package catalog

import "gatewright/catalog/jsonc"

// Shapes are made once, so that reading an entry makes none of them.
var (
	slugShape         = jsonc.Matching("^[a-z][a-z0-9-]*$")
	idShape           = jsonc.Matching("^[a-z0-9][a-z0-9-]*$")
	wordShape         = jsonc.Matching("^[A-Za-z0-9._-]+$")
	dateShape         = jsonc.Matching("^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
	textsShape        = jsonc.ListOf(jsonc.Text, 0)
	someTextsShape    = jsonc.ListOf(jsonc.Text, 1)
	endpointsShape    = jsonc.ListOf(jsonc.Text, 1)
	kindShape         = jsonc.WordOf(kinds()...)
	categoryShape     = jsonc.WordOf(categories()...)
	directionShape    = jsonc.WordOf(entryDirections()...)
	instancesShape    = jsonc.ListOf(jsonc.WordOf(instances()...), 1)
	placeholdersShape = jsonc.MapOf(jsonc.WordOf(placeholderKinds()...))
	narrowedShape     = jsonc.MapOf(textsShape)
)

func (r *reader) entriesShape() jsonc.Schema {
	return jsonc.ListOf(jsonc.ObjectOf(r.entryFields(&Entry{}, &given{}, new(string))...), 0)()
}

func (r *reader) remoteShape() jsonc.Schema { return jsonc.ObjectOf(r.remoteField(&Entry{}))() }

func (r *reader) unsaidShape() jsonc.Schema { return jsonc.ObjectOf(r.unsaidFields(unread)...)() }

func (r *reader) elsewhereShape() jsonc.Schema {
	return jsonc.ObjectOf(r.elsewhereFields(&Elsewhere{}, new(bool))...)()
}

func (r *reader) inferredShape() jsonc.Schema { return jsonc.ObjectOf(r.inferredFields(unread)...)() }

// unread is for fields that only tell their shapes.
func unread(Fact) func(jsonc.Value) { return nil }
