package access

import (
	"slices"
	"sync"
)

// Operation is something that callers ask for, by the same name on every face: the noun and the verb of the command line.
type Operation string

// Effect is what an operation does to the world.
type Effect string

// The effects.
const (
	Reads    Effect = "reads"    // nothing changes but what is remembered
	Changes  Effect = "changes"  // something is made or altered; doing it again is safe unless said otherwise
	Destroys Effect = "destroys" // machines end, or records and settings are lost
)

// Rule is one operation: who may do it, and where each face has it. A face without it says why in Except.
type Rule struct {
	Operation Operation
	Role      Role // the least that may
	Effect    Effect
	CLI       string // the command's words after ohfp
	REST      string // method and path
	MCP       string // the tool
	Script    string // the Host Factory call
	Except    string // why a face that is empty lacks it
}

// local is why a face lacks an operation.
const local = "concerns the process or files of the machine where it runs"

// watching is why assistants have no tool for what those ask who watch over the program.
const watching = "is for those who watch over the program; assistants work with what it has"

// whole is why assistants have no tool for whole files of templates.
const whole = "is about whole files; assistants have tools for each template"

// tools is why a face lacks the commands about tools: each tool has a rule of its own, which holds for whoever calls it.
const tools = "is about the tools of assistants, which list and describe themselves"

// secret is why tokens are made on the command line only.
const secret = "whoever has a token must not be able to make more of them"

// told is why some faces lack the events: what happened to a request or machine is its timeline.
const told = "timelines tell it"

// Rules is the table. Every face obeys it.
func Rules() []Rule {
	return []Rule{
		{Operation: "templates.list", Role: Viewer, Effect: Reads, CLI: "templates list", MCP: "list_templates", REST: "GET /api/v1/templates", Script: "getAvailableTemplates"},
		{Operation: "templates.show", Role: Viewer, Effect: Reads, CLI: "templates show", MCP: "get_template", REST: "GET /api/v1/templates/{id}"},
		{Operation: "templates.create", Role: Admin, Effect: Changes, CLI: "templates create", MCP: "create_template", REST: "POST /api/v1/templates"},
		{Operation: "templates.update", Role: Admin, Effect: Changes, CLI: "templates update", MCP: "update_template", REST: "PUT /api/v1/templates/{id}"},
		{Operation: "templates.delete", Role: Admin, Effect: Destroys, CLI: "templates delete", MCP: "delete_template", REST: "DELETE /api/v1/templates/{id}"},
		{Operation: "templates.forget", Role: Admin, Effect: Destroys, CLI: "templates forget", MCP: "forget_template", REST: "POST /api/v1/templates/{id}/forget"},
		{Operation: "templates.validate", Role: Viewer, Effect: Reads, CLI: "templates validate", MCP: "validate_template", REST: "POST /api/v1/templates/validate"},
		{Operation: "templates.refresh", Role: Operator, Effect: Changes, CLI: "templates refresh", MCP: "refresh_templates", REST: "POST /api/v1/templates/refresh"},
		{Operation: "templates.generate", Role: Admin, Effect: Changes, CLI: "templates generate", REST: "POST /api/v1/templates/generate", Except: whole},
		{Operation: "templates.import", Role: Admin, Effect: Changes, CLI: "templates import", REST: "POST /api/v1/templates/import", Except: whole},
		{Operation: "templates.export", Role: Admin, Effect: Reads, CLI: "templates export", REST: "GET /api/v1/templates/export", Except: whole}, // user data is part of them
		{Operation: "requests.create", Role: Operator, Effect: Changes, CLI: "requests create", MCP: "request_machines", REST: "POST /api/v1/requests", Script: "requestMachines"},
		{Operation: "requests.status", Role: Viewer, Effect: Reads, CLI: "requests status", MCP: "get_request_status", REST: "GET /api/v1/requests/{id}/status", Script: "getRequestStatus"},
		{Operation: "requests.list", Role: Viewer, Effect: Reads, CLI: "requests list", MCP: "list_requests", REST: "GET /api/v1/requests"},
		{Operation: "requests.show", Role: Viewer, Effect: Reads, CLI: "requests show", MCP: "get_request", REST: "GET /api/v1/requests/{id}"},
		{Operation: "requests.cancel", Role: Operator, Effect: Destroys, CLI: "requests cancel", MCP: "cancel_request", REST: "DELETE /api/v1/requests/{id}"},
		{Operation: "requests.return", Role: Operator, Effect: Destroys, CLI: "requests return", MCP: "return_machines", REST: "POST /api/v1/machines/return", Script: "requestReturnMachines"},
		{Operation: "requests.timeline", Role: Viewer, Effect: Reads, CLI: "requests timeline", MCP: "get_request_timeline", REST: "GET /api/v1/requests/{id}/timeline"},
		{Operation: "requests.list-returns", Role: Viewer, Effect: Reads, CLI: "requests list-returns", MCP: "list_return_requests", Except: "the list of requests with its filter"},
		{Operation: "requests.watch", Role: Viewer, Effect: Reads, CLI: "requests watch", Except: "the request's status, asked again"},
		{Operation: "machines.status", Role: Viewer, Effect: Reads, CLI: "machines status", Except: "the list of machines with its filter"},
		{Operation: "machines.request", Role: Operator, Effect: Changes, CLI: "machines request", Except: "another name of requests.create"},
		{Operation: "machines.return", Role: Operator, Effect: Destroys, CLI: "machines return", Except: "another name of requests.return"},
		{Operation: "machines.stop", Role: Operator, Effect: Changes, CLI: "machines stop", MCP: "stop_machines", REST: "POST /api/v1/machines/stop"},
		{Operation: "machines.start", Role: Operator, Effect: Changes, CLI: "machines start", MCP: "start_machines", REST: "POST /api/v1/machines/start"},
		{Operation: "machines.list", Role: Viewer, Effect: Reads, CLI: "machines list", MCP: "list_machines", REST: "GET /api/v1/machines"},
		{Operation: "machines.show", Role: Viewer, Effect: Reads, CLI: "machines show", MCP: "get_machine_status", REST: "GET /api/v1/machines/{id}"},
		{Operation: "machines.timeline", Role: Viewer, Effect: Reads, CLI: "machines timeline", MCP: "get_machine_timeline", REST: "GET /api/v1/machines/{id}/timeline"},
		{Operation: "usage", Role: Viewer, Effect: Reads, CLI: "usage", MCP: "get_usage", REST: "GET /api/v1/usage"},
		{Operation: "machines.drain", Role: Operator, Effect: Destroys, CLI: "machines drain", MCP: "drain_machines", REST: "POST /api/v1/machines/drain"},
		{Operation: "machines.reclaimed", Role: Viewer, Effect: Reads, MCP: "list_reclaimed_machines", REST: "GET /api/v1/requests/return", Script: "getReturnRequests"},
		{Operation: "events.list", Role: Viewer, Effect: Reads, MCP: "list_events", REST: "GET /api/v1/events", Except: told},
		{Operation: "events.stream", Role: Viewer, Effect: Reads, REST: "GET /api/v1/events/stream", Except: told},
		{Operation: "orphans.list", Role: Viewer, Effect: Reads, CLI: "orphans list", MCP: "list_orphans", REST: "GET /api/v1/orphans"},
		{Operation: "orphans.collect", Role: Operator, Effect: Destroys, CLI: "orphans collect", MCP: "collect_orphans", REST: "POST /api/v1/orphans/collect"},
		{Operation: "storage.list", Role: Viewer, Effect: Reads, CLI: "storage list", REST: "GET /api/v1/storage/strategies", Except: watching},
		{Operation: "storage.show", Role: Viewer, Effect: Reads, CLI: "storage show", REST: "GET /api/v1/storage", Except: watching},
		{Operation: "storage.health", Role: Viewer, Effect: Reads, CLI: "storage health", REST: "GET /api/v1/storage/health", Except: watching},
		{Operation: "storage.validate", Role: Viewer, Effect: Reads, CLI: "storage validate", REST: "GET /api/v1/storage/validate", Except: watching},
		{Operation: "storage.test", Role: Viewer, Effect: Reads, CLI: "storage test", REST: "POST /api/v1/storage/test", Except: watching},
		{Operation: "storage.metrics", Role: Viewer, Effect: Reads, CLI: "storage metrics", REST: "GET /api/v1/storage/metrics", Except: watching},
		{Operation: "storage.init", Role: Admin, Effect: Changes, CLI: "storage init", Except: local},
		{Operation: "storage.backup", Role: Admin, Effect: Reads, CLI: "storage backup", Except: local},
		{Operation: "storage.restore", Role: Admin, Effect: Destroys, CLI: "storage restore", Except: local},
		{Operation: "storage.migrate", Role: Admin, Effect: Changes, CLI: "storage migrate", Except: local},
		{Operation: "storage.compact", Role: Admin, Effect: Destroys, CLI: "storage compact", REST: "POST /api/v1/storage/compact", Except: watching},
		{Operation: "storage.import", Role: Admin, Effect: Changes, CLI: "storage import", Except: local},
		{Operation: "storage.rebuild", Role: Admin, Effect: Changes, CLI: "storage rebuild", MCP: "rebuild_records", REST: "POST /api/v1/storage/rebuild"},
		{Operation: "providers.list", Role: Viewer, Effect: Reads, CLI: "providers list", MCP: "list_providers", REST: "GET /api/v1/providers"},
		{Operation: "providers.health", Role: Viewer, Effect: Reads, CLI: "providers health", MCP: "check_provider_health", REST: "GET /api/v1/providers/{name}/health"},
		{Operation: "providers.metrics", Role: Viewer, Effect: Reads, CLI: "providers metrics", MCP: "get_provider_metrics", REST: "GET /api/v1/providers/{name}/metrics"},
		{Operation: "providers.iam-policy", Role: Viewer, Effect: Reads, CLI: "providers iam-policy", MCP: "get_iam_policy", REST: "GET /api/v1/providers/{name}/iam-policy"},
		{Operation: "providers.refresh", Role: Operator, Effect: Changes, CLI: "providers refresh", MCP: "refresh_provider", REST: "POST /api/v1/providers/{name}/refresh"},
		{Operation: "providers.show", Role: Viewer, Effect: Reads, CLI: "providers show", MCP: "get_provider_config", REST: "GET /api/v1/providers/{name}"},
		{Operation: "providers.add", Role: Admin, Effect: Changes, CLI: "providers add", Except: local},
		{Operation: "providers.update", Role: Admin, Effect: Changes, CLI: "providers update", Except: local},
		{Operation: "providers.remove", Role: Admin, Effect: Destroys, CLI: "providers remove", Except: local},
		{Operation: "providers.set-default", Role: Admin, Effect: Changes, CLI: "providers set-default", Except: local},
		{Operation: "providers.get-default", Role: Viewer, Effect: Reads, CLI: "providers get-default", Except: "the list of providers says which it is"},
		{Operation: "providers.select", Role: Admin, Effect: Changes, CLI: "providers select", Except: local},
		{Operation: "providers.exec", Role: Operator, Effect: Reads, CLI: "providers exec", Except: "each thing that a provider tells is an operation of its own there"},
		{Operation: "scheduler.list", Role: Viewer, Effect: Reads, CLI: "scheduler list", REST: "GET /api/v1/scheduler/strategies", Except: watching},
		{Operation: "scheduler.show", Role: Viewer, Effect: Reads, CLI: "scheduler show", REST: "GET /api/v1/scheduler", Except: watching},
		{Operation: "scheduler.validate", Role: Viewer, Effect: Reads, CLI: "scheduler validate", Except: local},
		{Operation: "config.show", Role: Viewer, Effect: Reads, CLI: "config show", MCP: "get_config", REST: "GET /api/v1/config"},
		{Operation: "config.get", Role: Viewer, Effect: Reads, CLI: "config get", Except: "config.show of one setting"},
		{Operation: "config.set", Role: Admin, Effect: Changes, CLI: "config set", Except: local},
		{Operation: "config.unset", Role: Admin, Effect: Destroys, CLI: "config unset", Except: local},
		{Operation: "config.validate", Role: Viewer, Effect: Reads, CLI: "config validate", MCP: "validate_config", Except: local},
		{Operation: "config.schema", Role: Viewer, Effect: Reads, CLI: "config schema", MCP: "get_config_schema", REST: "GET /api/v1/config/schema"},
		{Operation: "infrastructure.discover", Role: Viewer, Effect: Reads, CLI: "infrastructure discover", MCP: "discover_infrastructure", REST: "GET /api/v1/infrastructure/discover"},
		{Operation: "infrastructure.show", Role: Viewer, Effect: Reads, CLI: "infrastructure show", MCP: "list_infrastructure_references", REST: "GET /api/v1/infrastructure"},
		{Operation: "infrastructure.validate", Role: Viewer, Effect: Reads, CLI: "infrastructure validate", MCP: "validate_infrastructure", REST: "GET /api/v1/infrastructure/validate"},
		{Operation: "infrastructure.clean", Role: Operator, Effect: Destroys, CLI: "infrastructure clean", MCP: "clean_infrastructure", REST: "POST /api/v1/infrastructure/clean"},
		{Operation: "init", Role: Admin, Effect: Changes, CLI: "init", Except: local},
		{Operation: "import", Role: Admin, Effect: Changes, CLI: "import", Except: local},
		{Operation: "doctor", Role: Viewer, Effect: Reads, CLI: "doctor", Except: local},
		{Operation: "auth.token.create", Role: Admin, Effect: Changes, CLI: "auth token create", Except: secret},
		{Operation: "auth.token.list", Role: Admin, Effect: Reads, CLI: "auth token list", Except: secret},
		{Operation: "auth.token.revoke", Role: Admin, Effect: Destroys, CLI: "auth token revoke", Except: secret},
		{Operation: "audit.list", Role: Admin, Effect: Reads, CLI: "audit list", REST: "GET /api/v1/audit", Except: watching},
		{Operation: "serve", Role: Admin, Effect: Changes, CLI: "serve", Except: local},
		{Operation: "system.serve", Role: Admin, Effect: Changes, CLI: "system serve", Except: local},
		{Operation: "system.status", Role: Viewer, Effect: Reads, CLI: "system status", REST: "GET /api/v1/system/status", Except: watching},
		{Operation: "system.health", Role: Viewer, Effect: Reads, CLI: "system health", REST: "GET /api/v1/system/health", Except: watching},
		{Operation: "system.metrics", Role: Viewer, Effect: Reads, CLI: "system metrics", REST: "GET /metrics", Except: watching},
		{Operation: "system.reload", Role: Admin, Effect: Changes, CLI: "system reload", REST: "POST /api/v1/system/reload", Except: watching},
		{Operation: "config.reload", Role: Admin, Effect: Changes, CLI: "config reload", Except: "another name of system.reload"},
		{Operation: "mcp.serve", Role: Viewer, Effect: Reads, CLI: "mcp serve", Except: local},
		{Operation: "mcp.validate", Role: Viewer, Effect: Reads, CLI: "mcp validate", Except: local},
		{Operation: "mcp.tools.list", Role: Viewer, Effect: Reads, CLI: "mcp tools list", Except: tools},
		{Operation: "mcp.tools.info", Role: Viewer, Effect: Reads, CLI: "mcp tools info", Except: tools},
		{Operation: "mcp.tools.call", Role: Viewer, Effect: Reads, CLI: "mcp tools call", Except: tools},
	}
}

// RuleOf finds the rule of an operation.
func RuleOf(op Operation) (Rule, bool) {
	r, ok := byOperation()[op]
	return r, ok
}

// byOperation is the table for those who look something up with every call: to make it anew takes longer than many an answer.
var byOperation = sync.OnceValue(func() map[Operation]Rule { //nolint:gochecknoglobals // nothing changes it
	rules := map[Operation]Rule{}
	for _, r := range Rules() {
		rules[r.Operation] = r
	}
	return rules
})

// OfCommand finds the operation of a command line's words after ohfp.
func OfCommand(words string) (Rule, bool) {
	rules := Rules()
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.CLI != "" && r.CLI == words })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}

// OfScript finds the operation of a Host Factory call.
func OfScript(action string) (Rule, bool) {
	rules := Rules()
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.Script != "" && r.Script == action })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}

// OfTool finds the operation of an assistant's tool.
func OfTool(name string) (Rule, bool) {
	rules := Rules()
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.MCP != "" && r.MCP == name })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}
