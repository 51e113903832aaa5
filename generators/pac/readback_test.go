package pac

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gatewright/catalog/rule"
	"gatewright/catalog/rule/ruletest"
)

// What is read answers as the policy does.
func TestReadBackAnswersAsThePolicy(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	ways := map[rule.Via]int{}
	for range 300 {
		p := ruletest.Compile(t, randomInput(t, random))
		read, err := ReadBack(text(t, p, settings("proxy=p:1", "plain=proxy")))
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			f := randomFlow(random)
			want, got := p.Route(f, rule.Clients), read.Route(f, rule.Clients)
			proxies, err := parseVia(want, []proxy{"PROXY p:1"})
			if err != nil {
				t.Fatal(err)
			}
			ways[want]++
			answer := map[rule.Via]string{rule.Direct: "DIRECT", rule.Proxied: "PROXY p:1"}[got]
			if answer == "" {
				answer = string(got)
			}
			if answer != answerText(proxies, false) {
				t.Fatalf("%+v goes by %s as it is read; want %s", f, answer, want)
			}
		}
	}
	if len(ways) < 3 || ways[rule.Direct] < 100 || ways[rule.Proxied] < 100 {
		t.Errorf("only these ways were taken: %v", ways)
	}
}

// A line less in a file is refused, or a route less.
func TestReadBackOverlooksNothing(t *testing.T) {
	for _, e := range examples(t) {
		data := text(t, ruletest.Compile(t, e.in), e.settings)
		whole, err := ReadBack(data)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		end := 0
		for line := range bytes.Lines(data) {
			if end += len(line); string(line) == "  // Local networks.\n" || bytes.HasPrefix(line, []byte("  // Internal names")) {
				break // what follows is no route
			}
			if len(bytes.TrimSpace(line)) == 0 || bytes.HasPrefix(bytes.TrimSpace(line), []byte("//")) {
				continue
			}
			changed := slices.Concat(data[:end-len(line)], data[end:])
			if p, err := ReadBack(changed); err == nil && fmt.Sprintf("%+v", p) == fmt.Sprintf("%+v", whole) {
				t.Errorf("%s without %q reads the same", e.name, line)
			}
		}
	}
}

func FuzzReadBack(f *testing.F) {
	for _, e := range examples(f) {
		f.Add(text(f, ruletest.Compile(f, e.in), e.settings))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ReadBack(data)
		if err == nil && p == nil {
			t.Fatal("neither routes nor an error")
		}
	})
}
