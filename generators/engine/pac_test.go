package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// evaluators are the PAC interpreters, by the package that has them.
var evaluators = map[string]func(context.Context, []byte, []string) ([]string, error){
	"libpacparser1": EvaluatePacparser,
	"nodejs":        EvaluateNode,
}

func TestPACAnswersStandInOrder(t *testing.T) {
	const pac = "function FindProxyForURL(url, host) { return 'PROXY ' + url.substring(7, 10); }\n"
	var urls []string
	for i := range maxPactesterURLs + 5 {
		urls = append(urls, fmt.Sprintf("http://%03d.example/%d", i%1000, i))
	}
	for name, evaluate := range evaluators {
		answers, err := evaluate(t.Context(), []byte(pac), urls)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, got := range answers {
			if want := fmt.Sprintf("PROXY %03d", i%1000); got != want {
				t.Fatalf("%s answers %s for %s; want %s", name, got, urls[i], want)
			}
		}
		if answers, err := evaluate(t.Context(), []byte(pac), nil); err != nil || len(answers) != 0 {
			t.Errorf("%s: %v, %v for no URL", name, answers, err)
		}
	}
}

func TestPACThatFailsIsAnError(t *testing.T) {
	for _, pac := range []string{
		"function FindProxyForURL(",
		"var x = 1;",
		"function FindProxyForURL(url, host) { return missing(host); }",
	} {
		for name, evaluate := range evaluators {
			answers, err := evaluate(t.Context(), []byte(pac), []string{"http://example.com/"})
			if err == nil {
				t.Errorf("%s: %s answers %q", name, pac, answers)
			}
		}
	}
}

func TestNodeHasNoDNS(t *testing.T) {
	const pac = "function FindProxyForURL(url, host) { return dnsResolve(host); }"
	_, err := EvaluateNode(t.Context(), []byte(pac), []string{"http://example.com/"})
	if err == nil || !strings.Contains(err.Error(), "dnsResolve is not defined") {
		t.Errorf("error %v", err)
	}
}

func TestPACEngineThatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for name, evaluate := range evaluators {
		_, err := evaluate(t.Context(), nil, []string{"http://example.com/"})
		var missing *MissingError
		if !errors.As(err, &missing) || missing.Package != name {
			t.Errorf("error %v; want one that names %s", err, name)
		}
	}
}

func TestURLsThatPactesterMisreads(t *testing.T) {
	for _, u := range []string{
		"example.com", "http://", "http:///x", "http://:80/", "#http://example.com", "http://a b/", "http://a\n", "http://it's/",
		`http://a\x41/`, "http://" + strings.Repeat("a", 1000),
	} {
		if answers, err := EvaluatePacparser(t.Context(), []byte("function FindProxyForURL() { return 'DIRECT'; }"), []string{u}); err == nil {
			t.Errorf("%q is answered with %q", u, answers)
		}
	}
}
