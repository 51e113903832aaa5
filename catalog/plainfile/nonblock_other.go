//go:build !unix

package plainfile

// nonblock: a folder of such a system holds no named pipes.
const nonblock = 0
