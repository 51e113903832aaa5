package kernel

import (
	"encoding/binary"
	"errors"
	"testing"
)

// elementOf is an element as the kernel writes it.
func elementOf(flags uint32, key ...byte) (data []byte) {
	if key != nil {
		data = appendAttribute(data, elementKey, appendAttribute(nil, dataValue, key))
	}
	if flags != 0 {
		data = appendAttribute(data, elementFlags, binary.BigEndian.AppendUint32(nil, flags))
	}
	return data
}

// TestElementsThatCannotBeRead holds which elements make a set one that is kept as it
// is.
func TestElementsThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		elements [][]byte
		odd      bool
		want     int
	}{
		"an interval":            {[][]byte{elementOf(0, 10, 0, 0, 0), elementOf(1, 11, 0, 0, 0)}, false, 1},
		"everything else":        {[][]byte{elementOf(2), elementOf(0, 10, 0, 0, 0)}, false, 2},
		"a key of another size":  {[][]byte{elementOf(0, 10, 0, 0, 0, 0)}, true, 0},
		"no key":                 {[][]byte{elementOf(0)}, true, 0},
		"a flag that is unknown": {[][]byte{elementOf(4, 10, 0, 0, 0)}, true, 0},
		"an interval in another": {[][]byte{elementOf(0, 10, 0, 0, 0), elementOf(0, 11, 0, 0, 0)}, true, 0},
		"an attribute too long":  {[][]byte{{200, 0, 1, 0}}, true, 0},
	} {
		s := &set{Name: "s", Spec: spec{Flags: flagInterval, KeyType: typeIPv4, KeySize: net4}}
		d := elementReader{set: s, known: s.Spec.isKnown(), targets: map[string]int32{}}
		var err error
		for _, data := range c.elements {
			err = errors.Join(err, d.take(data))
		}
		if err == nil {
			err = d.finish()
		}
		if c.odd != errors.Is(err, errElement) || !c.odd && (err != nil || len(s.Elements) != c.want) {
			t.Errorf("%s: %v, %+v", name, err, s.Elements)
		}
	}
}

// TestOddSetIsReplaced holds that a set with an element that cannot be read is
// replaced, and that what runs is then unknown.
func TestOddSetIsReplaced(t *testing.T) {
	declared := spec{Flags: flagInterval, KeyType: typeIPv4, KeySize: net4}
	have := &Table{Name: "inet t", Sets: []*set{{Name: "s", Spec: declared, Raw: [][]byte{elementOf(4)}}}}
	c := Compare(have, &Table{Name: "inet t", Sets: []*set{{Name: "s", Spec: declared}}})
	if len(c.sets) != 1 || !c.sets[0].replaced {
		t.Errorf("changes %+v", c)
	}
	if err := have.Foreign(); err == nil || err.Error() != "set s has an element that cannot be read" {
		t.Errorf("error %v", err)
	}
}
