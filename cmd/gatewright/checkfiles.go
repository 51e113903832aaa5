package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"gatewright/cmd/gatewright/internal/change"
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/output"
	"gatewright/cmd/gatewright/internal/report"
	"gatewright/generators"
	"gatewright/generators/artefact"
)

// tellLeftOutputs tells of the folders of outputs that the site file names no more, and
// of files from before it had several.
func (inv *invocation) tellLeftOutputs() error {
	s, dir, err := inv.site.read()
	if err != nil {
		return err
	}
	folder, named, err := outputDir(inv.output, s, dir)
	if err != nil || named == "" {
		return err
	}
	root, err := folder.OpenFolder()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	folders, err := output.Folders(root)
	if err != nil {
		return err
	}
	for _, name := range folders {
		switch below := folder.Beside("/" + name); {
		case len(s.Outputs) == 0: // or another site's
			inv.console.Warnf("%s: this folder holds the files of an output that the site file does not name; if the output was removed, remove the folder", below)
		case !slices.Contains(s.OutputNames(), name):
			inv.findFile("%s: of an output that the site file does not name any more; remove the folder", below)
		}
	}
	if output.Holds(root) && len(s.Outputs) > 0 {
		inv.findFile("%s: its files are of no output; remove them and %s, the outputs have folders of their own", folder, output.Manifest)
	}
	return nil
}

// compareFiles shows how the files differ from the artefacts: as text, and as what they
// do where a generator reads them.
func (inv *invocation) compareFiles(p *production, r folder) error {
	var text strings.Builder
	different := false
	for _, a := range p.artefacts() {
		have, there := r.files[a.Name]
		if there && bytes.Equal(have, a.Data) {
			continue
		}
		different = true
		switch {
		case !there:
			inv.findFile("%s is missing", p.path(a.Name))
		case !artefact.Opens(have, a.Data):
			inv.findFile("%s:1: not written by Gatewright, so its content is not shown; remove it, and run generate again", p.path(a.Name))
			continue
		default:
			inv.found.All = append(inv.found.All, report.Finding{Check: report.CheckFiles, Level: report.LevelError, Text: p.path(a.Name) + " is not what generate would write; run generate again"})
		}
		text.WriteString(report.Unified(p.path(a.Name), have, a.Data))
	}
	if !different || inv.console.Quiet || inv.format != "text" {
		return nil
	}
	if _, err := io.WriteString(inv.stdout, text.String()); err != nil {
		return err
	}
	return inv.compareEffects(p, r)
}

// compareEffects shows what the files of a folder do more and less than the artefacts.
func (inv *invocation) compareEffects(p *production, f folder) error {
	var r change.Diff
	for _, o := range p.outputs {
		have, err := f.of(o.Generator)
		var other *artefact.FormatError
		switch {
		case errors.As(err, &other):
			inv.console.Errorf("%v", output.In(p.folder, err))
			continue
		case err != nil:
			inv.console.Errorf("%v; what the file does is unknown", output.In(p.folder, err))
			continue
		}
		g, err := generators.ByName(o.Generator)
		if err != nil {
			return err
		}
		want, err := g.Read(artefact.FilesOf(o.Artefacts))
		if err != nil {
			return err
		}
		if err := r.AddReadings(want, have); err != nil {
			return err
		}
		for _, name := range have.Edited {
			inv.console.Warnf("%s was changed by hand since it was generated", p.path(name))
		}
	}
	r.Old.Name, r.New.Name = "what generate would write", p.dir
	r.Check, r.Files = true, nil
	if r.Finish(true); r.Equal {
		return nil
	}
	lead := fmt.Sprintf("In what follows, + and OPENS are what the files in %s do and generate would not write, - and CLOSES the other way round.\n", p.dir)
	return errors.Join(inv.stdout.Raw(console.Visible(lead)), report.Text(inv.stdout, r))
}

// tellStale tells of files that nothing makes any more: of the generators that run,
// and, where all of the site's run, of those that the site names no more.
func (inv *invocation) tellStale(p *production, root *os.Root, all bool) error {
	left, err := output.LeftIn(p.folder, root, p.outputs, generators.Makes)
	if err != nil {
		return err
	}
	for _, name := range left.Gone {
		inv.findFile("%s: nothing makes this file any more; generate removes it", p.path(name))
	}
	for _, name := range left.Others {
		if all {
			inv.findFile("%s: of a generator that %s does not name any more; remove it, or name its generator", p.path(name), p.siteFile)
		}
	}
	return nil
}
