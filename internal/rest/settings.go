package rest

import (
	"context"
	"net/http"

	"github.com/openhostfactory/ohfp/internal/view"
)

type settingsInput struct {
	Key string `query:"key" maxLength:"200" doc:"A setting such as limits.max_machines, or a section such as storage; all unless given"`
}

type schemaAnswer struct{ Body map[string]any }

type schedulersAnswer struct{ Body view.Schedulers }

type schedulerAnswer struct{ Body view.SchedulerState }

func addSettings(on *surface) {
	s := on.server
	add(on, route{
		Operation: "config.show", Method: http.MethodGet, Path: "/api/v1/config", ID: "getConfig", Tag: "system",
		Summary: "The settings that this program runs with", Text: "Secrets are shown as ***.",
	},
		func(_ context.Context, in *settingsInput) (*settingsAnswer, error) {
			shown, err := s.Settings.Settings(in.Key)
			return &settingsAnswer{Body: shown}, err
		})
	add(on, route{
		Operation: "config.schema", Method: http.MethodGet, Path: "/api/v1/config/schema", ID: "getConfigSchema", Tag: "system",
		Summary: "The JSON Schema of configuration files",
	},
		func(context.Context, *struct{}) (*schemaAnswer, error) {
			return &schemaAnswer{Body: s.Settings.ConfigSchema()}, nil
		})
	add(on, route{
		Operation: "scheduler.list", Method: http.MethodGet, Path: "/api/v1/scheduler/strategies", ID: "listSchedulers", Tag: "system",
		Summary: "For whom the command line can write its answers", Text: "Answers over REST are the same for everybody.",
	},
		func(context.Context, *struct{}) (*schedulersAnswer, error) {
			return &schedulersAnswer{Body: s.Settings.Schedulers()}, nil
		})
	add(on, route{
		Operation: "scheduler.show", Method: http.MethodGet, Path: "/api/v1/scheduler", ID: "getScheduler", Tag: "system",
		Summary: "The scheduler that is configured, and its directories",
	},
		func(context.Context, *struct{}) (*schedulerAnswer, error) {
			return &schedulerAnswer{Body: s.Settings.Scheduler()}, nil
		})
}
