package config

import (
	"slices"
	"strings"
	"testing"
)

// TestForeignSettings: every setting of the reference system is understood or refused with what to do instead, and
// nothing is both.
func TestForeignSettings(t *testing.T) {
	t.Parallel()
	var aliases []string
	for _, key := range Keys() {
		aliases = append(aliases, key.Name)
		aliases = append(aliases, key.Aliases...)
	}
	for _, f := range foreignSettings() {
		if slices.Contains(aliases, f.name) || slices.ContainsFunc(aliases, func(a string) bool { return strings.HasPrefix(a, f.name+".") }) {
			t.Errorf("%s is understood and refused", f.name)
		}
		if key, _, found := strings.Cut(strings.TrimPrefix(f.instead, "use "), " "); strings.HasPrefix(f.instead, "use ") && strings.Contains(key, ".") {
			name := strings.Trim(key, ",;")
			if !slices.ContainsFunc(aliases, func(a string) bool { return a == name || strings.HasPrefix(a, name+".") }) && !strings.HasPrefix(name, "config.") {
				t.Errorf("%s points to %s, which does not exist (%v)", f.name, name, found)
			}
		}
	}
	for _, name := range strings.Fields(`version environment debug scheduler.config_root scheduler.work_dir
		provider.active_provider provider.health_check_interval provider.circuit_breaker.failure_threshold circuit_breaker.recovery_timeout
		native_spec.enabled naming.prefixes.request resource.prefixes logging.level logging.file_path logging.console_enabled logging.format
		logging.max_size logging.backup_count template.max_number events.enabled request.default_timeout request.default_grace_period
		request.max_machines_per_request request.fulfillment_max_retries performance.caching metrics.metrics_enabled storage.strategy
		storage.json_strategy.base_path storage.json_strategy.backup_count storage.sql_strategy.type storage.sql_strategy.name
		storage.sql_strategy.pool_size storage.database.max_connections storage.dynamodb_strategy.table_prefix retry.max_attempts
		server.auth.enabled server.workers`) {
		_, refused := Foreign(name)
		if !refused && !slices.Contains(aliases, name) {
			t.Errorf("%s is neither understood nor refused by name", name)
		}
	}
}
