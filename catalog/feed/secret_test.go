package feed

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// echo answers with raw bytes, %s of which is what was asked for.
func echo(t *testing.T, raw string) *publisher {
	return publish(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, strings.ReplaceAll(raw, "%s", r.RequestURI))
	})
}

// TestEchoedRequest holds that no error shows the query that a server writes back,
// wherever it does.
func TestEchoedRequest(t *testing.T) {
	const unreadable = ": the answer is not valid HTTP; it is not shown, because it may repeat the request, 3 times in a row; try again later"
	const ok = "HTTP/1.1 200 OK\r\n"
	for raw, want := range map[string]string{
		"%s\r\n\r\n":                                                 unreadable,
		"HTTP/1.1 %s\r\n\r\n":                                        unreadable,
		"HTTP/%s 200 OK\r\n\r\n":                                     unreadable,
		ok + "%s\r\n\r\n":                                            unreadable,
		ok + "Content-Length: %s\r\n\r\n":                            unreadable,
		ok + "Transfer-Encoding: %s\r\n\r\n":                         unreadable,
		ok + "Transfer-Encoding: chunked\r\n\r\n%s\r\n":              unreadable,
		ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n%s\r\n\r\n":     unreadable,
		"HTTP/1.1 404 %s\r\n\r\n":                                    ": status 404 Not Found",
		"HTTP/1.1 302 Found\r\nLocation: http://a.example%s\r\n\r\n": ": bad redirect to http://a.example: only https is followed, without user and password",
		"HTTP/1.1 302 Found\r\nLocation: http://SECRET1\r\n\r\n":     ": bad redirect to http://[query]: only https is followed, without user and password",
		"HTTP/1.1 302 Found\r\nLocation: secret1:a\r\n\r\n":          ": bad redirect to [query]://: only https is followed, without user and password",
	} {
		p := echo(t, raw)
		_, err := p.Get(t.Context(), Query{URL: p.URL + "/feed?token=secret1"})
		if got := errorText(err); got != p.URL+"/feed"+want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

// echoPlain is a server without TLS that answers with raw bytes.
func echoPlain(t *testing.T, raw string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			io.WriteString(conn, raw)
			conn.Close()
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestEchoingProxy holds the same of a proxy.
func TestEchoingProxy(t *testing.T) {
	for status, want := range map[string]string{
		"407 Proxy Authentication Required": "the proxy does not connect: Proxy Authentication Required",
		"403 secret":                        "the answer is not valid HTTP; it is not shown, because it may repeat the request",
		"secret":                            "the answer is not valid HTTP; it is not shown, because it may repeat the request",
	} {
		p := publish(t, func(http.ResponseWriter, *http.Request) {})
		plain := echoPlain(t, "HTTP/1.1 "+status+"\r\n\r\n")
		p.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(plain) }
		p.fails(t, 0, want+", 3 times in a row")
	}
}

func TestHideQuery(t *testing.T) {
	for _, c := range []struct{ url, text, want string }{
		{"https://a/b", "a text", "a text"},
		{"https://a/f.json?format=json&token=s%2Fcret1", "f.json: bad TOKEN=s%2fcret1, s/cret1, S%2FCRET1", "f.json: bad [query], [query], [query]"},
		{"https://a/f?token=a&b=1", "/f?token=a&b=1 is a b", "/f?[query] is a b"},
		{"https://a/f?longsecret", `"longsecret" is no address`, `"[query]" is no address`},
		{"https://a/f?a=b%20cdefg", `a=b cdefg a=b+cdefg b%20cdefg`, `[query] [query] [query]`},
		{"https://a/feeds?x=/feeds", "https://a/feeds: bad", "https://a/feeds: bad"},
		{"https://a/f?", "f?", "f?"},
	} {
		if got := HideQuery(c.url, c.text); got != c.want {
			t.Errorf("%s: %q becomes %q, want %q", c.url, c.text, got, c.want)
		}
	}
}

// TestRecordTexts holds that no record starts a line of its own in a message or a file.
func TestRecordTexts(t *testing.T) {
	for _, key := range []string{"source", "query", "instance", "revision", "digest", "etag", "last_modified", "changes"} {
		text := `{"source": "s", "digest": "d"}`
		if key == "source" || key == "digest" {
			text = `{"source": "s", "digest": "d", "` + key + `": 0}`
			text = strings.Replace(text, `"`+key+`": "`+key[:1]+`", `, "", 1)
			text = strings.Replace(text, `, "`+key+`": "`+key[:1]+`"`, "", 1)
			text = strings.Replace(text, "0}", `"1\nforged"}`, 1)
		} else {
			text = strings.Replace(text, "}", `, "`+key+`": "1\nforged"}`, 1)
		}
		_, err := parseRecord("f", []byte(text))
		if want := "/" + key + `: "1\nforged" has a non-printable character; remove this record, and fetch again`; err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
}
