package rule

import (
	"strings"
	"testing"
)

// TestParseFlowKeepsSecrets holds that no error shows a URL's user, password, query or
// fragment, whatever else is wrong.
func TestParseFlowKeepsSecrets(t *testing.T) {
	const forms = "; expect " + Forms
	for text, want := range map[string]string{
		"https://SECRET:SECRET@x.example.com:99999/?tok=SECRET":          `flow "https://x.example.com:99999/": "99999" is not a port; write one from 1 to 65535` + forms,
		"https://x.example.com:0/a#SECRET":                               `flow "https://x.example.com:0/a": "0" is not a port; write one from 1 to 65535` + forms,
		"https://x.example.com/?SECRET from clients https://SECRET@y/#b": `flow "https://x.example.com/ from clients https://y/": unexpected "https://y/" after "outbound tcp https://x.example.com:443 from clients"` + forms,
		"SECRET:SECRET@x.example.com:99999":                              `flow "x.example.com:99999": a URL starts with its scheme, such as https://, and a host cannot contain @, ? or #` + forms,
		"x.example.com?SECRET":                                           `flow "x.example.com": a URL starts with its scheme, such as https://, and a host cannot contain @, ? or #` + forms,
		"SECRET@1https://x.example.com":                                  `flow "1https://x.example.com": "1https" is not a URL scheme; write one such as https, or HOST:PORT without a scheme` + forms,
		"https://x.example.com:0/?mail=SECRET@SECRET":                    `flow "https://...": "0" is not a port; write one from 1 to 65535` + forms,
		"udp https://SECRET@x.example.com/":                              `flow "udp https://x.example.com/": a URL is opened over tcp; write udp with HOST:PORT instead` + forms,
	} {
		_, err := ParseFlow(text)
		_, errWords := ParseFlows(strings.Fields(text))
		if err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
		if errWords != nil && strings.Contains(errWords.Error(), "SECRET") {
			t.Errorf("%q as words: error %v", text, errWords)
		}
	}
}
