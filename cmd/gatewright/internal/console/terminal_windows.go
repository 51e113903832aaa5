package console

import "os"

// terminalWidth returns 0: the width of a Windows console is not asked for.
func terminalWidth(*os.File) int { return 0 }

// CanAsk returns false: nothing here asks a person on Windows.
func CanAsk(*os.File) bool { return false }
