package main

import (
	"gatewright/cmd/gatewright/internal/console"
	"gatewright/cmd/gatewright/internal/report"
)

// find notes what is wrong, and tells it where people read.
func (inv *invocation) find(f report.Finding) {
	if f.Check != report.CheckFiles { // whose paths say it
		f.Text = inv.site.ofOutput(f.Text)
	}
	if f.Output = inv.site.output; f.Name != "" {
		f.Name = inv.site.ofOutput(f.Name)
	}
	inv.found.All = append(inv.found.All, f)
	if inv.format == "text" && (f.Level != report.LevelWarning || f.Check == report.CheckFlows) {
		f.Tell(inv.console)
	}
}

// findFile notes what is wrong with the files.
func (inv *invocation) findFile(format string, args ...any) {
	inv.find(report.Finding{Check: report.CheckFiles, Level: report.LevelError, Text: console.Line(format, args...)})
}
