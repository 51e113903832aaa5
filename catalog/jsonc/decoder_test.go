package jsonc

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

type service struct {
	Protocol string
	Ports    []int
}

type entry struct {
	ID       string
	Required bool
	Names    []string
	Services []service
	Values   []string
}

// decodeEntry reads an entry as the readers of our documents do.
func decodeEntry(file, text string) (entry, bool, error) {
	doc, err := Parse(file, []byte(text))
	if err != nil {
		return entry{}, false, err
	}
	var e entry
	d := NewDecoder(doc)
	ok := d.Object(doc.Root(),
		Required("id", func(v Value) { e.ID, _ = d.String(v) }),
		Optional("required", func(v Value) { e.Required, _ = d.Bool(v) }),
		Optional("names", func(v Value) {
			e.Names = []string{}
			d.Array(v, func(v Value) {
				if s, ok := d.String(v); ok {
					e.Names = append(e.Names, s)
				}
			})
		}),
		Required("services", func(v Value) {
			d.Array(v, func(v Value) { e.Services = append(e.Services, decodeService(d, v)) })
		}),
		Optional("values", func(v Value) {
			d.Members(v, func(k Key, v Value) {
				if k.Text() == "nobody" {
					d.Errorf(k, "unknown role %s", Quote(k.Text()))
				}
				text, _ := d.String(v)
				e.Values = append(e.Values, k.Text()+"="+text)
			})
		}),
	)
	return e, ok, d.Err()
}

func decodeService(d *Decoder, v Value) service {
	var s service
	d.Object(v,
		Required("protocol", func(v Value) { s.Protocol, _ = d.OneOf(v, "tcp", "udp") }),
		Required("ports", func(v Value) {
			d.Array(v, func(v Value) {
				if port, ok := d.Int(v, 1, 65535); ok {
					s.Ports = append(s.Ports, port)
				}
			})
		}),
	)
	return s
}

func TestDecoderReads(t *testing.T) {
	got, ok, err := decodeEntry("e.json", `{
		"values": {"b": "2", "a": "\u0031"},
		"services": [{"protocol": "tcp", "ports": [1, 65535]}, {"ports": [], "protocol": "udp"}],
		"names": ["*.example.com", "",],
		"required": true,
		"id": "example/one", // a comment
	}`)
	want := entry{"example/one", true, []string{"*.example.com", ""},
		[]service{{"tcp", []int{1, 65535}}, {"udp", nil}}, []string{"b=2", "a=1"}}
	if err != nil || !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, %v, want %+v", got, ok, err, want)
	}
}

// A foreign document is read by the keys that are asked for, as strictly otherwise.
func TestDecoderFields(t *testing.T) {
	doc, err := Parse("f.json", []byte(`{"more": {"id": 1}, "ids": 2, "id": "a", "port": "x"}`))
	if err != nil {
		t.Fatal(err)
	}
	d := NewDecoder(doc)
	var id string
	ok := d.Fields(doc.Root(), Required("id", func(v Value) { id, _ = d.String(v) }), Optional("nothing", func(Value) { t.Error("read") }))
	if !ok || id != "a" || d.Err() != nil {
		t.Errorf("id %q, %v, %v", id, ok, d.Err())
	}
	ok = d.Fields(doc.Root(), Required("name", func(Value) {}), Optional("port", func(v Value) { d.Int(v, 1, 2) }))
	want := "f.json:1:1: missing required key \"name\"\nf.json:1:50: /port: expected a number, found a string"
	if err := d.Err(); ok || err == nil || err.Error() != want {
		t.Errorf("%v, %v, want %s", ok, err, want)
	}
}

func TestDecoderReports(t *testing.T) {
	const rest = `, "services": []}`
	known := `; known keys: "id", "required", "names", "services", "values"`
	for _, c := range []struct{ name, in, err string }{
		{"root of another kind", `[]`, `e.json:1:1: expected an object, found an array`},
		{"missing keys, in the order of the fields", ` {"values": {}}`,
			"e.json:1:2: missing required key \"id\"\ne.json:1:2: missing required key \"services\""},
		{"unknown key", `{"id": "a", "port": 1` + rest, `e.json:1:13: /port: unknown key "port"` + known},
		{"key in another case", `{"ID": "a"` + rest, `e.json:1:2: /ID: unknown key "ID"` + known + `; did you mean "id"?`},
		{"key with a letter left out", `{"id": "a", "nmes": []` + rest, `e.json:1:13: /nmes: unknown key "nmes"` + known + `; did you mean "names"?`},
		{"key with a letter too many", `{"id": "a", "namess": []` + rest, `e.json:1:13: /namess: unknown key "namess"` + known + `; did you mean "names"?`},
		{"key with another letter", `{"id": "a", "nanes": []` + rest, `e.json:1:13: /nanes: unknown key "nanes"` + known + `; did you mean "names"?`},
		{"key with letters swapped", `{"id": "a", "naems": []` + rest, `e.json:1:13: /naems: unknown key "naems"` + known + `; did you mean "names"?`},
		{"key in another case and misspelt", `{"id": "a", "Nams": []` + rest, `e.json:1:13: /Nams: unknown key "Nams"` + known + `; did you mean "names"?`},
		{"short key that is near by chance", `{"id": "a", "ip": []` + rest, `e.json:1:13: /ip: unknown key "ip"` + known},
		{"known key beside its variant", `{"id": "a", "Id": "b"` + rest, `e.json:1:13: /Id: unknown key "Id"` + known + `; did you mean "id"?`},
		{"hostile key", "{\"id\": \"a\", \"\u202e\\n\": 0" + rest, `e.json:1:13: /\u202e\n: unknown key "\u202e\n"` + known},
		{"long key", `{"id": "a", "` + strings.Repeat("k", 999) + `": 0` + rest,
			`e.json:1:13: /` + strings.Repeat("k", 80) + `…: unknown key "` + strings.Repeat("k", 80) + `"…` + known},
		{"string expected", `{"id": []` + rest, `e.json:1:8: /id: expected a string, found an array`},
		{"null is no string", `{"id": null` + rest, `e.json:1:8: /id: expected a string, found null`},
		{"bool expected", `{"id": "a", "required": "true"` + rest, `e.json:1:25: /required: expected true or false, found a string`},
		{"array expected", `{"id": "a", "names": "b"` + rest, `e.json:1:22: /names: expected an array, found a string`},
		{"array of strings expected", `{"id": "a", "names": ["b", 1, {}, "c"]` + rest,
			"e.json:1:28: /names/1: expected a string, found a number\ne.json:1:31: /names/2: expected a string, found an object"},
		{"object expected", `{"id": "a", "values": true` + rest, `e.json:1:23: /values: expected an object, found true or false`},
		{"member key", `{"id": "a", "values": {"nobody": "b"}` + rest, `e.json:1:24: /values/nobody: unknown role "nobody"`},
		{"one of expected", `{"id": "a", "services": [{"protocol": "TCP", "ports": []}]}`,
			`e.json:1:39: /services/0/protocol: unknown value "TCP"; known values: "tcp", "udp"; did you mean "tcp"?`},
		{"one of another kind", `{"id": "a", "services": [{"protocol": 6, "ports": []}]}`,
			`e.json:1:39: /services/0/protocol: expected a string, found a number`},
		{"errors in the order of the file", `{"services": [{"protocol": "icmp"}, 1], "id": 2}`,
			"e.json:1:15: /services/0: missing required key \"ports\"\n" +
				"e.json:1:28: /services/0/protocol: unknown value \"icmp\"; known values: \"tcp\", \"udp\"\n" +
				"e.json:1:37: /services/1: expected an object, found a number\n" +
				"e.json:1:47: /id: expected a string, found a number"},
	} {
		_, ok, err := decodeEntry("e.json", c.in)
		if got := fmt.Sprint(err); got != c.err {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.err)
		}
		if ok {
			t.Errorf("%s: Object returned true", c.name)
		}
	}
}

func TestDecoderInt(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int
		ok   bool
	}{
		{"1", 1, true}, {"10", 10, true}, {"0", 0, false}, {"11", 0, false}, {"-1", 0, false},
		{"1.0", 0, false}, {"1e0", 0, false}, {`"1"`, 0, false}, {"null", 0, false},
		{"99999999999999999999", 0, false},
	} {
		doc, err := Parse("", []byte(c.in))
		if err != nil {
			t.Fatal(err)
		}
		d := NewDecoder(doc)
		if got, ok := d.Int(doc.Root(), 1, 10); got != c.want || ok != c.ok || ok != (d.Err() == nil) {
			t.Errorf("Int(%s) = %d, %v, %v, want %d, %v", c.in, got, ok, d.Err(), c.want, c.ok)
		}
	}
	doc, err := Parse("", []byte(strings.Repeat("9", 200)))
	if err != nil {
		t.Fatal(err)
	}
	d := NewDecoder(doc)
	d.Int(doc.Root(), -5, 5)
	if want := "1:1: expected a whole number from -5 to 5, found " + strings.Repeat("9", 80) + "…"; d.Err().Error() != want {
		t.Errorf("got %v, want %s", d.Err(), want)
	}
}

func TestDecoderReportsAHundredErrors(t *testing.T) {
	for _, c := range []struct {
		faults, lines int
		cut           bool
	}{{1, 1, false}, {99, 99, false}, {100, 100, false}, {101, 101, true}, {5000, 101, true}} {
		doc, err := Parse("e.json", []byte("["+strings.Repeat("0,\n", c.faults)+"]"))
		if err != nil {
			t.Fatal(err)
		}
		d := NewDecoder(doc)
		for range 2 { // the second time, every error is a repetition
			d.Array(doc.Root(), func(v Value) {
				if _, ok := d.String(v); ok {
					t.Error("a number is read as a string")
				}
			})
		}
		lines := strings.Split(d.Err().Error(), "\n")
		if len(lines) != c.lines {
			t.Errorf("%d faults: %d lines, want %d", c.faults, len(lines), c.lines)
		}
		if cut := lines[len(lines)-1] == "e.json: further errors not shown"; cut != c.cut {
			t.Errorf("%d faults: last line is %q", c.faults, lines[len(lines)-1])
		}
		for i, line := range lines[:min(c.faults, 100)] {
			if want := fmt.Sprintf("e.json:%d:%d: /%d: ", i+1, 1+max(0, 1-i), i); !strings.HasPrefix(line, want) {
				t.Errorf("line %d is %q, want %q", i, line, want)
			}
		}
	}
}

func TestDecoderSortsAndUnwraps(t *testing.T) {
	doc, err := Parse("e.json", []byte("[1, 2,\n3]"))
	if err != nil {
		t.Fatal(err)
	}
	d := NewDecoder(doc)
	if d.Err() != nil {
		t.Fatalf("error without a report: %v", d.Err())
	}
	cause := errors.New("cause")
	var all []Value
	for _, v := range doc.Root().Elements() {
		all = append(all, v)
	}
	for _, i := range []int{2, 1, 0, 1} {
		d.Errorf(all[i], "%d: %w", i, cause)
	}
	d.Errorf(all[1], "another at the same place")
	const want = "e.json:1:2: /0: 0: cause\ne.json:1:5: /1: 1: cause\ne.json:1:5: /1: another at the same place\ne.json:2:1: /2: 2: cause"
	if got := d.Err().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var first *Error
	if !errors.As(d.Err(), &first) || first.Line != 1 || first.Col != 2 || first.Pointer != "/0" || first.File != "e.json" {
		t.Errorf("first error is %#v", first)
	}
	if !errors.Is(d.Err(), cause) {
		t.Error("the cause is lost")
	}
}
