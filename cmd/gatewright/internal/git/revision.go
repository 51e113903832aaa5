// Package git reads files of git revisions without a checkout. It runs no program that
// the repository names.
package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatewright/generators/bounded"
)

// Revision is a folder as a commit of its git repository holds it, and a
// plainfile.Tree. Nothing is checked out: objects are read, and nothing that the
// repository or its configuration names is run.
type Revision struct {
	Commit string // its whole name

	name   string // as the user writes it
	dir    string // the folder as it is now
	prefix string // of the folder in the repository: empty, or with a slash at its end
}

// maxTime bounds one run of git.
const maxTime = 20 * time.Second

// maxAnswer bounds what git says of a revision or a file, in bytes.
const maxAnswer = 64 << 10

var objectName = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// Open finds the revision of a name in the repository that a folder is of. That there
// is no such repository, or no such revision, is an error.
func Open(dir, name string) (r Revision, err error) {
	r = Revision{name: name, dir: dir}
	prefix, err := r.git(maxAnswer, "rev-parse", "--show-prefix")
	if err != nil {
		return r, err
	}
	r.prefix = strings.TrimSuffix(string(prefix), "\n")
	commit, err := r.git(maxAnswer, "rev-parse", "--verify", "--quiet", name+"^{commit}")
	r.Commit = strings.TrimSpace(string(commit))
	var silent *exec.ExitError
	if errors.As(err, &silent) || err == nil && !objectName.MatchString(r.Commit) {
		err = errors.New("git knows no revision of that name")
	}
	return r, err
}

// Folder is what the folder is called where people read it: "main:examples".
func (r Revision) Folder() string { return r.name + ":" + strings.TrimSuffix(r.prefix, "/") }

// Read returns the content of a plain file below the folder, up to a limit in bytes.
// The error is fs.ErrNotExist if the revision has none.
func (r Revision) Read(name string, limit int64) ([]byte, error) {
	shown := path.Join(r.Folder(), name)
	listed, err := r.git(maxAnswer, "ls-tree", "-z", "--full-tree", r.Commit, "--", r.prefix+name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	about, _, _ := strings.Cut(string(listed), "\t")
	words := strings.Fields(about) // mode, type, object
	switch {
	case len(words) == 0:
		return nil, &fs.PathError{Op: "open", Path: shown, Err: fs.ErrNotExist}
	case len(words) != 3 || !objectName.MatchString(words[2]):
		return nil, fmt.Errorf("%s: git says of it %q", shown, about)
	case words[0] != "100644" && words[0] != "100755":
		kind := map[string]string{"120000": "a symbolic link", "160000": "a submodule", "040000": "a folder"}[words[0]]
		return nil, fmt.Errorf("%s is %s, not a regular file; compare with a revision that has a regular file there", shown, kind)
	}
	if err := r.checkSize(words[2], limit); err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	data, err := r.git(limit, "cat-file", "blob", words[2])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	return data, nil
}

// checkSize asks for the size alone, because git unpacks as a whole what it prints.
func (r Revision) checkSize(object string, limit int64) error {
	said, err := r.git(maxAnswer, "cat-file", "-s", object)
	if err != nil {
		return err
	}
	if size, err := strconv.ParseInt(strings.TrimSpace(string(said)), 10, 64); err != nil || size > limit {
		return fmt.Errorf("over the limit of %d KiB", limit>>10)
	}
	return nil
}

// git runs git in the folder and returns what it prints.
//
// What could run another program is off: objects that are missing are not fetched,
// which a configuration says how to do; a bare repository within a checkout, which
// anybody can commit, is none; and no object stands for another.
func (r Revision) git(limit int64, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), maxTime)
	defer cancel()
	all := append([]string{"--no-pager", "--no-replace-objects", "--literal-pathspecs", "-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=false",
		"-c", "core.packedGitWindowSize=32m", "-c", "core.packedGitLimit=256m"}, args...)
	runtime.LockOSThread() // git ends with the thread that started it
	defer runtime.UnlockOSThread()
	c := command(ctx, all)
	c.Dir, c.WaitDelay = r.dir, time.Second
	c.Env = append(slices.DeleteFunc(os.Environ(), isHooks), "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
	said := bounded.Buffer{Limit: maxAnswer}
	c.Stderr = &said
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(out, limit+1))
	if int64(len(data)) > limit {
		cancel()
		err = fmt.Errorf("over the limit of %d KiB", limit>>10)
	}
	switch failed := c.Wait(); {
	case err != nil:
	case ctx.Err() != nil:
		err = fmt.Errorf("git takes longer than %v", maxTime)
	case failed != nil:
		err = errorOf(failed, said.String())
	}
	return data, err
}

// isHooks reports whether a variable is one that git sets for its hooks, and by which
// it takes another repository for the folder's own.
func isHooks(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return slices.Contains([]string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"}, name)
}

// errorOf is a failure of git in one line. Of what git says only words of its own are
// shown: the rest may be the content of a file that something in the repository leads
// to.
func errorOf(err error, said string) error {
	for _, words := range []string{"not a git repository", "detected dubious ownership", "cannot use bare repository", "out of memory"} {
		if strings.Contains(said, words) {
			return errors.New("git: " + words)
		}
	}
	return fmt.Errorf("git: %w", err)
}
