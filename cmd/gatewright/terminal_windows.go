package main

import "os"

// terminalWidth returns 0: the width of a Windows console is not asked for.
func terminalWidth(*os.File) int { return 0 }

// canAsk returns false: nothing here asks a person on Windows.
func canAsk(*os.File) bool { return false }
