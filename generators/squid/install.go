package squid

import (
	"slices"
	"strings"

	"gatewright/generators/artefact"
)

// Installation is where a proxy reads the artefacts.
type Installation struct{ dir, place string }

// InstallationOf returns where artefacts that these settings make are read.
func InstallationOf(s artefact.Settings) Installation {
	return Installation{s.Text("dir"), s.Text("place")}
}

// Lists returns the folder of the list files.
func (i Installation) Lists() string { return i.dir }

// Path returns the path of an artefact.
func (i Installation) Path(name string) string {
	if list, ok := strings.CutPrefix(name, listFolder); ok {
		return i.dir + "/" + list
	}
	if i.place == placeConfD {
		return confDFile
	}
	return i.dir + "/" + confName
}

// Elsewhere returns the path of the rules for the other place. Squid must not read
// both.
func (i Installation) Elsewhere() string {
	if i.place == placeConfD {
		return i.dir + "/" + confName
	}
	return confDFile
}

// NameOf returns the artefact's name for a file name in the folder of the lists, or
// false if the file is not ours.
func (i Installation) NameOf(base string) (string, bool) {
	return listFolder + base, Generator{}.Makes(listFolder + base)
}

// Include returns squid.conf with or without the include line that the rules need. For
// place first it becomes the first line, unless squid.conf already has it.
func (i Installation) Include(conf []byte) []byte {
	wanted := ""
	if i.place == placeFirst {
		wanted = includeLine(i.dir)
	}
	lines := strings.SplitAfter(string(conf), "\n")
	found := false
	lines = slices.DeleteFunc(lines, func(line string) bool {
		line = strings.TrimSuffix(line, "\n")
		again := line == wanted && found
		found = found || line == wanted
		return again || line != wanted && isInclude(line)
	})
	if wanted != "" && !found {
		lines = slices.Insert(lines, 0, wanted+"\n")
	}
	return []byte(strings.Join(lines, ""))
}

func includeLine(dir string) string { return "include " + dir + "/" + confName }

// isInclude knows an include line of ours, for whatever folder.
func isInclude(line string) bool {
	dir, ours := strings.CutPrefix(line, "include ")
	dir, named := strings.CutSuffix(dir, "/"+confName)
	return ours && named && checkDir(dir) == nil
}
