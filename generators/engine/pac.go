package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var (
	pactesterProgram = program{name: "pactester", pkg: "libpacparser1", use: noRights}
	nodeProgram      = program{name: "node", pkg: "nodejs", use: noRights}
)

// pactester takes ever longer for a URL the more it has answered: for 4,000 ten times
// as long as for 2,000 where the file is large, and it runs out of memory after about
// 105,000. It reads lines of less than 1,024 bytes.
const (
	maxPactesterURLs = 1_000
	maxPactesterURL  = 1_000
)

// EvaluatePacparser returns what FindProxyForURL of a PAC file says for each URL in
// pacparser, an interpreter of ECMAScript 3. pactester passes as host what stands
// between "://" and the next slash or colon: of an IPv6 literal that is "[2001".
// Each URL has a scheme and something for a host, at most 1,000 bytes, and no white
// space, quote or backslash.
func EvaluatePacparser(ctx context.Context, pac []byte, urls []string) ([]string, error) {
	for _, u := range urls {
		if !isPactesterURL(u) {
			return nil, fmt.Errorf("pactester cannot be asked about %q; write scheme://host without white space, quotes and backslashes, in at most %d bytes", u, maxPactesterURL)
		}
	}
	dir, err := os.MkdirTemp("", "gatewright-pac-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "proxy.pac"), pac, 0o600); err != nil {
		return nil, err
	}
	answers := make([]string, 0, len(urls))
	for chunk := range slices.Chunk(urls, maxPactesterURLs) {
		list := strings.Join(chunk, "\n") + "\n"
		if err := os.WriteFile(filepath.Join(dir, "urls"), []byte(list), 0o600); err != nil {
			return nil, err
		}
		text, err := pactesterProgram.output(ctx, dir, nil, nil, "-p", "proxy.pac", "-f", "urls")
		if err != nil {
			return nil, err
		}
		some, err := pactesterAnswers(text, chunk)
		if err != nil {
			return nil, err
		}
		answers = append(answers, some...)
	}
	return answers, nil
}

func isPactesterURL(u string) bool {
	_, host, ok := strings.Cut(u, "://")
	return ok && host != "" && host[0] != '/' && host[0] != ':' && u[0] != '#' &&
		len(u) <= maxPactesterURL && !strings.ContainsAny(u, " \t\r\n'\"\\\x00")
}

// pactesterAnswers reads the lines "URL : answer", one for each URL.
func pactesterAnswers(text []byte, urls []string) ([]string, error) {
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	if len(lines) != len(urls) {
		return nil, fmt.Errorf("pactester answers with %d lines for %d URLs", len(lines), len(urls))
	}
	answers := make([]string, len(urls))
	for i, u := range urls {
		answer, ok := strings.CutPrefix(string(lines[i]), u+" : ")
		if !ok {
			return nil, fmt.Errorf("pactester answers %q for %q", lines[i], u)
		}
		answers[i] = answer
	}
	return answers, nil
}

// askNode answers each URL with FindProxyForURL. There are no PAC functions, so
// that a file which calls dnsResolve or isInNet fails. The host is passed as
// pac-resolver does: normalized, in brackets if it is an IPv6 literal.
const askNode = `'use strict';
const vm = require('node:vm');
const request = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const context = vm.createContext(Object.create(null));
vm.runInContext(request.pac, context, {filename: 'proxy.pac'});
const answers = request.urls.map(function (url) {
  let host = '';
  try { host = new URL(url).hostname; } catch { /* no URL: no host */ }
  return String(context.FindProxyForURL(url, host));
});
process.stdout.write(JSON.stringify(answers));
`

// EvaluateNode returns what FindProxyForURL of a PAC file says for each URL in
// Node.js, where the functions that ask DNS do not exist.
func EvaluateNode(ctx context.Context, pac []byte, urls []string) ([]string, error) {
	dir, err := os.MkdirTemp("", "gatewright-pac-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "ask.js"), []byte(askNode), 0o600); err != nil {
		return nil, err
	}
	request, err := json.Marshal(map[string]any{"pac": string(pac), "urls": append([]string{}, urls...)})
	if err != nil {
		return nil, err
	}
	text, err := nodeProgram.output(ctx, dir, request, nil, "ask.js")
	if err != nil {
		return nil, err
	}
	var answers []string
	if err := json.Unmarshal(text, &answers); err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	if len(answers) != len(urls) {
		return nil, fmt.Errorf("node answers %d of %d URLs", len(answers), len(urls))
	}
	return answers, nil
}
