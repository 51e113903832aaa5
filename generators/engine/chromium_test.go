package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestChromiumSpellsHosts holds what Chromium makes of a URL before a PAC file sees
// it, and of the answer.
func TestChromiumSpellsHosts(t *testing.T) {
	const pac = `function FindProxyForURL(url, host) {
  if (host === 'www.example.com' || host === 'www.example.com.') { return 'DIRECT'; }
  return host === '10.0.0.1' ? 'PROXY [2001:db8::1]:3128; DIRECT' : 'PROXY a:1;  PROXY b:80';
}`
	urls := []string{
		"http://WWW.Example.COM/", "https://www.example.com./", "HTTP://www.example.com:443/", "http://example.com:25/",
		"http://0x0a000001/", "https://012.0.0.1:8443/", "http://10.1/", "http://[2001:DB8::1]/",
	}
	six := "PROXY [2001:db8::1]:3128; DIRECT"
	want := []string{"DIRECT", "DIRECT", "DIRECT", "PROXY a:1; PROXY b:80", six, six, six, "PROXY a:1; PROXY b:80"}
	got, err := EvaluateChromium(t.Context(), []byte(pac), urls)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("answers %q, %v; want %q", got, err, want)
	}
}

// TestChromiumAsksForPreloadedHosts holds that http URLs of hosts that Chromium knows
// as https alone are asked as they stand.
func TestChromiumAsksForPreloadedHosts(t *testing.T) {
	const pac = "function FindProxyForURL(url, host) { return 'PROXY ' + url.substring(0, url.indexOf(':')) + ':1'; }\n"
	urls := []string{"http://github.com/", "https://github.com/", "http://www.github.com:8080/", "HTTP://accounts.google.com/", "http://outlook.office365.us/"}
	want := []string{"PROXY http:1", "PROXY https:1", "PROXY http:1", "PROXY http:1", "PROXY http:1"}
	got, err := EvaluateChromium(t.Context(), []byte(pac), urls)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("answers %q, %v; want %q", got, err, want)
	}
}

// TestChromiumThatAsksForAnother holds that an answer for https is none for http.
func TestChromiumThatAsksForAnother(t *testing.T) {
	const log = `{"constants": {"logEventTypes": {"HTTP_STREAM_JOB_CONTROLLER": 1}}, "events": [
		{"type": 1, "source": {"id": 7}, "params": {"url": "https://github.com/0"}}]}`
	want := "chromium has asked for https://github.com/0 in place of http://github.com/; install a later version, which takes --enable-features=HstsTopLevelNavigationsOnly"
	if _, err := netLogAnswers([]byte(log), []string{"http://github.com/"}); err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}

func TestChromiumAnswersStandInOrder(t *testing.T) {
	const pac = "function FindProxyForURL(url, host) { return 'PROXY h' + host.substring(0, 3) + ':1'; }\n"
	var urls []string
	for i := range 1200 {
		urls = append(urls, fmt.Sprintf("%s://%03d.h%d.example:%d/", []string{"http", "https"}[i%2], i%1000, i, 1+i*50))
	}
	got, err := EvaluateChromium(t.Context(), []byte(pac), urls)
	if err != nil {
		t.Fatal(err)
	}
	for i, answer := range got {
		if want := fmt.Sprintf("PROXY h%03d:1", i%1000); answer != want {
			t.Fatalf("answers %s for %s; want %s", answer, urls[i], want)
		}
	}
}

// TestChromiumThatFailsOpenIsAnError holds that a PAC file which Chromium drops in
// favour of going direct is no answer.
func TestChromiumThatFailsOpenIsAnError(t *testing.T) {
	const good = "function FindProxyForURL(url, host) { return 'DIRECT'; }\n"
	for want, pac := range map[string]string{
		"Unexpected end of input": "function FindProxyForURL(",
		"missing is not defined":  "function FindProxyForURL(url, host) { return missing(host); }",
		"ERR_FILE_TOO_BIG":        good + strings.Repeat("/", 1<<20),
	} {
		answers, err := EvaluateChromium(t.Context(), []byte(pac), []string{"http://example.com/"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("answers %q, error %v; want %s", answers, err, want)
		}
	}
}

func TestChromiumThatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := EvaluateChromium(t.Context(), nil, []string{"http://example.com/"})
	var missing *MissingError
	if !errors.As(err, &missing) || missing.Package != "chromium" {
		t.Errorf("error %v", err)
	}
}

func TestURLsThatAPageMisreads(t *testing.T) {
	for _, u := range []string{"example.com", "ftp://example.com/", "http://example.com", "http://example.com/path", `http://a"b/`, "http://me@example.com/", "http:///", "http://a b/"} {
		if answers, err := EvaluateChromium(t.Context(), nil, []string{u}); err == nil {
			t.Errorf("%q is answered with %q", u, answers)
		}
	}
}
