package config

import (
	"cmp"
	"math"
	"os"
	"strings"
	"time"
)

// Key is one setting: what documentation, messages and the loader know of it.
type Key struct {
	Name        string   // as in files: words joined by dots, [] for a list, <…> for a name that the operator chooses
	Default     string   // as an operator would write it; {conf}, {work}, {log} and {name} stand for what depends on where it runs
	Expected    string   // what may be written
	Description string   // sentences
	Aliases     []string // other names in files
	Secret      bool     // the value is shown to nobody
	Env         []string // environment variables, the first that is set wins; none for settings of lists

	Kind        Kind
	Words       []string // the only values, if they are a few words
	Least, Most int      // of a KindCount

	separator string // of a list in the environment; empty: the system's

	set func(input) bool // nil for settings that are read with their list
	get func() any       // the value, as it would be written in JSON
}

// Kind is what sort of value a setting has.
type Kind string

// The kinds of values, most of which may also be written as text.
const (
	KindText     Kind = "text"
	KindTruth    Kind = "truth"
	KindCount    Kind = "count"    // a whole number
	KindAmount   Kind = "amount"   // a number
	KindDuration Kind = "duration" // as text, or a number of seconds
	KindList     Kind = "list"     // of text
	KindObject   Kind = "object"
)

// input is a value as written.
type input struct {
	values []string // one, or those of a list
	base   string   // where relative paths start
	home   string
}

// Keys lists every setting in the order of the documentation.
func Keys() []Key {
	var scratch Config
	return settings(&scratch)
}

// settings is the table. Each entry is bound to its field of c.
func settings(c *Config) []Key {
	keys := []Key{
		text("default_provider", "the name of a configured provider", &c.DefaultProvider,
			"The provider instance that launches what no template claims for another. Without it placement chooses by priority. "+
				"PROVIDER_TYPE in the environment makes the first instance of that type the default when nothing else does.").
			alias("provider.default_provider_instance").alias("provider.active_provider"),

		capitals(oneOf("placement.policy", "FIRST_AVAILABLE", strings.Join(policies(), ", "), &c.Placement.Policy, policies(),
			"Which provider instance takes a request, where several fit and neither the template nor default_provider names one: the first "+
				"by priority, each in turn, each in turn by weight, the one with the fewest machines for its weight, the fastest, the one whose "+
				"launches succeed most, a healthy one, one that can launch the template, the best by success and speed, or any by weight. One "+
				"that was not available in the last two minutes comes after the others.")).
			alias("provider.selection_policy"),
		words("placement.fallback", "a list of names of providers", &c.Placement.Fallback,
			"Which instances are asked next, in this order, when the chosen one has no capacity, is not available or does not let us, before "+
				"a machine is launched. Templates that name an instance stay with it, and with a limit on a provider so does a request that "+
				"is stored; see docs/placement.md."),

		oneOf("storage.strategy", StrategySQL, StrategySQL+", "+StrategyJSON+" or "+StrategyDynamoDB, &c.Storage.Strategy,
			[]string{StrategySQL, StrategyJSON, StrategyDynamoDB},
			"Where requests and machines are kept: sql is an embedded SQLite database or one in PostgreSQL, json a directory of "+
				"files that people can read, dynamodb a table of Amazon DynamoDB.").
			alias("storage.type").env("STORAGE_TYPE"),
		path("storage.json.path", "{work}/data", &c.Storage.JSON.Path,
			"The directory of the strategy json. It must be on a local disk.").
			alias("storage.json_strategy.base_path"),
		count("storage.json.backups", "5", 0, 1000, &c.Storage.JSON.Backups,
			"How many backups of the strategy json are kept, in its directory backups. One is made on each day on which the store is "+
				"used. ohfp storage restore takes them. 0: none is made.").
			alias("storage.json_strategy.backup_count"),
		path("storage.sql.path", "{work}/ohfp.db", &c.Storage.SQL.Path,
			"The database file of the type sqlite. It must be on a local disk.").
			alias("storage.sql_strategy.name"),
		oneOf("storage.sql.type", SQLite, SQLite+" or "+PostgreSQL, &c.Storage.SQL.Type, []string{SQLite, PostgreSQL},
			"The kind of database: sqlite serves the processes of one machine, postgresql those of several.").
			alias("storage.sql_strategy.type"),
		secret("storage.sql.url", "postgresql://user:password@host:5432/database?sslmode=verify-full", &c.Storage.SQL.URL,
			"The database of the type postgresql. Keep its password out of files: give the whole in the environment, write ${NAME} "+
				"for a variable, or leave the password to PGPASSWORD or ~/.pgpass."),
		text("storage.sql.schema", "1 to 63 of a-z, 0-9 and _, not beginning with a digit or pg_", &c.Storage.SQL.Schema,
			"The schema of the type postgresql that holds the tables. It is made when it does not exist. Installations that share a "+
				"database each need their own.").
			or("ohfp"),
		count("storage.sql.max_connections", "8", 1, 1000, &c.Storage.SQL.MaxConnections,
			"The most connections that one process has open. One of them writes.").
			alias("storage.sql_strategy.pool_size"),
		text("storage.dynamodb.region", "an AWS region, for example eu-west-1", &c.Storage.DynamoDB.Region,
			"The region of the strategy dynamodb. Without it, AWS_REGION or the profile decides.").
			alias("storage.dynamodb_strategy.region"),
		text("storage.dynamodb.profile", "the name of a profile in the shared AWS configuration", &c.Storage.DynamoDB.Profile,
			"Whose credentials the strategy dynamodb uses. Without it, the AWS SDK looks in its usual places. Those of a provider may be others.").
			alias("storage.dynamodb_strategy.profile"),
		text("storage.dynamodb.endpoint", "https://host:port", &c.Storage.DynamoDB.Endpoint,
			"Another server than AWS's own, for example a VPC endpoint or something that plays DynamoDB. Without it, "+
				"AWS_ENDPOINT_URL_DYNAMODB in the environment is used."),
		text("storage.dynamodb.table_prefix", "1 to 247 of a-z, A-Z, 0-9, hyphen, dot and underscore", &c.Storage.DynamoDB.TablePrefix,
			"What the table's name starts with: its name is <prefix>-records. Installations that share an account and region each need their own.").
			or("hostfactory").alias("storage.dynamodb_strategy.table_prefix").env("STORAGE_TABLE_PREFIX"),

		duration("storage.retention", "30d", 0, math.MaxInt64, &c.Storage.Retention,
			"How long requests that have ended are kept, with their machines and events, once nothing of them is there any more. 0: for ever."),

		count("limits.max_machines_per_request", "10000", 1, 10_000, &c.Limits.MaxMachinesPerRequest,
			"The most machines (or units, where a template counts units) that one request may ask for. 10,000 is Host Factory's own bound.").
			alias("request.max_machines_per_request"),
		count("limits.max_machines", "0", 0, math.MaxInt32, &c.Limits.MaxMachines,
			"The most machines of one provider instance that may be alive or on their way at once, over all templates. 0: no bound."),
		count("limits.max_vcpus", "0", 0, math.MaxInt32, &c.Limits.MaxVCPUs,
			"The most vCPUs that the machines of one provider instance may have at once, over all templates. A request counts with "+
				"the largest machine types that its template allows, until its machines are known; one of which that cannot be told is "+
				"refused. 0: no bound."),
		dollars("limits.max_hourly_cost", "0", &c.Limits.MaxHourlyCost,
			"The most US dollars an hour that the machines of one provider instance may cost at once, over all templates, by the "+
				"prices that the provider knows when they are asked for. A request with a machine type of unknown price is refused. 0: no bound."),

		duration("requests.timeout", "10m", time.Second, 24*time.Hour, &c.Requests.Timeout,
			"How long a request may take to bring its machines, unless its template says otherwise. What is there by then is delivered.").
			alias("request.default_timeout"),
		duration("requests.unanswered_release", "10m", 0, math.MaxInt64, &c.Requests.UnansweredRelease,
			"When the machines of a request whose answer never reached its caller, and that nobody asked about, are released. 0: never."),
		duration("requests.abandoned_after", "40m", 0, math.MaxInt64, &c.Requests.AbandonedAfter,
			"When an answered request that nobody asked about counts as abandoned and is listed as such. 0: never."),
		truth("requests.release_abandoned", "false", &c.Requests.ReleaseAbandoned,
			"Whether the machines of abandoned requests are released too."),
		duration("requests.call_budget", "20s", time.Second, 10*time.Minute, &c.Requests.CallBudget,
			"What one Host Factory call may spend on the cloud; the rest goes on with the next call. Keep it well below "+
				"HF_PROVIDER_ACTION_TIMEOUT."),

		oneOf("scheduler.type", SchedulerHostFactory, "hostfactory, hf or default", &c.Scheduler.Type, Schedulers(),
			"How answers of commands spell names: hostfactory, or hf for short, as Host Factory does (requestId), default with underscores "+
				"(request_id). Both are understood as input. The scripts of Host Factory always speak its dialect."),
		words("output.fields.machines", "a list of fields, such as machineId and status", &c.Output.Machines,
			"The fields that ohfp machines shows, in this order, unless --fields says otherwise. Empty: all."),
		words("output.fields.providers", "a list of fields", &c.Output.Providers,
			"The same for ohfp providers."),
		words("output.fields.requests", "a list of fields, such as requestId and machines.name", &c.Output.Requests,
			"The same for ohfp requests."),
		words("output.fields.templates", "a list of fields", &c.Output.Templates,
			"The same for ohfp templates."),

		duration("cleaning.unused_after", "24h", 0, 30*24*time.Hour, &c.Cleaning.UnusedAfter,
			"When launch templates that this program made are removed because no launch uses them any more. A launch that needs one "+
				"again makes it again. 0: never."),
		oneOf("orphans.policy", OrphansReport, OrphansReport+", "+OrphansTerminate+" or "+OrphansOff, &c.Orphans.Policy,
			[]string{OrphansReport, OrphansTerminate, OrphansOff},
			"What becomes of orphans, which run under this installation's tag and nobody answers for: report lists and logs them, "+
				"terminate also ends them, off does not look for them unless ohfp orphans is asked."),
		duration("orphans.interval", "10m", time.Second, 24*time.Hour, &c.Orphans.Interval,
			"How often they are looked for. A look reads everything that carries the tag. What lies between two looks counts as two "+
				"intervals at most."),
		duration("orphans.quarantine", "1h", 0, 30*24*time.Hour, &c.Orphans.Quarantine,
			"How long an orphan must have been seen, in two complete looks or more, before it may be ended."),
		duration("orphans.min_age", "15m", 0, 24*time.Hour, &c.Orphans.MinAge,
			"Machines that were launched or delivered less than this ago are no orphans."),
		count("orphans.max_share", "20", 0, 100, &c.Orphans.MaxShare,
			"The share of all machines, in percent, that may be orphans. More than that, and more than ten, are taken for a mistake: "+
				"none is ended before somebody runs ohfp orphans collect --force."),

		duration("daemon.interval", "1s", 100*time.Millisecond, 10*time.Minute, &c.Daemon.Interval,
			"How often ohfp serve looks at the cloud while a request is under way. One look serves all requests."),
		duration("daemon.idle_interval", "15s", 100*time.Millisecond, 10*time.Minute, &c.Daemon.IdleInterval,
			"How often it looks for requests that others have made, while it knows of none under way; also the longest pause after "+
				"failures."),
		duration("daemon.live_interval", "30s", time.Second, time.Hour, &c.Daemon.LiveInterval,
			"How often it looks at the machines that their users have, for those that the cloud takes back."),
		duration("daemon.answer_within", "5s", 0, time.Minute, &c.Daemon.AnswerWithin,
			"How long a script's requestMachines waits for the outcome of the launch; after that it answers with the request's id."),
		duration("daemon.stop_within", "20s", 0, 10*time.Minute, &c.Daemon.StopWithin,
			"How long calls under way may go on when it is told to stop. What is not done by then goes on from the records later."),
		duration("daemon.lease", "6s", time.Second, 5*time.Minute, &c.Daemon.Lease,
			"Where several daemons share a store: how long the others wait for one that is not heard of before they drive its requests. "+
				"It renews its leases three times as often. Set the same for all."),
		words("daemon.groups", "a list of groups, by name or number", &c.Daemon.Groups,
			"Groups whose members' scripts may hand their calls over. Empty: only the daemon's own user and root."),

		truth("resilience.breaker.enabled", "true", &c.Resilience.Breaker.Enabled,
			"Whether an operation of a provider that was unavailable several times in a row is held back for a while, by all processes. "+
				"The end of machines never is.").
			alias("circuit_breaker.enabled").alias("provider.circuit_breaker.enabled"),
		count("resilience.breaker.failures", "5", 1, 1000, &c.Resilience.Breaker.Failures,
			"After how many failures in a row that lasts 10 seconds or longer. Refusals, lack of capacity and the cloud's rate are no failures.").
			alias("circuit_breaker.failure_threshold").alias("provider.circuit_breaker.failure_threshold"),
		duration("resilience.breaker.open_for", "30s", time.Second, time.Hour, &c.Resilience.Breaker.OpenFor,
			"How long it is held back. Then one call is let through to see whether the cloud works again.").
			alias("circuit_breaker.recovery_timeout").alias("provider.circuit_breaker.recovery_timeout"),

		truth("resilience.pacing.enabled", "true", &c.Resilience.Pacing,
			"Whether calls wait for the cloud's published rates, which all processes share, instead of being refused by it. A provider's own "+
				"settings say where an account has other rates."),

		duration("interruptions.poll_interval", "15s", 0, time.Hour, &c.Interruptions.PollInterval,
			"How often the cloud is asked which spot machines it is about to take, as long as there are any. A queue that tells of "+
				"them (see docs/interruptions.md) is faster, and this its fallback. 0: never."),
		duration("interruptions.maintenance_interval", "5m", 0, 24*time.Hour, &c.Interruptions.MaintenanceInterval,
			"How often the cloud is asked which machines it has scheduled maintenance for, as long as there are any. 0: never."),
		truth("interruptions.rebalance", "false", &c.Interruptions.Rebalance,
			"Whether Host Factory is told of machines that the cloud recommends to replace before it interrupts them, too."),

		oneOf("hostfactory.partial_result", PartialWithError, PartialWithError+" or "+PartialComplete,
			&c.HostFactory.PartialResult, []string{PartialWithError, PartialComplete},
			"What Host Factory is told of a request that brought some of its machines but not all."),

		paths("templates.files", &c.Templates.Files,
			"Template files, the first wins where two have the same template. Empty: the first of <instance>prov_templates.json, "+
				"awsprov_templates.json, aws_templates.json, templates.json, templates.yaml and templates.yml in the configuration directory."),

		truth("api.enabled", "true", &c.API.Enabled,
			"Whether ohfp serve answers over HTTP, see docs/rest.md.").
			alias("server.enabled"),
		text("api.host", "a name or an address of this machine", &c.API.Host,
			"Where it listens. On another than loopback every call needs a token; the first start makes one for an administrator and "+
				"says where. On loopback everybody who can log in to this machine may call, unless api.require_token is set.").
			or("127.0.0.1").alias("server.host").env("API_HOST"),
		count("api.port", "8000", 0, 65535, &c.API.Port,
			"The port it listens on. 0: any that is free.").
			alias("server.port").env("API_PORT"),
		path("api.socket_path", "", &c.API.SocketPath,
			"A Unix socket to answer on instead, which only the daemon's own user may open. Who calls there needs no token.").
			alias("server.socket_path"),
		truth("api.require_token", "false", &c.API.Tokens,
			"Whether calls on loopback need a token too."),
		path("api.tls.cert_file", "", &c.API.TLS.CertFile,
			"The certificate that answers over HTTP are encrypted with, in PEM, with those that lead to its root. REST and assistants "+
				"over a port have the same. It is read again when it changes."),
		path("api.tls.key_file", "", &c.API.TLS.KeyFile,
			"The key of api.tls.cert_file, in PEM."),
		path("api.tls.client_ca_file", "", &c.API.TLS.ClientCAFile,
			"The certificates of those who sign certificates of callers, in PEM. A caller with such a certificate needs no token; see "+
				"auth.certificate_roles."),
		oneOf("api.tls.min_version", "1.2", "1.2 or 1.3", &c.API.TLS.MinVersion, []string{"1.2", "1.3"},
			"The oldest version of TLS that is spoken."),
		count("api.rate_limit", "100", 0, 1_000_000, &c.API.RateLimit,
			"How many calls a second each caller may make who is recognised by a token or certificate, with twice as many at once. 0: any."),
		count("api.max_streams_per_caller", "2000", 0, 1_000_000, &c.API.MaxStreams,
			"How many streams of changes each caller may have open at once, of some 40 KB each; callers who are not recognised count by "+
				"their address. 0: any number."),
		words("api.cors_origins", "a list of origins, such as https://dashboard.example.com", &c.API.Origins,
			"Pages in browsers that may call from elsewhere, with a token. In the environment they are separated by commas.").commas(),
		words("api.trusted_proxies", "a list of addresses and networks, such as 10.0.0.7 or 10.0.0.0/8", &c.API.Proxies,
			"Proxies whose X-Forwarded-For says where calls come from. With one, calls on loopback need a token too. In the "+
				"environment they are separated by commas.").commas(),

		path("auth.jwt.key_file", "", &c.Auth.JWT.KeyFile,
			"The key that signs JSON Web Tokens of callers: an RSA or P-256 public key or certificate in PEM (RS256, ES256), or a file with a "+
				"shared secret of 32 bytes or more (HS256)."),
		text("auth.jwt.issuer", "the claim iss of the tokens", &c.Auth.JWT.Issuer,
			"Who must have issued these tokens. Empty: anybody who has the key."),
		text("auth.jwt.audience", "one of the claim aud of the tokens", &c.Auth.JWT.Audience,
			"Whom these tokens must be for. Empty: anybody."),
		text("auth.oidc.issuer", "https://host/path, as in the tokens", &c.Auth.OIDC.Issuer,
			"An OpenID Connect issuer whose tokens are accepted, such as a user pool of Cognito. Its keys are discovered when the first token comes."),
		text("auth.oidc.audience", "the id of a client", &c.Auth.OIDC.Audience,
			"The client that tokens of the issuer must be for: in their claim aud, or client_id where that is missing."),
		text("auth.name_claim", "the name of a claim", &c.Auth.NameClaim,
			"The claim of tokens with the caller's name. Without it, the claim sub.").or("sub"),
		text("auth.roles_claim", "the name of a claim", &c.Auth.RolesClaim,
			"The claim of tokens with the caller's groups or roles: a list, or words in one text. a.b is b inside of a.").or("groups"),
		roleList("auth.roles", "a list of entries such as ops-team=operator", &c.Auth.Roles,
			"Which group or role of the claim is which role here: viewer, operator or admin. The greatest counts. In the environment "+
				"they are separated by commas."),
		oneOf("auth.default_role", "", "viewer, operator or admin", &c.Auth.DefaultRole, []string{"viewer", "operator", "admin"},
			"What callers may do who are recognised and whom no entry of auth.roles or auth.certificate_roles names. Empty: nothing."),
		roleList("auth.certificate_roles", "a list of entries such as OU:ops=operator", &c.Auth.CertificateRoles,
			"Which certificate is which role: CN:, OU:, DNS:, URI: or EMAIL: and what the certificate says there. The greatest counts. In the "+
				"environment they are separated by commas."),
		duration("auth.leeway", "30s", 0, 10*time.Minute, &c.Auth.Leeway,
			"By how much the clocks of this machine and of issuers may differ."),

		truth("audit.enabled", "true", &c.Audit.Enabled,
			"Whether it is recorded who did what, see docs/security.md."),
		path("audit.file", "{work}/audit.jsonl", &c.Audit.File,
			"The file that it is recorded in, a line of JSON for each operation that changes something. Only its owner can read it. It may be put "+
				"aside at any time."),
		truth("audit.reads", "false", &c.Audit.Reads,
			"Whether operations that change nothing are recorded too."),

		oneOf("access.local_role", "admin", "viewer, operator or admin", &c.Access.LocalRole, []string{"viewer", "operator", "admin"},
			"What those may do who run commands and scripts on this machine: a viewer looks, an operator also asks for machines and "+
				"gives them back, an admin may do everything. It guards against mistakes; whoever can write the work directory or read "+
				"the cloud's credentials can do without the program."),

		truth("events.templates", "true", &c.Events.Templates,
			"Whether changes of the store's templates are recorded as events, and delivered like those of requests and machines."),
		truth("mcp.confirm", "true", &c.MCP.Confirm,
			"Whether tools of AI assistants that end or remove something answer with a plan first, and do it only once it is confirmed."),

		truth("logging.accept_propagated", "true", &c.Logging.AcceptPropagated,
			"Whether HF_LOGLEVEL, HF_LOG_MAX_FILE_SIZE and HF_LOG_MAX_ROTATE, as Host Factory passes them on, win over the files. "+
				"IBM's configuration file says it with ACCEPT_PROPAGATED_LOG_SETTING, whose default there is false.").
			env("ACCEPT_PROPAGATED_LOG_SETTING").
			alias("logging.accept_propagated_setting"),
		level("logging.level", "INFO", &c.Logging.Level,
			"The least important messages that are logged."),
		oneOf("logging.format", LogText, LogText+" or "+LogJSON, &c.Logging.Format, []string{LogText, LogJSON},
			"How lines of the log look: key=value, or a JSON object each."),
		path("logging.file", "{log}/{name}.log", &c.Logging.File,
			"The log file. Many processes write it at once.").
			alias("logging.file_path"),
		count("logging.max_size_mb", "10", 0, 1<<20, &c.Logging.MaxSizeMB,
			"The size in MiB at which the log file is put aside and a new one begun. 0: never."),
		count("logging.max_rotate", "5", 0, 1000, &c.Logging.MaxRotate,
			"How many old log files are kept.").
			alias("logging.backup_count"),
		truth("logging.console", "false", &c.Logging.Console,
			"Whether the log also goes to standard error.").
			env("HF_LOGGING_CONSOLE_ENABLED").
			alias("logging.console_enabled"),

		text("telemetry.traces.endpoint", "http://host:4318 or https://host/path", &c.Telemetry.Traces.Endpoint,
			"The OpenTelemetry collector that traces are sent to, over OTLP/HTTP in JSON. Without a path, /v1/traces is meant. Empty: nothing "+
				"is traced. See docs/monitoring.md."),
	}
	for i := range keys {
		keys[i].Env = append([]string{variable(keys[i].Name)}, keys[i].Env...)
	}
	var scratch Provider
	for _, key := range append(providerSettings(&scratch), ownSettings()...) {
		key.set, key.get = nil, nil
		key.Name = "providers[]." + key.Name
		keys = append(keys, key)
	}
	var scratchSink Sink
	for _, key := range sinkSettings(&scratchSink) {
		key.set, key.get = nil, nil
		key.Name = "events.sinks[]." + key.Name
		keys = append(keys, key)
	}
	return append(keys, Key{
		Name: "provider_defaults.<type>.template_defaults", Kind: KindObject, Expected: "an object of template fields",
		Description: "Template fields for every template of a provider type that does not set them. Those of the instance win over these.",
	})
}

// providerSettings is the table of one provider instance, bound to p.
func providerSettings(p *Provider) []Key {
	return []Key{
		text("name", "1 to 64 of the characters 0-9 A-Z a-z _ -", &p.Name, "The name of the instance. It is recorded with every request, so it must not change."),
		text("type", "a provider type, for example aws", &p.Type, "The kind of provider."),
		truth("enabled", "true", &p.Enabled, "Whether new requests may go to it. What it launched before is followed either way."),
		count("priority", "0", math.MinInt32, math.MaxInt32, &p.Priority, "Lower comes first where several providers fit."),
		count("weight", "100", 1, 1_000_000, &p.Weight, "Its share of the requests, against the weights of others, where placement.policy goes by weight."),
	}
}

// ownSettings are the settings of a provider instance whose content others understand.
func ownSettings() []Key {
	return []Key{
		{Name: "config", Kind: KindObject, Expected: "an object", Description: "The provider's own settings, see its documentation."},
		{Name: "template_defaults", Kind: KindObject, Expected: "an object of template fields", Description: "Template fields for every template that goes to this instance and does not set them."},
	}
}

// policies are the names of package placement's policies, which its test compares.
func policies() []string {
	return []string{
		"FIRST_AVAILABLE", "ROUND_ROBIN", "WEIGHTED_ROUND_ROBIN", "LEAST_CONNECTIONS", "FASTEST_RESPONSE", "HIGHEST_SUCCESS_RATE",
		"HEALTH_BASED", "CAPABILITY_BASED", "PERFORMANCE_BASED", "RANDOM",
	}
}

// capitals lets the words of a setting be written in small letters too.
func capitals(k Key) Key {
	set := k.set
	k.set = func(in input) bool {
		for i, value := range in.values {
			in.values[i] = strings.ToUpper(value)
		}
		return set(in)
	}
	return k
}

// variable is the environment variable of a setting: OHFP_LIMITS_MAX_MACHINES for limits.max_machines.
func variable(name string) string {
	return "OHFP_" + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
}

func (k Key) alias(name string) Key {
	k.Aliases = append(k.Aliases, name)
	return k
}

// or gives a default.
func (k Key) or(value string) Key {
	k.Default = value
	return k
}

// commas separates the values of a list in the environment by commas, where they may have the system's separator in them.
func (k Key) commas() Key {
	k.separator = ","
	return k
}

func (k Key) env(name string) Key {
	k.Env = append(k.Env, name)
	return k
}

// split is the value of a variable or flag as values: lists are written as search paths are.
func (k Key) split(value string) []string {
	if k.Kind == KindList {
		return strings.Split(value, cmp.Or(k.separator, string(os.PathListSeparator)))
	}
	return []string{value}
}
