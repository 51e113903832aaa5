package iptables

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gatewright/catalog/rule"
	"gatewright/generators/artefact"
)

// CountsBy is the command that prints the counters.
func (Generator) CountsBy() string { return "iptables-save -c; ip6tables-save -c" }

// maxSavedLine bounds a line of iptables-save, which prints no longer one than
// iptables-restore takes.
const maxSavedLine = 10_240

// Counts reads what iptables-save prints with -c (iptables-save(8)). A rule's own lines
// are those that its comment begins; each packet that the rule accepts passes one.
func (Generator) Counts(r io.Reader) ([]artefact.Count, error) {
	var all []artefact.Count
	lines, number := bufio.NewScanner(r), 0
	lines.Buffer(nil, maxSavedLine)
	for lines.Scan() {
		number++
		line := lines.Text()
		id, ok := ruleOfLine(line)
		if !ok {
			continue
		}
		count, err := countOf(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		count.Rule = id
		all = append(all, count)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("line %d: longer than any that iptables-save prints", number+1)
	case err != nil:
		return nil, err
	case number == 0:
		return nil, errors.New("is empty")
	}
	return all, nil
}

// ruleOfLine is the rule that a saved line belongs to.
func ruleOfLine(line string) (rule.ID, bool) {
	_, after, ok := strings.Cut(line, "-A "+prefix)
	if !ok {
		return "", false
	}
	_, comment, ok := strings.Cut(after, "--comment ")
	if !ok {
		return "", false
	}
	id, _, ok := strings.Cut(strings.TrimPrefix(comment, `"`), ": ")
	return rule.ID(id), ok
}

// countOf reads "[packets:bytes]" at a saved line's start.
func countOf(line string) (c artefact.Count, err error) {
	counted, _, ok := strings.Cut(strings.TrimPrefix(line, "["), "] ")
	packets, bytes, both := strings.Cut(counted, ":")
	if !ok || !both || !strings.HasPrefix(line, "[") {
		return c, errors.New("has no counters; print them with iptables-save -c")
	}
	if c.Packets, err = strconv.ParseUint(packets, 10, 64); err == nil {
		c.Bytes, err = strconv.ParseUint(bytes, 10, 64)
	}
	if err != nil {
		return c, errors.New("has counters that are not two numbers")
	}
	return c, nil
}
