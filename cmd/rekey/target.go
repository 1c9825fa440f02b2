package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/workflow"
)

// maxArgument is more than an address may have.
const maxArgument = 1024

// errTarget does not repeat what it is about: that may be an address.
var errTarget = unchecked(errors.New("want a mail address, a run ID, a workflow ID (reset/...), or - and one of them on standard input"))

// argument is an argument, or for "-" the first line of the standard input.
func argument(text string, stdin io.Reader) (string, error) {
	if text != "-" {
		return text, nil
	}
	line, err := bufio.NewReader(io.LimitReader(stdin, maxArgument)).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		if errors.Is(err, io.EOF) || err == nil {
			err = unchecked(errors.New("its first line is empty"))
		}
		return "", fmt.Errorf("read standard input: %w", err)
	}
	return line, nil
}

// addressOf is the address that an argument is.
func addressOf(text string, stdin io.Reader) (string, error) {
	text, err := argument(text, stdin)
	if err != nil {
		return "", err
	}
	return parseAddress(text)
}

func parseAddress(text string) (string, error) {
	address, err := account.ParseAddress(text)
	if err != nil {
		return "", unchecked(err)
	}
	return address, nil
}

// target is a run that an operator means. An empty run ID is the account's newest.
type target struct{ workflowID, runID string }

var runID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// target finds out what an operator means.
func (d *desk) target(ctx context.Context, text string) (target, error) {
	switch {
	case runID.MatchString(text):
		return d.byRunID(ctx, text)
	case workflow.ID(workflow.AccountKey(text)) == text:
		return target{workflowID: text}, nil
	case strings.Contains(text, "@"):
		address, err := parseAddress(text)
		if err != nil {
			return target{}, err
		}
		id, err := d.workflowID(address)
		return target{workflowID: id}, err
	default:
		return target{}, errTarget
	}
}

// workflowID is that of an account's runs.
func (d *desk) workflowID(address string) (string, error) {
	accounts, err := d.keys.AccountKeys()
	if err != nil {
		return "", err
	}
	return workflow.ID(accounts.Key(address)), nil
}

func (d *desk) byRunID(ctx context.Context, id string) (target, error) {
	found, err := d.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: d.namespace, PageSize: 1,
		Query: fmt.Sprintf("WorkflowType = '%s' AND RunId = '%s'", workflow.Name, id),
	})
	if err != nil {
		return target{}, err
	}
	if len(found.GetExecutions()) == 0 {
		return target{}, refusal("namespace " + d.namespace + " keeps no reset of this run ID")
	}
	return target{found.GetExecutions()[0].GetExecution().GetWorkflowId(), id}, nil
}
