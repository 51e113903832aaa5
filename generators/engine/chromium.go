package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gatewright/templates"
)

// hstsForPagesAlone keeps Chromium's list of hosts that are https alone from turning
// the http URLs of a page's images into https ones before it asks the PAC file.
const hstsForPagesAlone = "--enable-features=HstsTopLevelNavigationsOnly"

var chromiumProgram = program{
	name: "chromium", pkg: "chromium", use: plainUser,
	reads: []string{"/etc/chromium", "/etc/chromium.d", "/etc/fonts"},
}

// EvaluateChromium returns which way headless Chromium takes each URL by a PAC
// file: "DIRECT", or "PROXY host:port; PROXY host:port". The browser itself spells
// the host and reads the answer; its log says what it made of them. It asks no PAC
// file about its own machine and its link (localhost, 127.0.0.0/8, 169.254.0.0/16,
// ::1, fe80::/10), which always go direct.
//
// Each URL is http or https and ends in its authority and one slash, without user
// information, which Chromium opens in no page. No request leaves the machine: no
// name and no address but 127.0.0.1 leads anywhere.
func EvaluateChromium(ctx context.Context, pac []byte, urls []string) ([]string, error) {
	for _, u := range urls {
		if !isChromiumURL(u) {
			return nil, fmt.Errorf("chromium cannot be asked about %q; write http://host/ or https://host:port/", u)
		}
	}
	dir, err := os.MkdirTemp("", "gatewright-pac-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	page, err := templates.Execute("engine/requests.html.tmpl", markRequests(urls))
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "page.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		return nil, err
	}
	server, err := servePAC(pac)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	log := filepath.Join(dir, "log.json")
	_, err = chromiumProgram.output(ctx, dir, nil, []string{"HOME=" + dir, "TMPDIR=" + dir},
		"--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir="+filepath.Join(dir, "profile"),
		hstsForPagesAlone, "--explicitly-allowed-ports=1-65535", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		"--proxy-pac-url=http://"+server.Addr().String()+"/proxy.pac",
		"--log-net-log="+log, "--net-log-capture-mode=Everything", "--dump-dom", "file://"+file)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(log)
	if err != nil {
		return nil, fmt.Errorf("chromium: %w", err)
	}
	return netLogAnswers(text, urls)
}

func isChromiumURL(u string) bool {
	scheme, rest, ok := strings.Cut(u, "://")
	authority, path, found := strings.Cut(rest, "/")
	scheme = strings.ToLower(scheme)
	return ok && found && (scheme == "http" || scheme == "https") && authority != "" && path == "" && !strings.ContainsAny(authority, " \t\r\n\"<>&\\?#@")
}

// markRequests puts a number behind each URL: the log has them as Chromium spells
// them.
func markRequests(urls []string) []string {
	marked := make([]string, len(urls))
	for i, u := range urls {
		marked[i] = u + strconv.Itoa(i)
	}
	return marked
}

// servePAC hands out a PAC file on a loopback port until the listener is closed.
// Chromium reads PAC files from HTTP alone, and data URLs only up to the length of
// an argument.
func servePAC(pac []byte) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			const head = "HTTP/1.0 200 OK\r\nContent-Type: application/x-ns-proxy-autoconfig\r\nContent-Length: %d\r\n\r\n"
			_, _ = conn.Read(make([]byte, 4096))
			fmt.Fprintf(conn, head, len(pac))
			_, _ = conn.Write(pac)
			conn.Close()
		}
	}()
	return l, nil
}

// netLog is what matters of a log of Chromium's network stack.
type netLog struct {
	Constants struct {
		LogEventTypes map[string]int
		NetError      map[string]int
	}
	Events []netLogEvent
}

type netLogEvent struct {
	Type   int
	Source struct{ ID int }
	Params struct {
		URL      string
		Message  string
		Line     int    `json:"line_number"`
		Way      string `json:"proxy_info"`
		NetError int    `json:"net_error"`
	}
}

// netLogAnswers returns the way of the request for each URL.
func netLogAnswers(text []byte, urls []string) ([]string, error) {
	var log netLog
	if err := json.Unmarshal(text, &log); err != nil {
		return nil, fmt.Errorf("chromium's log: %w", err)
	}
	types := map[int]string{}
	for name, number := range log.Constants.LogEventTypes {
		types[number] = name
	}
	answers, loaded := make([]string, len(urls)), false
	number := map[int]int{} // of a request, by the source of its events
	for _, e := range log.Events {
		switch types[e.Type] {
		case "PAC_JAVASCRIPT_ERROR":
			return nil, fmt.Errorf("chromium: line %d of the PAC file: %s", e.Params.Line, e.Params.Message)
		case "PAC_FILE_DECIDER_FETCH_PAC_SCRIPT":
			if e.Params.NetError != 0 {
				return nil, fmt.Errorf("chromium cannot read the PAC file and would send every request direct: %s", netErrorName(log, e.Params.NetError))
			}
			loaded = true
		case "HTTP_STREAM_JOB_CONTROLLER":
			if n, ok := requestNumber(e.Params.URL, len(urls)); ok {
				if !sameScheme(e.Params.URL, urls[n]) {
					return nil, fmt.Errorf("chromium has asked for %s in place of %s; install a later version, which takes %s", e.Params.URL, urls[n], hstsForPagesAlone)
				}
				number[e.Source.ID] = n
			}
		case "PROXY_RESOLUTION_SERVICE_RESOLVED_PROXY_LIST":
			if n, ok := number[e.Source.ID]; ok {
				answers[n] = strings.ReplaceAll(e.Params.Way, ";", "; ")
			}
		}
	}
	if !loaded {
		return nil, errors.New("chromium has not asked for the PAC file")
	}
	if i := slices.Index(answers, ""); i >= 0 {
		return nil, fmt.Errorf("chromium sent no request for %s", urls[i])
	}
	return answers, nil
}

func sameScheme(a, b string) bool {
	first, _, _ := strings.Cut(a, ":")
	second, _, _ := strings.Cut(b, ":")
	return strings.EqualFold(first, second)
}

// requestNumber reads the number that markRequests put behind a URL.
func requestNumber(u string, requests int) (int, bool) {
	n, err := strconv.Atoi(u[strings.LastIndexByte(u, '/')+1:])
	return n, err == nil && n < requests && strings.HasPrefix(u, "http")
}

func netErrorName(log netLog, number int) string {
	for name, n := range log.Constants.NetError {
		if n == number {
			return name
		}
	}
	return strconv.Itoa(number)
}
