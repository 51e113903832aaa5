package live

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSquidsReason holds that the reason is told behind all that Squid says before it:
// a line for each directive, and what is obsolete.
func TestSquidsReason(t *testing.T) {
	const script = `#!/bin/sh
awk 'BEGIN { for (i = 0; i < 20000; i++) print "2026/01/01 00:00:00| Processing: acl FATAL_" i " dst 203.0.113.0/28" }' >&2
for i in 1 2 3 4; do echo "2026/01/01 00:00:00| ERROR: Directive 'old_$i' is obsolete." >&2; done
echo '2026/01/01 00:00:00| Processing: http_access allow ERROR_x' >&2
echo '2026/01/01 00:00:00| FATAL: Bungled /etc/squid/squid.conf line 9: http_access allow x' >&2
echo '2026/01/01 00:00:00| Squid Cache (Version 5.7): Terminated abnormally.' >&2
exit 1
`
	const want = "squid -k parse: exit status 1: ERROR: Directive 'old_3' is obsolete.; ERROR: Directive 'old_4' is obsolete.; " +
		"FATAL: Bungled /etc/squid/squid.conf line 9: http_access allow x"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "squid"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	if err := tellSquid("parse"); err == nil || err.Error() != want {
		t.Errorf("error %v\nwant %s", err, want)
	}
}
