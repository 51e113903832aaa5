package nftables

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// CountsBy is the command that prints the counters.
func (Generator) CountsBy() string { return "nft -j list counters" }

// Counts reads the named counters of the JSON that nft prints (libnftables-json(5)),
// of one command's output or of several one after another.
func (Generator) Counts(r io.Reader) ([]artefact.Count, error) {
	var all []artefact.Count
	in := json.NewDecoder(r)
	for n := 1; ; n++ {
		var printed struct {
			Objects []struct {
				Counter *struct {
					Name           string
					Packets, Bytes uint64
				}
			} `json:"nftables"`
		}
		err := in.Decode(&printed)
		switch {
		case errors.Is(err, io.EOF) && n > 1:
			return all, nil
		case errors.Is(err, io.EOF):
			return nil, errors.New("is empty")
		case err != nil:
			return nil, fmt.Errorf("at byte %d: not the JSON of nft: %w", in.InputOffset(), jsonReason(err))
		case printed.Objects == nil:
			return nil, errors.New(`not the JSON of nft: it has no list "nftables"`)
		}
		for _, o := range printed.Objects {
			if o.Counter == nil {
				continue
			}
			if id, ok := strings.CutPrefix(o.Counter.Name, string(prefix)); ok {
				all = append(all, artefact.Count{Rule: rule.ID(id), Packets: o.Counter.Packets, Bytes: o.Counter.Bytes})
			}
		}
	}
}

// jsonReason is a decoder's error without what it quotes of the input.
func jsonReason(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return errors.New("it is not JSON")
	case errors.As(err, &kind):
		return fmt.Errorf("%s has a value of another kind", kind.Field)
	}
	return err
}
