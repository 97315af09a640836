package storage

import (
	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
)

// StrategyList is every way to keep records.
type StrategyList struct {
	Strategies []Strategy `json:"strategies"`
	Current    string     `json:"current_strategy"`
	Count      int        `json:"count"`
}

// Strategy is one way to keep records.
type Strategy struct {
	Name         string   `json:"name"`
	Active       bool     `json:"active"`
	Registered   bool     `json:"registered"` // this program has it
	Description  string   `json:"description"`
	Capabilities []string `json:"capabilities"`
}

// Strategies lists them. It opens nothing.
func (k Keeper) Strategies() StrategyList {
	list := StrategyList{Current: k.Storage.Strategy, Strategies: []Strategy{
		{
			Name:         config.StrategyJSON,
			Description:  "a directory of files that people can read, on a local disk",
			Capabilities: []string{"many processes", "one host", "readable files", "daily backups"},
		},
		{
			Name:         config.StrategySQL,
			Description:  "an SQLite file on a local disk, or a schema in PostgreSQL",
			Capabilities: []string{"many processes", "one host with sqlite", "several hosts with postgresql"},
		},
		{
			Name:         config.StrategyDynamoDB,
			Description:  "a table of Amazon DynamoDB",
			Capabilities: []string{"many processes", "several hosts", "no server to run"},
		},
	}}
	for i := range list.Strategies {
		s := &list.Strategies[i]
		s.Registered, s.Active = true, s.Name == list.Current
	}
	list.Count = len(list.Strategies)
	return list
}

// Settings are the settings of the store, as they are in effect. Secrets do not show.
type Settings struct {
	Config SettingsConfig `json:"config"`
}

// SettingsConfig has a member for each strategy, of which one is in use.
type SettingsConfig struct {
	Strategy  string         `json:"strategy"`
	Retention string         `json:"retention"`
	JSON      map[string]any `json:"json_strategy"`
	SQL       map[string]any `json:"sql_strategy"`
	DynamoDB  map[string]any `json:"dynamodb_strategy"`
}

// Show tells the settings.
func (k Keeper) Show() Settings {
	s := k.Storage
	return Settings{SettingsConfig{
		Strategy: s.Strategy, Retention: ohfp.FormatDuration(s.Retention),
		JSON: map[string]any{"path": s.JSON.Path, "backups": s.JSON.Backups},
		SQL: map[string]any{
			"type": s.SQL.Type, "path": s.SQL.Path, "url": s.SQL.URL.String(), "schema": s.SQL.Schema, "max_connections": s.SQL.MaxConnections,
		},
		DynamoDB: map[string]any{
			"region": s.DynamoDB.Region, "profile": s.DynamoDB.Profile, "endpoint": s.DynamoDB.Endpoint, "table_prefix": s.DynamoDB.TablePrefix,
		},
	}}
}
