package config

import (
	"reflect"
	"slices"
	"strings"
)

// fixed are the settings that a running program cannot change, by how their names begin: what is open goes by them.
func fixed() []string {
	return []string{
		"storage.strategy", "storage.json.path", "storage.sql.", "storage.dynamodb.", "daemon.", "api.", "audit.", "telemetry.",
		"logging.format", "logging.file", "logging.max_size_mb", "logging.max_rotate", "logging.console",
	}
}

// Reload is what a running program makes of a configuration that was read again: the new one, with what cannot change as it
// is. It names the settings that are different, and of those that cannot change the ones that the new one has otherwise.
func Reload(running, next Config, secret OwnSecret) (merged Config, changed, restart []string) {
	before := map[string]any{}
	for _, v := range running.Values(secret) {
		before[v.Key] = v.Value
	}
	differ := []string{}
	for _, v := range next.Values(secret) {
		old, known := before[v.Key]
		delete(before, v.Key)
		if !known || !reflect.DeepEqual(old, v.Value) {
			differ = append(differ, v.Key)
		}
	}
	for key := range before {
		differ = append(differ, key)
	}
	slices.Sort(differ)
	changed, restart = []string{}, []string{}
	for _, key := range differ {
		if slices.ContainsFunc(fixed(), func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			restart = append(restart, key)
		} else {
			changed = append(changed, key)
		}
	}
	if running.WorkDir != next.WorkDir || running.ConfDir != next.ConfDir || running.LogDir != next.LogDir {
		restart = append(restart, "directories")
	}
	merged = next
	merged.Instance, merged.ConfDir, merged.WorkDir, merged.LogDir, merged.Named = running.Instance, running.ConfDir, running.WorkDir, running.LogDir, running.Named
	merged.Storage = running.Storage
	merged.Storage.Retention, merged.Storage.JSON.Backups = next.Storage.Retention, next.Storage.JSON.Backups
	merged.Daemon, merged.API, merged.Audit, merged.Telemetry = running.Daemon, running.API, running.Audit, running.Telemetry
	merged.Logging = running.Logging
	merged.Logging.Level = next.Logging.Level
	merged.Logging.AcceptPropagated = next.Logging.AcceptPropagated
	return merged, changed, restart
}
