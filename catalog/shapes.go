package catalog

import "gatewright/catalog/jsonc"

// Shapes are functions by name, so that reading an entry makes none of them.

func slugShape() jsonc.Schema { return jsonc.Matching("^[a-z][a-z0-9-]*$")() }

func idShape() jsonc.Schema { return jsonc.Matching("^[a-z0-9][a-z0-9-]*$")() }

func wordShape() jsonc.Schema { return jsonc.Matching("^[A-Za-z0-9._-]+$")() }

func dateShape() jsonc.Schema { return jsonc.Matching("^[0-9]{4}-[0-9]{2}-[0-9]{2}$")() }

func textsShape() jsonc.Schema { return jsonc.ListOf(jsonc.Text, 0)() }

func someTextsShape() jsonc.Schema { return jsonc.ListOf(jsonc.Text, 1)() }

func endpointsShape() jsonc.Schema { return jsonc.ListOf(jsonc.Text, 1)() }

func kindShape() jsonc.Schema { return jsonc.WordOf(kinds()...)() }

func categoryShape() jsonc.Schema { return jsonc.WordOf(categories()...)() }

func directionShape() jsonc.Schema { return jsonc.WordOf(entryDirections()...)() }

func instancesShape() jsonc.Schema { return jsonc.ListOf(jsonc.WordOf(instances()...), 1)() }

func placeholdersShape() jsonc.Schema { return jsonc.MapOf(jsonc.WordOf(placeholderKinds()...))() }

func narrowedShape() jsonc.Schema { return jsonc.MapOf(textsShape)() }

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
