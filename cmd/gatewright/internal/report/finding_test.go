package report

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"gatewright/catalog/jsonc"
)

// TestErrorsAreFindingsAtTheirPlaces holds that each of several errors is a finding of
// its own, at the place of the fault that it wraps, and keeps the words around it.
func TestErrorsAreFindingsAtTheirPlaces(t *testing.T) {
	fault := &jsonc.Error{File: "s.json", Line: 2, Col: 3, Pointer: "/bind", Err: errors.New("unknown role")}
	err := errors.Join(fault, fmt.Errorf("site: %w; nothing was written", errors.Join(fault, errors.New("no\nplace"))))
	want := []Finding{
		{Check: "run", Level: "error", File: "s.json", Line: 2, Column: 3, Text: "/bind: unknown role"},
		{Check: "run", Level: "error", File: "s.json", Line: 2, Column: 3, Text: "site: s.json:2:3: /bind: unknown role"},
		{Check: "run", Level: "error", Text: `no\u000aplace; nothing was written`},
	}
	if got := FindingsOf(err); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
}
