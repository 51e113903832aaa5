package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatewright/cmd/gatewright/internal/report"
)

// twoSites are an old and a new site, each as entries.
func twoSites() (old, new map[string][]string) {
	return map[string][]string{"one": {"203.0.113.0/28"}, "two": {"203.0.113.64/28"}},
		map[string][]string{"one": {"203.0.113.64/28"}, "two": {"203.0.113.0/28", "203.0.113.32/28"}, "three": {"203.0.113.128/28"}}
}

// applied applies the old site for good, and returns the rules of the old and of the
// new one, which it writes in the old one's place.
func (h *host) applied() (old, new string) {
	h.Helper()
	before, after := twoSites()
	h.site(after)
	h.must("gatewright apply nftables -q -o boot --max-growth 1000")
	new = h.ruleset()
	h.site(before)
	h.must("gatewright apply nftables -q -o boot --max-shrink 100")
	old = h.ruleset()
	h.site(after)
	if h.reload("boot/gatewright.nft") != old || old == new {
		h.Fatal("boot does not load the old rules, or there are none")
	}
	return old, new
}

// reload returns what a machine holds that starts with a file.
func (h *host) reload(file string) string {
	h.Helper()
	return inOrder(h.must("unshare --net sh -c 'nft -f " + file + " && nft -s list ruleset'"))
}

// ended waits until no apply waits for confirmation any more, or nobody watches it: who
// was killed before that has changed nothing.
func (h *host) ended() {
	h.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		deadlines, _ := filepath.Glob(filepath.Join("/proc", h.pid, "root", "run", "gatewright", "*", "deadline"))
		if len(deadlines) == 0 {
			return
		}
		info, err := os.Stat(deadlines[0])
		if err == nil && time.Since(info.ModTime()) > 2*time.Second && !watched(filepath.Join(filepath.Dir(deadlines[0]), "watcher")) {
			return
		}
	}
	h.Fatal("a trial did not end: ", h.must("head -c 200 /run/gatewright/*/deadline /run/gatewright/*/watcher /proc/uptime"))
}

// watched reports whether a process holds a lock.
func watched(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}

func (h *host) holds(what, rules string) {
	h.Helper()
	if got := h.ruleset(); got != rules {
		h.Errorf("the machine holds other than the %s rules:\n%s", what, report.Unified(what, []byte(rules), []byte(got)))
	}
}

const tryApply = "gatewright apply nftables -o boot --max-growth 1000 --confirm "

// TestConfirm holds that rules that nobody confirms go, and that others stay, and that
// boot loads what was confirmed last.
func TestConfirm(t *testing.T) {
	h := newHost(t)
	h.nothingWaits("")
	old, new := h.applied()
	h.must(tryApply + "1s")
	h.holds("new", new)
	if got := h.reload("boot/gatewright.nft"); got != old {
		t.Error("boot loads what nobody confirmed")
	}
	h.ended()
	h.holds("old", old)
	h.nothingWaits(cameBack)

	h.must(tryApply + "60s")
	if out, status := h.sh("gatewright apply nftables -o boot"); status != exitFailed || !strings.Contains(out, "the last apply waits another ") {
		t.Errorf("a second apply: status %d\n%s", status, out)
	}
	h.want("gatewright confirm", "confirmed; at boot the rules are loaded from DIR/boot\n", 0)
	h.ended()
	h.holds("new", new)
	if got := h.reload("boot/gatewright.nft"); got != new {
		t.Error("boot does not load what was confirmed")
	}
	h.want(tryApply+"60s", "table inet gatewright: nothing to change\n", 0)
	for line, want := range map[string]string{
		"gatewright apply nftables --confirm 1ms": "gatewright: error: apply: --confirm 1ms: expect at least one second, such as 60s\n",
		"gatewright confirm nftables":             "gatewright: error: confirm: unexpected operand \"nftables\"; confirm takes none\n",
		"gatewright watch":                        "gatewright: error: only apply runs this command\n",
	} {
		if out, status := h.sh(line); out != want || status == 0 {
			t.Errorf("%s: status %d\n%s", line, status, out)
		}
	}
}

// TestConfirmAtThePrompt answers at a terminal, and leaves another prompt without
// answer.
func TestConfirmAtThePrompt(t *testing.T) {
	h := newHost(t)
	old, new := h.applied()
	out, status := h.sh("sleep 2 | script -qec '" + tryApply + "1s' /dev/null")
	if !strings.Contains(out, "to keep the new ones, type y and Enter") || !strings.Contains(out, "not confirmed: the old rules are back") {
		t.Errorf("status %d\n%s", status, out)
	}
	h.holds("old", old)
	if out := h.must("(sleep 0.5; echo y; sleep 0.5) | script -qec '" + tryApply + "20s' /dev/null"); !strings.Contains(out, "confirmed; at boot the rules are loaded") {
		t.Error(out)
	}
	h.ended()
	h.holds("new", new)
}

// TestWatcherThatIsGone holds that the next apply, or a confirm that comes too late,
// brings back what a watcher could not, and that one that is told to end does so at
// once.
func TestWatcherThatIsGone(t *testing.T) {
	h := newHost(t)
	old, new := h.applied()
	const watcher = "$(pgrep -f 'gatewright watch /run/gatewright/[0-9a-f]* /proc/[0-9]*/ns/net' --ns $$ --nslist mnt)"
	h.must(tryApply + "60s && kill -9 " + watcher)
	h.holds("new", new)
	h.site(map[string][]string{"one": {"203.0.113.0/28"}, "two": {"203.0.113.64/28"}})
	h.want("gatewright apply nftables -o boot", "gatewright: warning: the last apply was not confirmed, and the process that watched it has ended: the old rules are back\ntable inet gatewright: nothing to change\n", 0)
	h.holds("old", old)
	_, after := twoSites()
	h.site(after)
	h.must(tryApply + "60s && kill " + watcher)
	h.ended()
	h.holds("old", old)
	h.must(tryApply + "1s && kill -9 " + watcher + " && sleep 1.1")
	h.holds("new", new)
	h.wantTimed("gatewright confirm", "gatewright: warning: the last apply was not confirmed, and the process that watched it has ended: the old rules are back\ngatewright: error: no apply waits for confirmation"+cameBack+"\n", exitFailed)
	h.holds("old", old)
	h.must("nft flush ruleset && nft -f boot/gatewright.nft")
	h.holds("old", old)
}

// TestPromptWithoutWatcher holds that the prompt brings the old rules back where who
// watched is gone, and says so.
func TestPromptWithoutWatcher(t *testing.T) {
	h := newHost(t)
	old, _ := h.applied()
	out, status := h.sh("(sleep 1; kill -9 $(pgrep -f 'gatewright watch /run/gatewright/[0-9a-f]* /proc/[0-9]*/ns/net' --ns $$ --nslist mnt); sleep 4) | timeout 20 script -qec '" + tryApply + "2s' /dev/null")
	if !strings.Contains(out, "the process that watched the change has ended; this process brings the old rules back") || !strings.Contains(out, "not confirmed: the old rules are back") {
		t.Errorf("status %d\n%s", status, out)
	}
	h.holds("old", old)
	h.nothingWaits(cameBack)
}

// TestTwoAppliesAtOnce holds that of two that start together one changes the rules, and
// the other one says why not.
func TestTwoAppliesAtOnce(t *testing.T) {
	h := newHost(t)
	old, _ := h.applied()
	for range 10 {
		var both [2]*exec.Cmd
		var said [2]strings.Builder
		for i := range both {
			both[i] = h.command("sh", "-c", tryApply+"1s")
			both[i].Stderr = &said[i]
			if err := both[i].Start(); err != nil {
				t.Fatal(err)
			}
		}
		worked := 0
		for i, cmd := range both {
			cmd.Wait()
			switch out := said[i].String(); {
			case cmd.ProcessState.ExitCode() == exitOK && strings.Contains(out, "changed:"):
				worked++
			case strings.Contains(out, "another apply or confirm is running here"), strings.Contains(out, "the last apply waits another "):
			default:
				t.Errorf("status %d\n%s", cmd.ProcessState.ExitCode(), out)
			}
		}
		if worked != 1 {
			t.Errorf("%d of two applies worked\n%s\n%s", worked, &said[0], &said[1])
		}
		h.ended()
		h.holds("old", old)
	}
}

// kills is how often the tool is killed.
func kills() int {
	if os.Getenv("GATEWRIGHT_PROVE") == "all" {
		return 200
	}
	return 10
}

// TestKilledApply kills apply at random moments, by itself and with its whole session:
// the machine then holds the old or the new rules as a whole, and the old ones a little
// later.
func TestKilledApply(t *testing.T) {
	h := newHost(t)
	old, new := h.applied()
	whole := time.Duration(0)
	for range 3 {
		start := time.Now()
		h.must(tryApply + "1s")
		whole = max(whole, time.Since(start))
		h.ended()
	}
	seen := map[string]int{}
	for i := range kills() {
		h.killed(tryApply+"1s", i%2 == 0, 2*whole)
		switch got := h.ruleset(); {
		case holdsAll(got, old):
			seen["old"]++
		case holdsAll(got, new):
			seen["new"]++
		default:
			t.Errorf("killed, apply leaves other rules:\n%s", got)
		}
		h.ended()
		h.holds("old", old)
	}
	t.Logf("proved: %d applies were killed, every second one with its whole session; %d left the old rules, %d the new ones, and within a second all were back", kills(), seen["old"], seen["new"])
}

// holdsAll reports whether rules hold all of others. What leads nowhere yet, or nothing
// leads to any more, may be there besides.
func holdsAll(rules, others string) bool {
	_, objects, _ := strings.Cut(others, "\n")
	for _, object := range strings.SplitAfter(objects, "\n\t}\n") {
		if !strings.Contains(rules, object) {
			return false
		}
	}
	return true
}

// TestKilledConfirm kills confirm at random moments: what runs a little later is what
// boot loads.
func TestKilledConfirm(t *testing.T) {
	h := newHost(t)
	old, new := h.applied()
	seen := map[string]int{}
	for range kills() / 2 {
		h.must(tryApply + "1s")
		h.killed("gatewright confirm", false, 60*time.Millisecond)
		h.ended()
		rules := h.ruleset()
		if rules != old && rules != new {
			t.Fatalf("killed, confirm leaves other rules:\n%s", rules)
		}
		if h.reload("boot/gatewright.nft") != rules {
			t.Errorf("boot does not load what runs; the confirmation stands: %v", rules == new)
		}
		if seen["old"]++; rules == new {
			seen["new"]++
			before, after := twoSites()
			h.site(before)
			h.must("gatewright apply nftables -q -o boot --max-shrink 100")
			h.site(after)
		}
	}
	t.Logf("proved: of %d confirmations that were killed %d stood; boot loads what runs", seen["old"], seen["new"])
}

// killed runs a line in a session of its own, and kills it, or the session, within a
// time.
func (h *host) killed(line string, session bool, within time.Duration) {
	h.Helper()
	cmd := h.command("sh", "-c", "exec "+line)
	if session {
		cmd = h.command("sh", "-c", line+"; sleep 1000")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		h.Fatal(err)
	}
	time.Sleep(time.Duration(rand.Int64N(int64(within))))
	if session {
		killSession(cmd.Process.Pid)
	} else {
		cmd.Process.Kill()
	}
	cmd.Wait()
}

// killSession kills all processes of a session.
func killSession(id int) {
	for range 3 {
		files, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, f := range files {
			text, _ := os.ReadFile(f)
			_, rest, _ := strings.Cut(string(text), ") ")
			if fields := strings.Fields(rest); len(fields) > 3 && fields[3] == strconv.Itoa(id) {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
}

// TestConfirmBySystemd gives the tool a stand-in for systemd-run: the watcher runs as
// the unit says, in which systemd finds no fault.
func TestConfirmBySystemd(t *testing.T) {
	h := newHost(t)
	old, new := h.applied()
	const standIn = `#!/bin/sh
echo "$@" > run.args
unit=
while [ "$1" != -- ]; do
	case $1 in
	--unit) unit=$2; shift ;;
	--description) description=$2; shift ;;
	--property) property="$property
$2"; shift ;;
	esac
	shift
done
shift
printf '[Unit]\nDescription=%s\n[Service]\nExecStart=%s%s\n' "$description" "$*" "$property" > $unit.service
setsid "$@" </dev/null >/dev/null 2>&1 &
`
	if err := os.WriteFile(filepath.Join(h.dir, "systemd-run"), []byte(strings.ReplaceAll(standIn, "run.args", h.dir+"/run.args")), 0o755); err != nil {
		t.Fatal(err)
	}
	h.must("sed -i 's|> $unit.service|> " + h.dir + "/$unit.service|' systemd-run && mkdir -p /run/systemd/system")
	h.must(tryApply + "1s")
	h.holds("new", new)
	args := strings.Fields(h.must("cat run.args"))
	if len(args) < 10 || args[0] != "--quiet" || args[1] != "--collect" || args[2] != "--unit" || !strings.HasPrefix(args[3], "gatewright-watch-") {
		t.Errorf("systemd-run %q", args)
	}
	h.must("systemd-analyze verify ./gatewright-watch-*.service")
	h.ended()
	h.holds("old", old)

	h.must("printf '#!/bin/sh\\necho no bus >&2; exit 1\\n' > systemd-run")
	h.want(tryApply+"1s", "gatewright: error: table inet gatewright: no process watches the change: systemd-run: exit status 1 no bus; nothing was changed\n", exitFailed)
	h.holds("old", old)
	h.ended()
}

// TestConfirmOfWhatCannotBeMadeAgain holds that a change is refused where what goes
// with a table could not come back.
func TestConfirmOfWhatCannotBeMadeAgain(t *testing.T) {
	for add, what := range map[string]string{
		"set inet gatewright blocked '{ type ipv4_addr; flags timeout; }'": "set blocked, whose elements come and go",
		"quota inet gatewright much '{ over 1 mbytes; }'":                  "quota much",
		"rule inet gatewright input jump '{ accept; }'":                    "a chain without a name",
	} {
		h := newHost(t)
		h.applied()
		h.must("nft add " + add)
		before := h.ruleset()
		h.must(`sed -i 's/"mode": "enforce"/"mode": "chains"/; s/, "admin": .*22"\]//' gatewright.json`)
		h.want("gatewright apply nftables -o boot --max-growth 1000 --confirm 2s",
			"gatewright: error: table inet filter: --confirm could not restore these objects, which would be removed: "+what+"; move them to your own table, or apply without --confirm; nothing was changed\n", exitFailed)
		h.holds("same", before)
		h.nothingWaits("")
	}
}

// TestRestoreWithoutWhatIsGone holds that a rule that cannot be made again is told, and
// keeps nothing else from coming back.
func TestRestoreWithoutWhatIsGone(t *testing.T) {
	h := newHost(t)
	old, _ := h.applied()
	h.must("nft add set inet gatewright blocked '{ type ipv4_addr; flags timeout; }' && nft insert rule inet gatewright input ip saddr @blocked drop")
	out, status := h.sh("(until nft delete set inet gatewright blocked 2>&1; do sleep 0.1; done >/dev/null; nft add chain inet gatewright forward '{ policy accept; }'; sleep 5) | timeout 20 script -qec '" + tryApply + "3s' /dev/null")
	if !strings.Contains(out, "not confirmed: the old rules are back, but for what could not be made again: table inet gatewright: add a rule of chain input: no such file or directory") {
		t.Errorf("status %d\n%s", status, out)
	}
	h.holds("old", old)
}

// TestRestoreOfEverythingElse holds that catch-all elements come back, too.
func TestRestoreOfEverythingElse(t *testing.T) {
	h := newHost(t)
	h.applied()
	h.must("nft list ruleset >all.nft && sed -i '/map gatewright_outbound_4/,/}/s/elements = {/& * : accept,/' all.nft && nft flush ruleset && nft -f all.nft && nft add element inet gatewright gatewright_role_clients_host4 '{ * }'")
	added := h.ruleset()
	if strings.Count(added, "*") != 2 {
		t.Fatalf("nft lists\n%s", added)
	}
	h.must(tryApply + "1s")
	if strings.Contains(h.ruleset(), "*") {
		t.Error("the elements did not go")
	}
	h.ended()
	h.holds("former", added)
}

// What became of the change that no longer waits.
const (
	cameBack     = ": the last change was not confirmed, and the old rules came back at TIME"
	wasConfirmed = ": the last change was confirmed at TIME"
)

var timeOfDay = regexp.MustCompile(`(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d [A-Z]+`)

// wantTimed is want with TIME for each time of day.
func (h *host) wantTimed(lines, want string, status int) {
	h.Helper()
	out, code := h.sh(lines)
	if out = timeOfDay.ReplaceAllString(out, "TIME"); out != want || code != status {
		h.Errorf("%s\nstatus %d, want %d\n%s\nwant\n%s", lines, code, status, out, want)
	}
}

// nothingWaits holds that confirm has nothing to do, and says why.
func (h *host) nothingWaits(why string) {
	h.Helper()
	h.wantTimed("gatewright confirm", "gatewright: error: no apply waits for confirmation"+why+"\n", exitFailed)
}

// TestTellsOfTheTrial holds that any session learns what runs on trial, and what became
// of it.
func TestTellsOfTheTrial(t *testing.T) {
	h := newHost(t)
	_, after := twoSites()
	h.applied()
	h.site(after)
	h.nothingWaits("")
	h.wantTimed(tryApply+"60s 2>&1 | tail -1", "the old rules come back in 1m0s (TIME), unless `gatewright confirm` keeps the new ones\n", 0)
	const note = "note: an apply waits for confirmation; without it, the old rules come back at TIME\n"
	h.wantTimed("gatewright plan", note+"this machine and gatewright.json: no difference\n", 0)
	h.wantTimed("gatewright drift", note+"gatewright.json and this machine: no difference\n", 0)
	h.must("gatewright confirm -q")
	h.nothingWaits(wasConfirmed)
	h.want("gatewright drift", "gatewright.json and this machine: no difference\n", 0)
}
