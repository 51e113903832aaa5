package feed

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"gatewright/catalog/jsonc"
	"gatewright/catalog/plainfile"
)

// Record says where the file of a feed comes from, and gives facts that the file does
// not have itself. It is stored beside the file, at RecordName, and is written after
// the file. It is therefore ignored if it does not describe the existing file.
type Record struct {
	Source       string `json:"source"`                  // the URL that was asked, without its query
	Query        string `json:"query,omitempty"`         // digest of the query, which may be a secret; empty if there is none
	Instance     string `json:"instance,omitempty"`      // of the Microsoft 365 web service
	Revision     string `json:"revision,omitempty"`      // the publisher's version
	Digest       string `json:"digest"`                  // of the file, as Digest writes it
	ETag         string `json:"etag,omitempty"`          // RFC 9110 section 8.8.3
	LastModified string `json:"last_modified,omitempty"` // RFC 9110 section 8.8.2
	Changes      string `json:"changes,omitempty"`       // digest of the file at ChangesName; empty if there is none
}

// Bounds in bytes of the files that are kept up to date.
const (
	MaxFile   = 64 << 20 // a feed, or the change records beside it
	maxRecord = 64 << 10
)

// What the files beside a feed's file are called after it.
const (
	recordSuffix  = ".fetched.json"
	ChangesSuffix = ".changes.json"
)

// RecordName is the path of the record of a feed's file.
func RecordName(file string) string { return file + recordSuffix }

// ChangesName is the path of the publisher's change records for a feed's file.
func ChangesName(file string) string { return file + ChangesSuffix }

// Digest is "sha256:" and 64 hexadecimal digits.
func Digest(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

// ReadRecord reads the record of a feed's file. The error is fs.ErrNotExist if there
// is none, and has a place in the record if it is damaged.
func ReadRecord(file plainfile.Path) (Record, error) {
	name := file.Beside(recordSuffix)
	data, err := name.Read(maxRecord)
	if err != nil {
		return Record{}, err
	}
	return parseRecord(name.String(), data)
}

func parseRecord(name string, data []byte) (Record, error) {
	doc, err := jsonc.Parse(name, data)
	if err != nil {
		return Record{}, fmt.Errorf("%w; remove this record, and fetch again", err)
	}
	var r Record
	d := jsonc.NewDecoder(doc)
	text := func(to *string) func(jsonc.Value) {
		return func(v jsonc.Value) {
			if *to, _ = d.String(v); !jsonc.IsPlainText(*to) {
				d.Errorf(v, "%s has a non-printable character", jsonc.Quote(*to))
			}
		}
	}
	d.Object(doc.Root(),
		jsonc.Required("source", text(&r.Source)),
		jsonc.Optional("query", text(&r.Query)),
		jsonc.Optional("instance", text(&r.Instance)),
		jsonc.Optional("revision", text(&r.Revision)),
		jsonc.Required("digest", text(&r.Digest)),
		jsonc.Optional("etag", text(&r.ETag)),
		jsonc.Optional("last_modified", text(&r.LastModified)),
		jsonc.Optional("changes", text(&r.Changes)),
	)
	if err := d.Err(); err != nil {
		return Record{}, fmt.Errorf("%w; remove this record, and fetch again", err)
	}
	if strings.Contains(r.Source, "?") { // of a version that kept the query
		of := NewRecord(r.Source)
		r.Source, r.Query = of.Source, of.Query
	}
	return r, nil
}

// NewRecord is the record of what a URL answers.
func NewRecord(url string) Record {
	source, query, _ := strings.Cut(url, "?")
	if query != "" {
		query = Digest([]byte(query))
	}
	return Record{Source: source, Query: query}
}

// IsOf reports whether the file was fetched from a URL.
func (r Record) IsOf(url string) bool {
	other := NewRecord(url)
	return r.Source == other.Source && r.Query == other.Query
}

// Describes reports whether the record is of a file with this content.
func (r Record) Describes(data []byte) bool { return r.Digest == Digest(data) }

// Naming is what the record says of the file for Read.
func (r Record) Naming() Naming { return Naming{Instance: r.Instance, Revision: r.Revision} }

// Text is the record as its file holds it.
func (r Record) Text() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(r)
	return b.Bytes(), err
}

// isRecordText reports whether a header's value is fit to be kept: printable ASCII of
// a moderate length.
func isRecordText(s string) bool {
	return len(s) <= 512 && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' })
}
