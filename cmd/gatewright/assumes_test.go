package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestCoverageSaysWhatItAssumes holds that the coverage of squid names the kind of
// proxy that it is for, in text and as JSON.
func TestCoverageSaysWhatItAssumes(t *testing.T) {
	const want = "an explicit proxy, which uses the name in CONNECT; redirected HTTPS is denied unless you add the lines from the README of squid"
	var out, talk bytes.Buffer
	if status := run([]string{"generate", "squid", "nftables", "--coverage", "-o", t.TempDir()}, nil, &out, &talk); status != 0 {
		t.Fatal(talk.String())
	}
	if strings.Count(out.String()+talk.String(), "\n    assumes "+want+"\n") != 1 {
		t.Errorf("the account is\n%s%s", out.String(), talk.String())
	}
	out.Reset()
	if status := run([]string{"generate", "squid", "nftables", "--json", "-o", t.TempDir()}, nil, &out, &talk); status != 0 {
		t.Fatal(talk.String())
	}
	var got struct{ Assumes map[string]string }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got.Assumes) != 1 || got.Assumes["squid"] != want {
		t.Errorf("as JSON %v: %v", got.Assumes, err)
	}
}
