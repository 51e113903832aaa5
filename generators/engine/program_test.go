package engine

import (
	"context"
	"errors"
	"testing"
)

func TestMissingProgram(t *testing.T) {
	_, err := program{name: "gatewright-no-such-program", pkg: "no-such-package"}.output(context.Background(), ".", nil, nil)
	var missing *MissingError
	if !errors.As(err, &missing) || missing.Package != "no-such-package" {
		t.Errorf("error %v", err)
	}
}
