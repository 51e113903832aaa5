package site

import (
	"fmt"
	"time"

	"gatewright/catalog/feed"
	"gatewright/catalog/jsonc"
)

// ParseAsOf reads the day of a Staging: YYYY-MM-DD, or Today.
func ParseAsOf(text string) (string, error) {
	if _, err := time.Parse(time.DateOnly, text); err != nil && text != Today {
		return "", fmt.Errorf("bad day %s; write it as YYYY-MM-DD, or %q for the current day (UTC)", jsonc.Quote(text), Today)
	}
	return text, nil
}

func (r *reader) asOf(v jsonc.Value) {
	var text string
	if r.text(&text)(v); text == "" {
		return
	}
	var err error
	if r.site.Staging.AsOf, err = ParseAsOf(text); err != nil {
		r.Errorf(v, "%w", err)
	}
	r.keep("staging", "", v)
}

func (r *reader) keepRemoved(v jsonc.Value) {
	var text string
	if r.text(&text)(v); text == "" {
		return
	}
	var err error
	if r.site.Staging.KeepRemoved, err = feed.ParseDays(text); err != nil {
		r.Errorf(v, "%w", err)
	}
	r.keep("staging", "", v)
}
