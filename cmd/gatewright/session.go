package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// session is the two ends of a connection by SSH.
type session struct {
	client netip.Addr
	server netip.AddrPort
}

// sshSession returns the session that the tool runs in. sudo and su leave out what sshd
// says of it, so that the processes above are asked as well, where the system shows
// them.
func sshSession() (session, bool) {
	if s, ok := parseSession(os.Getenv(sshConnection)); ok {
		return s, true
	}
	for pid := os.Getppid(); pid > 1; pid = parentOf(pid) {
		environment, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
		if err != nil {
			break
		}
		for variable := range strings.SplitSeq(string(environment), "\x00") {
			if value, found := strings.CutPrefix(variable, sshConnection+"="); found {
				if s, ok := parseSession(value); ok {
					return s, true
				}
			}
		}
	}
	return session{}, false
}

// sshConnection is set by sshd: address and port of the client, then of the server.
const sshConnection = "SSH_CONNECTION"

func parseSession(text string) (s session, ok bool) {
	f := strings.Fields(text)
	if len(f) != 4 {
		return s, false
	}
	client, clientErr := netip.ParseAddr(f[0])
	server, serverErr := netip.ParseAddr(f[2])
	port, portErr := strconv.ParseUint(f[3], 10, 16)
	if clientErr != nil || serverErr != nil || portErr != nil {
		return s, false
	}
	unzoned := func(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
	return session{unzoned(client), netip.AddrPortFrom(unzoned(server), uint16(port))}, true
}

// parentOf returns a process's parent; 0 if that cannot be known.
func parentOf(pid int) int {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " ")
	f := strings.Fields(rest)
	if len(f) < 2 {
		return 0
	}
	parent, err := strconv.Atoi(f[1])
	if err != nil {
		return 0
	}
	return parent
}
