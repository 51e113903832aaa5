//go:build !linux

package engine

import "context"

// MayMakeNamespaces reports false: there are none.
func MayMakeNamespaces() bool { return false }

// EnterUserNamespace returns an error that says that Linux is needed.
func EnterUserNamespace(context.Context) (status int, err error) { return 0, errNeedsLinux }
