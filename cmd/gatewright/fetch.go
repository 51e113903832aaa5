package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"gatewright/catalog"
	"gatewright/catalog/feed"
	"gatewright/catalog/suggest"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/fetch"
	"gatewright/cmd/gatewright/internal/interrupt"
)

// fetchFlags are the flags of fetch.
type fetchFlags struct {
	instance, tenant             string
	areas                        []string
	maxShrink, maxGrowth         int
	site                         string // file, for what it accepts
	withChanges, force, exitCode bool
	http                         bool // --allow-http
}

func fetchCommand() command {
	f := &fetchFlags{}
	return command{
		name:    "fetch",
		summary: "download a catalogue if it has changed",
		usage: `gatewright fetch m365|URL -o FILE

Downloads a catalogue if it has changed: the Microsoft 365 endpoints of an
instance, or any known feed at an https URL. FILE is replaced as a whole, and
only by a valid catalogue. fetch refuses a catalogue that is empty, is older,
lost too many endpoints, gained too many addresses, or has addresses that no
public service has.

FILE.fetched.json records what was fetched; keep it beside FILE. "Unchanged"
means two things: FILE is what this user fetched last, and the publisher has
nothing newer or was asked a short while ago. --force fetches the content and
compares it. The fetch state is kept in the user's cache folder: when each
publisher was asked, and digests of what it sent. For m365 a random
client-request-id is kept in the user's configuration folder. Proxies come from
HTTPS_PROXY and NO_PROXY, additional CAs from SSL_CERT_FILE.

    gatewright fetch m365 -o worldwide.json
    gatewright fetch m365 --instance China --changes -o china.json
    gatewright fetch https://ip-ranges.amazonaws.com/ip-ranges.json -o aws.json
    gatewright generate --catalog worldwide.json -o out

Exit status: 0 changed or unchanged (with --exit-code: 1 changed); 3 failed, and
FILE is unchanged, unless the error says that it is new.
`,
		flags:    f.register,
		operands: firstOf(sources()...),
		run: func(inv *invocation, args []string) error {
			return fetchCatalog(inv, f, args, feed.NewClient(inv.console.Warnf), "")
		},
	}
}

func (f *fetchFlags) register(inv *invocation, flags *pflag.FlagSet) {
	flags.StringVarP(&inv.output, "output", "o", "", "`FILE` to write the catalogue to")
	flags.StringVar(&f.instance, "instance", "Worldwide", "m365: the `INSTANCE`: "+strings.Join(feed.Instances(), ", "))
	flags.StringArrayVar(&f.areas, "area", nil, "m365: only this service `AREA` and Common: "+strings.Join(feed.ServiceAreas(), ", "))
	flags.StringVar(&f.tenant, "tenant", "", "m365: put `NAME` in place of the tenant in names")
	flags.BoolVar(&f.withChanges, "changes", false, "m365: keep the publisher's change records in FILE.changes.json, for --as-of and --keep-removed")
	flags.IntVar(&f.maxShrink, "max-shrink", 20, "refuse a catalogue that lost more than this `PERCENT` of its endpoints, or is shorter by more than that")
	flags.IntVar(&f.maxGrowth, "max-growth", 100, "refuse a catalogue that adds more than this `PERCENT` to the addresses of an address family")
	flags.StringVar(&f.site, "site", "", "site `FILE` whose \"accept\" list applies (default "+defaultSite+", if it exists)")
	flags.BoolVar(&f.force, "force", false, "ask the publisher now for the full content, whatever FILE.fetched.json says")
	flags.BoolVar(&f.http, "allow-http", false, "also accept an http URL; anybody on the network path can forge its answer")
	flags.BoolVar(&f.exitCode, "exit-code", false, "exit with status 1 if the file changed")
	flags.BoolVar(&inv.json, "json", false, "print what was done as JSON on stdout")
	flags.BoolVarP(&inv.console.Quiet, "quiet", "q", false, "print only errors")
}

// fetchCatalog runs the command with a client, and with the base URL of the web
// service; empty for the publisher's.
func fetchCatalog(inv *invocation, f *fetchFlags, args []string, client *feed.Client, base string) error {
	client.HTTP = f.http
	source, err := readSource(f, args, client)
	switch {
	case err != nil:
		return err
	case inv.output == "" || inv.output == "-":
		return usagef("fetch: no file given; name one with -o; its record is written beside it")
	case f.maxShrink < 0 || f.maxShrink > 100:
		return usagef("fetch: --max-shrink %d: expect 0 to 100 percent", f.maxShrink)
	case f.maxGrowth < 0:
		return usagef("fetch: --max-growth %d: expect 0 percent or more", f.maxGrowth)
	}
	return interrupt.During(func(ctx context.Context) error { return fetchFrom(ctx, inv, f, source, client, base) })
}

func fetchFrom(ctx context.Context, inv *invocation, f *fetchFlags, source feedSource, client *feed.Client, base string) error {
	k, err := fetch.Keep(inv.output, fetch.Options{
		Client: client, WithChanges: f.withChanges, Force: f.force, MaxShrink: f.maxShrink, MaxGrowth: f.maxGrowth,
		Warnf: inv.console.Warnf, Doubts: f.doubts,
		Account: func(done fetch.Done) error {
			if inv.json {
				return console.WriteJSON(inv.stdout, done)
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	defer k.Close()
	var done fetch.Done
	if source.url != "" {
		done, err = k.FromURL(ctx, source.url)
	} else {
		done, err = k.FromWebService(ctx, source.extract, base)
	}
	if err != nil {
		return console.HideQuery(fmt.Errorf("%w; %s", err, k.Stays()), source.url)
	}
	if !inv.json {
		inv.console.Sayf("%s", done.Text(client.Now()))
	}
	if f.exitCode && done.Changed {
		return errDifferent
	}
	return nil
}

// doubts refuses addresses that no public service has, unless the site accepts them.
func (f *fetchFlags) doubts(c *catalog.Catalog) error {
	flags := siteFlags{file: f.site, streams: map[string][]byte{}}
	s, _, err := flags.read()
	if err != nil {
		return err
	}
	entries := make([]*catalog.Entry, len(c.Entries))
	for i := range c.Entries {
		entries[i] = &c.Entries[i]
	}
	return errors.Join(s.Doubts(c, entries)...)
}

// sources are the feeds that have a name.
func sources() []string { return []string{"m365"} }

// feedSource is what the operand names: a URL, or an extract of the web service.
type feedSource struct {
	url     string
	extract feed.Extract
}

func readSource(f *fetchFlags, args []string, client *feed.Client) (s feedSource, err error) {
	if len(args) != 1 {
		return s, usagef(`fetch: name one source: m365, or an https URL`)
	}
	if args[0] == "m365" {
		if s.extract, err = feed.NewExtract(f.instance, f.areas, f.tenant); err != nil {
			return s, usagef("fetch: %w", err)
		}
		return s, nil
	}
	if !strings.Contains(args[0], "://") {
		if strings.ContainsAny(args[0], "/:?#@") { // a URL that is not whole, which may hold a secret
			return s, usagef("fetch: unknown source; expect m365, or an https URL such as https://HOST/PATH")
		}
		return s, usagef("fetch: unknown source %q; expect m365, or an https URL%s", args[0], suggest.DidYouMean(args[0], sources()))
	}
	u, err := client.ParseURL(args[0])
	if err != nil {
		return s, usagef("fetch: %w", err)
	}
	if len(f.areas) > 0 || f.tenant != "" || f.instance != "Worldwide" || f.withChanges {
		return s, usagef("fetch: --instance, --area, --tenant and --changes apply only to the source m365; omit them for a URL")
	}
	return feedSource{url: u.String()}, nil
}
