// Package bounded keeps only the beginning or the end of a program's output.
package bounded

// Buffer keeps the first bytes that are written to it, and takes the rest. Its zero
// value keeps nothing.
type Buffer struct {
	Limit int    // bytes
	Stop  func() // is called when more is written; nil for nothing to be done

	text []byte
	full bool
}

// Write keeps what there is room for. It never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	room := b.Limit - len(b.text)
	if len(p) > room {
		if b.full = true; b.Stop != nil {
			b.Stop()
		}
	}
	b.text = append(b.text, p[:min(len(p), room)]...)
	return len(p), nil
}

// Bytes is what was kept.
func (b *Buffer) Bytes() []byte { return b.text }

// String is what was kept.
func (b *Buffer) String() string { return string(b.text) }

// Full reports whether more was written than is kept.
func (b *Buffer) Full() bool { return b.full }
