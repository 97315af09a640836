package telemetry

// Metric is the name of a figure that others watch.
type Metric string

// MetricKind is what sort of figure it is, in the words of Prometheus.
type MetricKind string

// The kinds.
const (
	Counter   MetricKind = "counter"   // only rises, over all processes that share a work directory
	Gauge     MetricKind = "gauge"     // how it is now
	Histogram MetricKind = "histogram" // counts how long things took
)

// Definition is what is known of a metric.
type Definition struct {
	Name    Metric
	Kind    MetricKind
	Help    string
	Labels  []string
	Buckets []float64 // upper bounds in seconds, ascending; of a histogram
}

// What every process counts of its own work.
const (
	Calls                Metric = "ohfp_calls_total"
	CallSeconds          Metric = "ohfp_call_duration_seconds"
	ProviderOperations   Metric = "ohfp_provider_operations_total"
	ProviderSeconds      Metric = "ohfp_provider_operation_duration_seconds"
	CloudCalls           Metric = "ohfp_cloud_calls_total"
	CloudSeconds         Metric = "ohfp_cloud_call_duration_seconds"
	StoreOperations      Metric = "ohfp_store_operations_total"
	StoreSeconds         Metric = "ohfp_store_operation_duration_seconds"
	Rounds               Metric = "ohfp_reconcile_rounds_total"
	RoundSeconds         Metric = "ohfp_reconcile_round_duration_seconds"
	EventsDelivered      Metric = "ohfp_events_delivered_total"
	EventDeliveryFailure Metric = "ohfp_event_delivery_failures_total"
	Reloads              Metric = "ohfp_reloads_total"
)

// What is counted from the events that the store has, whichever process brought them about.
const (
	RequestsMade      Metric = "ohfp_requests_total"
	RequestsEnded     Metric = "ohfp_requests_ended_total"
	RequestSeconds    Metric = "ohfp_request_duration_seconds"
	MachinesLaunched  Metric = "ohfp_machines_launched_total"
	ProvisionSeconds  Metric = "ohfp_machine_provision_duration_seconds"
	MachinesGone      Metric = "ohfp_machines_gone_total"
	MachinesRecovered Metric = "ohfp_machines_recovered_total"
	LaunchesRefused   Metric = "ohfp_launches_refused_total"
	EndsRefused       Metric = "ohfp_ends_refused_total"
	Interruptions     Metric = "ohfp_interruptions_total"
)

// What the records say now.
const (
	StoreUp         Metric = "ohfp_store_up"
	RequestsOpen    Metric = "ohfp_requests_open"
	OldestOpen      Metric = "ohfp_request_oldest_open_seconds"
	RequestsOverdue Metric = "ohfp_requests_overdue"
	Machines        Metric = "ohfp_machines"
	EndsOverdue     Metric = "ohfp_machines_end_overdue"
	VCPUs           Metric = "ohfp_machine_vcpus"
	DollarsPerHour  Metric = "ohfp_machine_dollars_per_hour"
	Orphans         Metric = "ohfp_orphans"
	OrphansHeld     Metric = "ohfp_orphans_held"
	BreakerOpen     Metric = "ohfp_breaker_open"
	EventsWaiting   Metric = "ohfp_events_waiting"
)

// How the process is that answers. Only a daemon has the last three.
const (
	BuildInfo    Metric = "ohfp_build_info"
	Goroutines   Metric = "go_goroutines"
	HeapBytes    Metric = "go_memstats_heap_inuse_bytes"
	DaemonStart  Metric = "ohfp_daemon_start_time_seconds"
	ReconcileLag Metric = "ohfp_reconcile_lag_seconds"
	DaemonLive   Metric = "ohfp_daemon_live"
)

// Outcomes of calls: no kind of error, and the one that others look for.
const (
	OutcomeOK        = "ok"
	OutcomeInternal  = "internal"
	OutcomeThrottled = "throttled" // the kind of error that is watched by itself
)

// Definitions lists every metric in the order in which they are shown.
func Definitions() []Definition {
	quick := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	remote := []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 60}
	long := []float64{1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 3600}
	const (
		outcome = "outcome is ok, the kind of error (see docs/errors.md) or internal"
		events  = "from the stored events, whichever process brought it about"
	)
	return []Definition{
		{Calls, Counter, "Calls that were answered. face is hostfactory, rest, cli or mcp, " + outcome + ".", []string{"face", "operation", "outcome"}, nil},
		{CallSeconds, Histogram, "How long calls took to be answered.", []string{"face", "operation"}, quick},
		{RequestsMade, Counter, "Requests that were made: type is acquire or return, " + events + ".", []string{"type", "provider"}, nil},
		{RequestsEnded, Counter, "Requests that have ended, " + events + ".", []string{"type", "status", "provider"}, nil},
		{RequestSeconds, Histogram, "From the making of a request to its end.", []string{"type", "provider"}, long},
		{RequestsOpen, Gauge, "Requests that have not ended.", []string{"type", "status"}, nil},
		{OldestOpen, Gauge, "Age of the oldest request that has not ended, 0 when there is none.", []string{"type"}, nil},
		{RequestsOverdue, Gauge, "Requests for machines that have not ended although their time is up.", nil, nil},
		{MachinesLaunched, Counter, "Machines that clouds have launched for requests, " + events + ".", []string{"provider", "template"}, nil},
		{ProvisionSeconds, Histogram, "From the making of a request to each machine's being ready: it runs and has its name and address.", []string{"provider", "template"}, long},
		{MachinesGone, Counter, "Machines that have ceased to exist, " + events + ".", []string{"provider", "template"}, nil},
		{MachinesRecovered, Counter, "Machines that were taken for gone and are there.", []string{"provider", "template"}, nil},
		{Machines, Gauge, "Machines that exist, by their state as last seen.", []string{"provider", "template", "state"}, nil},
		{EndsOverdue, Gauge, "Machines that were to be ended more than 15 minutes ago and exist: what may go on costing money.", []string{"provider"}, nil},
		{VCPUs, Gauge, "vCPUs of the machines that exist, as far as known.", []string{"provider"}, nil},
		{DollarsPerHour, Gauge, "Estimated cost of the machines that exist, in US dollars an hour, as far as known.", []string{"provider"}, nil},
		{LaunchesRefused, Counter, "Launches, or parts of them, that clouds have refused, by the cloud's own code.", []string{"provider", "code"}, nil},
		{EndsRefused, Counter, "Refusals to end machines, by the cloud's own code.", []string{"provider", "code"}, nil},
		{Interruptions, Counter, "Notices that a machine is taken back, by kind.", []string{"provider", "kind"}, nil},
		{Orphans, Gauge, "Machines, fleets and groups of this installation that nobody answers for, as the last look showed.", []string{"provider", "reason"}, nil},
		{OrphansHeld, Gauge, "1 when so many orphans were found that none is ended before somebody has looked.", nil, nil},
		{ProviderOperations, Counter, "Operations of providers; one may take several calls to the cloud. " + outcome + ".", []string{"provider", "operation", "outcome"}, nil},
		{ProviderSeconds, Histogram, "How long operations of providers took.", []string{"provider", "operation"}, remote},
		{CloudCalls, Counter, "Calls to clouds by the cloud's own name of the operation, each try of one. What the cloud's rate refused has the outcome throttled.", []string{"provider", "operation", "outcome"}, nil},
		{CloudSeconds, Histogram, "How long calls to clouds took, each try by itself, without the wait for the cloud's rate.", []string{"provider", "operation"}, remote},
		{BreakerOpen, Gauge, "1 while an operation of a provider is held back because it fails, 0 while it fails and is tried. None while it works.", []string{"provider", "operation"}, nil},
		{StoreUp, Gauge, "1 when the store could be read for this answer.", nil, nil},
		{StoreOperations, Counter, "Operations on the store. " + outcome + "; conflict, not_found and limit are answers.", []string{"operation", "outcome"}, nil},
		{StoreSeconds, Histogram, "How long operations on the store took.", []string{"operation"}, quick},
		{Rounds, Counter, "Looks of a daemon at everything.", []string{"outcome"}, nil},
		{RoundSeconds, Histogram, "How long such a look took.", nil, remote},
		{ReconcileLag, Gauge, "Seconds since a look of the daemon last ended without a problem; since its start when none has.", nil, nil},
		{DaemonLive, Gauge, "1 while the daemon's loop goes round.", nil, nil},
		{DaemonStart, Gauge, "When the daemon started, in seconds since 1970.", nil, nil},
		{EventsDelivered, Counter, "Events that a sink has taken.", []string{"sink"}, nil},
		{EventDeliveryFailure, Counter, "Deliveries of events that a sink has not taken.", []string{"sink"}, nil},
		{EventsWaiting, Gauge, "Events that a sink is not done with, those that it does not want among them.", []string{"sink"}, nil},
		{Reloads, Counter, "Times that a daemon was told to read its configuration again: outcome is ok or refused.", []string{"outcome"}, nil},
		{BuildInfo, Gauge, "Always 1; which build answers.", []string{"version", "commit"}, nil},
		{Goroutines, Gauge, "Goroutines of the process that answers.", nil, nil},
		{HeapBytes, Gauge, "Bytes of heap in use in the process that answers.", nil, nil},
	}
}
