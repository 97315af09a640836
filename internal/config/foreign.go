package config

import "strings"

// advice pairs a setting of the reference system that does not exist here with what to do instead.
type advice struct{ name, instead string }

// foreignSettings are the settings of the reference system that mean nothing here under any name. Those that mean the
// same are aliases of the settings themselves. A section stands for all in it.
func foreignSettings() []advice {
	return []advice{
		{"version", "files have no version; remove it"},
		{"environment", "there are no modes; remove it"},
		{"debug", "use logging.level DEBUG"},
		{"scheduler.config_root", "the directory is OHFP_CONF_DIR, or HF_PROVIDER_CONFDIR as Host Factory sets it"},
		{"scheduler.config_dir", "the directory is OHFP_CONF_DIR, or HF_PROVIDER_CONFDIR as Host Factory sets it"},
		{"scheduler.work_dir", "the directory is OHFP_WORK_DIR, or HF_PROVIDER_WORKDIR as Host Factory sets it"},
		{"scheduler.log_dir", "the directory is OHFP_LOG_DIR, or HF_PROVIDER_LOGDIR as Host Factory sets it"},
		{"scheduler.log_level", "use logging.level"},
		{"scheduler.console_enabled", "use logging.console"},
		{"scheduler.templates_filename", "use templates.files"},
		{"scheduler.on_scheduler_mismatch", "template files of every scheduler are understood; remove it"},
		{"provider.default_provider_type", "use default_provider, which names an instance"},
		{"provider.health_check_interval", "health is learnt from the calls themselves; remove it"},
		{"provider.circuit_breaker.half_open_max_calls", "one call is let through at a time; remove it"},
		{"circuit_breaker.half_open_max_calls", "one call is let through at a time; remove it"},
		{"native_spec", "use config.native_spec of the provider"},
		{"naming", "names and prefixes are fixed; remove it"},
		{"resource", "names and prefixes are fixed; remove it"},
		{"logging.max_size", "use logging.max_size_mb, in MiB"},
		{"template.max_number", "write maxNumber in the templates, or in template_defaults"},
		{"template.filename_patterns", "use templates.files"},
		{"template.templates_file_path", "use templates.files"},
		{"template.legacy_templates_file_path", "use templates.files"},
		{"template.default_price_type", "write price_type in template_defaults"},
		{"template.default_provider_api", "use config.handlers.default of the provider"},
		{"events.enabled", "events are always kept; list where else they go in events.sinks"},
		{"events.max_events_per_request", "a request keeps all of its events; remove it"},
		{"events.event_retention_days", "events are kept as long as their request; remove it"},
		{"events.store_type", "events are kept in the store; remove it"},
		{"events.publisher_type", "list where events go in events.sinks"},
		{"events.snapshot_threshold", "remove it"},
		{"request.default_grace_period", "the cloud says how long a machine has; remove it"},
		{"request.fulfillment_max_retries", "a shortage is tried again until requests.timeout"},
		{"request.fulfillment_timeout_seconds", "use requests.timeout"},
		{"request.fulfillment_batch_size", "the program divides large requests itself; remove it"},
		{"request.fulfillment_fallback_template_id", "use placement.fallback, which names other providers"},
		{"performance", "the program batches, caches and works in parallel by itself; remove it"},
		{"metrics", "remove it"},
		{"retry", "use config.max_retries of the provider"},
		{"server.auth", "use access"},
		{"server.workers", "one process serves all; remove it"},
		{"server.reload", "remove it"},
		{"storage.database", "use storage.sql"},
		{"storage.json_strategy.storage_type", "the files have one layout; remove it"},
		{"storage.json_strategy.filenames", "the files have one layout; remove it"},
		{"storage.json_strategy.backup_enabled", "use ohfp storage for copies; remove it"},
		{"storage.json_strategy.pretty_print", "remove it"},
		{"storage.sql_strategy.host", "use storage.sql.url"},
		{"storage.sql_strategy.port", "use storage.sql.url"},
		{"storage.sql_strategy.max_overflow", "use storage.sql.max_connections"},
		{"storage.sql_strategy.timeout", "remove it"},
	}
}

// foreignProviderSettings are those of one provider.
func foreignProviderSettings() []advice {
	return []advice{
		{"handlers", "write it in config.handlers"},
		{"handler_overrides", "write it in config.handlers"},
		{"extensions", "write the fields in template_defaults"},
		{"capabilities", "a provider's type says what it can do; remove it"},
		{"health_check", "health is learnt from the calls themselves; remove it"},
		{"launch_template", "launch templates are shared by content; see cleaning.unused_after"},
		{"cleanup", "what is not needed any more is removed; see cleaning.unused_after"},
		{"tagging", "machines are always tagged; remove it"},
	}
}

// foreign says what to do instead of a setting of the reference system, empty when it is none.
func foreign(name string) string { return instead(foreignSettings(), name) }

func instead(list []advice, name string) string {
	for _, f := range list {
		if f.name == name {
			return f.instead
		}
	}
	return ""
}

// hasForeign says whether a name is a section with such settings.
func hasForeign(name string) bool {
	for _, f := range foreignSettings() {
		if strings.HasPrefix(f.name, name+".") {
			return true
		}
	}
	return false
}

// Foreign says what to do instead of a setting of the reference system that has no counterpart under any name.
func Foreign(name string) (instead string, ok bool) {
	for at := name; at != ""; {
		if instead := foreign(at); instead != "" {
			return instead, true
		}
		end := strings.LastIndexByte(at, '.')
		at = at[:max(end, 0)]
	}
	return "", false
}
