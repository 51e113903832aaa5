package jsonc_test

import (
	"fmt"

	"gatewright/catalog/jsonc"
)

// A strict document: every fault is reported, in the order of the file.
func ExampleDecoder() {
	doc, err := jsonc.Parse("site.json", []byte(`{
  "rules": [
    {"id": "mail", "port": 25},
    {"Id": "web", "port": 70000}, // two faults
  ],
}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	type rule struct {
		id   string
		port int
	}
	var rules []rule
	d := jsonc.NewDecoder(doc)
	d.Object(doc.Root(), jsonc.Required("rules", func(v jsonc.Value) {
		d.Array(v, func(v jsonc.Value) {
			var r rule
			ok := d.Object(v,
				jsonc.Required("id", func(v jsonc.Value) { r.id, _ = d.String(v) }),
				jsonc.Required("port", func(v jsonc.Value) { r.port, _ = d.Int(v, 1, 65535) }),
			)
			if ok {
				rules = append(rules, r)
			}
		})
	}))
	fmt.Println(rules)
	fmt.Println(d.Err())
	// Output:
	// [{mail 25}]
	// site.json:4:6: /rules/1/Id: unknown key "Id"; known keys: "id", "port"; did you mean "id"?
	// site.json:4:27: /rules/1/port: expected a whole number from 1 to 65535, found 70000
}

// A feed: keys that are not asked for are ignored.
func ExampleValue_Members() {
	doc, err := jsonc.Parse("feed.json", []byte(`{"version": 7, "prefixes": ["192.0.2.0/24", 5]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for key, value := range doc.Root().Members() {
		if key.Text() != "prefixes" {
			continue
		}
		for _, prefix := range value.Elements() {
			if prefix.Kind() != jsonc.String {
				fmt.Println(prefix.Errorf("expected a string, found %v", prefix.Kind()))
				continue
			}
			fmt.Println(prefix.Text())
		}
	}
	// Output:
	// 192.0.2.0/24
	// feed.json:1:45: /prefixes/1: expected a string, found a number
}
