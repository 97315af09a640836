package setup

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/config/directories"
	"github.com/openhostfactory/ohfp/internal/config/document"
)

// configuration takes over a file of settings.
func (im *importer) configuration(ctx context.Context, root document.Node) {
	ibm := slices.ContainsFunc(root.Fields, func(f document.Field) bool {
		return strings.HasPrefix(f.Key, "AWS_") || f.Key == "ACCEPT_PROPAGATED_LOG_SETTING"
	})
	if ibm {
		im.ibm(ctx, root)
		return
	}
	im.section(ctx, root, "")
}

// ibm takes over IBM's file. The program reads that itself; here each key is tried by itself, so that all are told that
// cannot be taken.
func (im *importer) ibm(ctx context.Context, root document.Node) {
	good := map[string]json.RawMessage{}
	var cfg config.Config
	for _, field := range root.Fields {
		good[field.Key] = field.Value.JSON()
		now, err := im.readIBM(good)
		if err != nil {
			delete(good, field.Key)
			im.refuse(field.Line, field.Key, err)
			continue
		}
		for _, note := range now.Notes { // IBM's setting has no counterpart, and the note says why
			if !slices.Contains(cfg.Notes, note) {
				im.result.Notes = append(im.result.Notes, im.stage.named(errors.New(note)).Error())
			}
		}
		cfg = now
	}
	if len(cfg.Providers) == 0 || len(good) == 0 {
		return
	}
	name := cmp.Or(im.Name, strings.TrimSuffix(filepath.Base(im.file), directories.IBMSuffix))
	if !ohfp.TemplateID(name).WellFormed() || name == filepath.Base(im.file) {
		name = "aws"
	}
	if im.providerNamed(name) != nil {
		im.refuse(0, "AWS_REGION", fmt.Errorf("an earlier file has a provider %s already", name))
		return
	}
	instance := map[string]any{"name": name, "type": "aws", "config": cfg.Providers[0].Config}
	before := im.doc["providers"]
	list, _ := before.([]any)
	ok := im.try(ctx, 0, "AWS_REGION", func() { im.doc["providers"] = append(slices.Clone(list), instance) }, func() { im.restore("providers", before) })
	if !ok {
		return
	}
	if strings.Contains(cfg.Origin("requests.timeout"), directories.IBMSuffix) {
		im.put(ctx, 0, "AWS_INSTANCE_PENDING_TIMEOUT_SEC", "requests.timeout", ohfp.FormatDuration(cfg.Requests.Timeout))
	}
	if _, set := good["ACCEPT_PROPAGATED_LOG_SETTING"]; set {
		im.put(ctx, 0, "ACCEPT_PROPAGATED_LOG_SETTING", "logging.accept_propagated", cfg.Logging.AcceptPropagated)
	}
}

// readIBM reads settings as IBM's file.
func (im *importer) readIBM(keys map[string]json.RawMessage) (config.Config, error) {
	content, err := json.Marshal(keys)
	if err != nil {
		return config.Config{}, err
	}
	s, err := newStage("", nil, im.Now, im.LookupEnv)
	if err != nil {
		return config.Config{}, err
	}
	defer s.close()
	if err := s.put("aws"+directories.IBMSuffix, content); err != nil {
		return config.Config{}, err
	}
	cfg, err := config.Load(config.Sources{Environ: []string{"OHFP_CONF_DIR=" + s.conf(), "OHFP_WORK_DIR=" + s.dir}, Dir: s.dir})
	for i, note := range cfg.Notes {
		cfg.Notes[i] = strings.ReplaceAll(note, s.conf()+string(filepath.Separator), "")
	}
	return cfg, s.named(err)
}

// section takes over an object of the Python system's settings, key by key; providers first, since others name them.
func (im *importer) section(ctx context.Context, object document.Node, prefix string) {
	fields := slices.Clone(object.Fields)
	slices.SortStableFunc(fields, func(a, b document.Field) int { return cmp.Compare(rank(a.Key), rank(b.Key)) })
	for _, field := range fields {
		key := prefix + field.Key
		kind := field.Value.Kind
		why, dropped := dropped(key)
		switch {
		case field.Value.Null():
		case dropped:
			im.refuse(field.Line, key, errors.New(why))
		case key == "version": // of the file's form
		case (key == "provider.providers" || key == "providers") && kind == document.List:
			for _, item := range field.Value.Items {
				im.provider(ctx, item, "")
			}
		case key == "provider.aws" || key == "aws":
			im.provider(ctx, document.Node{Kind: document.Object, Line: field.Line, Fields: []document.Field{{Key: "config", Line: field.Line, Value: field.Value}}}, "aws")
		case strings.HasSuffix(key, ".template_defaults"):
			im.defaults(ctx, key, field.Value)
		case kind == document.Object:
			im.section(ctx, field.Value, key+".")
		default:
			im.scalar(ctx, key, field)
		}
	}
}

// rank is 0 for what providers are in.
func rank(key string) int {
	if slices.Contains([]string{"provider", "providers", "aws"}, key) {
		return 0
	}
	return 1
}

// scalar takes over one setting: under the name that it has here, else under its own.
func (im *importer) scalar(ctx context.Context, key string, field document.Field) {
	var value any
	if err := json.Unmarshal(field.Value.JSON(), &value); err != nil {
		im.refuse(field.Line, key, err)
		return
	}
	name, known := map[string]string{
		"provider.default_provider_instance": "default_provider", "provider.active_provider": "default_provider",
		"logging.file_path": "logging.file", "logging.console_enabled": "logging.console",
		"logging.accept_propagated_setting": "logging.accept_propagated", "logging.backup_count": "logging.max_rotate",
		"request.default_timeout": "requests.timeout", "request.max_machines_per_request": "limits.max_machines_per_request",
		"circuit_breaker.enabled": "resilience.breaker.enabled", "circuit_breaker.failure_threshold": "resilience.breaker.failures",
		"circuit_breaker.recovery_timeout": "resilience.breaker.open_for",
		"provider.circuit_breaker.enabled": "resilience.breaker.enabled", "provider.circuit_breaker.failure_threshold": "resilience.breaker.failures",
		"provider.circuit_breaker.recovery_timeout": "resilience.breaker.open_for",
	}[key]
	if !known {
		name = key
	}
	if seconds, isNumber := value.(float64); isNumber && (name == "requests.timeout" || name == "resilience.breaker.open_for") {
		value = fmt.Sprintf("%gs", seconds)
	}
	im.put(ctx, field.Line, key, name, value)
}

// put sets a setting by its name unless an earlier file has it.
func (im *importer) put(ctx context.Context, line int, key, name string, value any) {
	parts := strings.Split(name, ".")
	top := parts[0]
	before, err := json.Marshal(im.doc[top])
	if err != nil {
		im.refuse(line, key, err)
		return
	}
	at := im.doc
	for _, part := range parts[:len(parts)-1] {
		below, ok := at[part].(map[string]any)
		if !ok && at[part] != nil {
			im.refuse(line, key, fmt.Errorf("%s is set already", part))
			return
		}
		if !ok {
			below = map[string]any{}
			at[part] = below
		}
		at = below
	}
	last := parts[len(parts)-1]
	if _, taken := at[last]; taken {
		im.refuse(line, key, errors.New("an earlier file, or another key of this one, says it already"))
		return
	}
	im.try(ctx, line, key, func() { at[last] = value }, func() {
		var was any
		if json.Unmarshal(before, &was) == nil { // it was encoded a moment ago
			im.restore(top, was)
		}
	})
}

func (im *importer) restore(key string, was any) {
	if was == nil {
		delete(im.doc, key)
		return
	}
	im.doc[key] = was
}

func (im *importer) providerNamed(name string) map[string]any {
	list, _ := im.doc["providers"].([]any)
	for _, item := range list {
		if p, ok := item.(map[string]any); ok && p["name"] == name {
			return p
		}
	}
	return nil
}

// provider takes over a provider instance: first that it is there, then what it says, piece by piece.
func (im *importer) provider(ctx context.Context, item document.Node, kind string) {
	instance := map[string]any{}
	if kind != "" {
		instance["name"], instance["type"] = cmp.Or(im.Name, kind), kind
	}
	for _, field := range item.Fields {
		if field.Key == "name" || field.Key == "type" {
			instance[field.Key] = field.Value.Text()
		}
	}
	name, _ := instance["name"].(string)
	where := "provider " + name
	if im.providerNamed(name) != nil {
		im.refuse(item.Line, where, errors.New("an earlier file has a provider of that name"))
		return
	}
	before := im.doc["providers"]
	list, _ := before.([]any)
	if !im.try(ctx, item.Line, where, func() { im.doc["providers"] = append(slices.Clone(list), instance) }, func() { im.restore("providers", before) }) {
		return
	}
	for _, field := range item.Fields {
		switch {
		case field.Key == "name" || field.Key == "type" || field.Value.Null():
		case (field.Key == "config" || field.Key == "template_defaults") && field.Value.Kind == document.Object:
			own := map[string]any{}
			for _, inner := range field.Value.Fields {
				im.inner(ctx, instance, field.Key, own, where, inner)
			}
		default:
			value := field.Value.JSON()
			im.try(ctx, field.Line, where+"."+field.Key, func() { instance[field.Key] = value }, func() { delete(instance, field.Key) })
		}
	}
}

// inner takes over one setting of a provider's own, or one default of its templates.
func (im *importer) inner(ctx context.Context, instance map[string]any, part string, own map[string]any, where string, field document.Field) {
	if field.Value.Null() || field.Value.Text() == "" && field.Value.Kind == document.Scalar {
		return
	}
	key, why := field.Key, ""
	if part == "template_defaults" {
		key, why = ours(field.Key)
	} else if renamed := map[string]string{
		"timeout": "request_timeout", "aws_connect_timeout": "connect_timeout", "request_retry_attempts": "max_retries",
	}[key]; renamed != "" {
		key = renamed
	}
	if secret := slices.Contains([]string{"access_key_id", "secret_access_key", "aws_access_key_id", "aws_secret_access_key", "session_token"}, key); secret {
		why = "keys do not belong into files; give them in the environment, a profile or an instance role"
	}
	if _, taken := own[key]; taken && why == "" {
		why = "it says again what " + key + " says"
	}
	name := where + "." + part + "." + field.Key
	if why != "" {
		im.refuse(field.Line, name, errors.New(why))
		return
	}
	value := im.value(key, field.Value)
	im.try(ctx, field.Line, name, func() {
		own[key] = value
		instance[part] = own
	}, func() {
		if delete(own, key); len(own) == 0 {
			delete(instance, part)
		}
	})
}

// defaults takes over the defaults of templates of a provider type.
func (im *importer) defaults(ctx context.Context, key string, object document.Node) {
	kind := strings.TrimSuffix(key, ".template_defaults")
	kind = kind[strings.LastIndexByte(kind, '.')+1:]
	for _, field := range object.Fields {
		name, why := ours(field.Key)
		if field.Value.Null() || field.Value.Kind == document.Scalar && field.Value.Text() == "" {
			continue
		}
		if why != "" {
			im.refuse(field.Line, key+"."+field.Key, errors.New(why))
			continue
		}
		im.put(ctx, field.Line, key+"."+field.Key, "provider_defaults."+kind+".template_defaults."+name, im.value(name, field.Value))
	}
}

// dropped are settings that have no counterpart for a reason that is worth more than that the name is not known.
func dropped(key string) (why string, yes bool) {
	reasons := map[string]string{
		"storage.json_strategy": "it holds records of another form; ohfp storage import takes them over",
		"storage.sql_strategy":  "it holds records of another form; ohfp storage import takes them over",
		"storage.database":      "connections are made as needed; see storage.sql.max_connections",
		"performance":           "nothing of it is needed: calls are merged and paced by themselves",
		"lazy_loading":          "nothing of it is needed",
		"naming":                "names of requests and machines are fixed",
		"resource":              "names of what is made in the cloud are fixed; tags tell what belongs to whom",
		"debug":                 "use logging.level DEBUG",
		"environment":           "there are no environments with settings of their own",
		"metrics":               "see docs/reference/configuration.md for what is measured",
		"retry":                 "failed calls are repeated as fits the call; max_retries of a provider bounds it",
	}
	why, yes = reasons[key]
	return why, yes
}
