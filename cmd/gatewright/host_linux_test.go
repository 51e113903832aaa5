package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gatewright/cmd/gatewright/internal/report"
)

// host is a machine with a network of its own and an empty /run, on which the tool runs
// as a program.
type host struct {
	*testing.T
	pid  string // of the process that holds the namespaces
	dir  string // with the tool, and the site
	boot string
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{T: t, dir: toolFolder(t)}
	h.boot = filepath.Join(h.dir, "boot")
	holder := exec.Command("unshare", "--mount", "--net", "--propagation", "private", "sh", "-c",
		"mount -t tmpfs run /run && mkdir /run/netns && ip link set lo up && echo ready && exec sleep 10000")
	holder.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := holder.StdoutPipe()
	if err == nil {
		holder.Stderr = os.Stderr
		err = holder.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { holder.Process.Kill(); holder.Wait() })
	if said, err := bufio.NewReader(out).ReadString('\n'); said != "ready\n" {
		t.Fatal("a machine of its own: ", said, err)
	}
	h.pid = strconv.Itoa(holder.Process.Pid)
	return h
}

// command is a program on the host.
func (h *host) command(args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"-t", h.pid, "-m", "-n", "--", "env", "-C", h.dir}, args...)...)
	cmd.Env = append(os.Environ(), asTool, "PATH="+h.dir+":"+os.Getenv("PATH"), "SSH_CONNECTION=")
	return cmd
}

// sh runs lines of shell on the host and returns what they printed, and the exit
// status.
func (h *host) sh(lines string) (string, int) {
	h.Helper()
	cmd := h.command("sh", "-c", lines)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		h.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// must is sh of what has to succeed.
func (h *host) must(lines string) string {
	h.Helper()
	out, status := h.sh(lines)
	if status != 0 {
		h.Fatalf("%s\nstatus %d\n%s", lines, status, out)
	}
	return out
}

// writes puts a file into the host's folder.
func (h *host) writes(name, text string) {
	h.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o644); err != nil {
		h.Fatal(err)
	}
}

// same holds that a file of the host is as another one.
func (h *host) same(file, other string) {
	h.Helper()
	if a, b := h.must("cat "+file), h.must("cat "+other); a != b {
		h.Errorf("%s is other than %s:\n%s", other, file, report.Unified(other, []byte(a), []byte(b)))
	}
}

// ruleset is what nft lists, without counts, and in an order of its own: the kernel's
// tells when something came, and means nothing.
func (h *host) ruleset() string { return inOrder(h.must("nft -s list ruleset")) }

func inOrder(rules string) string {
	var out strings.Builder
	for _, table := range strings.SplitAfter(rules, "\n}\n") {
		head, body, _ := strings.Cut(table, "\n")
		objects := strings.SplitAfter(strings.TrimSuffix(body, "}\n"), "\n\t}\n")
		for i := range objects {
			objects[i] = strings.TrimPrefix(objects[i], "\n")
		}
		slices.Sort(objects)
		out.WriteString(head + "\n" + strings.Join(objects, ""))
	}
	return out.String()
}

// site writes a site of entries, each with its endpoints, of which the machine holds a
// client's rules and lets nothing else pass.
func (h *host) site(entries map[string][]string) {
	h.Helper()
	type entry struct {
		ID        string   `json:"id"`
		Title     string   `json:"title"`
		Direction string   `json:"direction"`
		Role      string   `json:"role"`
		Services  string   `json:"services"`
		Endpoints []string `json:"endpoints"`
	}
	catalog := struct {
		Catalog  string  `json:"catalog"`
		Revision string  `json:"revision"`
		Title    string  `json:"title"`
		Entries  []entry `json:"entries"`
	}{"own", "1", "Own", []entry{}}
	for id, endpoints := range entries {
		catalog.Entries = append(catalog.Entries, entry{id, id, "outbound", "clients", "tcp 443", endpoints})
	}
	text, err := json.Marshal(catalog)
	if err != nil {
		h.Fatal(err)
	}
	for name, text := range map[string]string{"own.json": string(text), "gatewright.json": `{ "catalogs": ["own.json"], "group": "entry", "generators": ["nftables"],
		"bind": { "clients": ["192.0.2.10"] }, "options": { "nftables": {
			"mode": "enforce", "place": "host", "roles": ["clients"], "admin": ["198.51.100.0/24 tcp 22"] } } }`} {
		h.writes(name, text)
	}
}

// want runs lines of shell and holds that they end and print as they should; DIR stands
// for the host's folder.
func (h *host) want(lines, want string, status int) {
	h.Helper()
	out, code := h.sh(lines)
	if out = strings.ReplaceAll(out, h.dir, "DIR"); out != want || code != status {
		h.Errorf("%s\nstatus %d, want %d\n%s\nwant\n%s", lines, code, status, out, want)
	}
}
