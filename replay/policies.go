package replay

import (
	"cmp"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/temporal"
)

// warn notes the policies of an activity that the code sets otherwise. A run goes on under them:
// scheduled activities keep the old ones, and later ones get the new ones.
func (c *comparison) warn(e *historypb.HistoryEvent, is call) {
	was := e.GetActivityTaskScheduledEventAttributes()
	if was == nil {
		return
	}
	o := is.options
	for _, p := range []struct {
		what    string
		was, is any
	}{
		{"task queue", was.GetTaskQueue().GetName(), cmp.Or(o.TaskQueue, c.queue)},
		{"schedule-to-close timeout", was.GetScheduleToCloseTimeout().AsDuration(), o.ScheduleToCloseTimeout},
		{"schedule-to-start timeout", was.GetScheduleToStartTimeout().AsDuration(), cmp.Or(o.ScheduleToStartTimeout, o.ScheduleToCloseTimeout)},
		{"start-to-close timeout", was.GetStartToCloseTimeout().AsDuration(), cmp.Or(o.StartToCloseTimeout, o.ScheduleToCloseTimeout)},
		{"heartbeat timeout", was.GetHeartbeatTimeout().AsDuration(), o.HeartbeatTimeout},
		{"retry policy", wasRetried(was.GetRetryPolicy()), isRetried(o.RetryPolicy)},
	} {
		if p.was != p.is {
			c.warnings = append(c.warnings, diverges(e, "sets another "+p.what))
		}
	}
}

// retries is a retry policy with the server's defaults.
type retries struct {
	initial, maximum time.Duration
	coefficient      float64
	attempts         int32
}

func (r retries) filled() retries {
	r.initial = cmp.Or(r.initial, time.Second)
	r.coefficient = cmp.Or(r.coefficient, 2)
	r.maximum = cmp.Or(r.maximum, 100*r.initial)
	return r
}

func wasRetried(p *commonpb.RetryPolicy) retries {
	return retries{
		p.GetInitialInterval().AsDuration(), p.GetMaximumInterval().AsDuration(), p.GetBackoffCoefficient(), p.GetMaximumAttempts(),
	}.filled()
}

func isRetried(p *temporal.RetryPolicy) retries {
	if p == nil {
		p = &temporal.RetryPolicy{}
	}
	return retries{p.InitialInterval, p.MaximumInterval, p.BackoffCoefficient, p.MaximumAttempts}.filled()
}
