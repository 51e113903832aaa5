package netset

import "testing"

func TestWithoutSecrets(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "",
		"www.example.com":            "www.example.com",
		"m365-additional@2018-10-23": "m365-additional@2018-10-23",
		"who@example.com":            "who@example.com",
		"what is this?":              "what is this?",
		"./a#b.json":                 "./a#b.json", "../a?b.json": "../a?b.json", "a.json?": "a.json?",
		"dir/a#b.json":                             "dir/a#b.json",
		"https://www.example.com/p":                "https://www.example.com/p",
		"https://u:pw@www.example.com:8443/p?t#f":  "https://www.example.com:8443/p",
		"https://u@www.example.com":                "https://www.example.com",
		"https://www.example.com?t":                "https://www.example.com",
		"https://www.example.com#t":                "https://www.example.com",
		"https://u:p/w@www.example.com/":           "https://...",
		"https://u:p?w@www.example.com/":           "https://...",
		"https://u:p#w@www.example.com/":           "https://...",
		"u:pw@www.example.com/p?tok":               "www.example.com/p",
		"u:pw@www.example.com":                     "www.example.com",
		"u:p/w@www.example.com":                    "...",
		"u@www.example.com/p":                      "www.example.com/p",
		"www.example.com/p?t=1#f":                  "www.example.com/p",
		"www.example.com/p?a@b":                    "www.example.com/p@",
		"HTTPS u:pw@proxy.example.com:3128":        "HTTPS proxy.example.com:3128",
		"pac.proxy=http://u:pw@proxy.example.com":  "pac.proxy=http://proxy.example.com",
		"pac.proxy=u:pw@proxy.example.com:3128":    "pac.proxy=proxy.example.com:3128",
		"a@b https://u:pw@www.example.com/?t x?y":  "a@b https://www.example.com/ x?y",
		"u:x://y@www.example.com":                  "...",
		`https://u:pw@www.example.com\@b.example/`: "https://...",
	} {
		if got := WithoutSecrets(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
