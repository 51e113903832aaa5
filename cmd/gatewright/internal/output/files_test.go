package output

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree returns the files below a folder by slash path, without the folder's own state.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range everything(t, dir) {
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() || strings.HasPrefix(name, "/"+stateDir+"/") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(name, "/")] = string(data)
	}
	return files
}

// everything names all files and folders below a folder, the tool's own state too.
func everything(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		names = append(names, filepath.ToSlash(strings.TrimPrefix(name, dir)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
