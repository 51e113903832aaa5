package kernel

import (
	"encoding/binary"
	"fmt"

	"github.com/google/nftables/expr"
)

const ctRegister, ctKey, ctDirection = 1, 2, 3 // attributes of expression ct

// decode reads an expression of the kinds that nft makes of our rules.
func (e expression) decode(family byte) (expr.Any, error) {
	kinds := map[string]expr.Any{
		"meta": &expr.Meta{}, "payload": &expr.Payload{}, "bitwise": &expr.Bitwise{}, "cmp": &expr.Cmp{},
		"range": &expr.Range{}, "lookup": &expr.Lookup{}, "objref": &expr.Objref{}, "immediate": &expr.Immediate{},
	}
	kind, ok := kinds[e.Name]
	switch {
	case e.Name == "ct":
		return e.decodeConnection()
	case !ok:
		return nil, fmt.Errorf("unknown expression %q", e.Name)
	}
	if err := expr.Unmarshal(family, e.Data, kind); err != nil {
		return nil, fmt.Errorf("expression %s: %w", e.Name, err)
	}
	if i, ok := kind.(*expr.Immediate); ok {
		if i.Register != verdictRegister || len(i.Data) > 0 {
			return nil, fmt.Errorf("unknown expression %+v", *i)
		}
		kind = &expr.Verdict{}
		return kind, expr.Unmarshal(family, e.Data, kind)
	}
	return kind, nil
}

// decodeConnection reads ct: the kernel's direction is of one byte, the library's of
// four.
func (e expression) decodeConnection() (*expr.Ct, error) {
	ct := &expr.Ct{Direction: noDirection}
	err := attributes(e.Data, func(kind uint16, value []byte) error {
		switch {
		case kind == ctRegister && len(value) == 4:
			ct.Register = binary.BigEndian.Uint32(value)
		case kind == ctKey && len(value) == 4:
			ct.Key = expr.CtKey(binary.BigEndian.Uint32(value))
		case kind == ctDirection && len(value) == 1:
			ct.Direction = uint32(value[0])
		default:
			return fmt.Errorf("unknown attribute %d of expression ct", kind)
		}
		return nil
	})
	return ct, err
}
