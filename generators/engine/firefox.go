package engine

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"gatewright/catalog/netset"
	"gatewright/templates"
)

var firefoxProgram = program{
	name: "firefox-esr", pkg: "firefox-esr", use: plainUser,
	reads: []string{"/etc/firefox-esr", "/etc/fonts"},
}

// tellAnswer makes a PAC file send each request to a loopback address that tells the
// answer by its last three bytes: a browser shows by no other sign which one it was.
const tellAnswer = `
FindProxyForURL = (function (asked) {
  return function (url, host) {
    var answer = String(asked(url, host)), sum = 0, i;
    for (i = 0; i < answer.length; i++) {
      sum = (sum * 31 + answer.charCodeAt(i)) %% 16000000;
    }
    return 'PROXY 127.' + (sum >> 16) + '.' + (sum >> 8 & 255) + '.' + (sum & 255) + ':%s';
  };
})(FindProxyForURL);
`

// answerWord is a string literal of a PAC file that FindProxyForURL may answer.
var answerWord = regexp.MustCompile(`['"]((?:DIRECT|PROXY|HTTPS|SOCKS)[^'"\\]*)['"]`)

// EvaluateFirefox returns what FindProxyForURL of a PAC file says in headless Firefox
// for each URL. Each answer stands in the file as a string literal. Firefox asks no PAC
// file about localhost, 127.0.0.0/8 and ::1.
//
// Each URL is one that Chromium takes; the host of one of https is spelled as Firefox
// spells it, by which its request is known. No request leaves the machine: every answer
// is replaced by a proxy on loopback that refuses all.
func EvaluateFirefox(ctx context.Context, pac []byte, urls []string) ([]string, error) {
	for _, u := range urls {
		if !isFirefoxURL(u) {
			return nil, fmt.Errorf("firefox cannot be asked about %q; write http://host/ or https://host:port/, the host in lower case", u)
		}
	}
	if _, err := firefoxProgram.path(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gatewright-pac-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	witness, err := newFirefoxWitness(pac, urls)
	if err != nil {
		return nil, err
	}
	defer witness.close()
	prefs, err := templates.Execute("engine/user.js.tmpl", "http://"+witness.pages+"/proxy.pac")
	if err != nil {
		return nil, err
	}
	profile := filepath.Join(dir, "profile")
	if err := os.Mkdir(profile, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), prefs, 0o600); err != nil {
		return nil, err
	}
	_, err = firefoxProgram.output(ctx, dir, nil, []string{"HOME=" + dir, "TMPDIR=" + dir, "XDG_RUNTIME_DIR=" + dir},
		"--headless", "--no-remote", "--profile", profile, "--screenshot", filepath.Join(dir, "page.png"), "http://"+witness.pages+"/")
	if err != nil {
		return nil, err
	}
	return witness.answers(urls)
}

func isFirefoxURL(u string) bool {
	if !isChromiumURL(u) {
		return false
	}
	scheme, rest, _ := strings.Cut(u, "://")
	return strings.EqualFold(scheme, "http") || scheme == "https" && FirefoxSpells(strings.TrimSuffix(rest, "/"))
}

// FirefoxSpells reports whether Firefox leaves the authority of a URL as it is, but for
// the default port.
func FirefoxSpells(authority string) bool {
	host := authority
	if h, _, err := net.SplitHostPort(authority); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if a, err := netip.ParseAddr(host); err == nil {
		return !a.Is4In6() && a.String() == host
	}
	return strings.ToLower(host) == host && !netset.EndsAsNumber(host)
}

// firefoxWitness serves a PAC file and a page that has a browser open URLs, and notes
// what comes to the proxies that stand for the answers.
type firefoxWitness struct {
	pages   string // the address of the page and of the PAC file
	servers []*http.Server
	mutex   sync.Mutex
	seen    map[string]string // "/12" of http, "host:port" of https -> the answer
}

func newFirefoxWitness(pac []byte, urls []string) (*firefoxWitness, error) {
	w := &firefoxWitness{seen: map[string]string{}}
	page, err := templates.Execute("engine/requests.html.tmpl", markRequests(urls))
	if err != nil {
		return nil, err
	}
	var script []byte
	pages := http.NewServeMux()
	pages.HandleFunc("/proxy.pac", func(r http.ResponseWriter, _ *http.Request) {
		r.Header().Set("Content-Type", "application/x-ns-proxy-autoconfig")
		r.Write(script)
	})
	pages.HandleFunc("/{$}", func(r http.ResponseWriter, _ *http.Request) {
		r.Header().Set("Content-Type", "text/html")
		r.Write(page)
	})
	// The proxies share the port of the page, each at an address of its own.
	if w.pages, err = w.serve("127.0.0.1:0", pages); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(w.pages)
	script = fmt.Appendf(append([]byte{}, pac...), tellAnswer, port)
	told := map[string]string{}
	for _, match := range answerWord.FindAllSubmatch(pac, -1) {
		answer := string(match[1])
		address := net.JoinHostPort(addressOf(answer), port)
		if other, twice := told[address]; twice {
			if other != answer {
				w.close()
				return nil, fmt.Errorf("firefox cannot be asked: the answers %q and %q have one address", answer, other)
			}
			continue
		}
		told[address] = answer
		if _, err := w.serve(address, w.proxy(answer)); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

// addressOf is the address by which tellAnswer tells an answer.
func addressOf(answer string) string {
	sum := 0
	for _, c := range []byte(answer) {
		sum = (sum*31 + int(c)) % 16_000_000
	}
	return fmt.Sprintf("127.%d.%d.%d", sum>>16, sum>>8&255, sum&255)
}

func (w *firefoxWitness) serve(address string, handler http.Handler) (string, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler}
	w.servers = append(w.servers, server)
	go server.Serve(l)
	return l.Addr().String(), nil
}

func (w *firefoxWitness) proxy(answer string) http.Handler {
	return http.HandlerFunc(func(r http.ResponseWriter, request *http.Request) {
		key := request.URL.Path
		if request.Method == http.MethodConnect {
			key = request.Host
		}
		w.mutex.Lock()
		w.seen[key] = answer
		w.mutex.Unlock()
		r.WriteHeader(http.StatusBadGateway)
	})
}

func (w *firefoxWitness) close() {
	for _, s := range w.servers {
		s.Close()
	}
}

func (w *firefoxWitness) answers(urls []string) ([]string, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	answers := make([]string, len(urls))
	for i, u := range urls {
		key := fmt.Sprintf("/%d", i)
		if rest, ok := strings.CutPrefix(u, "https://"); ok {
			if key = strings.TrimSuffix(rest, "/"); strings.LastIndexByte(key, ':') <= strings.LastIndexByte(key, ']') {
				key += ":443"
			}
		}
		answer, ok := w.seen[key]
		if !ok {
			return nil, fmt.Errorf("firefox sent no request for %s: it could not read the PAC file, or the file does not contain its answer", u)
		}
		answers[i] = answer
	}
	return answers, nil
}
