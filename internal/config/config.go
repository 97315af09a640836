// Package config is everything that an operator can set: one table of settings with their defaults and descriptions, and
// the files, environment variables and flags that they come from.
// It refuses to open anything that a setting names, to understand a provider's own settings, and to let a misspelt one pass.
package config

import (
	"encoding/json"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config/directories"
	"github.com/openhostfactory/ohfp/internal/config/document"
)

// Config is what the program runs with. Every path in it is absolute.
type Config struct {
	Instance string // the name that Host Factory gave this provider instance, empty outside Host Factory
	ConfDir  string // where configuration and templates are
	WorkDir  string // where the program keeps its state
	LogDir   string
	Named    string // the configuration file that the user named, empty when the usual ones were looked for

	Providers        []Provider
	DefaultProvider  string                // empty: placement chooses
	ProviderDefaults map[string]FieldTable // template fields by provider type

	Placement  Placement
	Storage    Storage
	Limits     Limits
	Requests   Requests
	Scheduler  Scheduler
	Output     Output
	Cleaning   Cleaning
	Orphans    Orphans
	Daemon     Daemon
	Resilience Resilience

	Interruptions Interruptions

	HostFactory HostFactory
	Templates   Templates
	Events      Events
	API         API
	Auth        Auth
	Audit       Audit
	Access      Access
	MCP         MCP
	Logging     Logging
	Telemetry   Telemetry

	Files   []string          // the files that were read
	Notes   []string          // remarks for the log, about what was read but is not as it seems
	Origins map[string]string // where each setting that is not its default came from: a file and line, a variable or a flag

	Variables map[string]string // what .env files add to the environment; nil when they add nothing
}

// FieldTable holds template fields by name, each as JSON.
type FieldTable = map[string]json.RawMessage

// Provider is one configured provider instance.
type Provider struct {
	Name             string
	Type             string // for example aws
	Enabled          bool
	Priority         int             // lower comes first
	Weight           int             // its share where placement divides requests
	Config           json.RawMessage // the provider's own settings, which only it understands; nil when there are none
	TemplateDefaults FieldTable      // for templates that this instance launches
}

// Placement is how a provider instance is chosen where several fit.
type Placement struct {
	Policy   string
	Fallback []string // instances that are asked next, by name
}

// Storage is where requests and machines are kept.
type Storage struct {
	Strategy  string // StrategySQL, StrategyJSON or StrategyDynamoDB
	SQL       SQL
	JSON      JSON
	DynamoDB  DynamoDB
	Retention time.Duration // of requests that have ended; 0: for ever
}

// File is the path of a store in a file or directory; empty: it is none.
func (s Storage) File() string {
	switch {
	case s.Strategy == StrategyJSON:
		return s.JSON.Path
	case s.Strategy == StrategySQL && s.SQL.Type != PostgreSQL:
		return s.SQL.Path
	default:
		return ""
	}
}

// Shared says whether daemons on several hosts may use the store at once.
func (s Storage) Shared() bool {
	return s.Strategy == StrategyDynamoDB || s.Strategy == StrategySQL && s.SQL.Type == PostgreSQL
}

// Where requests and machines can be kept.
const (
	StrategySQL      = "sql"
	StrategyJSON     = "json"
	StrategyDynamoDB = "dynamodb"
)

// DynamoDB is the store in a table of DynamoDB. What is empty is left to the AWS SDK.
type DynamoDB struct {
	Region      string
	Profile     string
	Endpoint    string
	TablePrefix string
}

// JSON is the store in files.
type JSON struct {
	Path    string // of the directory
	Backups int    // how many are kept; 0: none is made
}

// SQL is the store in a database.
type SQL struct {
	Type           string // SQLite or PostgreSQL
	Path           string // of the file, for SQLite
	URL            Secret // of the database, for PostgreSQL
	Schema         string // for PostgreSQL
	MaxConnections int
}

// Kinds of databases.
const (
	SQLite     = "sqlite"
	PostgreSQL = "postgresql"
)

// Secret is a value that no listing, log or message shows. Convert it to a string where it is used.
type Secret string

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString hides it from %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText hides it from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Limits are the operator's bounds besides each template's maxNumber.
type Limits struct {
	MaxMachinesPerRequest int
	MaxMachines           int        // of one provider instance; 0: none
	MaxVCPUs              int        // of one provider instance; 0: none
	MaxHourlyCost         ohfp.Price // of one provider instance; 0: none
}

// Requests is how long things may take.
type Requests struct {
	Timeout           time.Duration
	UnansweredRelease time.Duration // 0: never
	AbandonedAfter    time.Duration // 0: never
	ReleaseAbandoned  bool
	CallBudget        time.Duration
}

// Scheduler is whose dialect answers on the command line have.
type Scheduler struct {
	Type string // one of Schedulers
}

// The dialects: names as Host Factory spells them, or with_underscores.
const (
	SchedulerHostFactory = "hostfactory"
	SchedulerDefault     = "default"
)

// Schedulers lists the names of the dialects; hf is short for hostfactory.
func Schedulers() []string { return []string{SchedulerHostFactory, "hf", SchedulerDefault} }

// Output is which fields answers on the command line have, by what they are about; empty: all.
type Output struct {
	Machines  []string
	Providers []string
	Requests  []string
	Templates []string
}

// Cleaning is when what requests share in the cloud is removed.
type Cleaning struct {
	UnusedAfter time.Duration // 0: never
}

// Orphans is what becomes of machines that nobody answers for.
type Orphans struct {
	Policy     string // OrphansReport, OrphansTerminate or OrphansOff
	Interval   time.Duration
	Quarantine time.Duration
	MinAge     time.Duration
	MaxShare   int // percent
}

// Policies for orphans.
const (
	OrphansReport    = "report"
	OrphansTerminate = "terminate"
	OrphansOff       = "off"
)

// Daemon is how `ohfp serve` works.
type Daemon struct {
	Interval     time.Duration // between looks at the cloud while requests are under way
	IdleInterval time.Duration // between looks at the records while none is
	LiveInterval time.Duration // between looks at machines that their users have
	AnswerWithin time.Duration // what requestMachines waits for the outcome of the launch
	StopWithin   time.Duration // what calls under way may still take when it is stopped
	Lease        time.Duration // after which daemons on other hosts take over from one that is not heard of
	Groups       []string      // groups whose members may call it, by name or number
}

// Resilience is how the program treats a cloud that fails or holds it to a rate.
type Resilience struct {
	Breaker Breaker
	Pacing  bool // keep to the cloud's rates before it refuses calls
}

// Breaker is when calls to a cloud that does not work are held back.
type Breaker struct {
	Enabled  bool
	Failures int           // in a row
	OpenFor  time.Duration // how long calls are held back before one is tried
}

// Interruptions is how it is learned what clouds take back.
type Interruptions struct {
	PollInterval        time.Duration // between questions about spot interruptions; 0: never
	MaintenanceInterval time.Duration // between questions about scheduled maintenance; 0: never
	Rebalance           bool          // machines that a cloud recommends to replace count as taken back
}

// HostFactory is how answers to Host Factory look where its operators want them differently.
type HostFactory struct {
	PartialResult string // PartialWithError or PartialComplete
}

// What Host Factory is told of a request that brought some of its machines.
const (
	PartialWithError = "complete_with_error"
	PartialComplete  = "complete"
)

// Templates is where template files are.
type Templates struct {
	Files []string // empty: the usual names in ConfDir
}

// MCP is what AI assistants are held to.
type MCP struct {
	Confirm bool // what ends or removes something answers with a plan first
}

// API is where ohfp serve answers over HTTP.
type API struct {
	Enabled    bool
	Host       string
	Port       int    // 0: any that is free
	SocketPath string // of a Unix socket to answer on instead; empty: none
	Tokens     bool   // callers on loopback need a token too

	TLS        TLS
	RateLimit  int      // calls a second of each caller; 0: none
	MaxStreams int      // that each caller may have open at once; 0: any number
	Origins    []string // of pages in browsers that may call
	Proxies    []string // addresses and networks of those who may say for whom they call
}

// TLS is what answers over HTTP are encrypted with.
type TLS struct {
	CertFile     string // empty: they are not encrypted
	KeyFile      string
	ClientCAFile string // who signs certificates of callers; empty: they are not asked for
	MinVersion   string // 1.2 or 1.3
}

// Auth is how callers over HTTP are recognised besides the tokens of this program.
type Auth struct {
	JWT              JWT
	OIDC             OIDC
	NameClaim        string
	RolesClaim       string
	Roles            []string // entries such as ops=operator
	DefaultRole      string   // of those whom no entry names; empty: none
	CertificateRoles []string // entries such as OU:ops=operator
	Leeway           time.Duration
}

// JWT is one key that signs tokens of others.
type JWT struct {
	KeyFile  string // empty: none
	Issuer   string // empty: any
	Audience string // empty: any
}

// OIDC is an issuer of tokens by OpenID Connect.
type OIDC struct {
	Issuer   string // empty: none
	Audience string
}

// Audit is where it is recorded who did what.
type Audit struct {
	Enabled bool
	File    string
	Reads   bool // operations that change nothing too
}

// Access is what callers may do.
type Access struct {
	LocalRole string // of whoever runs commands and scripts here: viewer, operator or admin
}

// Events is where events go besides the store.
type Events struct {
	Templates bool // changes of templates are events too
	Sinks     []Sink
}

// Sink is a place that events are taken to.
type Sink struct {
	Name       string
	Type       string   // SinkLog, SinkFile or SinkWebhook
	Kinds      []string // which events; empty: all
	Path       string   // of a file
	MaxSizeMB  int      // of a file; 0: never put aside
	MaxRotate  int      // of a file: old files kept
	URL        string   // of a webhook
	Secret     Secret   // of a webhook
	SecretFile string   // of a webhook: a file that holds the secret
}

// Kinds of places that events are taken to.
const (
	SinkLog     = "log"
	SinkFile    = "file"
	SinkWebhook = "webhook"
)

// Logging is where the log goes.
type Logging struct {
	AcceptPropagated bool // Host Factory's own log settings win
	Level            slog.Level
	Format           string // LogText or LogJSON
	File             string
	MaxSizeMB        int // 0: never rotated
	MaxRotate        int // old files kept
	Console          bool
}

// The forms of log lines.
const (
	LogText = "text" // key=value
	LogJSON = "json" // an object each
)

// Telemetry is what watches over the program besides its log.
type Telemetry struct {
	Traces Traces
}

// Traces is where traces go.
type Traces struct {
	Endpoint string // of an OpenTelemetry collector; empty: nowhere
}

// Sources is where a configuration comes from.
type Sources struct {
	File    string            // the file that the user names; empty: the usual names in the configuration directory
	Environ []string          // as os.Environ gives it
	Flags   map[string]string // settings by name, from the command line
	Dir     string            // where relative names of the user start; empty: the current directory
	Instead map[string][]byte // texts by path that are taken for what is in these files, to see what they would mean
}

// Load reads the configuration. Later sources win: defaults, IBM's file, config and providers files, .env files, Host
// Factory's log settings, environment, flags.
func Load(s Sources) (Config, error) {
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return Config{}, ohfp.Errorf(ohfp.ErrInvalid, "the current directory cannot be found: %w; change to one that exists", err)
	}
	s.Dir = dir
	l := newLoader(s)
	steps := []func() error{
		l.locate, l.readDotEnv, l.applyDefaults, l.readFiles, l.applyPropagated, l.applyEnvironment, l.applyFlags, l.settle,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return Config{}, err
		}
	}
	return l.config, nil
}

// Origin says where the value of a setting came from.
func (c Config) Origin(key string) string {
	if origin, ok := c.Origins[key]; ok {
		return origin
	}
	return "default"
}

// Provider returns the configured instance of that name.
func (c Config) Provider(name string) (Provider, bool) {
	i := slices.IndexFunc(c.Providers, func(p Provider) bool { return p.Name == name })
	if i < 0 {
		return Provider{}, false
	}
	return c.Providers[i], true
}

// loader gathers a configuration from its sources.
type loader struct {
	sources Sources
	env     directories.Environment
	config  Config
	keys    []Key
	lines   map[string]string // of variables that a .env file gives, where
}

func newLoader(s Sources) *loader {
	l := &loader{sources: s, env: directories.NewEnvironment(s.Environ)}
	l.config.Origins = map[string]string{}
	l.keys = settings(&l.config)
	return l
}

func (l *loader) note(text string) { l.config.Notes = append(l.config.Notes, text) }

// set gives a setting a value and remembers where it came from.
func (l *loader) set(key Key, origin, base string, values ...string) error {
	if !key.set(input{values: values, base: base, home: l.env.Home()}) {
		if key.Secret {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s: %s is not as it should be; write %s", origin, key.Name, key.Expected)
		}
		return ohfp.Errorf(ohfp.ErrInvalid, "%s: %s is %q; write %s", origin, key.Name, strings.Join(values, ","), key.Expected)
	}
	l.config.Origins[key.Name] = origin
	return nil
}

// key finds a setting by its name or an alias.
func (l *loader) key(name string) (Key, bool) {
	i := slices.IndexFunc(l.keys, func(k Key) bool { return k.Name == name || slices.Contains(k.Aliases, name) })
	if i < 0 {
		return Key{}, false
	}
	return l.keys[i], true
}

func (l *loader) applyDefaults() error {
	for _, key := range l.keys {
		if key.Default == "" || key.set == nil {
			continue
		}
		value := l.placeholders().Replace(key.Default)
		if err := l.set(key, "default", l.config.ConfDir, value); err != nil {
			return err
		}
	}
	clear(l.config.Origins)
	return nil
}

func (l *loader) applyFlags() error {
	for _, name := range slices.Sorted(maps.Keys(l.sources.Flags)) {
		key, ok := l.key(name)
		if !ok || key.set == nil {
			return ohfp.Errorf(ohfp.ErrInvalid, "flag: %s is not a setting%s", name, l.suggestion(name, ""))
		}
		if err := l.set(key, "flag", l.sources.Dir, key.split(l.sources.Flags[name])...); err != nil {
			return err
		}
	}
	return nil
}

// suggestion ends the message about an unknown setting: with a neighbour that is spelt almost so, with a setting of that
// name in another section, or with all neighbours.
func (l *loader) suggestion(name, section string) string {
	var known, here []string
	for _, key := range l.keys {
		if key.set != nil {
			known = append(known, key.Name)
		}
	}
	known = append(known, "providers", "provider_defaults", "events.sinks")
	for _, key := range known {
		if rest, ok := strings.CutPrefix(key, section); ok {
			word, _, _ := strings.Cut(rest, ".")
			here = append(here, word)
		}
	}
	here = slices.Compact(here)
	word := strings.TrimPrefix(name, section)
	if near := document.Nearest(word, here); near != "" {
		return "; did you mean " + section + near + "?"
	}
	if near := document.Nearest(name, known); near != "" && section == "" {
		return "; did you mean " + near + "?"
	}
	for _, key := range known {
		if strings.HasSuffix(key, "."+word) {
			return "; did you mean " + key + "?"
		}
	}
	return "; use one of " + strings.Join(here, ", ")
}
