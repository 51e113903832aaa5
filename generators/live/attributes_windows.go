package live

import (
	"io/fs"
	"os"
)

// keepAttributes leaves a file as it is.
func keepAttributes(*os.File, fs.FileInfo) error { return nil }
