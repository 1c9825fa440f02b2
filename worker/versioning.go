package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/workflow"
)

// ErrNoBuildID means that a worker of a deployment was given no build ID, and that its
// program does not know the revision of the source that it was built from.
var ErrNoBuildID = errors.New("no build ID: give one, or commit all changes and build the program again, in its repository and with -buildvcs=true")

// versioned checks the deployment and completes the build ID.
func (c Config) versioned() (Config, error) {
	switch {
	case c.Deployment == "" && c.BuildID != "":
		return c, errors.New("worker: a build ID needs the name of a deployment")
	case strings.ContainsAny(c.Deployment, ".:"): // Temporal writes name and build with these between
		return c, fmt.Errorf("worker: deployment %q: want a name without . and :", c.Deployment)
	case c.Deployment == "" || c.BuildID != "":
		return c, nil
	}
	info, _ := debug.ReadBuildInfo()
	id, err := revision(info)
	c.BuildID = id
	return c, err
}

// revision is the commit that a program was built from. What was built from more than a
// commit has none: two such programs can differ.
func revision(info *debug.BuildInfo) (string, error) {
	settings := map[string]string{}
	if info != nil {
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
	}
	switch id := settings["vcs.revision"]; {
	case id == "":
		return "", fmt.Errorf("the program does not know its revision: %w", ErrNoBuildID)
	case settings["vcs.modified"] != "false":
		return "", fmt.Errorf("the program was built from revision %s and changes that are not committed: %w", id, ErrNoBuildID)
	default:
		return id, nil
	}
}

func (c Config) version() worker.WorkerDeploymentVersion {
	return worker.WorkerDeploymentVersion{DeploymentName: c.Deployment, BuildID: c.BuildID}
}

// deployment pins runs to the build that began them: a reset is over within hours, so an
// old build has little to wait for, and no build needs to understand another's runs.
func (c Config) deployment() worker.DeploymentOptions {
	if c.Deployment == "" {
		return worker.DeploymentOptions{}
	}
	return worker.DeploymentOptions{
		UseVersioning: true, Version: c.version(), DefaultVersioningBehavior: sdk.VersioningBehaviorPinned,
	}
}

// tellRouting says so in the log when Temporal gives new resets to others than this
// worker: nothing else would.
func (c Config) tellRouting(ctx context.Context, temporal client.Client) {
	queue, err := temporal.DescribeTaskQueueEnhanced(ctx, client.DescribeTaskQueueEnhancedOptions{TaskQueue: workflow.TaskQueue})
	if err != nil {
		if unlessStopped(ctx, err) != nil {
			c.Log.Warn().Err(err).Msg("Temporal does not say which workers get new resets")
		}
		return
	}
	if advice := c.advice(queue.VersioningInfo); advice != "" {
		c.Log.Warn().Msg(advice)
	}
}

// advice is what to do so that this worker gets new resets, "" when it does.
func (c Config) advice(routes *client.TaskQueueVersioningInfo) string {
	if routes == nil {
		routes = &client.TaskQueueVersioningInfo{}
	}
	const setCurrent = "temporal worker deployment set-current-version --deployment-name "
	current, ramping, ours := routes.CurrentVersion, routes.RampingVersion, c.version()
	switch {
	case c.Deployment == "" && current != nil:
		return fmt.Sprintf("new resets go to build %s of deployment %s and not to this worker, which has none: start it with a deployment and a build ID, or run `%s%s --unversioned`",
			current.BuildID, current.DeploymentName, setCurrent, current.DeploymentName)
	case c.Deployment == "", current != nil && *current == ours, ramping != nil && *ramping == ours:
		return ""
	default:
		return fmt.Sprintf("this build gets no new resets, because it is neither current nor ramping: when it is to have them, run `%s%s --build-id %s`",
			setCurrent, c.Deployment, c.BuildID)
	}
}
