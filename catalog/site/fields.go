package site

import (
	"strconv"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/jsonc"
	"gatewright/catalog/rule"
)

// Backend is what a schema of site files says of a generator, which this package does
// not know.
type Backend struct {
	Name, Doc string
	Options   []BackendOption
}

// BackendOption is an option of a generator.
type BackendOption struct {
	Name, Doc string
	List      bool
	Values    []string // the only ones, if not nil
}

// Schema returns the JSON Schema of site files. What it refuses, Read refuses, too, or
// whoever reads what the file names.
func Schema(backends []Backend) jsonc.Schema {
	r := &reader{site: &Site{}, backends: backends}
	return jsonc.Document("Site file of Gatewright", jsonc.ObjectOf(r.fields()...))
}

// fields are the keys of a site file.
func (r *reader) fields() []jsonc.Field {
	s := r.site
	return []jsonc.Field{
		jsonc.Optional("catalogs", r.each("catalogs", &s.Catalogs, r.catalog)).
			Means(r.catalogsShape, "catalogues in the place of m365-worldwide and m365-additional: names of those that ship with the tool, NAME or NAME@REVISION, and paths of files below the site file's folder, which end with .json, .csv or .txt, or hold a slash"),
		jsonc.Optional("as_of", r.asOf).
			Means(jsonc.Text, `leave out what the publisher makes live after this day: YYYY-MM-DD, or "today"`),
		jsonc.Optional("keep_removed", r.keepRemoved).
			Means(jsonc.Text, `keep what the publisher removed within as many days, such as "30d"`),
		jsonc.Optional("select", r.selection).
			Means(jsonc.ObjectOf(r.selectionFields()...), "which entries are wanted: those that match every key; all of the instance Worldwide without it"),
		jsonc.Optional("group", r.grouping).
			Means(jsonc.WordOf(groupings()...), "what has rules of its own: each area (the default), each entry, or nothing"),
		jsonc.Optional(SectionBind, r.bindings).
			Means(jsonc.MapOf(r.bindingShape), "by role, the addresses that its machines have, as a filter sees them: after a DNAT, before a SNAT. The role clients is bound to the private, shared, link-local and unique-local ranges unless it stands here; no other role is"),
		jsonc.Optional(SectionAnswers, r.answers).
			Means(jsonc.MapOf(orBlank(jsonc.ObjectOf(r.answerFields(&writtenAnswer{})...))), "by an entry's id, or by a catalogue's name for all of its entries: what the publisher leaves unsaid"),
		jsonc.Optional(SectionValues, r.values).
			Means(jsonc.MapOf(textOrTexts), `what stands for the placeholders in published names, such as {"tenant": "contoso", "email_domain": ["example.com"]}`),
		jsonc.Optional(SectionPaths, r.paths).
			Means(orBlank(jsonc.WordOf("host")), "host: take the whole host of an endpoint that is published with a path"),
		jsonc.Optional("routes", r.routes).
			Means(jsonc.ListOf(jsonc.ObjectOf(r.routeFields(&Route{})...), 0), "for PAC files: what goes which way, the first of equally specific matches. The default sends the categories optimize and allow, and entries without one, direct, and the rest to the proxy"),
		jsonc.Optional("tolerate", r.tolerate).
			Means(r.tolerateShape, `shortfalls that --strict and --new let pass: verdicts by generator, such as {"nftables": ["absent"]}, or a list with reasons`),
		jsonc.Optional("accept", r.accepts).
			Means(jsonc.MapOf(jsonc.ListOf(jsonc.Text, 1)), `by an entry's id, by <catalogue>/<area> or by a catalogue: prefixes that no public service should have and that are meant, or the word "size" for all together`),
		jsonc.Optional(SectionExpect, r.expectations).
			Means(jsonc.ListOf(jsonc.Either(jsonc.ObjectOf(r.expectationFields(&writtenExpectation{})...), jsonc.Text), 0), "what check asks of flows; a text is a file beside that holds such a list"),
		jsonc.Optional("lint", func(v jsonc.Value) { s.Lint, _ = r.word(v, lintLevels()...) }).
			Means(jsonc.WordOf(lintLevels()...), "what check makes of findings of lint (default warning)"),
		jsonc.Optional("options", r.options).
			Means(r.optionsShape, "options by generator, as --set GENERATOR.OPTION=VALUE gives them"),
		jsonc.Optional("outputs", func(v jsonc.Value) { r.outputs = v }).
			Means(jsonc.MapOf(r.outputShape), "outputs by name, each with files of its own in a folder of that name below the output's: what it says takes the place of what the site file says under the same key; of select, bind and options, under each key of theirs"),
		jsonc.Optional("generators", r.list("generators", &s.Generators)).
			Means(r.generatorsShape, "the generators that run when the command line names none; all without it"),
		jsonc.Optional("output", r.output).
			Means(jsonc.Text, "the folder for the files, below the site file's, when the command line names none"),
		jsonc.SchemaField(r.text(new(string))),
	}
}

// catalogFields are the keys of a catalogue that is a file.
func (r *reader) catalogFields(ref *string, as *feed.Naming) []jsonc.Field {
	return []jsonc.Field{
		jsonc.Required("file", r.text(ref)).
			Means(jsonc.Text, "path of the file"),
		jsonc.Optional("name", r.text(&as.Name)).
			Means(jsonc.Text, "name of the catalogue, with which ids of its entries begin"),
		jsonc.Optional("instance", func(v jsonc.Value) { as.Instance = r.instance(v) }).
			Means(instanceShape, "instance of the Microsoft 365 web service that the file is of"),
		jsonc.Optional("revision", r.text(&as.Revision)).
			Means(jsonc.Text, "version of the publisher's"),
	}
}

// selectionFields are the keys of "select".
func (r *reader) selectionFields() []jsonc.Field {
	s := &r.site.Select
	return []jsonc.Field{
		jsonc.Optional("area", r.readAs("area", &s.Areas, AreaOf)).
			Means(texts, "service areas"),
		jsonc.Optional("category", r.oneOfEach(&s.Categories, Categories()...)).
			Means(wordsOf(Categories()...), "categories; none stands for entries without one"),
		jsonc.Optional("tag", r.list("tag", &s.Tags)).
			Means(texts, "tags of clouds' feeds, such as AzureBackup.WestEurope"),
		jsonc.Optional("region", r.list("region", &s.Regions)).
			Means(texts, "regions of clouds' feeds; none stands for tags of no region"),
		jsonc.Optional("service", r.list("service", &s.Services)).
			Means(texts, "services of clouds' feeds; none stands for tags of no service"),
		jsonc.Optional("entry", r.list("entry", &s.Entries)).
			Means(texts, "ids of entries, whole or what stands after the slash"),
		jsonc.Optional("direction", r.oneOfEach(&s.Directions, directions()...)).
			Means(wordsOf(directions()...), "directions: outbound flows are opened on our side, inbound ones by the remote"),
		jsonc.Optional("instance", r.readAs("instance", &s.Instances, feed.InstanceOf)).
			Means(jsonc.Distinct(jsonc.ListOf(instanceShape, 0)), "instances of the Microsoft 365 web service (default Worldwide)"),
		jsonc.Optional("required_only", func(v jsonc.Value) { s.RequiredOnly, _ = r.Bool(v) }).
			Means(jsonc.TrueOrFalse, "true: only entries that the publisher calls required"),
		jsonc.Optional("exclude", r.list("exclude", &s.Exclude)).
			Means(texts, "ids of entries that are not wanted"),
	}
}

// bindingFields are the keys of a role's addresses.
func (r *reader) bindingFields(b *rule.Binding) []jsonc.Field {
	return []jsonc.Field{
		jsonc.Optional("addresses", func(v jsonc.Value) { b.Addresses, _ = r.prefixes(v) }).
			Means(orBlank(textsOrNone), "addresses or prefixes that are reached at the port that they listen on"),
		jsonc.Optional("published", func(v jsonc.Value) { b.Published, _ = r.prefixes(v) }).
			Means(orBlank(textsOrNone), "addresses or prefixes behind a DNAT: the port is the one that outsiders use"),
	}
}

// answerFields are the keys of an answer.
func (r *reader) answerFields(a *writtenAnswer) []jsonc.Field {
	return []jsonc.Field{
		jsonc.Optional("remote", filledIn(func(v jsonc.Value) { a.Remote = r.remote(v) })).
			Means(r.remoteShape, `the other side: a list of prefixes and FQDN patterns, {"from": ...}, {"role": ...}, or the word "any"`),
		jsonc.Optional("services", func(v jsonc.Value) {
			if a.unfilled = a.unfilled || holdsBlankWithin(v); !holdsBlankWithin(v) {
				a.Services = r.services(v)
			}
		}).
			Means(jsonc.Text, `protocols and ports, such as "tcp 80, 443; udp 3478-3481"`),
		jsonc.Optional("direction", filledIn(func(v jsonc.Value) {
			d, _ := r.word(v, answeredDirections()...)
			a.Direction = catalog.Direction(d)
		})).
			Means(orBlank(jsonc.WordOf(answeredDirections()...)), "who opens the flow: outbound is our side, inbound the remote"),
		jsonc.Optional("role", filledIn(func(v jsonc.Value) { a.Role = r.role(v) })).
			Means(jsonc.Text, "which machines on our side are meant"),
		jsonc.Optional("dismissed", filledIn(r.text(&a.Dismissed))).
			Means(jsonc.Text, "the reason why the site does not need the entry; stands alone"),
	}
}

// remoteFields are the keys of a remote that is an object.
func (r *reader) remoteFields(remote *Remote) []jsonc.Field {
	return []jsonc.Field{
		jsonc.Optional("from", func(v jsonc.Value) { r.remoteFrom(v, remote) }).
			Means(textOrTexts, "the endpoints of these entries, or of <catalogue>/<area>"),
		jsonc.Optional("role", func(v jsonc.Value) { remote.Role = r.role(v) }).
			Means(jsonc.Text, "the addresses of a role of the site"),
	}
}

// routeFields are the keys of a route.
func (r *reader) routeFields(route *Route) []jsonc.Field {
	return []jsonc.Field{
		jsonc.Optional("area", r.readAs("route area", &route.Areas, AreaOf)).
			Means(texts, "entries of these service areas"),
		jsonc.Optional("category", r.oneOfEach(&route.Categories, Categories()...)).
			Means(wordsOf(Categories()...), "entries of these categories; none stands for entries without one"),
		jsonc.Optional("entry", r.list("route entry", &route.Entries)).
			Means(texts, "entries by their ids"),
		jsonc.Required("via", func(v jsonc.Value) {
			var via string
			r.text(&via)(v)
			route.Via = rule.Via(via)
			r.keep("routes", strconv.Itoa(len(r.site.Routes)), v)
		}).
			Means(jsonc.Text, `the way: "direct", "proxy" for the proxies of the option, or proxies of its own, such as "192.0.2.3:8080"`),
	}
}

// expectationFields are the keys of an expectation.
func (r *reader) expectationFields(e *writtenExpectation) []jsonc.Field {
	return []jsonc.Field{
		jsonc.Optional("allow", r.flows(e, rule.ExpectAllow)).
			Means(jsonc.Text, `each of these flows passes, such as "outbound tcp www.example.com:443"`),
		jsonc.Optional("deny", r.flows(e, rule.ExpectDeny)).
			Means(jsonc.Text, `none of these flows passes, such as "inbound tcp any to exchange:25"`),
		jsonc.Optional("direct", r.flows(e, rule.ExpectDirect)).
			Means(jsonc.Text, "the PAC file sends each of these hosts, URLs or flows straight out"),
		jsonc.Optional("proxied", r.flows(e, rule.ExpectProxied)).
			Means(jsonc.Text, "the PAC file sends each of these hosts, URLs or flows to a proxy"),
		jsonc.Optional("only", r.flows(e, rule.ExpectOnly)).
			Means(jsonc.Text, `no remote passes but the listed ones: "inbound to LOCAL" or "outbound from LOCAL"`),
		jsonc.Optional("from", func(v jsonc.Value) { e.fromList = v }).
			Means(r.listedShape, `remotes of an inbound "only": prefixes, FQDN patterns, {"from": ...} or {"role": ...}`),
		jsonc.Optional("to", func(v jsonc.Value) { e.toList = v }).
			Means(r.listedShape, `remotes of an outbound "only", likewise`),
		jsonc.Optional("in", func(v jsonc.Value) { r.expectedIn(v, e) }).
			Means(r.generatorsShape, "the generators whose files are asked; without it the policy and each that carries such flows"),
	}
}

// tolerationFields are the keys of a toleration in a list.
func (r *reader) tolerationFields(t *Toleration) []jsonc.Field {
	return []jsonc.Field{
		jsonc.Optional("entries", r.list("tolerate entry", &t.Entries)).
			Means(texts, "ids of entries; all without it"),
		jsonc.Optional("generators", r.list("tolerate", &t.Generators)).
			Means(r.generatorsShape, "generators; all without it"),
		jsonc.Optional("verdicts", r.oneOfEach(&t.Verdicts, toleratedVerdicts()...)).
			Means(wordsOf(toleratedVerdicts()...), "verdicts; all without it"),
		jsonc.Required("reason", r.text(&t.Reason)).
			Means(jsonc.Text, "why it may be so"),
	}
}

// Categories are the words for them; "none" stands for entries without one.
func Categories() []string {
	return []string{string(catalog.CategoryOptimize), string(catalog.CategoryAllow), string(catalog.CategoryDefault), "none"}
}

// groupings are the words for what keeps rules apart; the first is the default.
func groupings() []string { return []string{string(ByArea), string(ByEntry), string(ByNone)} }

// lintLevels are what check may make of findings of lint.
func lintLevels() []string { return []string{"error", "warning", "off"} }

func answeredDirections() []string {
	return []string{string(catalog.Outbound), string(catalog.Inbound), string(catalog.Bidirectional)}
}

func directions() []string { return []string{string(rule.Outbound), string(rule.Inbound)} }
