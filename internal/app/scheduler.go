package app

import (
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/view"
)

// Schedulers lists for whom answers can be written, of whom one is active.
func Schedulers(active string) view.Schedulers {
	list := view.Schedulers{Current: active, Strategies: []view.Scheduler{
		{Name: config.SchedulerHostFactory, Description: "IBM Spectrum Symphony Host Factory: fields as requestId"},
		{Name: config.SchedulerDefault, Description: "people and other programs: fields as request_id"},
	}}
	for i := range list.Strategies {
		list.Strategies[i].Active = list.Strategies[i].Name == active
	}
	return list
}

// SchedulerOf is the scheduler that is active, with the directories that belong to it.
func SchedulerOf(cfg config.Config, active string) view.SchedulerState {
	state := view.SchedulerState{ConfDir: cfg.ConfDir, WorkDir: cfg.WorkDir, LogDir: cfg.LogDir}
	for _, s := range Schedulers(active).Strategies {
		if s.Active {
			state.Scheduler = s
		}
	}
	return state
}

// Schedulers lists them with the configured one as the active one.
func (a *App) Schedulers() view.Schedulers { return Schedulers(a.Config.Scheduler.Type) }

// Scheduler is the configured one.
func (a *App) Scheduler() view.SchedulerState { return SchedulerOf(a.Config, a.Config.Scheduler.Type) }

// ConfigSchema is the JSON Schema of configuration files, with the settings of the provider types that this program has.
func (a *App) ConfigSchema() map[string]any { return ConfigSchema(a.registry) }
