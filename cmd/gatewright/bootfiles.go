package main

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"path/filepath"

	"gatewright/catalog/plainfile"
	"gatewright/cmd/gatewright/internal/output"
	"gatewright/generators"
	"gatewright/generators/artefact"
	"gatewright/generators/live"
)

// bootFiles is what a confirmation writes for boot.
type bootFiles struct {
	Folder string
	Files  map[string][]artefact.Artefact // by generator
}

// keep packs the files that boot loads.
func (inv *invocation) keep(p *production) ([]byte, error) {
	folder, err := filepath.Abs(inv.output)
	if err != nil {
		return nil, err
	}
	k := bootFiles{folder, map[string][]artefact.Artefact{}}
	for _, o := range p.outputs {
		if backend, err := live.Of(o.Generator); err == nil && backend.Forgets() {
			k.Files[o.Generator] = o.Artefacts
		}
	}
	var b bytes.Buffer
	err = gob.NewEncoder(&b).Encode(k)
	return b.Bytes(), err
}

// readKept returns the files that boot loads, and their folder.
func readKept(keep []byte) (folder string, outputs []artefact.Made, err error) {
	var k bootFiles
	if err := gob.NewDecoder(bytes.NewReader(keep)).Decode(&k); err != nil {
		return "", nil, err
	}
	for _, name := range live.Generators() {
		if files, ok := k.Files[name]; ok {
			outputs = append(outputs, artefact.Made{Generator: name, Output: artefact.Output{Artefacts: files}})
		}
	}
	return k.Folder, outputs, nil
}

// checkKept returns what writeKept would fail with.
func checkKept(keep []byte) error {
	folder, outputs, err := readKept(keep)
	if err == nil && len(outputs) > 0 {
		err = output.Rehearse(plainfile.Named(folder), outputs, generators.Makes)
	}
	if err != nil {
		return fmt.Errorf("the rules would not be loaded at boot, so nothing was changed: %w", err)
	}
	return nil
}

// writeKept writes the files that boot loads, and returns their folder.
func (inv *invocation) writeKept(keep []byte) (string, error) {
	folder, outputs, err := readKept(keep)
	if err != nil || len(outputs) == 0 { // what is files where it runs is there already
		return folder, err
	}
	if err := inv.writeFolder(plainfile.Named(folder), outputs); err != nil {
		return "", fmt.Errorf("the rules run now, but would not be loaded at boot: %w", err)
	}
	return folder, nil
}
