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

// Path returns where an artefact stands.
func (i Installation) Path(name string) string {
	if list, ok := strings.CutPrefix(name, listFolder); ok {
		return i.dir + "/" + list
	}
	if i.place == placeConfD {
		return confDFile
	}
	return i.dir + "/" + confName
}

// Elsewhere returns where the rules would stand for the other place. Squid must not read
// both.
func (i Installation) Elsewhere() string {
	if i.place == placeConfD {
		return i.dir + "/" + confName
	}
	return confDFile
}

// NameOf returns the name of the artefact that stands under a name in the folder of the
// lists; false for what is none of ours.
func (i Installation) NameOf(base string) (string, bool) {
	return listFolder + base, Generator{}.Makes(listFolder + base)
}

// Include returns squid.conf with the one line that the rules need, or without it: for
// place first on its first line, unless it stands anywhere already.
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
