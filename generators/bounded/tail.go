package bounded

// Tail keeps the last bytes that are written to it. Its zero value keeps nothing.
type Tail struct {
	Limit int // bytes

	text []byte // the last ones, and at times as many before them
}

// Write never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p[max(0, len(p)-t.Limit):]...)
	if len(t.text) > 2*t.Limit {
		t.text = append(t.text[:0], t.kept()...)
	}
	return len(p), nil
}

// String is what was kept.
func (t *Tail) String() string { return string(t.kept()) }

func (t *Tail) kept() []byte { return t.text[max(0, len(t.text)-t.Limit):] }
