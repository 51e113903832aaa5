package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gatewright/catalog/rule"
)

// readQuestions reads flows from the arguments: an argument of several words is a
// flow, and other words make up flows together. A single "-" stands for stdin.
func readQuestions(stdin io.Reader, args []string) ([]rule.Question, error) {
	switch {
	case len(args) == 0:
		return nil, usagef("explain: no flow given; expect %s, or - for stdin", rule.Forms)
	case len(args) == 1 && args[0] == "-":
		return readFlowLines(stdin)
	case slices.Contains(args, "-"):
		return nil, usagef("explain: - reads the flows from stdin; give no other flows with it")
	}
	var all []rule.Question
	for len(args) > 0 {
		n := slices.IndexFunc(args, func(a string) bool { return strings.ContainsAny(a, " \t\n") || a == "" })
		if n < 0 {
			n = len(args)
		}
		questions, err := rule.ParseFlows(args[:n])
		args = args[n:]
		if err == nil && len(args) > 0 {
			var one rule.Question
			if one, err = rule.ParseFlow(args[0]); err == nil {
				questions, args = append(questions, one), args[1:]
			}
		}
		if err != nil {
			return nil, usagef("explain: %w", err)
		}
		all = append(all, questions...)
	}
	return all, nil
}

// Bounds of what is read from stdin.
const (
	maxErrors   = 100 // that are told of one input
	maxFlows    = 100_000
	maxFlowLine = 64 << 10 // bytes of a line
)

func readFlowLines(r io.Reader) ([]rule.Question, error) {
	var all []rule.Question
	var errs []error
	lines, number := bufio.NewScanner(r), 0
	lines.Buffer(nil, maxFlowLine)
	for len(errs) < maxErrors && lines.Scan() {
		number++
		text := lines.Text()
		if number == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if text = strings.TrimSpace(withoutComment(text)); text == "" {
			continue
		}
		if len(all) == maxFlows {
			errs = append(errs, fmt.Errorf("stdin:%d: more than %d flows; split them over several runs", number, maxFlows))
			break
		}
		q, err := rule.ParseFlow(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("stdin:%d: %w", number, err))
		}
		all = append(all, q)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		errs = append(errs, fmt.Errorf("stdin:%d: the line is %d KiB or longer; expect one flow per line: %s", number+1, maxFlowLine>>10, rule.Forms))
	case err != nil:
		errs = append(errs, fmt.Errorf("stdin: %w", err))
	}
	if len(all) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("stdin: no flow; expect one per line: %s", rule.Forms))
	}
	return all, errors.Join(errs...)
}

// withoutComment cuts a line where a comment starts: at a # at its start or after a
// blank, because other ones are of URLs.
func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}
