package config

import (
	"log/slog"
	"time"

	"github.com/openhostfactory/ohfp"
)

// Placement is how a provider instance is chosen where several fit.
type Placement struct {
	Policy   string
	Fallback []string // instances that are asked next, by name
}

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
