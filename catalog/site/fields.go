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
			Means(r.catalogsShape, "catalogues to read instead of m365-worldwide and m365-additional. Each is the NAME or NAME@REVISION of a catalogue that ships with the tool, or the path of a file below the site file's folder. A path ends with .json, .csv or .txt, or has a slash"),
		jsonc.Optional("as_of", r.asOf).
			Means(jsonc.Text, `leave out endpoints that go live after this day: YYYY-MM-DD, or "today"`),
		jsonc.Optional("keep_removed", r.keepRemoved).
			Means(jsonc.Text, `keep endpoints that the publisher removed within this number of days, such as "30d"`),
		jsonc.Optional("select", r.selection).
			Means(jsonc.ObjectOf(r.selectionFields()...), "entries to use: those that match every key (default: all entries of the instance Worldwide)"),
		jsonc.Optional("group", r.grouping).
			Means(jsonc.WordOf(groupings()...), "how entries are grouped into rules: by area (the default), by entry, or none for a single group"),
		jsonc.Optional(SectionBind, r.bindings).
			Means(jsonc.MapOf(r.bindingShape), "by role, the addresses of its machines as the packet filter sees them: after DNAT and before SNAT. If the role clients is not listed here, it is bound to the private, shared, link-local and unique-local ranges. Other roles have no default"),
		jsonc.Optional(SectionAnswers, r.answers).
			Means(jsonc.MapOf(orBlank(jsonc.ObjectOf(r.answerFields(&writtenAnswer{})...))), "what the publisher leaves out, by the id of an entry, or by the name of a catalogue for all of its entries"),
		jsonc.Optional(SectionValues, r.values).
			Means(jsonc.MapOf(textOrTexts), `values for the placeholders in published names, such as {"tenant": "contoso", "email_domain": ["example.com"]}`),
		jsonc.Optional(SectionPaths, r.paths).
			Means(orBlank(jsonc.WordOf("host")), "host: for an endpoint that is published with a path, allow the whole host"),
		jsonc.Optional("routes", r.routes).
			Means(jsonc.ListOf(jsonc.ObjectOf(r.routeFields(&Route{})...), 0), "for PAC files: which requests go direct and which to a proxy. Of equally specific matches the first decides. By default the categories optimize and allow and entries without a category go direct, and the rest goes to the proxy"),
		jsonc.Optional("tolerate", r.tolerate).
			Means(r.tolerateShape, `shortfalls that --strict and --new let pass: verdicts by generator, such as {"nftables": ["absent"]}, or a list with reasons`),
		jsonc.Optional("accept", r.accepts).
			Means(jsonc.MapOf(jsonc.ListOf(jsonc.Text, 1)), `by an entry's id, by <catalogue>/<area> or by a catalogue: prefixes that no public service should have and that are meant, or the word "size" for all together`),
		jsonc.Optional(SectionExpect, r.expectations).
			Means(jsonc.ListOf(jsonc.Either(jsonc.ObjectOf(r.expectationFields(&writtenExpectation{})...), jsonc.Text), 0), "expectations that check verifies; a text names a file beside the site file that holds such a list"),
		jsonc.Optional("lint", func(v jsonc.Value) { s.Lint, _ = r.word(v, lintLevels()...) }).
			Means(jsonc.WordOf(lintLevels()...), "how check treats lint findings (default warning)"),
		jsonc.Optional("options", r.options).
			Means(r.optionsShape, "options by generator, as with --set GENERATOR.OPTION=VALUE"),
		jsonc.Optional("outputs", func(v jsonc.Value) { r.outputs = v }).
			Means(jsonc.MapOf(r.outputShape), "outputs by name. The files of each are written to a folder of that name below the folder output. A key here replaces the same key of the site file; under select, bind and options, each of their keys is replaced separately"),
		jsonc.Optional("generators", r.list("generators", &s.Generators)).
			Means(r.generatorsShape, "the generators that run if the command line names none (default: all)"),
		jsonc.Optional("output", r.output).
			Means(jsonc.Text, "the folder for the files, below the site file's folder, if the command line names none"),
		jsonc.SchemaField(r.text(new(string))),
	}
}

// catalogFields are the keys of a catalogue that is a file.
func (r *reader) catalogFields(ref *string, as *feed.Naming) []jsonc.Field {
	return []jsonc.Field{
		jsonc.Required("file", r.text(ref)).
			Means(jsonc.Text, "path of the file"),
		jsonc.Optional("name", r.text(&as.Name)).
			Means(jsonc.Text, "name of the catalogue; the ids of its entries begin with it"),
		jsonc.Optional("instance", func(v jsonc.Value) { as.Instance = r.instance(v) }).
			Means(instanceShape, "instance of the Microsoft 365 web service from which the file comes"),
		jsonc.Optional("revision", r.text(&as.Revision)).
			Means(jsonc.Text, "the publisher's version"),
	}
}

// selectionFields are the keys of "select".
func (r *reader) selectionFields() []jsonc.Field {
	s := &r.site.Select
	return []jsonc.Field{
		jsonc.Optional("area", r.readAs("area", &s.Areas, AreaOf)).
			Means(texts, "service areas"),
		jsonc.Optional("category", r.oneOfEach(&s.Categories, Categories()...)).
			Means(wordsOf(Categories()...), "categories; none selects entries without a category"),
		jsonc.Optional("tag", r.list("tag", &s.Tags)).
			Means(texts, "tags of cloud feeds, such as AzureBackup.WestEurope"),
		jsonc.Optional("region", r.list("region", &s.Regions)).
			Means(texts, "regions of cloud feeds; none selects tags without a region"),
		jsonc.Optional("service", r.list("service", &s.Services)).
			Means(texts, "services of cloud feeds; none selects tags without a service"),
		jsonc.Optional("entry", r.list("entry", &s.Entries)).
			Means(texts, "ids of entries, complete or only the part after the slash"),
		jsonc.Optional("direction", r.oneOfEach(&s.Directions, directions()...)).
			Means(wordsOf(directions()...), "directions: outbound flows are opened on our side, inbound ones by the remote"),
		jsonc.Optional("instance", r.readAs("instance", &s.Instances, feed.InstanceOf)).
			Means(jsonc.Distinct(jsonc.ListOf(instanceShape, 0)), "instances of the Microsoft 365 web service (default Worldwide)"),
		jsonc.Optional("required_only", func(v jsonc.Value) { s.RequiredOnly, _ = r.Bool(v) }).
			Means(jsonc.TrueOrFalse, "true: only entries that the publisher calls required"),
		jsonc.Optional("exclude", r.list("exclude", &s.Exclude)).
			Means(texts, "ids of entries to leave out"),
	}
}

// bindingFields are the keys of a role's addresses.
func (r *reader) bindingFields(b *rule.Binding) []jsonc.Field {
	return []jsonc.Field{
		jsonc.Optional("addresses", func(v jsonc.Value) { b.Addresses, _ = r.prefixes(v) }).
			Means(orBlank(textsOrNone), "addresses or prefixes that are reached at the port on which they listen"),
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
			Means(jsonc.Text, "the role of the machines on our side"),
		jsonc.Optional("dismissed", filledIn(r.text(&a.Dismissed))).
			Means(jsonc.Text, "why the site does not need the entry; no other key may be given with it"),
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
			Means(wordsOf(Categories()...), "entries of these categories; none selects entries without a category"),
		jsonc.Optional("entry", r.list("route entry", &route.Entries)).
			Means(texts, "entries by their ids"),
		jsonc.Required("via", func(v jsonc.Value) {
			var via string
			r.text(&via)(v)
			route.Via = rule.Via(via)
			r.keep("routes", strconv.Itoa(len(r.site.Routes)), v)
		}).
			Means(jsonc.Text, `the route: "direct", "proxy" for the proxies of the option proxy, or other proxies, such as "192.0.2.3:8080"`),
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
			Means(jsonc.Text, "the PAC file sends each of these hosts, URLs or flows direct"),
		jsonc.Optional("proxied", r.flows(e, rule.ExpectProxied)).
			Means(jsonc.Text, "the PAC file sends each of these hosts, URLs or flows to a proxy"),
		jsonc.Optional("only", r.flows(e, rule.ExpectOnly)).
			Means(jsonc.Text, `only the listed remotes pass: "inbound to LOCAL" or "outbound from LOCAL"`),
		jsonc.Optional("from", func(v jsonc.Value) { e.fromList = v }).
			Means(r.listedShape, `remotes of an inbound "only": prefixes, FQDN patterns, {"from": ...} or {"role": ...}`),
		jsonc.Optional("to", func(v jsonc.Value) { e.toList = v }).
			Means(r.listedShape, `remotes of an outbound "only", written in the same way`),
		jsonc.Optional("in", func(v jsonc.Value) { r.expectedIn(v, e) }).
			Means(r.generatorsShape, "the generators whose files are checked (default: the policy, and every generator that carries such flows)"),
	}
}

// tolerationFields are the keys of a toleration in a list.
func (r *reader) tolerationFields(t *Toleration) []jsonc.Field {
	return []jsonc.Field{
		jsonc.Optional("entries", r.list("tolerate entry", &t.Entries)).
			Means(texts, "ids of entries (default: all)"),
		jsonc.Optional("generators", r.list("tolerate", &t.Generators)).
			Means(r.generatorsShape, "generators (default: all)"),
		jsonc.Optional("verdicts", r.oneOfEach(&t.Verdicts, toleratedVerdicts()...)).
			Means(wordsOf(toleratedVerdicts()...), "verdicts (default: all)"),
		jsonc.Required("reason", r.text(&t.Reason)).
			Means(jsonc.Text, "why this is acceptable"),
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
