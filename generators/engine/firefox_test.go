package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestFirefoxSpellsHosts holds what Firefox makes of a URL before a PAC file sees it.
func TestFirefoxSpellsHosts(t *testing.T) {
	const pac = `function FindProxyForURL(url, host) {
  if (host === 'www.example.com' || host === 'www.example.com.') { return 'DIRECT'; }
  return host === '10.0.0.1' ? 'PROXY [2001:db8::1]:3128; DIRECT' : 'HTTPS a:1; SOCKS5 b:80';
}`
	urls := []string{
		"http://WWW.Example.COM/", "https://www.example.com./", "http://www.example.com:443/", "http://example.com:25/", "https://www.example.com/",
		"http://0x0a000001/", "https://10.0.0.1:8443/", "http://10.1/", "http://[2001:DB8::1]/", "https://[2001:db8::1]/", "http://github.com/",
	}
	six, other := "PROXY [2001:db8::1]:3128; DIRECT", "HTTPS a:1; SOCKS5 b:80"
	want := []string{"DIRECT", "DIRECT", "DIRECT", other, "DIRECT", six, six, six, other, other, other}
	got, err := EvaluateFirefox(t.Context(), []byte(pac), urls)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("answers %q, %v; want %q", got, err, want)
	}
}

func TestFirefoxAnswersStandInOrder(t *testing.T) {
	pac := "function FindProxyForURL(url, host) { return ['PROXY a:1', 'PROXY b:2', 'DIRECT'][host.length % 3]; }\n"
	var urls, want []string
	for i := range 600 {
		host := fmt.Sprintf("%s%d.example", strings.Repeat("h", 1+i%5), i)
		urls = append(urls, fmt.Sprintf("%s://%s:%d/", []string{"http", "https"}[i%2], host, 1+i*50))
		want = append(want, []string{"PROXY a:1", "PROXY b:2", "DIRECT"}[len(host)%3])
	}
	got, err := EvaluateFirefox(t.Context(), []byte(pac), urls)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("answers %q, %v; want %q", got, err, want)
	}
}

// TestFirefoxWithoutAnswer holds that a PAC file which Firefox cannot evaluate gives no
// answer.
func TestFirefoxWithoutAnswer(t *testing.T) {
	for _, pac := range []string{"function FindProxyForURL(", "function FindProxyForURL(url, host) { return missing('DIRECT'); }", "function FindProxyForURL(url, host) { return 'DIR' + 'ECT'; }"} {
		want := "firefox sent no request for http://example.com/: it could not read the PAC file, or the file does not contain its answer"
		if answers, err := EvaluateFirefox(t.Context(), []byte(pac), []string{"http://example.com/"}); err == nil || err.Error() != want {
			t.Errorf("answers %q, error %v; want %s", answers, err, want)
		}
	}
}

func TestFirefoxThatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := EvaluateFirefox(t.Context(), nil, nil)
	var missing *MissingError
	if !errors.As(err, &missing) || missing.Package != "firefox-esr" {
		t.Errorf("error %v", err)
	}
}

func TestURLsThatFirefoxIsNotAsked(t *testing.T) {
	for _, u := range []string{"example.com", "ftp://example.com/", "https://WWW.example.com/", "https://0x0a000001/", "https://10.1/", "https://[2001:DB8::1]/", "https://[::ffff:10.0.0.1]/"} {
		if answers, err := EvaluateFirefox(t.Context(), nil, []string{u}); err == nil || !strings.HasPrefix(err.Error(), "firefox cannot be asked about") {
			t.Errorf("%q is answered with %q, %v", u, answers, err)
		}
	}
}
