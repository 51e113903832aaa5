package catalog

import "testing"

func TestEmbeddedLoad(t *testing.T) {
	for _, i := range Embedded() {
		c, err := Load(i.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Log(c.Name, c.Revision, len(c.Entries), c.Notices)
	}
}
