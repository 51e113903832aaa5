package engine

import (
	"os"
	"runtime"
	"syscall"
)

// namespace is a network namespace together with the OS thread that lives in it.
// It has no name: the kernel removes it, with everything in it, when the thread
// ends and its sockets are closed, even if the process is killed.
type namespace struct{ calls chan func() }

// newNamespace starts a thread in a network namespace of its own.
func newNamespace() (*namespace, error) {
	n := &namespace{calls: make(chan func())}
	started := make(chan error)
	go n.live(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return n, nil
}

// live runs calls on a thread that ends with it: the goroutine never unlocks. The
// process's first thread cannot end, so it is kept busy while another one is found.
func (n *namespace) live(started chan<- error) {
	runtime.LockOSThread()
	if syscall.Gettid() == os.Getpid() {
		passed := make(chan error)
		go n.live(passed)
		started <- <-passed
		runtime.UnlockOSThread()
		return
	}
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		started <- &RootError{err}
		return
	}
	if err := keepNetRights(); err != nil {
		started <- err
		return
	}
	started <- nil
	for call := range n.calls {
		call()
	}
}

// do runs f in the namespace. Sockets and programs that f opens and starts belong
// to the namespace.
func (n *namespace) do(f func() error) error {
	done := make(chan error)
	n.calls <- func() { done <- f() }
	return <-done
}

// close ends the thread. Sockets that were opened in the namespace hold it until
// they are closed.
func (n *namespace) close() { close(n.calls) }
