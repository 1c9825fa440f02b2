package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"
)

// ErrNoBuildID means that a worker of a deployment has no build ID, and that its program does not
// know the revision of its source.
var ErrNoBuildID = errors.New("no build ID: give one, or commit all changes and build the program again, in its repository and with -buildvcs=true")

// versioned checks the deployment and completes the build ID.
func (c Config) versioned() (Config, error) {
	switch {
	case c.Deployment == "" && c.BuildID != "":
		return c, errors.New("worker: a build ID needs the name of a deployment")
	case strings.ContainsAny(c.Deployment, ".:"): // Temporal writes name and build with these between
		return c, fmt.Errorf("worker: deployment %q: want a name without \".\" and \":\"", c.Deployment)
	case c.Deployment == "" || c.BuildID != "":
		return c, nil
	}
	info, _ := debug.ReadBuildInfo()
	id, err := revision(info)
	c.BuildID = id
	return c, err
}

// revision is the commit that a program was built from. A program with uncommitted changes has
// none: two such programs can differ.
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

// deployment pins runs to the build that began them. A reset is over within hours, so an old build
// soon has no runs left. No build needs to understand another's runs.
func (c Config) deployment() worker.DeploymentOptions {
	if c.Deployment == "" {
		return worker.DeploymentOptions{}
	}
	return worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: c.Deployment, BuildID: c.BuildID},
		DefaultVersioningBehavior: sdk.VersioningBehaviorPinned,
	}
}

// tellRouting logs that Temporal gives new resets to other workers: nothing else would show it.
func (c Config) tellRouting(ctx context.Context, temporal client.Client) {
	queue, err := temporal.DescribeTaskQueue(ctx, c.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		if unlessStopped(ctx, err) != nil {
			c.Log.Warn().Err(err).Msg("Temporal does not say which workers get new resets")
		}
		return
	}
	if advice := c.advice(queue.GetVersioningInfo()); advice != "" {
		c.Log.Warn().Msg(advice)
	}
}

// advice is the step that gives this worker new resets, "" when it gets them.
func (c Config) advice(routes *taskqueuepb.TaskQueueVersioningInfo) string {
	const setCurrent = "temporal worker deployment set-current-version --deployment-name "
	current := routes.GetCurrentDeploymentVersion() // nil is unversioned, also of a ramp
	switch ramps := routes.GetRampingVersionPercentage() > 0; {
	case c.is(current), ramps && c.is(routes.GetRampingDeploymentVersion()):
		return ""
	case c.Deployment == "":
		return fmt.Sprintf("new resets go to build %s of deployment %s and not to this worker, which has none: start it with a deployment and a build ID, or, while it runs, run `%s%s --unversioned`",
			current.GetBuildId(), current.GetDeploymentName(), setCurrent, current.GetDeploymentName())
	default:
		return fmt.Sprintf("this build gets no new resets, because it is neither current nor ramping: to give it new resets, run `%s%s --build-id %s`",
			setCurrent, c.Deployment, c.BuildID)
	}
}

// is reports that a version, nil for unversioned, is that of this worker.
func (c Config) is(v *deploymentpb.WorkerDeploymentVersion) bool {
	return v.GetDeploymentName() == c.Deployment && v.GetBuildId() == c.BuildID
}
