package mcpserver

import (
	"context"

	"github.com/openhostfactory/ohfp/internal/config"
)

type settingsIn struct {
	Key string `json:"key,omitempty" jsonschema:"a setting such as limits.max_machines, or a section such as storage; absent: all"`
}

func settingTools() []tool {
	return []tool{
		define(tool{
			Name: "get_config", Title: "Show settings", Offline: true,
			Description: "Show the settings that this server runs with: one, those of a section, or all, each with its default and where it " +
				"comes from. Secrets are shown as ***.",
		}, func(_ context.Context, c *call, in settingsIn) (config.Shown, error) { return c.Settings.Show(in.Key) }),
		define(tool{
			Name: "validate_config", Title: "Check the configuration", Offline: true,
			Description: "Read the configuration as its files are now, and tell what is wrong with it. It asks no cloud, and this server goes " +
				"on with the settings that it was started with.",
		}, func(ctx context.Context, c *call, _ nothingIn) (config.Checked, error) { return c.Settings.Check(ctx) }),
		define(tool{
			Name: "get_config_schema", Title: "Describe configuration files", Offline: true,
			Description: "Show the JSON Schema of configuration files, with the settings that each provider type has of its own.",
		}, func(_ context.Context, c *call, _ nothingIn) (map[string]any, error) { return c.Settings.Schema(), nil }),
	}
}
