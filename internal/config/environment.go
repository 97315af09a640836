package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp/internal/config/document"
)

func (l *loader) applyEnvironment() error {
	known := programVariables()
	for _, key := range l.keys {
		known = append(known, key.Env...)
		if err := l.fromEnvironment(key); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		if !strings.HasPrefix(name, "OHFP_") || slices.Contains(known, name) {
			continue
		}
		text := "environment: " + name + " is set but is no setting"
		if near := document.Nearest(name, known); near != "" {
			text += "; did you mean " + near + "?"
		}
		l.note(text)
	}
	if prefix := l.env["STORAGE_TABLE_PREFIX"]; prefix != "" && l.config.Storage.Strategy != StrategyDynamoDB {
		l.note("environment: STORAGE_TABLE_PREFIX has no effect with the storage strategy " + l.config.Storage.Strategy)
	}
	return nil
}

// fromEnvironment gives a setting the value of its variable, if that is set.
func (l *loader) fromEnvironment(key Key) error {
	for _, name := range key.Env {
		if value, ok := l.env[name]; ok && key.set != nil {
			return l.set(key, l.variableOrigin(name), l.sources.Dir, key.split(value)...)
		}
	}
	return nil
}

// variableOrigin says where a variable was set.
func (l *loader) variableOrigin(name string) string {
	if at, ok := l.lines[name]; ok {
		return at + " " + name
	}
	return "environment " + name
}

// programVariables are those that are no settings: they are read before settings are, or by the scripts.
func programVariables() []string {
	return []string{"OHFP_CONFIG", "OHFP_CONF_DIR", "OHFP_WORK_DIR", "OHFP_LOG_DIR", "OHFP_COMMAND", "OHFP_CALL_ID"}
}

// applyPropagated takes over the log settings that Host Factory passes on, when the operator accepts them.
func (l *loader) applyPropagated() error {
	accept, _ := l.key("logging.accept_propagated")
	if err := l.fromEnvironment(accept); err != nil {
		return err
	}
	if value, ok := l.sources.Flags[accept.Name]; ok {
		if err := l.set(accept, "flag", "", value); err != nil {
			return err
		}
	}
	if !l.config.Logging.AcceptPropagated {
		return nil
	}
	propagated := []struct{ variable, key string }{
		{"HF_LOGLEVEL", "logging.level"},
		{"HF_LOG_MAX_FILE_SIZE", "logging.max_size_mb"},
		{"HF_LOG_MAX_ROTATE", "logging.max_rotate"},
	}
	for _, p := range propagated {
		value, ok := l.env[p.variable]
		if !ok {
			continue
		}
		key, _ := l.key(p.key)
		before := l.config.Logging
		if err := l.set(key, l.variableOrigin(p.variable), "", value); err != nil {
			// Host Factory would get no answer at all because of how it wants the log.
			l.config.Logging = before
			l.note(err.Error() + "; it is left as it is")
		}
	}
	return nil
}
