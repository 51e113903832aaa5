package site

import (
	"slices"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/rule"
)

// texts is the shape of what reader.list reads.
var texts = jsonc.Distinct(jsonc.ListOf(jsonc.Text, 0))

// textsOrNone is the shape of what reader.prefixes reads: an address may stand twice.
var textsOrNone = jsonc.ListOf(jsonc.Text, 0)

// wordsOf is the shape of what reader.oneOfEach reads.
func wordsOf(words ...string) jsonc.Shape {
	return jsonc.Distinct(jsonc.ListOf(jsonc.WordOf(words...), 0))
}

// instanceShape is the shape of an instance in any letter case.
var instanceShape = jsonc.Either(jsonc.WordOf(feed.M365Instances()...), jsonc.Text)

// textOrTexts is the shape of what reader.texts reads, where some text is wanted.
var textOrTexts = jsonc.Either(jsonc.Text, jsonc.Distinct(jsonc.ListOf(jsonc.Text, 1)))

// blank is the shape of a blank to fill in.
var blank = jsonc.Matching("^<.*>$")

// orBlank also allows a blank instead of a value.
func orBlank(shape jsonc.Shape) jsonc.Shape { return jsonc.Either(shape, blank) }

func (r *reader) catalogsShape() jsonc.Schema {
	var names []string
	for _, c := range catalog.Embedded() {
		names = append(names, c.Name, c.String())
	}
	slices.Sort(names)
	file := jsonc.ObjectOf(r.catalogFields(new(string), &feed.Naming{})...)
	return jsonc.Distinct(jsonc.ListOf(jsonc.Either(jsonc.WordOf(slices.Compact(names)...), jsonc.Text, file), 0))()
}

func (r *reader) bindingShape() jsonc.Schema {
	return jsonc.Either(jsonc.ListOf(jsonc.Text, 1), jsonc.ObjectOf(r.bindingFields(&rule.Binding{})...), blank)()
}

// remoteObject is the shape of a remote that refers to entries or a role.
func (r *reader) remoteObject() jsonc.Schema {
	return jsonc.ObjectOf(r.remoteFields(&Remote{})...)()
}

func (r *reader) remoteShape() jsonc.Schema {
	return jsonc.Either(jsonc.ListOf(jsonc.Text, 1), r.remoteObject, jsonc.WordOf("any"), blank)()
}

func (r *reader) listedShape() jsonc.Schema {
	return jsonc.ListOf(jsonc.Either(jsonc.Text, r.remoteObject), 1)()
}

func (r *reader) generatorShape() jsonc.Schema { return jsonc.WordOf(r.generatorNames()...)() }

func (r *reader) generatorsShape() jsonc.Schema {
	return jsonc.Distinct(jsonc.ListOf(r.generatorShape, 0))()
}

func (r *reader) tolerateShape() jsonc.Schema {
	var fields []jsonc.Field
	for _, name := range r.generatorNames() {
		fields = append(fields, jsonc.Optional(name, nil).Means(wordsOf(toleratedVerdicts()...), "verdicts of this generator's"))
	}
	return jsonc.Either(jsonc.ObjectOf(fields...), jsonc.ListOf(jsonc.ObjectOf(r.tolerationFields(&Toleration{})...), 0))()
}

func (r *reader) outputShape() jsonc.Schema { return jsonc.ObjectOf(r.outputFields()...)() }

func (r *reader) generatorNames() (names []string) {
	for _, b := range r.backends {
		names = append(names, b.Name)
	}
	return names
}

func (r *reader) optionsShape() jsonc.Schema {
	var fields []jsonc.Field
	for _, b := range r.backends {
		var options []jsonc.Field
		for _, o := range b.Options {
			options = append(options, jsonc.Optional(o.Name, nil).Means(o.shape, o.Doc))
		}
		fields = append(fields, jsonc.Optional(b.Name, nil).Means(jsonc.ObjectOf(options...), b.Doc))
	}
	return jsonc.ObjectOf(fields...)()
}

// shape is that of the option's values. A list of one stands for its element.
func (o BackendOption) shape() jsonc.Schema {
	shapes := []jsonc.Shape{jsonc.Text, o.listOf(jsonc.Text), jsonc.AnyNumber}
	if o.Values != nil {
		word := jsonc.WordOf(o.Values...)
		shapes = []jsonc.Shape{word, o.listOf(jsonc.Either(word, blank)), blank}
	}
	if slices.Contains(o.Values, "yes") {
		shapes = append(shapes, jsonc.TrueOrFalse)
	}
	return jsonc.Either(shapes...)()
}

func (o BackendOption) listOf(element jsonc.Shape) jsonc.Shape {
	return func() jsonc.Schema {
		s := jsonc.Distinct(jsonc.ListOf(element, 0))()
		if !o.List {
			s.MinItems, s.MaxItems = 1, 1
		}
		return s
	}
}
