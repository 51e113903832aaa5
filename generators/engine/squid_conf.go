package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"gatewright/generators/artefact"
)

// Debian's configuration, and the line of it that includes what sites add.
const (
	squidConf    = "/etc/squid/squid.conf"
	squidInclude = "include /etc/squid/conf.d/*.conf"
)

// squidDir writes the artefacts to a new folder, and a squid.conf that is the
// machine's own as far as keep wants its lines, with the artefacts at place and no
// other include.
func squidDir(out artefact.Output, place string, keep func(line string) bool) (dir string, err error) {
	dir, err = os.MkdirTemp("", "gatewright-squid-")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	var fragment string
	files := map[string][]byte{} // by path
	lists := map[string]string{} // path by base name
	for _, a := range out.Artefacts {
		file := filepath.Join(dir, path.Base(a.Name))
		files[file] = a.Data
		if strings.HasSuffix(a.Name, ".squid.conf") {
			fragment = file
		} else {
			lists[path.Base(a.Name)] = file
		}
	}
	if fragment == "" {
		return "", errors.New("no artefact of the output is a .squid.conf")
	}
	files[fragment] = moveLists(files[fragment], lists)
	conf, err := aroundFragment(place, fragment, keep)
	if err != nil {
		return "", err
	}
	files[filepath.Join(dir, "squid.conf")] = []byte(conf)
	for file, data := range files {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return "", err
		}
	}
	return dir, giveToSquid(dir)
}

// giveToSquid lets the user that Squid becomes, if root starts it, read and write
// in the folder.
func giveToSquid(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	proxy, err := user.Lookup("proxy")
	if err != nil {
		return fmt.Errorf("squid: %w", err)
	}
	uid, err := strconv.Atoi(proxy.Uid)
	if err != nil {
		return fmt.Errorf("squid: user id of proxy: %w", err)
	}
	return os.Chown(dir, uid, -1)
}

// moveLists has each ACL that names a list read it where it was written.
func moveLists(conf []byte, lists map[string]string) []byte {
	var b strings.Builder
	for line := range strings.Lines(string(conf)) {
		if rest, ok := strings.CutPrefix(line, "acl "); ok {
			if before, quoted, ok := strings.Cut(rest, `"`); ok {
				if file, ok := lists[path.Base(strings.TrimSuffix(strings.TrimSpace(quoted), `"`))]; ok {
					line = "acl " + before + `"` + file + "\"\n"
				}
			}
		}
		b.WriteString(line)
	}
	return []byte(b.String())
}

// aroundFragment returns the machine's squid.conf with the fragment at place.
func aroundFragment(place, fragment string, keep func(line string) bool) (string, error) {
	text, err := os.ReadFile(squidConf)
	if errors.Is(err, fs.ErrNotExist) {
		return "", &MissingError{squidConf, squidProgram.pkg}
	}
	if err != nil {
		return "", err
	}
	var b strings.Builder
	include := "include " + fragment + "\n"
	if place == "first" {
		b.WriteString(include)
	}
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimSpace(line); {
		case line == squidInclude && place == "conf.d":
			b.WriteString(include)
		case line == "" || line[0] == '#' || strings.HasPrefix(line, "include "):
		case keep(line):
			b.WriteString(line + "\n")
		}
	}
	if !strings.Contains(b.String(), include) {
		return "", fmt.Errorf("%s has no line %q for place %q", squidConf, squidInclude, place)
	}
	return b.String(), nil
}

// isAccess reports whether a line of squid.conf takes part in http_access.
func isAccess(line string) bool {
	return strings.HasPrefix(line, "acl ") || strings.HasPrefix(line, "http_access ")
}

// writeRuntime writes the configuration that is run: http_access as in
// squid.conf, and nothing of the machine besides. miss_access is asked after
// http_access and before anything is looked up or forwarded.
func writeRuntime(dir, address string) error {
	conf, err := os.ReadFile(filepath.Join(dir, "squid.conf"))
	if err != nil {
		return err
	}
	hosts := filepath.Join(dir, "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost\n"), 0o644); err != nil {
		return err
	}
	runtime := `
http_port ` + address + `
visible_hostname gatewright.invalid
pid_filename none
cache_log ` + filepath.Join(dir, "cache.log") + `
coredump_dir ` + dir + `
access_log none
hosts_file ` + hosts + `
dns_nameservers 127.0.0.1
dns_timeout 1 second
cache_mem 1 MB
cache deny all
pinger_enable off
shutdown_lifetime 0 seconds
max_filedescriptors 1024
follow_x_forwarded_for allow all
acl_uses_indirect_client on
miss_access deny all
`
	return os.WriteFile(filepath.Join(dir, "runtime.conf"), append(conf, runtime...), 0o644)
}
