package squid

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"strconv"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// Log is where Debian's Squid writes its log.
func (Generator) Log() string { return "/var/log/squid/access.log" }

// maxLogLine bounds a line of the log; a URL of Squid's has at most 8 KiB as built.
const maxLogLine = 64 << 10

// Requests reads a log in Squid's own format ("logformat squid", squid.conf): time,
// duration, client, result and status, bytes, method, URL, and more.
func (Generator) Requests(r io.Reader) iter.Seq2[artefact.Request, error] {
	return func(yield func(artefact.Request, error) bool) {
		lines, number := bufio.NewReaderSize(r, maxLogLine), 0
		for {
			line, err := lines.ReadSlice('\n')
			number++
			for errors.Is(err, bufio.ErrBufferFull) { // skip the rest of it
				line = nil
				_, err = lines.ReadSlice('\n')
			}
			if len(line) > 0 || err == nil {
				one, err := readLogLine(string(line))
				if err != nil {
					err = fmt.Errorf("line %d: %w", number, err)
				}
				if !yield(one, err) {
					return
				}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(artefact.Request{}, err)
				return
			}
		}
	}
}

func readLogLine(line string) (r artefact.Request, err error) {
	fields := strings.Fields(line)
	if len(fields) < 7 {
		return r, errors.New("not in Squid's native log format; expected time, duration, client, result, bytes, method and URL")
	}
	client, err := netip.ParseAddr(fields[2])
	if err != nil {
		return r, errors.New("the client is not an IP address")
	}
	result, _, _ := strings.Cut(fields[3], "/")
	r.Denied = strings.Contains(result, "DENIED")
	if r.Bytes, err = strconv.ParseUint(fields[4], 10, 64); err != nil {
		return r, errors.New("the number of bytes is not a number")
	}
	asked := fields[6]
	if fields[5] == "CONNECT" {
		asked = "outbound tcp " + asked
	} else if !strings.Contains(asked, "://") {
		return r, errors.New("not a request to a host")
	}
	if r.Question, err = rule.ParseFlow(asked + " from " + client.Unmap().WithZone("").String()); err != nil {
		return r, errors.New("not a request to a host")
	}
	return r, nil
}
