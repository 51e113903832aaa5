package catalog

import "gatewright/catalog/jsonc"

// Schema returns the JSON Schema of our own documents. What it refuses, Read refuses,
// too.
func Schema() jsonc.Schema {
	return jsonc.Document("Catalogue of Gatewright", (&reader{}).documentShape)
}

func (r *reader) documentShape() jsonc.Schema {
	return jsonc.ObjectOf(r.fields(new(jsonc.Value))...)()
}

// fields are the keys of a document; its entries are read after the others.
func (r *reader) fields(entries *jsonc.Value) []jsonc.Field {
	c := &r.catalog
	return []jsonc.Field{
		jsonc.Required("catalog", r.slug(&c.Name, MaxSlug)).
			Means(slugShape, "the catalogue's name: a lower-case letter, then lower-case letters, digits or hyphens. The ids of its entries begin with it"),
		jsonc.Optional("snapshot_of", r.slug(&c.Feed, MaxSlug)).
			Means(slugShape, "the feed of which this document is a copy; requires date"),
		jsonc.Required("revision", r.revision).
			Means(wordShape, "a date or a version, such as 2025-01-08"),
		jsonc.Required("title", r.text(&c.Title, MaxTitle)).
			Means(jsonc.Text, "what the catalogue is"),
		jsonc.Optional("source", r.text(&c.Source, MaxText)).
			Means(jsonc.Text, "the publisher's document: its URL or title"),
		jsonc.Optional("date", r.dateText(&r.date)).
			Means(dateShape, "the day of the source, YYYY-MM-DD"),
		jsonc.Optional("placeholders", r.placeholders).
			Means(placeholdersShape, "the placeholders <name> in endpoints: label stands for one label of a name, fqdn for a whole name"),
		jsonc.Optional("inferred", func(v jsonc.Value) { r.Object(v, r.areasField()) }).
			Means(jsonc.ObjectOf(r.areasField()), "facts of all entries that we inferred, with the reason"),
		jsonc.Required("entries", func(v jsonc.Value) { *entries = v }).
			Means(r.entriesShape, "one entry for each row of the publisher's document. An entry of kind flow gives remote, services, direction and role, or lists them under unsaid"),
		jsonc.SchemaField(r.text(new(string), MaxText)),
	}
}

func (r *reader) areasField() jsonc.Field {
	return jsonc.Required(string(FactArea), r.text(&r.areaRead, MaxText)).
		Means(jsonc.Text, "why the entries belong to their areas")
}

// entryFields are the keys of an entry.
func (r *reader) entryFields(e *Entry, g *given, slug *string) []jsonc.Field {
	return []jsonc.Field{
		jsonc.Required("id", r.id(slug)).
			Means(idShape, "id that stays the same in every revision: lower-case letters, digits and hyphens"),
		jsonc.Optional("row", r.text(&e.Row, MaxSlug)).
			Means(jsonc.Text, "the publisher's row or number"),
		jsonc.Required("title", r.text(&e.Title, MaxTitle)).
			Means(jsonc.Text, "what the entry is"),
		jsonc.Optional("kind", func(v jsonc.Value) {
			kind, _ := r.OneOf(v, kinds()...)
			e.Kind = Kind(kind)
		}).
			Means(kindShape, "flow (the default), or trusted-site: names for a browser's zone, which are not traffic"),
		jsonc.Optional("area", r.slug(&e.Area, MaxSlug)).
			Means(slugShape, "the publisher's service area"),
		jsonc.Optional("type", r.text(&e.Type, MaxTitle)).
			Means(jsonc.Text, "the publisher's classification, in a few words"),
		jsonc.Optional("category", func(v jsonc.Value) {
			category, _ := r.OneOf(v, categories()...)
			e.Category = Category(category)
		}).
			Means(categoryShape, "the publisher's category, by which the routes of PAC files select"),
		jsonc.Optional("required", func(v jsonc.Value) { e.Required, _ = r.Bool(v) }).
			Means(jsonc.TrueOrFalse, "whether the publisher calls it required"),
		jsonc.Optional("instance", func(v jsonc.Value) { e.Instances = r.instances(v) }).
			Means(instancesShape, "instances of the Microsoft 365 web service (default Worldwide)"),
		r.fact(g, FactDirection, func(v jsonc.Value) {
			direction, _ := r.OneOf(v, entryDirections()...)
			e.Direction = Direction(direction)
		}).
			Means(directionShape, "who opens the flow: outbound is our side, inbound the remote"),
		r.fact(g, FactRole, r.slug(&e.Role, maxRole)).
			Means(slugShape, "which machines on our side are meant, such as clients or exchange"),
		r.fact(g, FactRemote, func(v jsonc.Value) { r.endpoints(v, e) }).
			Means(endpointsShape, "the remote: prefixes, addresses and FQDN patterns. The names and prefixes of one entry are the same endpoints. A path such as aka.ms/x or a placeholder such as <tenant>.example.com stays open until the site answers it"),
		jsonc.Optional("remote", func(v jsonc.Value) { r.remoteRole(v, e, g) }).
			Means(r.remoteShape, "a remote on the site itself"),
		r.fact(g, FactServices, func(v jsonc.Value) { e.Services = r.services(v) }).
			Means(jsonc.Text, `protocols and ports, such as "tcp 80, 443; udp 3478-3481"`),
		jsonc.Optional("narrowed", func(v jsonc.Value) { g.narrowed = v }).
			Means(narrowedShape, "by a name of the entry: names with placeholders that replace it once the site gives their values"),
		jsonc.Optional("unsaid", func(v jsonc.Value) { g.unsaid = v }).
			Means(r.unsaidShape, "what the publisher leaves out; it stays open until the site answers it"),
		jsonc.Optional("inferred", func(v jsonc.Value) { g.inferred = v }).
			Means(r.inferredShape, "facts that we inferred and that the publisher does not state, with the reason"),
		jsonc.Optional("condition", r.text(&e.Condition, MaxTitle)).
			Means(jsonc.Text, "when the entry applies, in a few words"),
		jsonc.Optional("notes", r.texts(&e.Notes, MaxText)).
			Means(textsShape, "what else the publisher asks for"),
		jsonc.Optional("links", r.list(&e.Links, r.link)).
			Means(textsShape, "pages of the publisher with more information: http or https URLs"),
		jsonc.Optional("source", r.text(&e.Source, MaxText)).
			Means(jsonc.Text, "the publisher's document, if it is not the source of the catalogue"),
		jsonc.Optional("date", r.dateText(&e.Date)).
			Means(dateShape, "the day of that source, YYYY-MM-DD"),
	}
}

func (r *reader) remoteField(e *Entry) jsonc.Field {
	return jsonc.Required("role", r.slug(&e.RemoteRole, maxRole)).
		Means(slugShape, "the role that the machines play")
}

// unsaidFields are the keys of "unsaid": read is called with each.
func (r *reader) unsaidFields(read func(Fact) func(jsonc.Value)) (fields []jsonc.Field) {
	for _, f := range Facts() {
		fields = append(fields, jsonc.Optional(string(f), read(f)).
			Means(func() jsonc.Schema { return jsonc.ObjectOf(r.questionFields(&Unsaid{Fact: f})...)() }, "the source does not say the "+string(f)))
	}
	return fields
}

// questionFields are the keys of a fact that is unsaid.
func (r *reader) questionFields(u *Unsaid) []jsonc.Field {
	fields := []jsonc.Field{
		jsonc.Required("why", r.text(&u.Why, MaxText)).
			Means(jsonc.Text, "what the source says instead"),
		jsonc.Optional("ask", r.text(&u.Ask, MaxText)).
			Means(jsonc.Text, "the question for those who can answer"),
		jsonc.Optional("who", r.text(&u.Who, MaxTitle)).
			Means(jsonc.Text, "who can answer"),
	}
	if u.Fact != FactRemote {
		return fields
	}
	return append(fields,
		jsonc.Optional("from", r.references(&u.From)).
			Means(textsShape, "entries, or areas as <catalogue>/<area>, whose remote is the likely answer"),
		jsonc.Optional("elsewhere", func(v jsonc.Value) { u.Elsewhere = r.elsewhere(v) }).
			Means(r.elsewhereShape, "the remote is taken from another catalogue"),
		jsonc.Optional("never_any", func(v jsonc.Value) { u.NeverAny, _ = r.Bool(v) }).
			Means(jsonc.TrueOrFalse, "true: \"any\" would be a mistake and is not offered as an answer"),
	)
}

// elsewhereFields are the keys of "elsewhere".
func (r *reader) elsewhereFields(e *Elsewhere, under *bool) []jsonc.Field {
	return []jsonc.Field{
		jsonc.Required("from", func(v jsonc.Value) {
			if r.references(&e.From)(v); v.Kind() == jsonc.Array && len(e.From) == 0 {
				r.Errorf(v, `no reference; write a catalogue and one of its entries or areas, such as "m365/exchange"`)
			}
		}).
			Means(someTextsShape, "entries, or areas as <catalogue>/<area>"),
		jsonc.Optional("under", func(v jsonc.Value) {
			*under = true
			r.list(&e.Under, r.domain)(v)
		}).
			Means(someTextsShape, "take only the names at and under these domains (default: take the addresses)"),
	}
}

// inferredFields are the keys of an entry's "inferred": read is called with each.
func (r *reader) inferredFields(read func(Fact) func(jsonc.Value)) (fields []jsonc.Field) {
	for _, f := range append(Facts(), FactArea) {
		fields = append(fields, jsonc.Optional(string(f), read(f)).
			Means(jsonc.Text, "the reason for the "+string(f)))
	}
	return fields
}

func kinds() []string { return []string{string(KindFlow), string(KindTrustedSite)} }

func categories() []string {
	return []string{string(CategoryOptimize), string(CategoryAllow), string(CategoryDefault)}
}

func entryDirections() []string {
	return []string{string(Outbound), string(Inbound), string(Bidirectional)}
}

func instances() []string {
	return []string{DefaultInstance, "USGovDoD", "USGovGCCHigh", "China", "Germany"}
}

func placeholderKinds() []string { return []string{string(Label), string(FQDN)} }
